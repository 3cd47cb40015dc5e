"""Why a message was written, by the API and by leadctl, and whether it would be written again from its record."""

import collections
import json
import os
import subprocess
import unittest
import uuid

from cluster import BIN, SID, TOKEN, TOP, ClusterTest, main


class WhyTest(ClusterTest):
    SECRET = TOKEN

    def setUp(self):
        super().setUp()
        self.cluster.sandbox("DELETE", "/faults")
        self.cluster.sandbox("POST", "/anthropic/replies", [])

    def ask(self, text="How much does a drain cleaning cost?", n=1):
        """The answer to a lead's text, as the API shows the message."""
        self.cluster.text(text, self.lead)
        self.cluster.wait_replies(n, self.lead, 40)
        return [m for m in self.cluster.messages(self.conversation_id()) if m["direction"] == "out"][n - 1]

    def conversation_id(self):
        return self.cluster.conversation(self.lead)["conversation_id"]

    def says(self, *replies):
        self.cluster.sandbox("POST", "/anthropic/replies", list(replies))

    def why(self, message):
        """By the API; leadctl tells the same, and a person can read it."""
        path = f"/messages/{message['message_id']}/why"
        told = self.cluster.api("GET", path, status=200).json
        by_ctl = json.loads(self.cluster.leadctl("why", message["message_id"], "--json"))
        for one in (told, by_ctl):  # what may change meanwhile: how far it came
            one.pop("moments")
            one.pop("attempts")
            one["message"] = {k: v for k, v in one["message"].items() if k in ("message_id", "body", "author")}
        self.assertEqual(told, by_ctl)
        readable = self.cluster.leadctl("why", message["message_id"])
        self.assertIn(message["message_id"], readable)
        for text in (json.dumps(told), readable):
            self.assertNotIn(self.SECRET, text)
            self.assertNotIn("sk-ant", text)
        return told, readable

    def ctl(self, *args):
        done = subprocess.run([os.path.join(BIN, "leadctl"), *args], env=self.cluster.env, capture_output=True, text=True,
                              timeout=60)
        return done.returncode, done.stdout, done.stderr

    def replay(self, turn_id):
        """By the API, after leadctl has said the same."""
        told = self.cluster.api("POST", f"/turns/{turn_id}/replay", {}, status=200).json
        code, out, err = self.ctl("replay", turn_id, "--json")
        self.assertEqual(json.loads(out), told, err)
        self.assertEqual(code, {"same": 0, "different": 1, "cannot": 2}[told["outcome"]])
        return told

    def expect_same(self, turn):
        told = self.replay(turn["turn_id"])
        self.assertEqual((told["outcome"], told.get("differences", []), told["requests_changed"]), ("same", [], 0), told)
        self.assertEqual(told["code_before"], told["code_now"])

    def tamper(self, turn_id, expression):
        self.cluster.sql(f"UPDATE turns SET record = ({expression})::json WHERE turn_id = '{turn_id}'")


class Pure(unittest.TestCase):
    """What deciding can reach, by the symbols of the compiled code: it has no way to a table, a provider or a setting."""

    def test_deciding_reaches_no_database_provider_setting_or_random_number(self):
        libraries = [os.path.join(BIN, "..", f"lib{name}_parts.a") for name in ("orchestrator", "shared")]
        if not all(map(os.path.exists, libraries)):
            self.skipTest("these programs were not built here")
        defined, wanted, here = {}, collections.defaultdict(set), None
        for line in subprocess.run(["nm", *libraries], capture_output=True, text=True, check=True).stdout.splitlines():
            words = line.split()
            if line.endswith(".o:"):
                here = line[:-1]
            elif len(words) > 1 and words[-2] == "U":
                wanted[here].add(words[-1])
            elif len(words) > 1 and words[-2].isupper():  # a static one is reached from its own file alone
                defined.setdefault(words[-1], here)
        reached, todo = set(), [defined["turn_decide"]]
        while todo:
            part = todo.pop()
            if part not in reached and part != "failpoint.c.o":
                reached.add(part)
                todo += [defined[name] for name in wanted[part] if name in defined]
        self.assertIn("agent_scripted.c.o", reached)
        self.assertIn("agent_claude.c.o", reached)
        for part in ("db.c.o", "http.c.o", "bus.c.o", "config.c.o", "claude_live.c.o", "outage.c.o", "turn_store.c.o"):
            self.assertIn(part, set(defined.values()))
            self.assertNotIn(part, reached)
        outside = {name for part in reached for name in wanted[part] if name not in defined}
        for name in ("getenv", "time", "gettimeofday", "rand", "random", "fopen", "open", "setlocale", "localtime_r"):
            self.assertNotIn(name, outside)
        # The clock is read to measure how long it takes, by these alone.
        self.assertEqual({part for part in reached if "clock_mono_us" in wanted[part]},
                         {"turn_agents.c.o", "turn_guards.c.o"})
        self.assertEqual({part for part in reached if wanted[part] & {"clock_wall_us", "uuid_new", "random_token"}} - {"uuid.c.o"}, set())


