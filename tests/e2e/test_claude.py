"""The agent on Claude, seen from both ends: what the lead gets, and what the provider is sent, byte for byte."""

import json
import time
import uuid

from cluster import ClusterTest, main, wait_for


def blocks(request):
    """What the provider's cache sees: tools, system, messages, block by block, without the marks."""
    def bare(block):
        return json.dumps({k: v for k, v in block.items() if k != "cache_control"}, ensure_ascii=False)
    return ([("tools", bare(b)) for b in request["tools"]] + [("system", bare(b)) for b in request["system"]]
            + [(m["role"], bare(b)) for m in request["messages"] for b in m["content"]])


def marks(request):
    return sum("cache_control" in b for part in ([request["tools"], request["system"]] +
                                                 [m["content"] for m in request["messages"]]) for b in part)


class Conversation(ClusterTest):
    env = {"ANTHROPIC_API_KEY": "sk-ant-sandbox"}

    def setUp(self):
        super().setUp()
        self.cluster.sandbox("DELETE", "/faults")
        self.cluster.sandbox("POST", "/anthropic/replies", [])
        self.word = "ref" + uuid.uuid4().hex[:10]  # tells this lead's requests from others'
        self.n = 0

    def ask(self, text, replies=None):
        """The lead writes; returns the answer's text."""
        if replies is not None:
            self.cluster.sandbox("POST", "/anthropic/replies", replies)
        self.n += 1
        answer = self.cluster.text(f"{self.word}: {text}" if self.n == 1 else text, self.lead)
        self.assertEqual(answer["status"], 200, answer)
        return self.cluster.wait_replies(self.n, self.lead, 40)[-1]["body"]

    def requests(self):
        """What the provider has accepted of this conversation, oldest first."""
        return [json.loads(r["body"]) for r in self.cluster.sandbox("GET", "/requests?provider=anthropic")["requests"]
                if r["status"] == 200 and self.word in r["body"]]

    def turns(self):
        """The records of this conversation's turns, oldest first."""
        rows = self.cluster.sql("SELECT json_agg(t.record ORDER BY t.created_at) FROM turns t JOIN conversations c "
                                f"USING (client_id, conversation_id) WHERE lead_address = '{self.lead}'")
        return json.loads(rows)

    def turn_ids(self):
        return self.cluster.sql("SELECT turn_id FROM turns t JOIN conversations c USING (client_id, conversation_id) "
                                f"WHERE lead_address = '{self.lead}'").split()

    def usages(self, record):
        return [a["message"]["usage"] for a in record["model_answers"]]

    def configure(self, **keys):
        self.cluster.api("PATCH", f"/clients/{self.client_id}/config", keys, status=200)
        self.addCleanup(self.cluster.api, "PATCH", f"/clients/{self.client_id}/config", {key: None for key in keys})

    def expect_prefixes(self):
        sent = self.requests()
        for before, after in zip(sent, sent[1:]):
            a, b = blocks(before), blocks(after)
            self.assertEqual(a, b[:len(a)])
        self.assertTrue(all(marks(r) <= 4 for r in sent))
        return sent


