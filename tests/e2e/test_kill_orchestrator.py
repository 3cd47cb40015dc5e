"""kill -9 of the orchestrator at each step of a turn."""

from cluster import main
from kill import KillTest


class KillOrchestrator(KillTest):
    def test_before_claim(self):
        self.kill_at("orchestrator.before_claim")
        self.expect_one_answer()

    def test_after_claim(self):
        self.kill_at("orchestrator.after_claim")
        self.expect_one_answer()

    def test_after_the_models_answer(self):
        self.kill_at("orchestrator.after_agent")
        self.expect_one_answer()

    def test_before_the_commit(self):
        self.kill_at("orchestrator.before_commit")
        self.expect_one_answer()

    def test_after_the_commit(self):
        self.kill_at("orchestrator.after_commit")
        self.expect_one_answer()


if __name__ == "__main__":
    main()