class Scripted(WhyTest):
    def test_what_a_decision_saw_and_did_is_told(self):
        self.cluster.api("PATCH", f"/clients/{self.client_id}/config",
                         {"twilio_account_sid": SID, "twilio_auth_token": TOKEN}, status=200)
        self.addCleanup(self.cluster.api, "PATCH", f"/clients/{self.client_id}/config",
                        {"twilio_account_sid": None, "twilio_auth_token": None})
        message = self.ask("My drain is clogged, I need it done today. How much does a drain cleaning cost?")
        told, readable = self.why(message)
        turn = told["turn"]
        self.assertEqual(told["written"], "the agent decided to write it")
        self.assertEqual((turn["agent"], turn["wanted"], turn["version"]), ("scripted", "auto", 2))
        self.assertNotIn("model", turn)
        self.assertEqual(turn["answers"][0]["body"],
                         "My drain is clogged, I need it done today. How much does a drain cleaning cost?")
        lead_text = self.cluster.messages(self.conversation_id())[0]
        self.assertEqual(turn["answers"][0]["message_id"], lead_text["message_id"])
        self.assertEqual(turn["passages"][0]["title"], "How much does a drain cleaning cost?")
        self.assertGreater(turn["passages"][0]["score"], 0.5)
        self.assertIn("vector_score", turn["passages"][0])
        self.assertIn("text_score", turn["passages"][0])
        self.assertEqual(turn["before"]["score"], "COLD")
        self.assertEqual(turn["after"]["urgency"], "high")
        self.assertEqual(turn["after"]["evidence"]["urgency"]["message_id"], lead_text["message_id"])
        self.assertEqual(turn["reply"], message["body"])
        self.assertEqual(turn["guards"], [])
        self.assertEqual(turn["cost_micro_usd"], 0)
        self.assertGreater(turn["times"]["agent_us"], 0)
        self.assertEqual(turn["config"]["twilio_auth_token"], "********")
        for word in ("COLD -> ", "$149", "nothing was held", lead_text["message_id"]):
            self.assertIn(word, readable)
        self.expect_same(turn)

        record = self.cluster.api("GET", f"/turns/{turn['turn_id']}", status=200).json
        self.assertEqual(json.loads(record["record"])["output"]["reply"], message["body"])
        self.assertEqual((record["message_id"], record["conversation_id"]),
                         (message["message_id"], self.conversation_id()))
        self.assertNotIn(self.SECRET, record["record"])

    def test_a_conversation_and_a_time_are_replayed_as_a_whole(self):
        self.ask("What are your opening hours?")
        second = self.ask("And do you install water heaters?", 2)
        code, out, err = self.ctl("replay", "--conversation", self.conversation_id())
        self.assertEqual((code, out.strip()), (0, "same 2, different 0, cannot 0"), err)
        self.tamper(second["turn_id"], "jsonb_set(record::jsonb, '{output,reply}', '\"No.\"')")
        code, out, err = self.ctl("replay", "--since", "1d", "--client", self.client_id, "--conversation",
                                  self.conversation_id())
        self.assertEqual(code, 1, err)
        for word in ("output.reply", '"No."', "same 1, different 1, cannot 0"):
            self.assertIn(word, out)
        for wrong in (("replay",), ("replay", "--since", "1y"), ("replay", second["turn_id"], "--since", "1d"),
                      ("replay", "5"), ("replay", str(uuid.uuid4()))):
            self.assertEqual(self.ctl(*wrong)[0], 2, wrong)

    def test_a_record_that_was_changed_damaged_or_is_old_is_told(self):
        turn_id = self.ask()["turn_id"]
        original = self.cluster.sql(f"SELECT record FROM turns WHERE turn_id = '{turn_id}'")
        self.tamper(turn_id, "jsonb_set(record::jsonb, '{output,score}', '\"HOT\"')")
        told = self.replay(turn_id)
        self.assertEqual((told["outcome"], told["differences"]),
                         ("different", [{"field": "output.score", "before": "HOT", "now": "WARM"}]))
        for expression, reason in (
                ("record::jsonb #- '{input,unanswered,0,body}'", "input.unanswered[0].body"),
                ("record::jsonb - 'input'", "it has no input"),
                ("jsonb_set(record::jsonb, '{v}', '1')", "of version 1"),
                ("'{}'", "it has no version")):
            with self.subTest(reason=reason):
                self.cluster.sql("UPDATE turns SET record = $r$" + original + f"$r$::json WHERE turn_id = '{turn_id}'")
                self.tamper(turn_id, expression)
                told = self.replay(turn_id)
                self.assertEqual(told["outcome"], "cannot")
                self.assertIn(reason, told["reason"])
                self.assertIn("cannot", self.ctl("replay", turn_id)[1])

    def test_a_damaged_or_old_record_does_not_keep_why_from_telling_the_rest(self):
        message = self.ask()
        self.tamper(message["turn_id"], "record::jsonb - 'input'")
        told, readable = self.why(message)
        self.assertIn("it has no input", told["turn"]["damaged"])
        self.assertIn("it has no input", readable)
        second = self.ask("And your opening hours?", 2)
        self.tamper(second["turn_id"], "jsonb_set(record::jsonb, '{v}', '1') - 'code'")
        told, readable = self.why(second)
        self.assertEqual(told["turn"]["version"], 1)
        self.assertEqual(told["turn"]["answers"][0]["body"], "And your opening hours?")

    def test_messages_without_a_decision_say_who_wrote_them(self):
        self.ask()
        written = self.cluster.api("POST", f"/conversations/{self.conversation_id()}/messages", {"body": "Joe here."},
                                   status=202).json
        self.cluster.wait_replies(2, self.lead)
        told, readable = self.why(written)
        self.assertEqual(told["written"], "a person wrote it")
        self.assertNotIn("turn", told)
        self.assertIn("a person wrote it", readable)
        inbound = self.cluster.messages(self.conversation_id())[0]
        self.assertEqual(self.why(inbound)[0]["written"], "the lead wrote it")
        self.cluster.sql(f"DELETE FROM turns WHERE conversation_id = '{self.conversation_id()}'")
        answer = [m for m in self.cluster.messages(self.conversation_id()) if m["author"] == "agent"][0]
        self.assertIn("not kept any more", self.why(answer)[0]["written"])

    def test_control_characters_of_a_lead_do_not_reach_the_terminal(self):
        readable = self.why(self.ask("How much \x1b]0;x\x07 does a drain cleaning \u009b2J cost?"))[1]
        self.assertNotIn("\x1b", readable)
        self.assertNotIn("\u009b", readable)
        self.assertIn("drain cleaning", readable)

    def test_what_does_not_exist_is_404(self):
        nobody = str(uuid.uuid4())
        for method, path in (("GET", f"/messages/{nobody}/why"), ("GET", f"/turns/{nobody}"),
                             ("POST", f"/turns/{nobody}/replay")):
            self.cluster.api(method, path, {} if method == "POST" else None, status=404)
        self.assertEqual(self.ctl("why", nobody)[0], 1)


