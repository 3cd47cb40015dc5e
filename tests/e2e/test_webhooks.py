"""Twilio's webhooks from outside: texts of each kind, consents, states, calls, and who may send them.

They are posted here as Twilio would, signed with the token of the account that they come through; what Leadwire sends is
read from the sandbox."""

import base64
import concurrent.futures
import hashlib
import hmac
import itertools
import json
import threading
import time
import unittest
import urllib.parse
import uuid
import xml.etree.ElementTree as ET

from cluster import BUSINESS, SID, TOKEN, Answer, Cluster, ClusterTest, http_request, main, wait_for

WEBHOOKS = "/api/v1/webhooks/twilio/"
OWN_SID, OWN_TOKEN = "AC" + "b" * 32, "token of the client's own account"


def sign(url, params, token=TOKEN):
    text = url + "".join(name + value for name, value in sorted(params.items()))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def new_sid(prefix="SM"):
    return prefix + uuid.uuid4().hex


class WebhookTest(ClusterTest):
    def post(self, path, params, token=TOKEN, signature=None, cluster=None, headers=None):
        """signature: instead of the right one; "" for none."""
        cluster = cluster or self.cluster
        signature = sign(cluster.public_url + path, params, token) if signature is None else signature
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", **(headers or {}),
                   **({"X-Twilio-Signature": signature} if signature else {})}
        return http_request(cluster.port, "POST", path, urllib.parse.urlencode(params).encode(), headers)

    def inbound(self, body, channel="sms", to=BUSINESS, account=SID, token=TOKEN, sid=None, page=None, **params):
        prefix = "whatsapp:" if channel == "whatsapp" else ""
        params = {"MessageSid": sid or new_sid(), "AccountSid": account, "From": prefix + self.lead, "To": prefix + to,
                  "Body": body, "NumMedia": "0", "NumSegments": "1", "SomethingNew": "of tomorrow", **params}
        params["SmsSid"] = params["MessageSid"]
        return self.post(WEBHOOKS + (page or channel), params, token)

    def accepted(self, answer):
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(answer.headers["Content-Type"].startswith("text/xml"))
        self.assertEqual((ET.fromstring(answer.body).tag, len(ET.fromstring(answer.body))), ("Response", 0))

    def stored(self):
        """What the lead has written, oldest first."""
        rows = self.cluster.sql(
            "SELECT coalesce(json_agg(json_build_object('channel', m.channel, 'body', m.body, 'media', m.media, 'name', l.name,"
            " 'sid', m.provider_sid) ORDER BY m.seq), '[]') FROM messages m JOIN leads l USING (client_id, lead_id)"
            f" WHERE l.phone = '{self.lead}' AND m.direction = 'in'")
        return json.loads(rows)

    def opted_out(self):
        return self.cluster.sql(f"SELECT count(*) FROM leads WHERE phone = '{self.lead}' AND opted_out_at IS NOT NULL") == "1"

    def consents(self):
        rows = self.cluster.sql("SELECT coalesce(string_agg(c.kind || ' ' || c.channel || ' ' || c.words, ', '"
                                " ORDER BY c.created_at), '') FROM consents c JOIN leads l USING (client_id, lead_id)"
                                f" WHERE l.phone = '{self.lead}'")
        return rows.split(", ") if rows else []

    def confirmations(self):
        rows = self.cluster.sql("SELECT coalesce(json_agg(m.body ORDER BY m.seq), '[]') FROM messages m"
                                f" JOIN leads l USING (client_id, lead_id) WHERE l.phone = '{self.lead}'"
                                " AND m.purpose = 'consent' AND m.author = 'system'")
        return json.loads(rows)

    def tasks(self, kind):
        return int(self.cluster.sql(
            "SELECT count(*) FROM (SELECT kind, serial_key FROM tasks UNION ALL SELECT kind, serial_key FROM finished_tasks) t"
            f" JOIN conversations c ON t.serial_key IN (c.conversation_id::text, 'send:' || c.conversation_id)"
            f" WHERE c.lead_address = '{self.lead}' AND t.kind = '{kind}'"))


