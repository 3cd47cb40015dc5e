"""Processes that are stopped for a while and go on, and a STOP at the worst moment: no text twice, none to who said STOP."""

import os
import signal
import time

from cluster import ClusterTest, main, wait_for

# A stopped process counts as dead after 6 s; then the sweep, and the looks at Twilio's list.
RECOVERY = 40.0


class Stopped(ClusterTest):
    env = {"ANTHROPIC_API_KEY": "sk-ant-sandbox", "LEADWIRE_AGENT_PATIENCE_SECONDS": "20"}
    QUESTION = "What are your opening hours?"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.start("orchestrator#2")
        cls.cluster.start("delivery#2")
        wait_for("the second of each", lambda: cls.cluster.sql(
            "SELECT count(*) FROM mailboxes WHERE role IN ('orchestrator', 'delivery')") == "4")

    def setUp(self):
        super().setUp()
        self.cluster.sandbox("DELETE", "/faults")

    def state(self):
        return self.cluster.sql("SELECT m.state FROM messages m JOIN conversations c USING (client_id, conversation_id) "
                                f"WHERE lead_address = '{self.lead}' AND direction = 'out' AND m.state <> 'dropped'")

    def stop_holder(self, kind):
        """SIGSTOP for the process that runs the task of that kind; returns its pid."""
        pid = int(wait_for(f"{kind} to run", lambda: self.cluster.sql(
            "SELECT b.pid FROM tasks t JOIN mailboxes b USING (instance) "
            f"WHERE kind = '{kind}' AND t.state = 'running'")))
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        return pid

    def expect_one(self):
        self.cluster.wait_replies(1, self.lead, RECOVERY)
        wait_for("no task to be left", lambda: self.cluster.sql("SELECT count(*) FROM tasks") == "0", RECOVERY)
        time.sleep(1)
        self.assertEqual(len(self.cluster.replies(self.lead)), 1)
        self.assertIn(self.state(), ("sent", "delivered"))

    def test_an_orchestrator_that_goes_on_after_another_has_answered_says_nothing(self):
        self.cluster.fault("anthropic", "delay", ms=2000, count=1)
        self.cluster.text(self.QUESTION, self.lead)
        pid = self.stop_holder("process_ai_response")
        self.cluster.wait_replies(1, self.lead, RECOVERY)
        os.kill(pid, signal.SIGCONT)
        time.sleep(3)
        self.expect_one()

    def test_a_delivery_that_goes_on_after_another_has_looked_sends_nothing_twice(self):
        self.cluster.fault("callbacks", "drop", rate=1)
        self.cluster.fault("twilio.send", "delay", ms=2000, count=1)
        self.cluster.text(self.QUESTION, self.lead)
        wait_for("the intent", lambda: self.state() == "sending")
        pid = self.stop_holder("send_message_sms")
        wait_for("another one to find it", lambda: self.state() == "sent", RECOVERY)
        os.kill(pid, signal.SIGCONT)
        time.sleep(3)
        self.expect_one()

    def test_a_stop_while_the_answer_is_thought_of_is_heard(self):
        self.cluster.fault("anthropic", "delay", ms=2000, count=1)
        self.cluster.text(self.QUESTION, self.lead)
        wait_for("the turn", lambda: self.cluster.sql(
            "SELECT count(*) FROM tasks WHERE kind = 'process_ai_response' AND state = 'running'") == "1")
        self.assertEqual(self.cluster.text("Stop", self.lead)["status"], 200)
        wait_for("no task to be left", lambda: self.cluster.sql("SELECT count(*) FROM tasks") == "0", RECOVERY)
        self.assertEqual(self.cluster.replies(self.lead), [])
        self.assertEqual(self.state(), "")

    def test_a_stop_while_the_text_waits_for_twilio_is_heard(self):
        self.cluster.fault("twilio.send", "status", status=429, code=20429, retry_after=3, count=1)
        self.cluster.text(self.QUESTION, self.lead)
        wait_for("the refusal", lambda: self.cluster.sql(
            "SELECT count(*) FROM tasks WHERE kind = 'send_message_sms' AND error IS NOT NULL") == "1")
        self.cluster.text("STOP", self.lead)
        wait_for("the message to be dropped", lambda: self.cluster.sql(
            f"SELECT count(*) FROM messages WHERE to_address = '{self.lead}' AND state = 'dropped'") == "1")
        self.assertEqual(self.cluster.replies(self.lead), [])
        self.cluster.text("START", self.lead)
        self.cluster.text(self.QUESTION, self.lead)
        self.expect_one()


if __name__ == "__main__":
    main()
