"""A person takes a conversation over and hands it back: the agent is silent between, and nothing is lost or said twice."""

import json
import subprocess
import time
import os

from cluster import BIN, ClusterTest, main, wait_for
from kill import RECOVERY

HOURS = "What are your opening hours?"


class TakeoverTest(ClusterTest):
    def conversation(self):
        return self.cluster.conversation(self.lead)

    def change(self, what, status=200, **body):
        path = f"/conversations/{self.conversation()['conversation_id']}/{what}"
        return self.cluster.api("POST", path, body, status=status).json

    def say(self, body):
        path = f"/conversations/{self.conversation()['conversation_id']}/messages"
        return self.cluster.api("POST", path, {"body": body}, status=202).json

    def bodies(self):
        return [m["body"] for m in self.cluster.replies(self.lead)]

    def settle(self):
        """No task of this conversation is left, and none comes."""
        conversation_id = self.conversation()["conversation_id"]
        wait_for("no task to be left", lambda: self.cluster.sql(
            f"SELECT count(*) FROM tasks WHERE serial_key LIKE '%{conversation_id}' AND state <> 'dead'") == "0", RECOVERY)
        time.sleep(0.7)
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM tasks WHERE state = 'dead'"), "0")

    def events(self):
        return [e["kind"] for e in json.loads(self.cluster.leadctl("conversation", "show",
                                                                   self.conversation()["conversation_id"]))["events"]]