class Claude(WhyTest):
    env = {"ANTHROPIC_API_KEY": "sk-ant-sandbox", "LEADWIRE_AGENT_PATIENCE_SECONDS": "6"}

    def test_tools_searches_and_a_repair_are_told_and_replayed(self):
        self.says([{"type": "tool_use", "name": "search_knowledge", "input": {"query": "areas served"}},
                   {"type": "tool_use", "name": "record_qualification",
                    "input": {"score": "WARM", "reason": "asks for a price", "service_interest": "drain cleaning"}}],
                  {"content": [{"type": "text", "text": "It costs $777."}]},
                  {"content": [{"type": "text", "text": "It costs $149, and we come to Springfield."}]})
        told, readable = self.why(self.ask())
        turn = told["turn"]
        self.assertEqual((turn["agent"], turn["model"]), ("claude", "claude-sonnet-5-5"))
        self.assertEqual([r["tool"] for r in turn["receipts"]], ["search_knowledge", "record_qualification"])
        self.assertIn("Springfield", turn["receipts"][0]["result"])
        self.assertEqual(turn["guards"][0]["unsupported"], ["$777"])
        self.assertEqual(turn["guards"][0]["outcome"], "repair asked")
        self.assertEqual([c["status"] for c in turn["calls"]], [200, 200, 200])
        self.assertEqual(len({c["request_sha256"] for c in turn["calls"]}), 3)
        self.assertEqual(len(turn["prompt_sha256"]), 64)
        self.assertGreater(sum(turn["tokens"][kind] for kind in ("input", "cache_read", "cache_write")), 0)
        self.assertGreater(turn["cost_micro_usd"], 0)
        for word in ("search_knowledge", "$777", "repair asked", turn["prompt_sha256"]):
            self.assertIn(word, readable)
        self.expect_same(turn)
        # The prompt stays from turn to turn.
        second = self.why(self.ask("And a water heater?", 2))[0]["turn"]
        self.assertEqual(second["prompt_sha256"], turn["prompt_sha256"])
        self.expect_same(second)

        # A prompt of another day: told, and the answers are used all the same.
        self.tamper(turn["turn_id"], "jsonb_set(record::jsonb, '{input,client_name}', '\"Rapid Plumbers\"')")
        changed = self.replay(turn["turn_id"])
        self.assertNotEqual(changed["prompt_sha256_before"], changed["prompt_sha256_now"])
        self.assertGreaterEqual(changed["requests_changed"], 3)
        self.assertIn("now " + changed["prompt_sha256_now"], self.ctl("replay", turn["turn_id"])[1])

    def test_a_try_that_failed_and_a_draft_that_was_replaced(self):
        self.cluster.fault("anthropic", "status", status=529, retry_after=1, count=1)
        self.says({"content": [{"type": "text", "text": "It costs $777."}]},
                  {"content": [{"type": "text", "text": "It costs $778."}]})
        turn = self.why(self.ask())[0]["turn"]
        self.assertEqual([c["status"] for c in turn["calls"]], [529, 200, 200])
        self.assertEqual([g["outcome"] for g in turn["guards"]], ["repair asked", "replaced"])
        self.assertTrue(turn["escalate"])
        self.expect_same(turn)

    def test_why_the_scripted_agent_answered_instead(self):
        for fault in ({"kind": "status", "status": 529}, {"kind": "status", "status": 401}, {"kind": "cut-before"}):
            with self.subTest(fault=fault):
                self.setUp()
                self.cluster.fault("anthropic", rate=1, **fault)
                told, readable = self.why(self.ask())
                turn = told["turn"]
                self.assertEqual(turn["agent"], "scripted")
                self.assertEqual(turn["fallback"]["provider_code"], fault.get("status", 0))
                self.assertIn("fallback", readable)
                self.expect_same(turn)

    def test_the_bench_of_dialogues_runs_on_a_model(self):
        env = {**self.cluster.env, "ANTHROPIC_API_KEY": "sk-ant-sandbox"}
        done = subprocess.run([os.path.join(BIN, "leadwire-bench-dialogues"), "claude",
                               os.path.join(TOP, "tests", "bench", "dialogues", "later.json")],
                              env=env, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        played = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertGreaterEqual(len(played), 19)
        self.assertEqual({agent for dialogue in played for agent in dialogue["agents"]}, {"claude"})


if __name__ == "__main__":
    main()