class Claude(Conversation):
    def test_each_request_begins_with_the_one_before_and_is_read_from_the_cache(self):
        self.ask("How much does a drain cleaning cost? It is urgent.")
        self.ask("My budget is $300.")
        self.ask("Which areas do you serve?", [
            [{"type": "tool_use", "name": "search_knowledge", "input": {"query": "areas served"}},
             {"type": "tool_use", "name": "search_knowledge", "input": {"query": "opening hours"}}],
            {"text": "We serve Springfield and all towns within 30 miles."}])
        self.ask("Thank you")
        sent = self.expect_prefixes()
        self.assertGreaterEqual(len(sent), 8)  # two rounds a turn
        self.assertIn("tool_result", json.dumps(sent[-1]["messages"][:-1]))
        turns = self.turns()
        self.assertEqual([t["output"]["agent"] for t in turns], ["claude"] * 4)
        for before, after in zip(turns, turns[1:]):
            last = self.usages(before)[-1]
            everything = sum(last[k] for k in ("input_tokens", "cache_read_input_tokens",
                                               "cache_creation_input_tokens"))
            # All that the turn before had sent in the end is read again, and none of it paid for again.
            self.assertEqual(self.usages(after)[0]["cache_read_input_tokens"], everything)
            self.assertGreater(after["tokens"]["cache_read"], 1000)
        # A record does not hold the turns before, and yet each turn is decided again from the very same bytes.
        for turn_id in self.turn_ids():
            again = self.cluster.api("POST", f"/turns/{turn_id}/replay", status=200).json
            self.assertEqual((again["outcome"], again["requests_changed"]), ("same", 0), again)
        for turn in turns:
            self.assertNotIn("search_knowledge", json.dumps(turn["input"]))
            self.assertTrue(all("messages" not in e for e in turn["input"].get("exchanges", [])))

    def test_what_a_colleague_writes_and_what_does_not_arrive_is_told(self):
        self.ask("Are you open today?")
        self.cluster.api("POST", "/messages", {"client_id": self.client_id, "to": self.lead,
                                               "body": "Joe here: today <only> until 3 pm."}, status=202)
        self.n += 1
        self.cluster.wait_replies(self.n, self.lead)
        self.ask("Thanks, and tomorrow?")
        self.cluster.fault("twilio.send", "status", status=400, code=21211, count=1)
        self.cluster.text("Are you there?", self.lead)
        wait_for("the answer to fail", lambda: self.cluster.sql(
            f"SELECT count(*) FROM messages WHERE to_address = '{self.lead}' AND state = 'failed'") == "1")
        self.ask("Hello?")
        sent = self.expect_prefixes()
        last = json.dumps(sent[-1])
        self.assertIn("<colleague_message>Joe here: today &lt;only> until 3 pm.</colleague_message>", last)
        self.assertEqual(last.count("No reply to this has reached the lead"), 1)
        self.assertEqual(last.count("<lead_message>Are you there?"), 1)

    def test_the_history_knows_what_was_really_sent(self):
        self.configure(disclosure_line="You are talking to our robot.", first_message_opt_out_line="STOP to opt out.")
        sent = self.ask("Hello there", [{"text": "**Hi!** What can we do for you?"}])
        self.assertTrue(sent.startswith("Rapid Plumbing: You are talking to our robot. "), sent)
        self.assertTrue(sent.endswith("\nSTOP to opt out."), sent)
        self.assertNotIn("*", sent)
        self.ask("Fine")
        messages = self.expect_prefixes()[-1]["messages"]
        self.assertIn({"role": "assistant", "content": [{"type": "text", "text": sent}]},
                      [{**m, "content": [{k: v for k, v in b.items() if k != "cache_control"} for b in m["content"]]}
                       for m in messages])
        self.assertNotIn("**Hi!**", json.dumps(messages))

    def test_answers_that_cannot_be_used_leave_it_to_the_scripted_agent(self):
        for reason in ("refusal", "max_tokens", "model_context_window_exceeded", "something_new"):
            with self.subTest(reason):
                self.setUp()
                reply = self.ask("Do you install water heaters?", [
                    {"content": [{"type": "text", "text": "We"}], "stop_reason": reason}])
                self.assertIn("water heaters", reply)
                turn = self.turns()[0]
                self.assertEqual(turn["output"]["agent"], "scripted")
                self.assertIn(reason, turn["fallback"]["error"])

    def test_answers_that_stop_otherwise_are_used(self):
        self.assertTrue(self.ask("Are you open?", [
            {"content": [{"type": "text", "text": "Yes, we are open "}], "stop_reason": "pause_turn"},
            {"content": [{"type": "text", "text": "Monday to Friday."}], "stop_reason": "stop_sequence"}])
            .endswith("Yes, we are open Monday to Friday."))
        self.assertEqual(self.turns()[0]["output"]["agent"], "claude")

    def test_wrong_calls_of_tools_are_told_to_the_model(self):
        self.ask("I need a plumber, my budget is $300", [
            [{"type": "tool_use", "name": "search_knowledge"},
             {"type": "tool_use", "name": "drop_tables", "input": {}},
             {"type": "tool_use", "name": "record_qualification", "input": {
                 "score": "WARM", "reason": "a budget",
                 "budget_range": {"value": "$300", "quote": "my budget is $300"},
                 "urgency": {"value": "high", "quote": "right now"}}}],
            {"text": "When do you need us?"}])
        results = self.requests()[-1]["messages"][-1]["content"]
        self.assertEqual([r["type"] for r in results], ["tool_result"] * 3)
        self.assertEqual([r["is_error"] for r in results], [True] * 3)
        turn = self.turns()[0]
        self.assertEqual(turn["output"]["budget_range"], "$300")
        self.assertEqual(turn["output"]["evidence"]["budget_range"]["words"], "my budget is $300")
        self.assertNotIn("urgency", turn["output"])
        self.ask("Today")

    def test_a_reply_in_arabic_takes_no_more_segments_than_one_in_english(self):
        self.ask("مرحبا، متى تفتحون؟", [{"text": "نعم، يسعدنا أن نساعدك في ذلك. " * 12},
                                        {"text": "نعم، يسعدنا أن نساعدك في ذلك. " * 11}])
        message = self.cluster.replies(self.lead)[-1]
        self.assertLessEqual(int(message["num_segments"]), 3)
        self.assertEqual(len(self.requests()), 2)

    def test_the_client_says_how_long_its_leads_wait(self):
        self.configure(agent_patience_seconds=2)
        self.cluster.fault("anthropic", "hang", ms=20000)
        began = time.monotonic()
        self.ask("Do you install water heaters?")
        self.assertLess(time.monotonic() - began, 12)
        turn = self.turns()[0]
        self.assertEqual(turn["output"]["agent"], "scripted")
        self.assertEqual(turn["fallback"]["kind"], "unavailable")