class Takeover(TakeoverTest):
    def test_the_agent_is_silent_until_it_is_released_and_knows_what_was_said(self):
        self.cluster.text("Hi, I need a water heater installed", self.lead)
        self.cluster.wait_replies(1, self.lead)
        taken = self.change("takeover", who="Joe", reason="wants to haggle")
        self.assertEqual((taken["state"], taken["taken_over_by"]), ("taken_over", "Joe"))
        self.assertIn("taken_over_at", taken)
        self.cluster.text("Are you there?", self.lead)
        self.say("Joe here. What is your budget?")
        self.cluster.wait_replies(2, self.lead)
        self.cluster.text("about 2,500", self.lead)
        self.say("Fine. And when would you like it?")
        self.cluster.wait_replies(3, self.lead)
        self.cluster.text("next week", self.lead)
        self.settle()
        self.assertEqual(len(self.bodies()), 3)
        released = self.change("release", note="He gets the 10 litre model.")
        self.assertEqual(released["state"], "open")
        self.assertNotIn("taken_over_by", released)
        # What he wrote last, nobody has answered: that is done once.
        reply = self.cluster.wait_replies(4, self.lead)[3]["body"]
        self.settle()
        self.assertEqual(len(self.bodies()), 4)
        known = self.conversation()
        self.assertIn("2500", known["budget_range"].replace(",", ""))
        self.assertEqual(known["timeline"], "next week")
        self.cluster.text("ok, what else?", self.lead)
        reply += self.cluster.wait_replies(5, self.lead)[4]["body"]
        self.assertNotIn("budget", reply)
        self.assertNotIn("When would you like", reply)
        self.assertEqual(self.events(), ["taken_over", "released"])

    def test_nothing_is_answered_twice_where_a_person_has_answered(self):
        self.cluster.text(HOURS, self.lead)
        self.cluster.wait_replies(1, self.lead)
        self.change("takeover")
        self.cluster.text("And on Sunday?", self.lead)
        self.say("Sundays we are closed.")
        self.cluster.wait_replies(2, self.lead)
        self.change("release")
        self.settle()
        self.assertEqual(len(self.bodies()), 2)

    def test_asked_twice_each_happens_once(self):
        self.cluster.text(HOURS, self.lead)
        self.cluster.wait_replies(1, self.lead)
        self.assertEqual(self.change("release")["state"], "open")
        self.change("takeover", who="Joe")
        self.assertEqual(self.change("takeover", who="Ann")["taken_over_by"], "Joe")
        self.cluster.text(HOURS, self.lead)
        self.change("release")
        self.change("release")
        self.cluster.wait_replies(2, self.lead)
        self.settle()
        self.assertEqual(len(self.bodies()), 2)
        self.assertEqual(self.events(), ["taken_over", "released"])

    def test_a_draft_that_the_takeover_kept_is_answered_after_the_release(self):
        self.cluster.kill("delivery")
        self.cluster.text(HOURS, self.lead)
        conversation_id = wait_for("a conversation", self.conversation)["conversation_id"]
        wait_for("a draft", lambda: [m for m in self.cluster.messages(conversation_id) if m["author"] == "agent"])
        self.change("takeover")
        self.cluster.start("delivery")
        self.settle()
        drafts = [m for m in self.cluster.messages(conversation_id) if m["author"] == "agent"]
        self.assertEqual([m["state"] for m in drafts], ["dropped"])
        self.assertEqual(self.bodies(), [])
        self.change("release")
        self.assertIn("8 am to 6 pm", self.cluster.wait_replies(1, self.lead)[0]["body"])
        self.settle()
        self.assertEqual(len(self.bodies()), 1)

    def test_what_was_dropped_for_a_stop_is_not_answered_after_a_release(self):
        self.cluster.kill("delivery")
        self.cluster.text(HOURS, self.lead)
        conversation_id = wait_for("a conversation", self.conversation)["conversation_id"]
        wait_for("a draft", lambda: [m for m in self.cluster.messages(conversation_id) if m["author"] == "agent"])
        self.cluster.text("STOP", self.lead)
        self.cluster.start("delivery")
        self.settle()
        self.cluster.text("START", self.lead)
        self.change("takeover")
        self.change("release")
        self.settle()
        self.assertEqual(self.bodies(), [])

    def test_closed_until_somebody_writes(self):
        self.cluster.text(HOURS, self.lead)
        self.cluster.wait_replies(1, self.lead)
        self.change("takeover")
        self.cluster.text("Thanks, bye", self.lead)
        self.assertEqual(self.change("close", reason="sold")["state"], "closed")
        self.assertEqual(self.change("close")["state"], "closed")
        self.assertEqual(self.change("release")["state"], "closed")
        self.settle()
        self.assertEqual(len(self.bodies()), 1)
        self.cluster.text(HOURS, self.lead)
        self.cluster.wait_replies(2, self.lead)
        self.assertEqual(self.conversation()["state"], "open")
        self.assertEqual(self.events(), ["taken_over", "closed"])

    def test_the_operators_commands_do_the_same(self):
        self.cluster.text(HOURS, self.lead)
        self.cluster.wait_replies(1, self.lead)
        conversation_id = self.conversation()["conversation_id"]
        tap = subprocess.Popen([os.path.join(BIN, "leadctl"), "tap", "conversation"], env=self.cluster.env,
                               stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(2)
            self.change("takeover")
            event = json.loads(tap.stdout.readline())
            self.assertEqual(event["event"], "conversation.taken_over")
        finally:
            tap.terminate()
            tap.wait()
            tap.stdout.close()
        self.cluster.text(HOURS, self.lead)
        self.assertIn("already", self.cluster.leadctl("conversation", "takeover", conversation_id))
        self.assertIn("answers", self.cluster.leadctl("conversation", "release", conversation_id, "--who", "Ann"))
        self.assertIn("not taken over", self.cluster.leadctl("conversation", "release", conversation_id))
        self.cluster.wait_replies(2, self.lead)
        self.assertIn("until", self.cluster.leadctl("conversation", "close", conversation_id))
        shown = json.loads(self.cluster.leadctl("conversation", "show", conversation_id))
        self.assertEqual((shown["state"], shown["unanswered"]), ("closed", 0))
        self.assertEqual([(e["kind"], e["who"]) for e in shown["events"]],
                         [("taken_over", "administrator"), ("released", "Ann"), ("closed", "operator")])

    def test_what_is_wrong_is_named(self):
        self.cluster.text(HOURS, self.lead)
        wait_for("a conversation", self.conversation)
        for what, field, value in (("takeover", "who", " "), ("takeover", "reason", "a\nb"), ("release", "note", "x" * 501),
                                   ("close", "who", "x" * 201), ("takeover", "reason", "")):
            with self.subTest(what=what, field=field):
                self.assertEqual(self.change(what, 400, **{field: value})["field"], field)
        nobody = "00000000-0000-7000-8000-000000000000"
        for what in ("takeover", "release", "close"):
            self.cluster.api("POST", f"/conversations/{nobody}/{what}", {}, status=404)

    def test_a_person_is_exported_with_all_of_it(self):
        self.cluster.text(HOURS, self.lead)
        self.cluster.wait_replies(1, self.lead)
        self.change("takeover", who="Joe", reason="a cousin of mine")
        lead_id = self.conversation()["lead_id"]
        items = self.cluster.api("GET", f"/leads/{lead_id}/export?limit=200", status=200).json["items"]
        self.assertEqual([(i["data"]["kind"], i["data"]["reason"]) for i in items if i["kind"] == "event"],
                         [("taken_over", "a cousin of mine")])
        self.settle()
        self.cluster.api("DELETE", f"/leads/{lead_id}", status=200)
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM conversation_events WHERE reason LIKE '%cousin%'"), "0")


class Timeline(TakeoverTest):
    def timeline(self, **query):
        conversation_id = self.conversation()["conversation_id"]
        items, after = [], None
        while True:
            asked = "&".join(f"{k}={v}" for k, v in {**query, **({"after": after} if after else {})}.items())
            page = self.cluster.api("GET", f"/conversations/{conversation_id}/timeline?{asked}", status=200).json
            items += page["items"]
            after = page.get("next_after")
            if not after:
                return items

    def test_all_that_happened_stands_in_the_order_of_time(self):
        self.cluster.text("I need a water heater installed today, it is urgent. Budget $2,000", self.lead)
        self.cluster.wait_replies(1, self.lead)
        self.cluster.text("This is ridiculous, nobody came. I will sue you", self.lead)
        self.cluster.wait_replies(2, self.lead)
        self.change("takeover", who="Joe")
        self.say("Joe here, I am on it.")
        self.cluster.wait_replies(3, self.lead)
        self.change("release", note="He gets a call.")
        self.cluster.text("STOP", self.lead)
        self.settle()
        items = self.timeline()
        self.assertEqual([i["at"] for i in items], sorted(i["at"] for i in items))
        kinds = [i["kind"] for i in items]
        self.assertEqual({k: kinds.count(k) for k in ("turn", "score", "consent", "event")},
                         {"turn": 2, "score": 1, "consent": 1, "event": 3})
        self.assertEqual([i["data"]["event"] for i in items if i["kind"] == "event"],
                         ["escalated", "taken_over", "released"])
        escalated = next(i for i in items if i["kind"] == "event")
        self.assertEqual((escalated["data"]["cause"], escalated["text"]), ("legal", "threatens legal steps"))
        self.assertEqual([(i["data"]["author"]) for i in items if i["kind"] == "message"],
                         ["lead", "agent", "lead", "agent", "human", "lead"])
        tasks = [(i["data"]["kind"], i["data"]["state"]) for i in items if i["kind"] == "task"]
        self.assertEqual(sorted(set(tasks)), [("process_ai_response", "finished"), ("send_message_sms", "finished")])
        turn = next(i for i in items if i["kind"] == "turn")
        self.assertEqual((turn["data"]["agent"], turn["data"]["score"]), ("scripted", "HOT"))
        # Pages, and one kind alone.
        self.assertEqual(self.timeline(limit=3), items)
        self.assertEqual(self.timeline(kind="event", limit=1), [i for i in items if i["kind"] == "event"])
        path = f"/conversations/{self.conversation()['conversation_id']}/timeline"
        self.assertEqual(self.cluster.api("GET", path + "?kind=rumour", status=400).json["field"], "kind")
        self.assertEqual(self.cluster.api("GET", path + "?after=1", status=400).json["field"], "after")

    def test_a_score_is_told_with_the_words_and_the_message_that_told_it(self):
        self.cluster.text("Hi, how much is a drain cleaning?", self.lead)
        self.cluster.wait_replies(1, self.lead)
        self.cluster.text("I need it today, it is urgent. Budget $400", self.lead)
        self.cluster.wait_replies(2, self.lead)
        conversation = self.conversation()
        page = self.cluster.api("GET", f"/leads/{conversation['lead_id']}/scores", status=200).json
        self.assertEqual((page["score"], page["items"][0]["score"]), ("HOT", "HOT"))
        told = page["items"][0]["evidence"]["budget_range"]
        texts = {m["message_id"]: m["body"] for m in self.cluster.messages(conversation["conversation_id"])}
        self.assertIn("400", told["words"])
        self.assertIn(told["words"].rstrip("."), texts[told["message_id"]])
        self.assertEqual(page["evidence"]["budget_range"], told)
        first = self.cluster.api("GET", f"/leads/{conversation['lead_id']}/scores?limit=1", status=200).json
        if len(page["items"]) > 1:
            rest = self.cluster.api("GET", f"/leads/{conversation['lead_id']}/scores?after={first['next_after']}", status=200).json
            self.assertEqual(first["items"] + rest["items"], page["items"])
        self.cluster.api("GET", f"/leads/{conversation['lead_id']}/scores?after=x", status=400)


class Killed(TakeoverTest):
    """kill -9 of the orchestrator before the commit of what was asked for: it has not happened, and asked again it has."""

    def kill_in(self, failpoint, what):
        cluster = self.cluster
        cluster.kill("orchestrator", 15)
        cluster.start("orchestrator", LEADWIRE_FAILPOINT=failpoint)
        cluster.wait_ready()
        path = f"/conversations/{self.conversation()['conversation_id']}/{what}"
        try:
            cluster.api("POST", path, {}, timeout=5)
        except OSError:
            pass
        self.assertEqual(cluster.wait_ended("orchestrator"), -9)
        cluster.start("orchestrator")
        cluster.wait_ready()

    def test_at_a_takeover(self):
        self.cluster.text(HOURS, self.lead)
        self.cluster.wait_replies(1, self.lead)
        self.kill_in("orchestrator.taken_over", "takeover")
        self.assertEqual((self.conversation()["state"], self.events()), ("open", []))
        self.change("takeover")
        self.assertEqual((self.conversation()["state"], self.events()), ("taken_over", ["taken_over"]))

    def test_at_a_release(self):
        self.cluster.text(HOURS, self.lead)
        self.cluster.wait_replies(1, self.lead)
        self.change("takeover")
        self.cluster.text(HOURS, self.lead)
        self.kill_in("orchestrator.released", "release")
        self.assertEqual((self.conversation()["state"], self.events()), ("taken_over", ["taken_over"]))
        self.change("release")
        self.cluster.wait_replies(2, self.lead, RECOVERY)
        self.settle()
        self.assertEqual(len(self.bodies()), 2)

    def test_at_the_answer_after_a_release(self):
        self.cluster.text(HOURS, self.lead)
        self.cluster.wait_replies(1, self.lead)
        self.change("takeover")
        self.cluster.text(HOURS, self.lead)
        self.cluster.kill("orchestrator", 15)
        self.cluster.start("orchestrator", LEADWIRE_FAILPOINT="orchestrator.before_commit")
        self.cluster.wait_ready()
        self.change("release")
        self.assertEqual(self.cluster.wait_ended("orchestrator"), -9)
        self.cluster.start("orchestrator")
        self.cluster.wait_replies(2, self.lead, RECOVERY)
        self.settle()
        self.assertEqual(len(self.bodies()), 2)


class DuringATurn(TakeoverTest):
    """The model takes its time, and meanwhile a person acts."""

    env = {"ANTHROPIC_API_KEY": "sk-ant-sandbox"}

    def begin(self):
        self.cluster.sandbox("POST", "/anthropic/replies", [])
        self.cluster.fault("anthropic", "delay", ms=2000, count=2)
        self.cluster.text(HOURS, self.lead)
        wait_for("the turn to be under way", lambda: self.cluster.sql(
            "SELECT count(*) FROM tasks WHERE kind = 'process_ai_response' AND state = 'running'") == "1")
        time.sleep(0.5)

    def tearDown(self):
        self.cluster.sandbox("DELETE", "/faults")

    def test_a_takeover_drops_what_comes_of_it(self):
        self.begin()
        self.change("takeover")
        self.settle()
        self.assertEqual(self.bodies(), [])
        self.change("release")
        self.assertIn("8 am to 6 pm", self.cluster.wait_replies(1, self.lead)[0]["body"])
        self.settle()
        self.assertEqual(len(self.bodies()), 1)

    def test_taken_over_and_released_it_is_answered_once(self):
        self.begin()
        self.change("takeover")
        self.change("release")
        self.assertIn("8 am to 6 pm", self.cluster.wait_replies(1, self.lead)[0]["body"])
        self.settle()
        self.assertEqual(len(self.bodies()), 1)

    def test_a_rule_calls_a_person_where_the_model_does_not(self):
        for said, text, start, rest in (
                ("I can tell you all about our heaters.", "I want to talk to a real person", "I'm passing this on", "heaters"),
                ("We have done nothing wrong.", "You will hear from my lawyer", "I'm passing this on", None),
                ("It depends on the job.", "This is ridiculous, nobody showed up", "I'm sorry about that. I'm passing", "depends")):
            with self.subTest(text=text):
                self.setUp()
                self.cluster.sandbox("POST", "/anthropic/replies", [{"text": said}])
                self.cluster.text(text, self.lead)
                reply = self.cluster.wait_replies(1, self.lead)[0]["body"].removeprefix("Rapid Plumbing: ")
                self.assertTrue(reply.startswith(start), reply)
                self.assertEqual(rest in reply if rest else said in reply, bool(rest), reply)
                self.assertEqual(self.conversation()["state"], "escalated")

    def test_a_model_that_knows_nothing_twice_calls_a_person(self):
        for n in (1, 2):
            self.cluster.sandbox("POST", "/anthropic/replies", [{"text": "I'm not sure about that."}])
            self.cluster.text(f"Do you repair {'boats' if n == 1 else 'trains'}?", self.lead)
            self.cluster.wait_replies(n, self.lead)
            self.assertEqual(self.conversation()["state"], "open" if n == 1 else "escalated")
        self.assertIn("passing this on", self.bodies()[1])

    def test_a_persons_message_takes_its_place(self):
        self.begin()
        self.say("From eight.")
        self.cluster.wait_replies(1, self.lead)
        self.settle()
        self.assertEqual([b.split(": ")[-1] for b in self.bodies()], ["From eight."])


if __name__ == "__main__":
    main()