class Texts(WebhookTest):
    def test_a_text_is_stored_and_answered(self):
        self.accepted(self.inbound("What are your opening hours?"))
        self.assertIn("8 am to 6 pm", self.cluster.wait_replies(1, self.lead)[0]["body"])
        self.assertEqual([m["body"] for m in self.stored()], ["What are your opening hours?"])

    def test_pictures_are_kept_as_references_and_the_words_as_written(self):
        media = {"NumMedia": "2", "MediaUrl0": "https://api.twilio.com/Media/ME1", "MediaContentType0": "image/jpeg",
                 "MediaUrl1": "https://api.twilio.com/Media/ME2", "MediaContentType1": "video/mp4"}
        self.accepted(self.inbound("", **media))
        self.accepted(self.inbound("This one leaks", **media))
        self.assertEqual([m["body"] for m in self.stored()], ["", "This one leaks"])
        self.assertEqual(self.stored()[0]["media"],
                         [{"url": "https://api.twilio.com/Media/ME1", "content_type": "image/jpeg"},
                          {"url": "https://api.twilio.com/Media/ME2", "content_type": "video/mp4"}])

    def test_attachments_beyond_all_bounds_are_left_out(self):
        media = {"NumMedia": "500", "MediaUrl1": "https://api.twilio.com/" + "x" * 3000, "MediaContentType1": "a/b"}
        media.update({"MediaUrl%d" % i: "https://api.twilio.com/%d" % i for i in range(20) if i != 1})
        media["MediaContentType0"] = "t" * 500
        self.accepted(self.inbound("Many", **media))
        kept = self.stored()[0]["media"]
        self.assertEqual([m["url"][-1] for m in kept], ["0", "2", "3", "4", "5", "6", "7", "8", "9"])
        self.assertEqual(kept[0]["content_type"], "")

    def test_what_is_wrong_is_named(self):
        right = {"MessageSid": new_sid(), "AccountSid": SID, "From": self.lead, "To": BUSINESS, "Body": "Hi"}
        for field, wrong in (("MessageSid", "SM-1"), ("From", "5551234"), ("To", "whatsapp:" + BUSINESS), ("Body", ""),
                             ("Body", "x" * 20000)):
            answer = self.post(WEBHOOKS + "sms", {**right, field: wrong})
            self.assertEqual((answer.status, answer.json["field"]), (400, field), wrong)
        self.assertEqual(self.stored(), [])

    def test_a_number_of_nobody_is_told(self):
        answer = self.inbound("Hi", to="+15550999999")
        self.assertEqual((answer.status, answer.json["field"]), (404, "To"))

    def test_the_same_sid_again_is_answered_the_same_and_stored_once(self):
        sid = new_sid()
        for attempt in range(3):
            self.accepted(self.inbound("Do you install water heaters?", sid=sid))
        self.assertEqual(len(self.stored()), 1)

    def test_a_get_with_its_parameters_in_the_address_is_taken(self):
        params = {"MessageSid": new_sid(), "AccountSid": SID, "From": self.lead, "To": BUSINESS, "Body": "Are you open?"}
        path = WEBHOOKS + "sms?" + urllib.parse.urlencode(params)
        answer = self.cluster.http("GET", path, headers={"X-Twilio-Signature": sign(self.cluster.public_url + path, {})})
        self.accepted(answer)
        self.assertEqual(self.cluster.http("GET", path, headers={"X-Twilio-Signature": sign("x", {})}).status, 403)
        self.assertEqual(len(self.stored()), 1)

    def test_what_is_stored_is_answered_after_a_kill_and_twilios_repetition(self):
        """The gateway dies between the commit and its answer; Twilio posts again what it got no answer to."""
        cluster = Cluster(services=["orchestrator", "knowledge", "delivery", "scheduler"])
        self.addCleanup(cluster.close)
        cluster.start("gateway", LEADWIRE_FAILPOINT="gateway.after_accept:1")
        cluster.wait_ready()
        cluster.make_client(config={"twilio_whatsapp_number": BUSINESS, "opt_out_confirmation": "Bye."})
        params = {"MessageSid": new_sid(), "AccountSid": SID, "From": "whatsapp:" + self.lead, "To": "whatsapp:" + BUSINESS,
                  "Body": "STOP"}
        with self.assertRaises(OSError):
            self.post(WEBHOOKS + "whatsapp", params, cluster=cluster)
        cluster.wait_ended("gateway")
        cluster.start("gateway")
        cluster.wait_ready()
        for attempt in range(2):
            self.assertEqual(self.post(WEBHOOKS + "whatsapp", params, cluster=cluster).status, 200)
        count = "SELECT (SELECT count(*) FROM messages WHERE direction = 'in')" \
                " || ' ' || (SELECT count(*) FROM consents)" \
                " || ' ' || (SELECT count(*) FROM messages WHERE purpose = 'consent' AND body = 'Bye.')"
        self.assertEqual(cluster.sql(count), "1 1 1")