class Erased(Conversation):
    def test_a_lead_that_is_erased_while_the_model_is_waited_for_ends_its_turn(self):
        self.cluster.fault("anthropic", "delay", ms=3000, count=1)
        self.cluster.sandbox("POST", "/anthropic/replies", [])
        self.cluster.text(f"{self.word}: do you install water heaters?", self.lead)
        wait_for("the model to be asked", lambda: self.requests())
        lead = self.cluster.conversation(self.lead)["lead_id"]
        before = self.cluster.log("orchestrator")
        self.cluster.api("DELETE", f"/leads/{lead}", status=200)
        wait_for("the turn to end", lambda: "the lead was erased" in self.cluster.log("orchestrator"))
        # Another lead's turn: what the first would still do has been done.
        self.lead = self.lead[:-1] + ("1" if self.lead[-1] != "1" else "2")
        self.ask("do you offer emergency service?")
        log = self.cluster.log("orchestrator")[len(before):]
        self.assertEqual(log.count("the lead was erased"), 1, log)
        for word in ("task failed", "was not written", "too late", "foreign key"):
            self.assertNotIn(word, log)
        self.assertEqual(self.cluster.sql(f"SELECT count(*) FROM tasks WHERE client_id = '{self.client_id}'"), "0")


class Window(Conversation):
    env = {**Conversation.env, "LEADWIRE_HISTORY_TOKENS": "1500"}

    def test_a_long_conversation_is_cut_rarely(self):
        for i in range(12):
            thing = "abcdefghijkl"[i] * 5  # the same text again and again would be taken for a machine's
            self.ask(f"{self.word} {thing}: what about number {i}? " + "Please tell me all about it. " * 10,
                     [{"text": "Tell me more."}])
        sent = self.requests()
        cuts = sum(blocks(a) != blocks(b)[:len(blocks(a))] for a, b in zip(sent, sent[1:]))
        self.assertIn(cuts, range(1, 7), cuts)
        self.assertLess(max(len(json.dumps(r["messages"])) for r in sent), 14000)
        self.assertIn("what about number 11", json.dumps(sent[-1]))
        self.assertNotIn("what about number 0?", json.dumps(sent[-1]))


if __name__ == "__main__":
    main()
