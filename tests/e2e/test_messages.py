"""Messages beside the plain answer: a person's, by SMS and WhatsApp; the alert of a hot lead; photos; the first one."""

import datetime
import json
import os
import subprocess
import tempfile
import time
import urllib.parse
import uuid
import zoneinfo

from cluster import BIN, BUSINESS, ClusterTest, main, wait_for
from kill import RECOVERY

WHATSAPP = "+15550100009"
BOSS = "+15550109999"
TEMPLATE = "HX" + "ab" * 16
# Whatever time it is where the tests run.
ALWAYS = {"allowed_hours": "00:00-24:00"}


class MessagesTest(ClusterTest):
    config = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.api("PATCH", f"/clients/{cls.client_id}/config",
                        {"twilio_whatsapp_number": WHATSAPP, **ALWAYS, **cls.config}, status=200)

    def why(self, message_id):
        return json.loads(self.cluster.leadctl("why", message_id, "--json"))

    def write(self, status=202, headers=None, **body):
        path = "/messages"
        if "conversation_id" in body:
            path = f"/conversations/{body.pop('conversation_id')}/messages"
        else:
            body = {"client_id": self.client_id, **body}
        return self.cluster.api("POST", path, body, status=status, headers=headers).json

    def message(self, message_id):
        return self.cluster.api("GET", f"/messages/{message_id}", status=200).json

    def wait_state(self, message_id, *states):
        return wait_for(f"message to be {states}", lambda: (m := self.message(message_id))["state"] in states and m)

    def inbound(self, body, **more):
        answer = self.cluster.sandbox("POST", "/inbound", {"from": self.lead, "to": BUSINESS, "body": body, "wait": True,
                                                           **more})
        self.assertEqual(answer["status"], 200, answer)

    def whatsapp(self, body, **more):
        self.inbound(body, to=WHATSAPP, channel="whatsapp", **more)

    def sent_by_whatsapp(self):
        return self.cluster.replies("whatsapp:" + self.lead)

    def conversation_id(self):
        return self.cluster.conversation(self.lead)["conversation_id"]

    def alerts(self):
        """All alerts of this lead's conversation, as the API shows them."""
        return [m for m in self.cluster.messages(self.conversation_id()) if m.get("purpose") == "alert"]