class WhatsApp(WebhookTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.api("PATCH", f"/clients/{cls.client_id}/config", {"twilio_whatsapp_number": BUSINESS}, status=200)

    def test_a_message_makes_a_lead_with_its_name(self):
        self.accepted(self.inbound("Are you open today?", "whatsapp", ProfileName="Ada\nLovelace", WaId=self.lead[1:]))
        self.assertEqual(self.stored()[0]["name"], "Ada Lovelace")
        self.assertEqual(self.stored()[0]["channel"], "whatsapp")
        conversation = self.cluster.conversation(self.lead)
        self.assertEqual((conversation["channel"], conversation["lead_address"]), ("whatsapp", self.lead))

    def test_both_channels_are_one_lead(self):
        self.accepted(self.inbound("Hello", "whatsapp"))
        self.accepted(self.inbound("Hello", "sms"))
        self.assertEqual(self.cluster.sql(f"SELECT count(*) FROM leads WHERE phone = '{self.lead}'"), "1")
        self.assertEqual([m["channel"] for m in self.stored()], ["whatsapp", "sms"])

    def test_one_address_takes_both_channels(self):
        self.accepted(self.inbound("Hello", "whatsapp", page="sms"))
        self.accepted(self.inbound("Hello", "sms", page="whatsapp"))
        self.assertEqual([m["channel"] for m in self.stored()], ["whatsapp", "sms"])

    def test_a_location_is_readable(self):
        self.accepted(self.inbound("", "whatsapp", Latitude="48.1374", Longitude="11.5755", Label="Home",
                                   Address="Marienplatz 1, Munich"))
        self.accepted(self.inbound("I am here", "whatsapp", Latitude="-33.5", Longitude="151"))
        self.assertEqual([m["body"] for m in self.stored()], ["[location: Home, Marienplatz 1, Munich (48.1374, 11.5755)]",
                                                              "I am here\n[location: -33.5, 151]"])

    def test_a_button_says_what_stands_on_it(self):
        self.accepted(self.inbound("", "whatsapp", ButtonText="Book now", ButtonPayload="book-1", ButtonType="reply"))
        self.assertEqual(self.stored()[0]["body"], "Book now")


class Consents(WebhookTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.api("PATCH", f"/clients/{cls.client_id}/config", {"twilio_whatsapp_number": BUSINESS}, status=200)

    def test_twilio_answers_stop_and_start_by_sms(self):
        self.accepted(self.inbound("Stop"))
        self.assertTrue(self.opted_out())
        self.accepted(self.inbound("What are your opening hours?"))
        self.accepted(self.inbound("START"))
        self.assertFalse(self.opted_out())
        time.sleep(2)
        self.assertEqual(self.confirmations(), [])
        self.assertEqual(self.cluster.replies(self.lead), [])
        self.assertEqual(self.consents(), ["out sms Stop", "in sms START"])
        self.accepted(self.inbound("What are your opening hours?"))
        self.assertIn("8 am", self.cluster.wait_replies(1, self.lead)[0]["body"])

    def test_by_whatsapp_we_confirm_each_once(self):
        self.accepted(self.inbound("STOP", "whatsapp"))
        self.accepted(self.inbound("STOP", "whatsapp"))
        self.assertEqual(len(self.confirmations()), 1)
        self.assertIn("Rapid Plumbing", self.confirmations()[0])
        self.accepted(self.inbound("yes", "whatsapp"))
        self.assertFalse(self.opted_out())
        self.assertEqual(len(self.confirmations()), 2)
        self.assertEqual(self.consents(), ["out whatsapp STOP", "out whatsapp STOP", "in whatsapp yes"])
        self.assertEqual(self.tasks("send_message_whatsapp"), 2)
        self.assertEqual(self.tasks("process_ai_response"), 0)

    def test_free_wording_is_confirmed_by_us_on_either_channel(self):
        self.accepted(self.inbound("Please don't text me anymore"))
        self.assertTrue(self.opted_out())
        replies = self.cluster.wait_replies(1, self.lead)
        self.assertIn("you will get no more messages", replies[0]["body"])
        self.accepted(self.inbound("What are your opening hours?"))
        time.sleep(2)
        self.assertEqual(len(self.cluster.replies(self.lead)), 1)
        self.assertEqual(self.consents(), ["out sms Please don't text me anymore"])
        self.assertEqual(self.tasks("process_ai_response"), 0)

    def test_help_is_answered_by_us_and_not_by_the_agent(self):
        self.accepted(self.inbound("HELP"))
        replies = self.cluster.wait_replies(1, self.lead)
        self.assertIn("Rapid Plumbing", replies[0]["body"])
        self.assertEqual(replies[0]["from"], BUSINESS)
        self.assertFalse(self.opted_out())
        self.assertEqual(self.tasks("process_ai_response"), 0)
        self.accepted(self.inbound("HELP", OptOutType="HELP"))
        time.sleep(1)
        self.assertEqual(len(self.cluster.replies(self.lead)), 1, "Twilio has answered the second")

    def test_what_twilio_has_acted_on_counts_whatever_the_words(self):
        self.accepted(self.inbound("basta ya", OptOutType="STOP"))
        self.assertTrue(self.opted_out())
        self.accepted(self.inbound("otra vez", OptOutType="START"))
        self.assertFalse(self.opted_out())
        self.assertEqual(self.confirmations(), [])
        self.assertEqual(self.tasks("process_ai_response"), 0)

    def test_yes_is_an_answer_of_who_has_not_opted_out(self):
        self.accepted(self.inbound("Yes"))
        self.cluster.wait_replies(1, self.lead)
        self.assertEqual(self.consents(), [])

    def test_stop_by_tomorrow_is_no_opt_out(self):
        self.accepted(self.inbound("Can you stop by tomorrow at 5?"))
        self.assertFalse(self.opted_out())
        self.cluster.wait_replies(1, self.lead)


class States(WebhookTest):
    """Callbacks about one message, whatever their order."""

    def make_message(self, channel="sms", purpose="reply", state="sending", client=None):
        if not self.cluster.sql(f"SELECT 1 FROM leads WHERE phone = '{self.lead}'"):
            self.cluster.sql(
                "WITH l AS (INSERT INTO leads (client_id, lead_id, phone) VALUES"
                f" ('{client or self.client_id}', gen_random_uuid(), '{self.lead}') RETURNING *)"
                " INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address, our_address)"
                f" SELECT client_id, gen_random_uuid(), lead_id, 'sms', '{self.lead}', '{BUSINESS}' FROM l")
        return self.cluster.sql(
            "INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel, from_address,"
            " to_address, body, state, purpose) SELECT client_id, gen_random_uuid(), conversation_id, lead_id, 'out', 'agent',"
            f" '{channel}', '{BUSINESS}', '{self.lead}', 'Ada <& Bob> is hot', '{state}', '{purpose}' FROM conversations"
            f" WHERE lead_address = '{self.lead}' RETURNING message_id")

    def path(self, page, message, client=None):
        return f"{WEBHOOKS}{page}?client_id={client or self.client_id}&message_id={message}"

    def callback(self, message, status, token=TOKEN, account=SID, client=None, **params):
        answer = self.post(self.path("status", message, client),
                           {"MessageSid": "SM" + message.replace("-", ""), "AccountSid": account, "MessageStatus": status,
                            **params}, token)
        return answer

    def state(self, message):
        return self.cluster.sql(f"SELECT state FROM messages WHERE message_id = '{message}'")

    def test_every_order_and_repetition_ends_in_the_same_state(self):
        for order in itertools.permutations(("sent", "delivered", "read")):
            message = self.make_message()
            for status in order + order:
                self.assertEqual(self.callback(message, status).status, 200)
            self.assertEqual(self.state(message), "read", order)

    def test_at_the_same_moment_too(self):
        message = self.make_message()
        threads = [threading.Thread(target=self.callback, args=(message, s)) for s in ("queued", "sent", "delivered") * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.state(message), "delivered")

    def post_together(self, posts, threads=40, cluster=None):
        """[(path, params, token)], each in its turn by one of the threads: the statuses, 0 where there was no answer."""
        def one(post):
            try:
                return self.post(*post, cluster=cluster).status
            except OSError:
                return 0
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, posts))

    def status_post(self, message, status, client=None, token=TOKEN, **params):
        return (self.path("status", message, client),
                {"MessageSid": "SM" + message.replace("-", ""), "AccountSid": SID, "MessageStatus": status, **params}, token)

    def test_of_many_at_once_those_that_are_wrong_harm_no_other(self):
        """The database refuses one of them: only that one is answered 500, however it was grouped."""
        good = [self.make_message() for _ in range(40)]
        poor, opted_out = self.make_message(), self.make_message()
        self.cluster.sql("ALTER TABLE messages ADD CONSTRAINT poor CHECK"
                         f" (message_id <> '{poor}' OR state = 'sending')")
        self.addCleanup(self.cluster.sql, "ALTER TABLE messages DROP CONSTRAINT poor")
        posts, wanted = [], []
        for i, message in enumerate(good):
            posts += [self.status_post(message, s) for s in ("queued", "sent", "delivered")]
            wanted += [200] * 3
            wrong = [(self.status_post(poor, "delivered"), 500), (self.status_post(str(uuid.uuid4()), "sent"), 404),
                     (self.status_post(message, "read", client=str(uuid.uuid4())), 404),
                     (self.status_post(message, "read", token="wrong"), 403), (self.status_post(message, "x" * 40), 400),
                     (self.status_post(message, "something-new"), 200),
                     (self.status_post(opted_out, "failed", ErrorCode="21610"), 200)]
            for post, status in (wrong[i % 7], wrong[(i + 3) % 7]):
                posts.append(post)
                wanted.append(status)
        self.assertEqual(len(posts), 200)
        self.assertEqual(self.post_together(posts), wanted)
        self.assertEqual({self.state(message) for message in good}, {"delivered"})
        self.assertEqual((self.state(poor), self.state(opted_out)), ("sending", "failed"))
        self.assertEqual(self.consents(), ["out sms Twilio 21610"])

    def test_what_was_not_answered_because_of_a_kill_is_repeated_and_stored(self):
        """The gateway dies before and after the commit of a group; what got no answer is posted again."""
        for failpoint in ("gateway.before_status:4", "gateway.after_status:4"):
            with self.subTest(failpoint):
                cluster = self.cluster
                messages = [self.make_message() for _ in range(66)]
                posts = [self.status_post(m, s) for m in messages for s in ("sent", "delivered", "sent")]
                posts += [self.status_post(str(uuid.uuid4()), "sent") for _ in range(2)]
                cluster.kill("gateway", 15)
                cluster.start("gateway", LEADWIRE_FAILPOINT=failpoint)
                cluster.wait_ready()
                first = self.post_together(posts)
                self.assertEqual(cluster.wait_ended("gateway"), -9)
                kept = [m for i, m in enumerate(messages) if first[3 * i + 1] == 200]
                self.assertEqual({self.state(m) for m in kept} - {"delivered"}, set(), "answered and not stored")
                self.assertIn(0, first)
                cluster.start("gateway")
                cluster.wait_ready()
                again = self.post_together([post for post, status in zip(posts, first) if status == 0])
                self.assertEqual(set(again) - {200, 404}, set())
                self.assertEqual({self.state(m) for m in messages}, {"delivered"})

    def test_the_answer_is_empty_and_the_error_is_kept(self):
        message = self.make_message()
        answer = self.callback(message, "undelivered", ErrorCode="30005", ErrorMessage="Unknown destination handset")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.callback(message, "sent")
        shown = self.cluster.api("GET", f"/messages/{message}", status=200).json
        self.assertEqual((shown["state"], shown["error_code"], shown["error_text"]),
                         ("undelivered", 30005, "Unknown destination handset"))

    def test_the_older_names_of_the_parameters_are_read(self):
        message = self.make_message()
        answer = self.post(self.path("status", message), {"SmsSid": new_sid(), "AccountSid": SID, "SmsStatus": "delivered"})
        self.assertEqual((answer.status, self.state(message)), (200, "delivered"))

    def test_a_call_has_states_of_its_own(self):
        message = self.make_message("voice", "alert")
        for status, state in (("initiated", "sent"), ("completed", "delivered"), ("ringing", "delivered")):
            answer = self.post(self.path("status", message), {"CallSid": "CA1", "AccountSid": SID, "CallStatus": status})
            self.assertEqual((answer.status, self.state(message)), (200, state))

    def test_an_opt_out_at_twilio_is_one_here(self):
        message = self.make_message()
        self.callback(message, "failed", ErrorCode="21610")
        self.assertTrue(self.opted_out())
        self.assertEqual(self.consents(), ["out sms Twilio 21610"])

    def test_what_a_person_must_see_to_is_told_once(self):
        message = self.make_message()
        self.callback(message, "failed", ErrorCode="30034")
        self.callback(message, "failed", ErrorCode="30034")
        self.callback(self.make_message(), "undelivered", ErrorCode="30005")  # one recipient's fault
        self.assertEqual(self.cluster.sql("SELECT kind || ' ' || subject || ' ' || code || ' ' || count FROM notices"
                                          f" WHERE client_id = '{self.client_id}'"), "message_failed code 30034 30034 1")

    def test_unknown_and_malformed_ones_change_nothing(self):
        message = self.make_message()
        self.assertEqual(self.callback(str(uuid.uuid4()), "sent").status, 404)
        self.assertEqual(self.callback(message, "sent", client=str(uuid.uuid4())).status, 404)
        self.assertEqual(self.callback(message, "x" * 40).status, 400)
        self.assertEqual(self.callback("nonsense", "sent").status, 400)
        self.assertEqual(self.callback(message, "something-new").status, 200)
        self.assertEqual(self.state(message), "sending")

    # ---- calls ----

    def call(self, message, token=TOKEN, account=SID, client=None, **params):
        return self.post(self.path("voice", message, client), {"CallSid": "CA1", "AccountSid": account, **params}, token)

    def test_an_alert_call_says_what_it_is_about_and_takes_a_key(self):
        message = self.make_message("voice", "alert", "sent")
        answer = self.call(message)
        self.assertEqual((answer.status, answer.headers["Content-Type"].split(";")[0]), (200, "text/xml"))
        gather = ET.fromstring(answer.body).find("Gather")
        self.assertEqual(gather.get("numDigits"), "1")
        self.assertEqual(gather.get("action"), self.cluster.public_url + self.path("voice", message))
        self.assertTrue(gather.find("Say").text.startswith("Ada <& Bob> is hot"))

        dial = ET.fromstring(self.call(message, Digits="1").body).find("Dial")
        self.assertEqual((dial.get("callerId"), dial.find("Number").text), (BUSINESS, self.lead))
        self.assertIsNone(ET.fromstring(self.call(message, Digits="2").body).find("Dial"))

    def test_an_alert_call_is_read_in_the_clients_language(self):
        message = self.make_message("voice", "alert", "sent")
        self.cluster.api("PATCH", f"/clients/{self.client_id}/config", {"language": "ar"}, status=200)
        try:
            said = ET.fromstring(self.call(message).body).find("Gather").find("Say")
            self.assertEqual((said.get("language"), said.get("voice")), ("arb", "Polly.Zeina"))
            self.assertIn("اضغط 1", said.text)
        finally:
            self.cluster.api("PATCH", f"/clients/{self.client_id}/config", {"language": None}, status=200)

    def test_a_call_that_is_not_the_clients_says_nothing(self):
        message, text = self.make_message("voice", "alert"), self.make_message()
        for answer in (self.call(message, client=str(uuid.uuid4()), Digits="1"), self.call(text, Digits="1"),
                       self.call(str(uuid.uuid4()))):
            self.assertEqual(answer.status, 200)
            self.assertNotIn(self.lead.encode(), answer.body)
            self.assertNotIn(b"Bob", answer.body)
            self.assertEqual([e.tag for e in ET.fromstring(answer.body)], ["Say", "Hangup"])

    def test_somebody_who_dials_the_number_hears_goodbye(self):
        answer = self.post(WEBHOOKS + "voice", {"CallSid": "CA1", "AccountSid": SID, "From": self.lead, "To": BUSINESS})
        self.assertEqual([e.tag for e in ET.fromstring(answer.body)], ["Say", "Hangup"])


