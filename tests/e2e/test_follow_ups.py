"""Leads that do not answer: one follow-up, whatever is killed, and none to who has answered, opted out or got a person."""

import threading
import time

from cluster import ClusterTest, main, wait_for
from kill import RECOVERY


class FollowUps(ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.configure({"follow_up_after_hours": [1, 24], "allowed_hours": "00:00-24:00"})

    @classmethod
    def configure(cls, config):
        cls.cluster.api("PATCH", f"/clients/{cls.client_id}/config", config, status=200)

    def exchange(self, lead=None, body="I need help with a drain."):
        """The lead writes and has its answer; returns the conversation."""
        lead = lead or self.lead
        before = len(self.cluster.replies(lead))
        self.cluster.text(body, lead)
        self.cluster.wait_replies(before + 1, lead)
        wait_for("the answer to be recorded as sent", lambda: self.cluster.sql(
            f"SELECT count(*) FROM messages WHERE to_address = '{lead}' AND sent_at IS NULL") == "0")
        return self.cluster.conversation(lead)["conversation_id"]

    def hour_passes(self, *conversations):
        ids = ", ".join(f"'{c}'" for c in conversations)
        keys = ", ".join(f"'follow_up:{c}'" for c in conversations)
        self.cluster.sql(f"UPDATE messages SET sent_at = sent_at - interval '1 hour' WHERE conversation_id IN ({ids})")
        self.cluster.sql(f"UPDATE tasks SET run_at = now() WHERE serial_key IN ({keys})")

    def follow_ups(self, conversation):
        return [m for m in self.cluster.messages(conversation) if m.get("follow_up")]

    def waiting(self, conversation):
        return self.cluster.sql(f"SELECT count(*) FROM tasks WHERE serial_key = 'follow_up:{conversation}'")

    def test_a_lead_that_does_not_answer_is_written_to_once_after_an_hour(self):
        conversation = self.exchange()
        self.hour_passes(conversation)
        replies = self.cluster.wait_replies(2, self.lead)
        self.assertIn("Rapid Plumbing", replies[1]["body"])
        time.sleep(1)
        self.assertEqual(len(self.cluster.replies(self.lead)), 2)
        follow_up = self.follow_ups(conversation)[0]
        self.assertEqual((follow_up["follow_up"], follow_up["author"], follow_up["purpose"]),
                         ("silence:1", "agent", "started"))
        self.assertEqual(self.waiting(conversation), "1")
        self.assertIn("the lead had not answered", self.cluster.leadctl("why", follow_up["message_id"]))

    def test_an_answer_ends_what_waits_and_begins_anew(self):
        conversation = self.exchange()
        self.exchange(body="It is in the kitchen.")
        self.assertEqual(self.waiting(conversation), "1")
        self.assertEqual(self.follow_ups(conversation), [])

    def test_who_asks_for_it_is_written_to_then(self):
        conversation = self.exchange(body="I'm at work, text me tomorrow at 5.")
        self.assertIn("We'll write to you here tomorrow at 5:00 pm", self.cluster.replies(self.lead)[0]["body"])
        self.exchange(body="ok thanks")
        self.cluster.sql("UPDATE task_payloads SET payload = payload || jsonb_build_object('write_at',"
                         " to_char(now() AT TIME ZONE 'America/New_York', 'YYYY-MM-DD HH24:MI'))"
                         f" WHERE payload->>'conversation_id' = '{conversation}' AND payload ? 'write_at'")
        self.cluster.sql(f"UPDATE tasks SET run_at = now() WHERE serial_key = 'follow_up:{conversation}'")
        replies = self.cluster.wait_replies(3, self.lead)
        self.assertIn("You asked us to write to you today", replies[2]["body"])
        self.assertEqual(self.waiting(conversation), "0")

    def test_who_takes_it_back_on_another_channel_is_not_written_to(self):
        whatsapp = "+15550100077"
        self.configure({"twilio_whatsapp_number": whatsapp})
        conversation = self.exchange(body="I'm at work, text me tomorrow at 5.")
        self.assertEqual(self.waiting(conversation), "1")
        self.cluster.text("Do you install water heaters?", self.lead, whatsapp, channel="whatsapp")
        self.cluster.wait_replies(1, "whatsapp:" + self.lead)
        self.assertEqual(self.waiting(conversation), "1")
        self.cluster.text("No need to text me tomorrow", self.lead, whatsapp, channel="whatsapp")
        self.cluster.wait_replies(2, "whatsapp:" + self.lead)
        self.assertEqual(self.waiting(conversation), "0")

    def test_stop_ends_what_waits(self):
        conversation = self.exchange()
        self.cluster.text("STOP", self.lead)
        self.assertEqual(self.waiting(conversation), "0")

    def test_a_persons_message_ends_what_waits(self):
        conversation = self.exchange()
        self.cluster.api("POST", "/messages", {"conversation_id": conversation, "body": "This is Joe."}, status=202)
        self.assertEqual(self.waiting(conversation), "0")

    def test_killed_before_it_commits_it_is_written_once(self):
        conversation = self.exchange()
        self.cluster.kill("orchestrator", 15)
        self.cluster.start("orchestrator", LEADWIRE_FAILPOINT="orchestrator.follow_up_before_commit")
        self.cluster.wait_ready()
        self.hour_passes(conversation)
        self.assertEqual(self.cluster.wait_ended("orchestrator"), -9)
        self.cluster.start("orchestrator")
        self.cluster.wait_ready()
        self.cluster.wait_replies(2, self.lead, RECOVERY)
        time.sleep(1)
        self.assertEqual(len(self.cluster.replies(self.lead)), 2)
        self.assertEqual(len(self.follow_ups(conversation)), 1)

    def test_an_answer_killed_between_decision_and_commit_has_one_follow_up(self):
        self.cluster.kill("orchestrator", 15)
        self.cluster.start("orchestrator", LEADWIRE_FAILPOINT="orchestrator.before_commit")
        self.cluster.wait_ready()
        self.cluster.text("I need help with a drain.", self.lead)
        self.assertEqual(self.cluster.wait_ended("orchestrator"), -9)
        self.cluster.start("orchestrator")
        self.cluster.wait_ready()
        self.cluster.wait_replies(1, self.lead, RECOVERY)
        self.assertEqual(self.waiting(self.cluster.conversation(self.lead)["conversation_id"]), "1")

    def test_what_came_due_while_nothing_ran_goes_once(self):
        conversation = self.exchange()
        for service in ("orchestrator", "scheduler", "delivery"):
            self.cluster.kill(service)
        self.hour_passes(conversation)
        for service in ("orchestrator", "scheduler", "delivery"):
            self.cluster.start(service)
        self.cluster.wait_ready()
        self.cluster.wait_replies(2, self.lead, RECOVERY)
        time.sleep(1)
        self.assertEqual(len(self.cluster.replies(self.lead)), 2)

    def test_a_scheduler_that_dies_costs_no_follow_up(self):
        conversation = self.exchange()
        self.cluster.kill("scheduler")
        self.hour_passes(conversation)
        self.cluster.start("scheduler")
        self.cluster.wait_replies(2, self.lead, RECOVERY)

    def race(self, act):
        """What a lead or a person does at the moment when its follow-up is due comes before it, and it is not put; or
        after it was put."""
        leads = [self.lead[:-2] + f"{i:02}" for i in range(6)]
        conversations = [self.exchange(lead) for lead in leads]
        failed = []

        def attempt(lead, conversation):
            try:
                act(lead, conversation)
            except Exception as e:
                failed.append(e)
        threads = [threading.Thread(target=attempt, args=pair) for pair in zip(leads, conversations)]
        for thread in threads[::2]:
            thread.start()
        self.hour_passes(*conversations)
        for thread in threads[1::2]:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])
        wait_for("no follow-up to run", lambda: self.cluster.sql(
            "SELECT count(*) FROM tasks WHERE kind = 'follow_up' AND (state = 'running' OR run_at <= now())") == "0")
        return conversations

    def test_an_answer_at_the_same_moment_is_never_followed_by_a_follow_up(self):
        for conversation in self.race(lambda lead, _: self.cluster.text("It is in the kitchen.", lead)):
            messages = self.cluster.messages(conversation)
            answered = max(m["seq"] for m in messages if m["direction"] == "in")
            late = [m for m in messages if m.get("follow_up") and m["seq"] > answered]
            self.assertEqual(late, [])

    def test_an_opt_out_at_the_same_moment_leaves_none(self):
        for conversation in self.race(lambda lead, _: self.cluster.text("STOP", lead)):
            messages = self.cluster.messages(conversation)
            stop = max(m["seq"] for m in messages if m["direction"] == "in")
            self.assertEqual([m for m in messages if m.get("follow_up") and m["seq"] > stop], [])
            self.assertEqual(self.waiting(conversation), "0")

    def test_a_person_at_the_same_moment_leaves_none(self):
        def write(_, conversation):
            self.cluster.api("POST", "/messages", {"conversation_id": conversation, "body": "This is Joe."}, status=202)
        for conversation in self.race(write):
            messages = self.cluster.messages(conversation)
            person = max(m["seq"] for m in messages if m["author"] == "human")
            self.assertEqual([m for m in messages if m.get("follow_up") and m["seq"] > person], [])
            self.assertEqual(self.waiting(conversation), "0")


if __name__ == "__main__":
    main()