class Written(MessagesTest):
    def test_a_person_writes_to_a_new_number(self):
        created = self.write(to=self.lead, body="This is Joe, about your boiler.")
        replies = self.cluster.wait_replies(1, self.lead)
        self.assertEqual(replies[0]["body"], "Rapid Plumbing: This is Joe, about your boiler.")
        self.assertEqual(replies[0]["from"], BUSINESS)
        message = self.wait_state(created["message_id"], "delivered")
        self.assertEqual((message["author"], message["purpose"], message["segments"], message["conversation_id"]),
                         ("human", "started", 1, created["conversation_id"]))
        task = self.cluster.api("GET", f"/tasks/{created['task_id']}", status=200).json
        self.assertEqual((task["kind"], task["state"]), ("send_message_sms", "finished"))
        self.assertEqual(self.why(created["message_id"])["message"]["author"], "human")

    def test_within_a_conversation_it_is_a_reply(self):
        self.inbound("What are your opening hours?")
        self.cluster.wait_replies(1, self.lead)
        created = self.write(conversation_id=self.conversation_id(), body="And we are open on Sunday this week.")
        self.assertEqual(self.cluster.wait_replies(2, self.lead)[1]["body"], "And we are open on Sunday this week.")
        self.assertEqual(self.message(created["message_id"])["purpose"], "reply")
        # What the lead says then is answered by the agent, which knows what was said.
        self.inbound("Do you install water heaters?")
        self.assertIn("install", self.cluster.wait_replies(3, self.lead)[2]["body"])

    def test_two_in_a_row_both_go_out_in_their_order(self):
        for body in ("First.", "Second.", "Third."):
            self.write(to=self.lead, body=body)
        bodies = [m["body"].split()[-1] for m in self.cluster.wait_replies(3, self.lead)]
        self.assertEqual(bodies, ["First.", "Second.", "Third."])

    def test_what_waits_for_the_morning_does_not_hold_up_an_answer(self):
        # A window half a day away, wherever in America the lead is.
        hour = (datetime.datetime.now(zoneinfo.ZoneInfo("America/New_York")).hour + 12) % 24
        hours = {"allowed_hours": f"{hour:02d}:00-{hour:02d}:01"}
        self.cluster.api("PATCH", f"/clients/{self.client_id}/config", hours, status=200)
        try:
            created = self.write(to=self.lead, body="Good morning!")
            self.write(to=self.lead, body="How are you?")
            time.sleep(1)
            self.assertEqual(self.message(created["message_id"])["state"], "queued")
            # Both wait for their time: nobody who looks is told that anything is late.
            work = [t for t in json.loads(self.cluster.leadctl("status", "--json"))["tasks"] if t["role"] == "delivery"]
            self.assertEqual([(t["ready"], t["later"], t["oldest_s"]) for t in work], [(0, 2, None)])
            waits = self.why(created["message_id"])
            self.assertIn("hours", waits["waits_for"])
            self.assertRegex(waits["waits_until"], r":00:00(\.\d+)?Z")
            self.inbound("What are your opening hours?")
            self.assertIn("8 am to 6 pm", self.cluster.wait_replies(1, self.lead)[0]["body"])
            self.assertEqual(self.message(created["message_id"])["state"], "queued")
        finally:
            self.cluster.api("PATCH", f"/clients/{self.client_id}/config", ALWAYS, status=200)
        # Other hours count at once, for what waits already too.
        self.wait_state(created["message_id"], "delivered")

    def test_the_same_key_sends_once(self):
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        first = self.write(to=self.lead, body="Once.", headers=headers)
        self.assertEqual(self.write(to=self.lead, body="Once.", headers=headers), first)
        self.cluster.wait_replies(1, self.lead)
        time.sleep(1.5)
        self.assertEqual(len(self.cluster.replies(self.lead)), 1)

    def test_what_cannot_be_sent_is_refused_with_its_field(self):
        variables = {"1": "Ada"}
        for status, field, body in (
                (400, "to", {"body": "Hi"}),
                (400, "to", {"to": "555", "body": "Hi"}),
                (400, "body", {"to": self.lead}),
                (400, "body", {"to": self.lead, "body": ""}),
                (400, "body", {"to": self.lead, "body": "  "}),
                (400, "body", {"to": self.lead, "body": "x" * 1601}),
                (400, "body", {"to": self.lead, "body": "x" * 7000}),
                (400, "channel", {"to": self.lead, "body": "Hi", "channel": "fax"}),
                (400, "body", {"to": self.lead, "channel": "whatsapp", "body": "Hi", "content_sid": TEMPLATE}),
                (400, "content_sid", {"to": self.lead, "content_sid": TEMPLATE}),
                (400, "content_sid", {"to": self.lead, "channel": "whatsapp", "content_sid": "HX1"}),
                (400, "content_variables", {"to": self.lead, "body": "Hi", "content_variables": variables}),
                (400, "to", {"to": BUSINESS, "body": "Hi"}),
                (400, "to", {"to": WHATSAPP, "body": "Hi"}),
                (409, "body", {"to": self.lead, "channel": "whatsapp", "body": "Hi"})):
            with self.subTest(body=str(body)[:80]):
                self.assertEqual(self.write(status=status, **body)["field"], field)
        other = self.cluster.api("POST", "/clients", {"name": "Mute"}, status=201).json["client_id"]
        answer = self.cluster.api("POST", "/messages", {"client_id": other, "to": self.lead, "body": "Hi"}, status=409)
        self.assertEqual(answer.json["field"], "twilio_phone_number")
        self.assertIsNone(self.cluster.conversation(self.lead))

    def test_whoever_listens_hears_what_a_notice_says(self):
        with tempfile.TemporaryFile() as out:
            tap = subprocess.Popen([os.path.join(BIN, "leadctl"), "tap", "notice."], env=self.cluster.env, stdout=out)
            try:
                def told():
                    # The account has no such template; another each time, since a notice is told once.
                    self.write(to=self.lead, channel="whatsapp", content_sid="HX" + uuid.uuid4().hex)
                    out.seek(0)
                    return [json.loads(line) for line in out.read().decode().splitlines()]

                event = wait_for("an event", told, every=0.5)[0]
            finally:
                tap.kill()
                tap.wait()
        self.assertEqual((event["event"], event["client_id"]), ("notice.raised", self.client_id))
        self.assertEqual((event["body"]["kind"], event["body"]["code"]), ("template_refused", 20404))
        self.assertIn(event["body"]["subject"], event["body"]["text"])

    def test_what_a_code_means_is_on_the_message(self):
        self.cluster.sandbox("POST", "/faults", {"endpoint": "callbacks", "kind": "undelivered", "code": 30003, "count": 1})
        message = self.wait_state(self.write(to=self.lead, body="Hi")["message_id"], "undelivered")
        self.assertEqual((message["error_code"], message["error_text"]),
                         (30003, "the handset is off or cannot be reached"))

    def test_while_it_is_uncertain_the_operator_is_told_what_is_awaited(self):
        # Of all sends: one of another test, still under way, would use up a single fault.
        self.cluster.sandbox("POST", "/faults", {"endpoint": "callbacks", "kind": "late", "ms": 2000})
        self.cluster.sandbox("POST", "/faults", {"endpoint": "twilio.send", "kind": "accept-then-cut"})
        message_id = self.write(to=self.lead, body="Hi")["message_id"]
        self.wait_state(message_id, "uncertain")
        self.cluster.sandbox("DELETE", "/faults")
        told = self.why(message_id)
        self.assertTrue(told["waits_for"].startswith("Twilio is asked what became of it"), told)
        self.assertIn("waits_until", told)
        self.wait_state(message_id, "delivered")
        self.assertNotIn("waits_for", self.why(message_id))

    def test_who_has_opted_out_is_not_written_to(self):
        self.inbound("STOP")
        wait_for("the opt-out", lambda: (c := self.cluster.conversation(self.lead)) and c.get("opted_out_at"))
        for body in ({"to": self.lead}, {"conversation_id": self.conversation_id()}):
            answer = self.write(status=409, body="Hi", **body)
            self.assertIn("opted out", answer["detail"])
        self.assertEqual(self.cluster.replies(self.lead), [])

    def test_by_whatsapp_text_within_the_window_and_a_template_after_it(self):
        self.whatsapp("What are your opening hours?")
        answer = wait_for("an answer by WhatsApp", self.sent_by_whatsapp)[0]
        self.assertEqual(answer["from"], "whatsapp:" + WHATSAPP)
        self.assertIn("8 am to 6 pm", answer["body"])
        conversation = self.conversation_id()
        self.write(conversation_id=conversation, body="Joe here.")
        wait_for("a person's text", lambda: self.sent_by_whatsapp()[-1]["body"] == "Joe here.")
        messages = self.cluster.messages(conversation)
        self.assertEqual({m["channel"] for m in messages}, {"whatsapp"})

        self.cluster.sql("UPDATE messages SET created_at = created_at - interval '25 h'"
                         f" WHERE conversation_id = '{conversation}'")
        self.assertEqual(self.write(status=409, conversation_id=conversation, body="Still there?")["field"], "body")
        self.cluster.sandbox("PUT", "/whatsapp", {"from": self.lead, "to": WHATSAPP, "wrote_seconds_ago": 90000})
        self.cluster.sandbox("PUT", "/templates", {"content_sid": TEMPLATE, "body": "Hello {{1}}, are you still there?"})
        created = self.write(conversation_id=conversation, content_sid=TEMPLATE, content_variables={"1": "Ada"})
        message = self.wait_state(created["message_id"], "delivered", "failed")
        self.assertEqual(message["state"], "delivered", message)
        self.assertEqual((message["content_sid"], message["content_variables"]), (TEMPLATE, {"1": "Ada"}))
        self.assertEqual(self.sent_by_whatsapp()[-1]["content_sid"], TEMPLATE)