class Signatures(WebhookTest):
    OWN_NUMBER = "+15550100077"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own = cls.cluster.make_client(cls.OWN_NUMBER, "Own Account", {"twilio_account_sid": OWN_SID,
                                                                          "twilio_auth_token": OWN_TOKEN})

    def refused(self, answer):
        self.assertEqual(answer.status, 403, answer)
        self.assertEqual(answer.json["detail"], "X-Twilio-Signature is missing or wrong")

    def test_without_the_right_signature_nothing_is_taken(self):
        params = {"MessageSid": new_sid(), "AccountSid": SID, "From": self.lead, "To": BUSINESS, "Body": "Hi"}
        right = sign(self.cluster.public_url + WEBHOOKS + "sms", params)
        for wrong in ("", "x", right[:-1], right.lower(), right + "=", right[:5] + ("A" if right[5] != "A" else "B") + right[6:]):
            for page in ("sms", "whatsapp", "status", "voice"):
                self.refused(self.post(WEBHOOKS + page, params, signature=wrong))
        self.refused(self.post(WEBHOOKS + "sms", {**params, "Body": "Hello"}, signature=right))
        self.refused(self.post(WEBHOOKS + "sms?a=1", params, signature=right))
        self.refused(self.post(WEBHOOKS + "sms", params, token=OWN_TOKEN))
        self.assertEqual(self.stored(), [])
        self.accepted(self.post(WEBHOOKS + "sms", params, signature=right))

    def test_a_json_body_is_believed_by_its_hash_and_not_taken(self):
        body = b'{"MessageSid": "SM1"}'
        path = WEBHOOKS + "sms?bodySHA256=" + hashlib.sha256(body).hexdigest()
        headers = {"Content-Type": "application/json", "X-Twilio-Signature": sign(self.cluster.public_url + path, {})}
        self.assertEqual(self.cluster.http("POST", path, body, headers).status, 415)
        self.refused(self.cluster.http("POST", path, body + b" ", headers))

    def test_a_clients_own_account_signs_for_its_numbers_alone(self):
        self.accepted(self.inbound("Hi", to=self.OWN_NUMBER, account=OWN_SID, token=OWN_TOKEN))
        self.refused(self.inbound("Hi", to=self.OWN_NUMBER))
        self.refused(self.inbound("Hi", to=self.OWN_NUMBER, account=OWN_SID, token=TOKEN))
        self.refused(self.inbound("Hi", to=BUSINESS, account=OWN_SID, token=OWN_TOKEN))
        self.refused(self.inbound("Hi", to=self.OWN_NUMBER, account="AC" + "c" * 32, token=OWN_TOKEN))
        self.refused(self.inbound("Hi", to=self.OWN_NUMBER, account="' OR 1", token=OWN_TOKEN))
        self.assertEqual(len(self.stored()), 1)

    def test_whoever_names_anothers_account_gets_nothing_with_a_token_of_their_own(self):
        self.cluster.make_client("+15550100078", "Thief", {"twilio_account_sid": OWN_SID, "twilio_auth_token": "stolen"})
        wait_for("the thief's token to be known",
                 lambda: self.inbound("Hi", to="+15550100078", account=OWN_SID, token="stolen").status == 200)
        self.refused(self.inbound("Hi", to=self.OWN_NUMBER, account=OWN_SID, token="stolen"))

    def test_a_new_token_counts_within_seconds(self):
        number, sid = "+15550100079", "AC" + "d" * 32
        client = self.cluster.make_client(number, "Rotates", {"twilio_account_sid": sid, "twilio_auth_token": "first"})
        wait_for("the first token", lambda: self.inbound("Hi", to=number, account=sid, token="first").status == 200)
        self.cluster.api("PATCH", f"/clients/{client}/config", {"twilio_auth_token": "second"}, status=200)
        wait_for("the second token", lambda: self.inbound("Hi", to=number, account=sid, token="second").status == 200)
        self.refused(self.inbound("Hi", to=number, account=sid, token="first"))

    def test_states_come_from_the_account_of_the_client(self):
        self.accepted(self.inbound("Hi", to=self.OWN_NUMBER, account=OWN_SID, token=OWN_TOKEN))
        message = self.cluster.sql(
            "INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel, from_address,"
            " to_address, body, state) SELECT client_id, gen_random_uuid(), conversation_id, lead_id, 'out', 'agent', 'sms',"
            f" our_address, lead_address, 'x', 'sending' FROM conversations WHERE lead_address = '{self.lead}'"
            " RETURNING message_id")
        path = f"{WEBHOOKS}status?client_id={self.own}&message_id={message}"
        params = {"MessageSid": new_sid(), "MessageStatus": "delivered"}
        self.refused(self.post(path, {**params, "AccountSid": SID}))
        self.refused(self.post(path.replace(self.own, self.client_id), {**params, "AccountSid": OWN_SID}, OWN_TOKEN))
        self.assertEqual(self.post(path, {**params, "AccountSid": OWN_SID}, OWN_TOKEN).status, 200)
        self.assertEqual(self.cluster.sql(f"SELECT state FROM messages WHERE message_id = '{message}'"), "delivered")

    def test_a_flood_of_unknown_accounts_costs_little(self):
        began = time.monotonic()
        for i in range(200):
            self.refused(self.inbound("Hi", account="AC%032x" % i, token="none"))
        self.accepted(self.inbound("Hi"))
        self.assertLess(time.monotonic() - began, 20)


