"""kill -9 of delivery at each step of a send."""

from cluster import main
from kill import KillTest


class KillDelivery(KillTest):
    def test_before_claim(self):
        self.kill_at("delivery.before_claim")
        self.expect_one_answer()

    def test_after_claim(self):
        self.kill_at("delivery.after_claim")
        self.expect_one_answer()

    def test_before_the_intent_is_committed(self):
        self.kill_at("delivery.before_intent")
        self.expect_one_answer()

    def test_after_the_intent_and_before_the_post(self):
        self.kill_at("delivery.after_intent")
        self.expect_one_answer()

    def test_after_the_provider_has_accepted(self):
        self.kill_at("delivery.after_post")
        self.expect_one_answer()


if __name__ == "__main__":
    main()