class Chat(MessagesTest):
    def test_leadctl_chats_by_whatsapp(self):
        said = self.cluster.leadctl("chat", "--client", self.client_id, "--from", self.lead, "--whatsapp", "--sandbox",
                                    f"http://127.0.0.1:{self.cluster.sandbox_port}", "What are your opening hours?")
        self.assertIn("8 am to 6 pm", said)
        self.assertEqual(self.cluster.conversation(self.lead)["channel"], "whatsapp")


class FirstMessage(MessagesTest):
    config = {"first_message_opt_out_line": "Reply STOP to opt out."}

    def test_it_names_the_business_and_how_to_opt_out_and_the_next_does_not(self):
        self.inbound("What are your opening hours?")
        first = self.cluster.wait_replies(1, self.lead)[0]["body"]
        self.assertTrue(first.startswith("Rapid Plumbing: "), first)
        self.assertTrue(first.endswith("\nReply STOP to opt out."), first)
        self.assertIn("8 am to 6 pm", first)
        self.assertLessEqual(len(first), 320)
        self.inbound("Which areas do you serve?")
        second = self.cluster.wait_replies(2, self.lead)[1]["body"]
        self.assertNotIn("Rapid Plumbing", second)
        self.assertNotIn("STOP", second)


class Photos(MessagesTest):
    def test_a_photo_alone_is_answered_and_is_with_the_message(self):
        self.inbound("Hola, tengo una fuga en la cocina")
        self.cluster.wait_replies(1, self.lead)
        self.inbound("", media=[{"url": "https://api.twilio.com/media/1", "content_type": "image/jpeg"}])
        self.assertIn("Gracias por la foto", self.cluster.wait_replies(2, self.lead)[1]["body"])
        messages = self.cluster.messages(self.conversation_id())
        photo = [m for m in messages if m.get("media")]
        self.assertEqual(photo[0]["media"], [{"url": "https://api.twilio.com/media/1", "content_type": "image/jpeg"}])
        told = self.why(messages[-1]["message_id"])
        self.assertEqual(told["turn"]["answers"][0]["note"], "[the lead sent a photo]")

    def test_by_whatsapp_too(self):
        self.whatsapp("", media=[{"url": "https://api.twilio.com/media/2", "content_type": "audio/ogg"}])
        self.assertIn("audio message", wait_for("an answer", self.sent_by_whatsapp)[0]["body"])


