"""Providers that fail: the lead is answered, once, and the log says what the provider said."""

import time

from cluster import ClusterTest, main, wait_for


class Twilio(ClusterTest):
    QUESTION = "How much does a drain cleaning cost?"

    def setUp(self):
        super().setUp()
        self.cluster.sandbox("DELETE", "/faults")

    def message(self):
        conversation = self.cluster.conversation(self.lead)
        return self.cluster.messages(conversation["conversation_id"])[-1]

    def expect_one(self, seconds=30):
        self.cluster.wait_replies(1, self.lead, seconds)
        wait_for("the message to be sent", lambda: self.message()["state"] in ("sent", "delivered"), seconds)
        self.assertEqual(len(self.cluster.replies(self.lead)), 1)

    def test_accepted_and_cut_is_found_in_the_list_and_not_repeated(self):
        self.cluster.fault("callbacks", "drop", rate=1)
        self.cluster.fault("twilio.send", "accept-then-cut", count=1)
        self.cluster.text(self.QUESTION, self.lead)
        self.expect_one()

    def test_accepted_and_answered_500_is_not_repeated(self):
        self.cluster.fault("callbacks", "drop", rate=1)
        self.cluster.fault("twilio.send", "accept-then-500", count=1)
        self.cluster.text(self.QUESTION, self.lead)
        self.expect_one()

    def test_a_callback_settles_what_was_uncertain(self):
        self.cluster.fault("twilio.list", "status", status=503, rate=1)
        self.cluster.fault("twilio.send", "accept-then-cut", count=1)
        self.cluster.text(self.QUESTION, self.lead)
        self.expect_one()

    def test_cut_without_accepting_is_sent_after_the_list_has_shown_nothing(self):
        self.cluster.fault("twilio.send", "cut-before", count=1)
        self.cluster.text(self.QUESTION, self.lead)
        self.expect_one(60)

    def test_an_outage_longer_than_all_looks_delays_the_answer(self):
        for endpoint in ("twilio.send", "twilio.list"):
            self.cluster.fault(endpoint, "status", status=503, rate=1)
        self.cluster.text(self.QUESTION, self.lead)
        wait_for("more looks than there are times for", lambda: int(self.cluster.sql(
            f"SELECT coalesce(max(looks), 0) FROM messages WHERE to_address = '{self.lead}'")) > 4, 40)
        self.cluster.sandbox("DELETE", "/faults")
        self.expect_one(60)

    def test_too_many_requests_are_retried_as_told(self):
        self.cluster.fault("twilio.send", "status", status=429, code=20429, retry_after=2, count=1)
        self.cluster.text(self.QUESTION, self.lead)
        self.expect_one()

    def test_a_refused_number_is_final_with_twilios_code(self):
        self.cluster.fault("twilio.send", "status", status=400, code=21211, count=1)
        self.cluster.text(self.QUESTION, self.lead)
        wait_for("the message to fail", lambda: self.message()["state"] == "failed")
        self.assertEqual(self.message()["error_code"], 21211)
        time.sleep(2)
        self.assertEqual(self.cluster.replies(self.lead), [])
        self.assertIn("21211", self.cluster.leadctl("task", "list", "--state", "dead"))

    def test_an_opted_out_recipient_is_remembered(self):
        self.cluster.sandbox("POST", "/optout", {"number": self.lead})
        self.cluster.text(self.QUESTION, self.lead)
        wait_for("the message to fail", lambda: self.message()["state"] == "failed")
        self.assertEqual(self.message()["error_code"], 21610)
        self.assertIn("opted_out_at", self.cluster.conversation(self.lead))


class Claude(ClusterTest):
    env = {"ANTHROPIC_API_KEY": "sk-ant-sandbox", "LEADWIRE_AGENT_PATIENCE_SECONDS": "6"}
    QUESTION = "Do you install water heaters?"

    def setUp(self):
        super().setUp()
        self.cluster.sandbox("DELETE", "/faults")

    def agent(self):
        return self.cluster.sql("SELECT agent FROM turns t JOIN conversations c USING (client_id, conversation_id) "
                                f"WHERE lead_address = '{self.lead}' ORDER BY t.created_at DESC LIMIT 1")

    def ask(self):
        answer = self.cluster.text(self.QUESTION, self.lead)
        self.assertEqual(answer["status"], 200, answer)
        return self.cluster.wait_replies(1, self.lead, 40)[0]["body"]

    def test_claude_answers_and_qualifies(self):
        self.cluster.text("I need a new water heater today, it is urgent, my budget is $2000.", self.lead)
        self.cluster.wait_replies(1, self.lead)
        self.assertEqual(self.agent(), "claude")
        self.assertEqual(self.cluster.conversation(self.lead)["score"], "HOT")

    def test_an_overload_is_retried(self):
        self.cluster.fault("anthropic", "status", status=529, retry_after=1, count=1)
        self.ask()
        self.assertEqual(self.agent(), "claude")

    def test_the_scripted_agent_answers_when_claude_stays_down(self):
        for fault in ({"kind": "status", "status": 529}, {"kind": "status", "status": 500},
                      {"kind": "status", "status": 429, "retry_after": 60}, {"kind": "status", "status": 401},
                      {"kind": "malformed"}, {"kind": "cut-before"}, {"kind": "hang", "ms": 20000}):
            with self.subTest(fault=fault):
                self.setUp()
                self.cluster.fault("anthropic", rate=1, **fault)
                self.assertIn("water heaters", self.ask())
                self.assertEqual(self.agent(), "scripted")
                if "status" in fault:
                    self.assertIn(str(fault["status"]), self.cluster.log("orchestrator"))

    def test_an_invented_price_does_not_leave(self):
        self.cluster.sandbox("POST", "/anthropic/replies", [
            {"content": [{"type": "text", "text": "It costs $777 and we can start at 3:15 pm."}]},
            {"content": [{"type": "text", "text": "It costs $777."}]}])
        reply = self.ask()
        self.assertNotIn("777", reply)
        self.cluster.sandbox("POST", "/anthropic/replies", [])
        self.assertEqual(self.cluster.conversation(self.lead)["state"], "escalated")


class Outage(ClusterTest):
    """Few workers, and a model that is away: were each turn to wait for it, the last lead would wait for minutes."""
    env = {"ANTHROPIC_API_KEY": "sk-ant-sandbox", "LEADWIRE_AGENT_PATIENCE_SECONDS": "4", "LEADWIRE_WORKERS": "4"}

    def test_leads_do_not_queue_up_behind_a_model_that_is_away(self):
        self.cluster.fault("anthropic", "status", status=529, rate=1)
        leads = [self.lead[:-2] + "%02d" % i for i in range(60)]
        for lead in leads:
            self.assertEqual(self.cluster.text("Do you install water heaters?", lead)["status"], 200)
        wait_for("every lead to be answered", lambda: self.cluster.sql(
            "SELECT count(*) FROM messages WHERE direction = 'out'") == "60", 45)
        self.cluster.sandbox("DELETE", "/faults")
        later = (self.lead[:-2] + "%02d" % i for i in range(60, 100))
        wait_for("the model to be asked again", lambda: self.model_answers(next(later)), 30, 1)

    def model_answers(self, lead):
        """Another lead each time: one who repeats himself is taken for a machine, and has no model's answer."""
        self.cluster.text("Do you install water heaters?", lead)
        return self.cluster.sql("SELECT count(*) FROM turns WHERE agent = 'claude'") != "0"


if __name__ == "__main__":
    main()