class Box(WebhookTest):
    """With the sandbox in Twilio's place: it signs, answers keywords, places calls and does what their TwiML says."""

    def post_call(self, **params):
        credentials = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
        answer = http_request(self.cluster.sandbox_port, "POST", f"/2010-04-01/Accounts/{SID}/Calls.json",
                              urllib.parse.urlencode(params).encode(),
                              {"Authorization": "Basic " + credentials,
                               "Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(answer.status, 201, answer)

    def calls_to(self, number):
        return self.cluster.sandbox("GET", "/calls?to=" + urllib.parse.quote(number))["calls"]

    def test_each_stop_is_confirmed_by_twilio_or_by_us_and_never_by_both(self):
        for words, by_twilio, by_us in (("STOP", 1, 0), ("START", 2, 0), ("Please stop texting me", 2, 1)):
            self.assertEqual(self.cluster.text(words, self.lead)["status"], 200)
            time.sleep(1.5)
            keywords = self.cluster.sandbox("GET", "/keywords?to=" + urllib.parse.quote(self.lead))["keywords"]
            self.assertEqual((len(keywords), len(self.cluster.replies(self.lead))), (by_twilio, by_us), words)

    def test_a_stop_by_whatsapp_gets_one_confirmation_there(self):
        self.cluster.api("PATCH", f"/clients/{self.client_id}/config", {"twilio_whatsapp_number": BUSINESS}, status=200)

        def received():
            return [m for m in self.cluster.sandbox("GET", "/messages")["messages"] if m["to"] == "whatsapp:" + self.lead]
        for words in ("STOP", "Stop please"):
            answer = self.cluster.sandbox("POST", "/inbound", {"from": self.lead, "to": BUSINESS, "body": words,
                                                               "channel": "whatsapp", "wait": True})
            self.assertEqual(answer["status"], 200, answer)
            message = wait_for("the confirmation", received)
        time.sleep(1.5)
        self.assertEqual([m["from"] for m in received()], ["whatsapp:" + BUSINESS])
        self.assertIn("you will get no more messages", message[0]["body"])

    def test_an_alert_call_is_put_through_to_the_lead(self):
        lead, staff = self.lead, "+15550007777"
        self.assertEqual(self.cluster.text("My water heater burst, it is an emergency!", lead)["status"], 200)
        self.cluster.wait_replies(1, lead)
        message = self.cluster.sql(
            "INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel, from_address,"
            " to_address, body, state, purpose) SELECT client_id, gen_random_uuid(), conversation_id, lead_id, 'out', 'system',"
            f" 'voice', our_address, '{staff}', 'A hot lead: Ada & Bob.', 'sending', 'alert' FROM conversations"
            f" WHERE lead_address = '{lead}' RETURNING message_id")
        address = f"{self.cluster.public_url}{WEBHOOKS}%s?client_id={self.client_id}&message_id={message}"
        self.cluster.sandbox("PUT", "/callees", {"number": staff, "digits": ["1"]})
        self.post_call(To=staff, From=BUSINESS, Url=address % "voice", StatusCallback=address % "status",
                       StatusCallbackEvent="completed")
        call = wait_for("the call to end", lambda: [c for c in self.calls_to(staff) if c["status"] == "completed"])[0]
        self.assertEqual(call["errors"], [])
        self.assertIn("A hot lead: Ada & Bob.", json.dumps(call["said"]))
        self.assertIn(lead, json.dumps(call["dialled"]))
        self.assertIn(BUSINESS, json.dumps(call["dialled"]))
        wait_for("its callback", lambda: self.cluster.sql(
            f"SELECT state FROM messages WHERE message_id = '{message}'") == "delivered")

    def test_a_lead_of_a_client_with_its_own_account_is_answered_through_it(self):
        number = "+15550100066"
        self.cluster.sandbox("PUT", "/accounts", {"account_sid": OWN_SID, "auth_token": OWN_TOKEN, "numbers": [number]})
        self.cluster.make_client(number, "Own Account", {"twilio_account_sid": OWN_SID, "twilio_auth_token": OWN_TOKEN})
        self.assertEqual(self.cluster.text("What are your opening hours?", self.lead, to=number)["status"], 200)
        self.assertIn("8 am", self.cluster.wait_replies(1, self.lead)[0]["body"])
        wait_for("delivered, as the own account tells",
                 lambda: self.cluster.messages(self.cluster.conversation(self.lead)["conversation_id"])[-1]["state"]
                 == "delivered")


if __name__ == "__main__":
    main()