class Alerts(MessagesTest):
    config = {"hot_lead_sms_number": BOSS, "alert_call": "on"}
    HOT = "I'm Ada. My water heater burst, I need a plumber today, it is an emergency!"

    def boss_got(self):
        return [m for m in self.cluster.replies(BOSS) if self.lead in m["body"]]

    def boss_was_called(self):
        """Calls that read out this lead's number."""
        calls = self.cluster.sandbox("GET", "/calls?to=" + urllib.parse.quote(BOSS))["calls"]
        return [c for c in calls if " ".join(self.lead[1:]) in json.dumps(c["said"])]

    def expect_one_alert(self, seconds=20):
        """The boss gets one text and one call about this lead, and no second ones."""
        wait_for("the alert", self.boss_got, seconds)
        wait_for("the call", self.boss_was_called, seconds)
        wait_for("all tasks to be done", lambda: self.cluster.sql("SELECT count(*) FROM tasks") == "0", seconds)
        time.sleep(1)
        self.assertEqual(len(self.boss_got()), 1)
        self.assertEqual(len(self.boss_was_called()), 1)
        self.assertEqual(sorted(m["channel"] for m in self.alerts()), ["sms", "voice"])
        return self.boss_got()[0]

    def test_a_hot_lead_is_told_once(self):
        self.inbound(self.HOT)
        alert = self.expect_one_alert()
        self.assertEqual(alert["from"], BUSINESS)
        for part in ("Rapid Plumbing: hot lead", self.lead, "Ada", "Urgency: high", "My water heater burst"):
            self.assertIn(part, alert["body"])
        self.inbound("It really is an emergency, the water heater is broken!")
        self.cluster.wait_replies(2, self.lead)
        self.expect_one_alert()
        self.assertNotIn("hot lead", "".join(m["body"] for m in self.cluster.replies(self.lead)))

    def test_who_asks_for_a_person_is_told(self):
        self.inbound("Can I talk to a person please?")
        wait_for("the alert", self.boss_got)
        self.assertIn("needs a person", self.boss_got()[0]["body"])
        self.assertEqual([m["channel"] for m in self.alerts()], ["sms"])

    def killed_at(self, failpoint):
        self.cluster.kill("orchestrator", 15)
        self.cluster.start("orchestrator", LEADWIRE_FAILPOINT=failpoint)
        self.cluster.wait_ready()
        self.inbound(self.HOT)
        self.assertEqual(self.cluster.wait_ended("orchestrator"), -9)
        self.cluster.start("orchestrator")
        self.cluster.wait_ready()
        self.cluster.wait_replies(1, self.lead, RECOVERY)
        self.expect_one_alert(RECOVERY)

    def test_killed_before_the_commit_it_is_told_once(self):
        self.killed_at("orchestrator.before_commit")

    def test_killed_after_the_commit_it_is_told_once(self):
        self.killed_at("orchestrator.after_commit")

    def test_numbers_are_masked_in_the_logs(self):
        self.inbound(self.HOT)
        self.expect_one_alert()
        for service in ("orchestrator", "delivery"):
            log = self.cluster.log(service)
            self.assertNotIn(BOSS, log)
            self.assertNotIn(self.lead, log)


if __name__ == "__main__":
    main()
