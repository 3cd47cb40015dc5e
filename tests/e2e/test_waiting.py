"""Turns that wait for the model: many at once, those that need none, and kill -9."""

import time

from cluster import ClusterTest, main, wait_for

WAITING = 400
RUNNING = "SELECT count(*) FROM tasks WHERE kind = 'process_ai_response' AND state = 'running'"
RECOVERY = 90.0
SCRIPTED = "+15550100009"


def lead(i):
    return "+1557%07d" % i


class Waiting(ClusterTest):
    env = {"ANTHROPIC_API_KEY": "sk-ant-test", "LEADWIRE_LONG_CODE_PER_SECOND": "0"}

    def setUp(self):
        super().setUp()
        self.cluster.sandbox("DELETE", "/faults")

    def text_all(self, leads):
        for number in leads:
            self.cluster.sandbox("POST", "/inbound", {"from": number, "to": "+15550100000", "body": "Are you open today?"})

    def wait_answered_once(self, leads):
        def answers():
            count, after = {}, -1
            while True:
                page = self.cluster.sandbox("GET", f"/messages?after={after}")["messages"]
                for message in page:
                    count[message["to"]] = count.get(message["to"], 0) + 1
                    after = message["index"]
                if not page:
                    return count
        wait_for("all answers", lambda: (a := answers()) and all(number in a for number in leads), RECOVERY, 0.5)
        wait_for("no task to be left", lambda: self.cluster.sql("SELECT count(*) FROM tasks") == "0", RECOVERY, 0.2)
        count = answers()
        self.assertEqual([number for number in leads if count[number] != 1], [])

    def test_a_kill_while_400_wait_loses_and_doubles_nothing(self):
        cluster = self.cluster
        cluster.fault("anthropic", "delay", ms=6000)
        leads = [lead(i) for i in range(WAITING)]
        self.text_all(leads)
        wait_for("all turns to be under way", lambda: int(cluster.sql(RUNNING)) >= WAITING, 60, 0.1)
        connections = int(cluster.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                      " AND application_name = 'leadwire-orchestrator'"))
        self.assertLessEqual(connections, 4)
        cluster.kill("orchestrator")
        cluster.sandbox("DELETE", "/faults")
        cluster.start("orchestrator")
        cluster.wait_ready()
        self.wait_answered_once(leads)


class FewWorkers(Waiting):
    """8 workers: one answers requests, one is left to turns that need no model."""
    env = {**Waiting.env, "LEADWIRE_WORKERS": "8"}
    test_a_kill_while_400_wait_loses_and_doubles_nothing = None

    def test_a_turn_that_needs_no_model_does_not_stand_behind_those_that_wait(self):
        cluster = self.cluster
        cluster.make_client(SCRIPTED, "Calm Dental", {"agent": "scripted"})
        cluster.fault("anthropic", "delay", ms=4000)
        leads = [lead(1000 + i) for i in range(30)]
        self.text_all(leads)
        wait_for("turns to wait", lambda: int(cluster.sql(RUNNING)) >= 20, 20, 0.05)
        began = time.monotonic()
        cluster.text("Are you open today?", self.lead, SCRIPTED)
        cluster.wait_replies(1, self.lead)
        self.assertLess(time.monotonic() - began, 3.5)
        self.assertGreater(int(cluster.sql(RUNNING)), 5, "none waited any more: this has tested nothing")
        cluster.sandbox("DELETE", "/faults")
        self.wait_answered_once(leads)

    def test_what_waits_for_its_turn_to_wait_is_given_back_at_the_end(self):
        cluster = self.cluster
        cluster.fault("anthropic", "delay", ms=3000)
        leads = [lead(2000 + i) for i in range(30)]
        self.text_all(leads)
        wait_for("turns to wait", lambda: int(cluster.sql(RUNNING)) >= 20, 20, 0.05)
        cluster.kill("orchestrator", 15)
        # What is given back may be claimed at once: its run counts as past its deadline.
        self.assertEqual(cluster.sql(RUNNING + " AND deadline_at >= now()"), "0", "a task was left to be orphaned")
        cluster.sandbox("DELETE", "/faults")
        cluster.start("orchestrator")
        cluster.wait_ready()
        self.wait_answered_once(leads)


if __name__ == "__main__":
    main()
