"""Leads through the API and leadctl: created, listed, changed, opted out and in; one person's data handed out and erased."""

import base64
import hashlib
import hmac
import json
import threading
import time
import urllib.parse
import uuid

from cluster import SID, TOKEN, ClusterTest, main, wait_for


class LeadTest(ClusterTest):
    """Each test has a client of its own."""

    def setUp(self):
        super().setUp()
        self.number = "+1556%07d" % (int(uuid.uuid4().int % 8000000) + 1000000)
        self.client_id = self.cluster.make_client(self.number)
        self.key = self.cluster.leadctl("key", "create", "--client", self.client_id, "--name", "test").split()[-1]

    def api(self, method, path, body=None, status=200, **more):
        return self.cluster.api(method, path, body, key=self.key, status=status, **more).json

    def create(self, status=201, headers=None, **fields):
        return self.api("POST", "/leads", fields, status, headers=headers)

    def listed(self, **query):
        page = self.api("GET", "/leads?" + urllib.parse.urlencode(query))
        return [lead["lead_id"] for lead in page["items"]], page.get("next_after")

    def all_pages(self, **query):
        seen, after = [], None
        while True:
            page, after = self.listed(**query, **({"after": after} if after else {}))
            seen += page
            if not after:
                return seen

    def settled(self):
        wait_for("all tasks of the client to be done", lambda: self.cluster.sql(
            f"SELECT count(*) FROM tasks WHERE client_id = '{self.client_id}' AND state <> 'dead'") == "0")

    def talk(self, body="What are your opening hours?"):
        """A text of the lead, answered. Returns the lead as the API shows it."""
        n = len(self.cluster.replies(self.lead))
        self.cluster.text(body, self.lead, self.number)
        self.cluster.wait_replies(n + 1, self.lead)
        self.settled()
        return self.of_phone()

    def of_phone(self):
        page = self.api("GET", "/leads?" + urllib.parse.urlencode({"text": self.lead}))
        return page["items"][0] if page["items"] else None


class Leads(LeadTest):
    def test_a_client_without_leads_has_an_empty_list(self):
        self.assertEqual(self.listed(), ([], None))

    def test_a_lead_that_texts_is_shown_with_its_conversation(self):
        lead = self.talk()
        self.assertEqual(self.api("GET", f"/leads/{lead['lead_id']}"), lead)
        conversation = self.cluster.conversation(self.lead)
        self.assertEqual(lead["conversation_ids"], [conversation["conversation_id"]])
        self.assertEqual((lead["phone"], lead["status"]), (self.lead, "open"))
        self.assertNotIn("opted_out_at", lead)
        self.assertNotIn("phone_valid", lead)
        self.cluster.sql(f"UPDATE leads SET phone_valid = false, phone_line_type = 'landline', phone_country = 'US',"
                         f" phone_looked_up_at = now() WHERE lead_id = '{lead['lead_id']}'")
        shown = self.api("GET", f"/leads/{lead['lead_id']}")
        self.assertEqual((shown["phone_valid"], shown["phone_line_type"], shown["phone_country"]), ("no", "landline", "US"))

    def test_pages_hold_each_lead_once_in_each_order(self):
        ids = [self.create(phone=f"+1557000000{i}", name=f"Lead {i}")["lead"]["lead_id"] for i in range(7)]
        for i, score in enumerate(["COLD", "HOT", "WARM", "HOT", "COLD", "WARM", "COLD"]):
            self.cluster.sql(f"UPDATE leads SET score = '{score}', updated_at = now() - interval '{i} min'"
                             f" WHERE lead_id = '{ids[i]}'")
        self.assertEqual(self.all_pages(limit=3), ids[::-1])
        self.assertEqual(self.all_pages(limit=2, sort="created"), ids[::-1])
        self.assertEqual(self.all_pages(limit=2, sort="updated"), ids)
        self.assertEqual(self.all_pages(limit=2, sort="score"), [ids[i] for i in (3, 1, 5, 2, 6, 4, 0)])
        after = self.listed(limit=2, sort="score")[1]
        self.assertEqual(self.cluster.api("GET", f"/leads?after={after}", key=self.key).json["field"], "after")
        self.assertEqual(self.cluster.api("GET", "/leads?after=x", key=self.key).json["field"], "after")

    def test_the_second_page_is_the_same_whatever_comes_or_changes_meanwhile(self):
        ids = [self.create(phone=f"+1557000000{i}")["lead"]["lead_id"] for i in range(4)]
        first, after = self.listed(limit=2)
        self.create(phone="+15570000009")
        self.api("PATCH", f"/leads/{ids[0]}", {"name": "Ada"})
        self.assertEqual(first + self.listed(limit=2, after=after)[0], ids[::-1])

    def test_filters(self):
        ada = self.create(email="Ada@Example.com", name="Ada Lovelace")["lead"]["lead_id"]
        bob = self.create(phone="+15570000001", name="Bob 100%")["lead"]["lead_id"]
        texter = self.talk()["lead_id"]
        self.api("POST", f"/leads/{bob}/opt-out", {})
        self.cluster.sql(f"UPDATE leads SET score = 'HOT', service_interest = 'Water heater' WHERE lead_id = '{ada}'")
        self.cluster.sql(f"UPDATE conversations SET state = 'escalated' WHERE lead_id = '{texter}'")
        for query, wanted in (({"score": "HOT"}, [ada]), ({"status": "opted_out"}, [bob]), ({"status": "open"}, [ada]),
                              ({"status": "escalated"}, [texter]), ({"channel": "sms"}, [texter]),
                              ({"channel": "whatsapp"}, []), ({"text": "LOVE"}, [ada]), ({"text": "@example"}, [ada]),
                              ({"text": "700000"}, [bob]), ({"text": "%"}, [bob]), ({"text": "HEATER"}, [ada]),
                              ({"score": "HOT", "status": "opted_out"}, [])):
            with self.subTest(**query):
                self.assertEqual(self.listed(**query), (wanted, None))
        self.assertEqual(self.cluster.api("GET", "/leads?score=WET", key=self.key).json["field"], "score")

    def test_a_lead_is_written_to_at_its_phone_of_now(self):
        """Somebody else may have the former number."""
        self.api("PATCH", f"/clients/{self.client_id}/config", {"allowed_hours": "00:00-24:00"})
        right = self.lead
        wrong = self.lead[:-2] + ("00" if self.lead[-2:] != "00" else "11")
        first = self.api("POST", "/messages", {"to": wrong, "client_id": self.client_id, "body": "First."}, 202)
        self.cluster.wait_replies(1, wrong)
        self.api("PATCH", f"/leads/{first['lead_id']}", {"phone": right})
        again = self.api("POST", f"/conversations/{first['conversation_id']}/messages", {"body": "Second."}, 202)
        self.api("POST", "/messages", {"to": right, "client_id": self.client_id, "body": "Third."}, 202)
        self.assertEqual([m["body"] for m in self.cluster.wait_replies(2, right)], ["Second.", "Third."])
        self.assertEqual(again["lead_id"], first["lead_id"])
        self.assertEqual(len(self.cluster.replies(wrong)), 1)

    def test_the_same_phone_or_email_is_the_same_lead(self):
        first = self.create(phone="+15570000001", source="open house")
        self.assertTrue(first["created"])
        again = self.create(200, phone="+15570000001", email="ADA@example.com", name="Ada", source="elsewhere")
        self.assertFalse(again["created"])
        lead = again["lead"]
        self.assertEqual((lead["lead_id"], lead["email"], lead["name"], lead["source"]),
                         (first["lead"]["lead_id"], "ada@example.com", "Ada", "open house"))
        self.assertEqual(self.create(200, email="ada@EXAMPLE.com", name="Eve")["lead"]["name"], "Ada")
        other = self.create(email="bob@example.com")["lead"]["lead_id"]
        problem = self.create(409, phone="+15570000001", email="bob@example.com")
        for lead_id in (lead["lead_id"], other):
            self.assertIn(lead_id, problem["detail"])
        self.assertEqual(self.cluster.sql(f"SELECT count(*) FROM tasks WHERE client_id = '{self.client_id}'"
                                          " AND role <> 'knowledge'"), "0")
        self.cluster.text("What are your opening hours?", "+15570000001", self.number)
        wait_for("the texter to be that lead", lambda: self.api("GET", f"/leads/{lead['lead_id']}").get("conversation_ids"))

    def test_what_is_wrong_is_named(self):
        lead_id = self.create(phone="+15570000001")["lead"]["lead_id"]
        self.create(phone="+15570000002", email="bob@example.com")
        for body, field, status in (({}, "phone", 400), ({"phone": "555"}, "phone", 400), ({"email": "ada"}, "email", 400),
                                    ({"email": "a@b@c.de"}, "email", 400), ({"email": "a@b"}, "email", 400),
                                    ({"phone": "+15570000003", "name": "A\nB"}, "name", 400),
                                    ({"phone": "+15570000003", "timezone": "Mars/North"}, "timezone", 400),
                                    ({"phone": "+15570000003", "score": "HOT"}, "score", 400)):
            with self.subTest(create=body):
                self.assertEqual(self.create(status, **body)["field"], field)
        for body, field, status in (({"phone": "555"}, "phone", 400), ({"phone": "+15570000002"}, "phone", 409),
                                    ({"email": "bob@example.com"}, "email", 409), ({"nmae": "Ada"}, "nmae", 400),
                                    ({"timezone": "Mars/North"}, "timezone", 400), ({"urgency": "\x07"}, "urgency", 400),
                                    ({"score": "HOT"}, "score", 400), ({"name": 7}, "name", 400)):
            with self.subTest(update=body):
                self.assertEqual(self.api("PATCH", f"/leads/{lead_id}", body, status)["field"], field)
        self.api("GET", f"/leads/{uuid.uuid4()}", status=404)

    def test_what_is_known_of_a_lead_is_changed_and_forgotten(self):
        lead_id = self.create(phone="+15570000001", name="Ada")["lead"]["lead_id"]
        patch = {"email": "Ada@example.com", "timezone": "Europe/Berlin", "service_interest": "water heater",
                 "urgency": "today", "budget_range": "$500-800", "timeline": "this week"}
        lead = self.api("PATCH", f"/leads/{lead_id}", patch)
        self.assertEqual({name: lead[name] for name in patch}, {**patch, "email": "ada@example.com"})
        self.assertEqual(lead["name"], "Ada")
        lead = self.api("PATCH", f"/leads/{lead_id}", {"urgency": "", "name": ""})
        self.assertNotIn("urgency", lead)
        self.assertNotIn("name", lead)
        self.assertEqual(lead["timeline"], "this week")
        self.cluster.sql(f"UPDATE leads SET phone_valid = true, phone_looked_up_at = now() WHERE lead_id = '{lead_id}'")
        self.assertEqual(self.api("PATCH", f"/leads/{lead_id}", {"phone": "+15570000001"})["phone_valid"], "yes")
        self.assertNotIn("phone_valid", self.api("PATCH", f"/leads/{lead_id}", {"phone": "+15570000005"}))

    def test_an_idempotency_key_makes_one_lead_and_gives_one_answer(self):
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        first = self.create(phone="+15570000001", headers=headers)
        self.assertEqual(self.create(phone="+15570000001", headers=headers), first)
        self.create(409, phone="+15570000002", headers=headers)

    def test_an_opt_out_is_recorded_and_holds_what_is_queued(self):
        lead = self.talk()
        self.cluster.processes["delivery"].send_signal(19)  # SIGSTOP: what is written now stays queued
        try:
            message = self.api("POST", "/messages", {"to": self.lead, "body": "Are you there?"}, 202)
            out = self.api("POST", f"/leads/{lead['lead_id']}/opt-out", {"reason": "asked by phone"})
            self.assertEqual(out["status"], "opted_out")
            self.assertEqual((out["opted_out_channel"], out["opted_out_words"]), ("api", "asked by phone"))
        finally:
            self.cluster.processes["delivery"].send_signal(18)
        wait_for("the message to be dropped", lambda: self.api("GET", "/messages/" + message["message_id"])["state"] == "dropped")
        self.assertEqual(len(self.cluster.replies(self.lead)), 1)
        self.assertEqual(self.api("POST", f"/leads/{lead['lead_id']}/opt-out", {})["opted_out_words"], "asked by phone")
        self.api("POST", "/messages", {"to": self.lead, "body": "Hello?"}, 409)

        self.assertEqual(self.api("POST", f"/leads/{lead['lead_id']}/opt-in", {}, 400)["field"], "reason")
        self.assertEqual(self.api("POST", f"/leads/{lead['lead_id']}/opt-in", {"reason": " "}, 400)["field"], "reason")
        lead = self.cluster.api("POST", f"/leads/{lead['lead_id']}/opt-in", {"reason": "signed at the desk"}, status=200).json
        self.assertNotIn("opted_out_at", lead)
        self.assertEqual(self.cluster.sql("SELECT kind, channel, words, asked_by FROM consents WHERE lead_id ="
                                          f" '{lead['lead_id']}' ORDER BY created_at"),
                         "out|api|asked by phone|client\nin|api|signed at the desk|administrator")
        self.api("POST", "/messages", {"to": self.lead, "body": "Hello again"}, 202)
        self.cluster.wait_replies(2, self.lead)

    def test_who_has_opted_out_keeps_its_number(self):
        lead_id = self.create(phone="+15570000001")["lead"]["lead_id"]
        self.api("POST", f"/leads/{lead_id}/opt-out", {})
        self.assertEqual(self.api("PATCH", f"/leads/{lead_id}", {"phone": "+15570000002"}, 409)["field"], "phone")

    def test_an_administrator_names_the_client(self):
        self.assertEqual(self.cluster.api("POST", "/leads", {"phone": "+15570000001"}, status=400).json["field"], "client_id")
        body = {"phone": "+15570000001", "client_id": self.client_id}
        lead = self.cluster.api("POST", "/leads", body, status=201).json["lead"]
        self.assertEqual(self.listed()[0], [lead["lead_id"]])
        page = self.cluster.api("GET", f"/leads?client_id={self.client_id}", status=200).json
        self.assertEqual(page["items"], [lead])


class OnePerson(LeadTest):
    """What is kept of one person, handed out and erased."""

    env = {"LEADWIRE_USAGE_SECONDS": "1"}

    def setUp(self):
        super().setUp()
        self.word = "zebra" + uuid.uuid4().hex[:8]

    def traces(self, words):
        """Tables in which any of the words is found, in whatever column. What a turn has cost names it until it is added up."""
        wait_for("the usage to be added up", lambda: self.cluster.sql("SELECT count(*) FROM token_usage_pending") == "0")
        tables = self.cluster.sql("SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace"
                                  " AND c.relkind = 'r' ORDER BY 1").split()
        found = {}
        for table in tables:
            where = " OR ".join(f"position('{word}' IN t::text) > 0"
                                f" OR position('{word.encode().hex()}' IN t::text) > 0" for word in words)
            n = int(self.cluster.sql(f"SELECT count(*) FROM {table} t WHERE {where}"))
            if n:
                found[table] = n
        return found

    def exported(self, lead_id, limit=200):
        items, after = [], ""
        while after is not None:
            page = self.api("GET", f"/leads/{lead_id}/export?limit={limit}" + (f"&after={after}" if after else ""))
            self.assertLessEqual(len(page["items"]), limit)
            items += page["items"]
            after = page.get("next_after")
        return items

    def words_of(self, lead):
        words = [lead["lead_id"], self.lead, *lead["conversation_ids"]]
        words += [item["id"] for item in self.exported(lead["lead_id"])]
        return sorted({*words, self.word})

    def known(self):
        """A lead with a bit of everything."""
        self.talk(f"What are your opening hours? My {self.word} is called Ada.")
        lead = self.of_phone()
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        self.create(200, phone=self.lead, email=f"ada{self.lead}@example.com", headers=headers)
        self.api("POST", "/messages", {"to": self.lead, "body": f"This is Joe, about your {self.word}."}, 202, headers={
            "Idempotency-Key": str(uuid.uuid4())})
        self.cluster.wait_replies(2, self.lead)
        self.settled()
        self.cluster.sql("INSERT INTO lead_scores (client_id, lead_id, conversation_id, turn_id, score_before, score, reason,"
                         f" evidence, alerted) VALUES ('{self.client_id}', '{lead['lead_id']}',"
                         f" '{lead['conversation_ids'][0]}', gen_random_uuid(), 'COLD', 'WARM', 'said {self.word}', '{{}}', false)")
        self.cluster.sql("INSERT INTO notices (client_id, notice_id, kind, subject, text) VALUES"
                         f" ('{self.client_id}', gen_random_uuid(), 'message_failed', 'code 1', 'to {self.lead}')")
        return lead

    def test_the_export_has_everything_in_pages(self):
        lead = self.known()
        items = self.exported(lead["lead_id"])
        kinds = [item["kind"] for item in items]
        self.assertEqual(kinds, sorted(kinds, key=["lead", "consent", "conversation", "message", "turn", "task"].index))
        self.assertEqual([kinds.count(k) for k in ("lead", "conversation", "message", "turn", "task")], [1, 1, 3, 1, 3])
        bodies = [item["data"]["body"] for item in items if item["kind"] == "message"]
        self.assertIn(f"What are your opening hours? My {self.word} is called Ada.", bodies)
        self.assertEqual(items[0]["data"]["scores"][0]["reason"], f"said {self.word}")
        self.assertIn(self.word, next(item["record"] for item in items if item["kind"] == "turn"))
        self.assertEqual(self.exported(lead["lead_id"], limit=1), items)
        lines = [json.loads(line) for line in self.cluster.leadctl("lead", "export", lead["lead_id"]).splitlines()]
        self.assertEqual([(line["kind"], line["id"]) for line in lines], [(item["kind"], item["id"]) for item in items])
        self.cluster.api("GET", f"/leads/{lead['lead_id']}/export?after=x", key=self.key, status=400)

    def test_nothing_of_an_erased_person_is_left_but_counts(self):
        other = self.create(phone="+15570000001")["lead"]
        lead = self.known()
        words = self.words_of(lead)
        self.assertLessEqual({"leads", "conversations", "messages", "turns", "lead_scores", "idempotency_keys", "notices", "task_payloads",
                              "task_dedupe"}, set(self.traces(words)))
        gone = self.api("DELETE", f"/leads/{lead['lead_id']}")
        self.assertEqual((gone["conversations"], gone["messages"], gone["turns"], gone["tasks"], gone["opt_out_kept"]),
                         (1, 3, 1, 3, False))
        self.assertEqual(self.traces(words), {})
        self.assertEqual(self.cluster.sql("SELECT sum(leads), sum(conversations), sum(messages_in), sum(messages_out),"
                                          f" sum(turns) FROM erased_counts WHERE client_id = '{self.client_id}'"),
                         "1|1|1|2|1")
        self.assertEqual(self.listed()[0], [other["lead_id"]])
        self.api("GET", f"/leads/{lead['lead_id']}", status=404)
        self.api("DELETE", f"/leads/{lead['lead_id']}", status=404)
        # The person may come back, as somebody new.
        again = self.talk()
        self.assertNotEqual(again["lead_id"], lead["lead_id"])
        self.assertEqual(again["status"], "open")

    def test_a_callback_for_an_erased_message_does_no_harm(self):
        lead = self.talk()
        sid = self.cluster.replies(self.lead)[0]["sid"]
        message = next(m for m in self.cluster.messages(lead["conversation_ids"][0]) if m["direction"] == "out")
        self.assertEqual(message["provider_sid"], sid)
        self.api("DELETE", f"/leads/{lead['lead_id']}")
        path = f"/api/v1/webhooks/twilio/status?client_id={self.client_id}&message_id={message['message_id']}"
        fields = {"MessageSid": sid, "MessageStatus": "delivered", "AccountSid": SID}
        signed = self.cluster.public_url + path + "".join(k + fields[k] for k in sorted(fields))
        signature = base64.b64encode(hmac.new(TOKEN.encode(), signed.encode(), hashlib.sha1).digest()).decode()
        answer = self.cluster.http("POST", path, urllib.parse.urlencode(fields).encode(),
                                   {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature})
        self.assertEqual(answer.status, 404, answer)  # as for any message that never was: Twilio does not repeat it
        self.assertEqual(self.traces([lead["lead_id"], sid]), {})

    def test_an_opt_out_outlives_the_erasure_until_start(self):
        lead = self.talk()
        self.cluster.text("STOP", self.lead, self.number)
        wait_for("the opt-out", lambda: self.of_phone()["status"] == "opted_out")
        self.settled()
        words = self.words_of(lead)
        self.assertTrue(self.api("DELETE", f"/leads/{lead['lead_id']}")["opt_out_kept"])
        self.assertEqual(self.traces(words), {})
        n = len(self.cluster.replies(self.lead))
        # Neither a person nor the API nor a text of its own gets it written to.
        self.api("POST", "/messages", {"to": self.lead, "body": "Hello again"}, 409)
        made = self.create(phone=self.lead)
        self.assertEqual(made["lead"]["status"], "opted_out")
        self.assertTrue(self.api("DELETE", f"/leads/{made['lead']['lead_id']}")["opt_out_kept"])
        self.cluster.text("What are your opening hours?", self.lead, self.number)
        again = wait_for("the lead", self.of_phone)
        self.assertEqual(again["status"], "opted_out")
        self.settled()
        self.assertEqual(len(self.cluster.replies(self.lead)), n)
        # Another client's lead of that number has said nothing.
        elsewhere = self.cluster.make_client("+1556%07d" % (int(uuid.uuid4().int % 8000000) + 1000000))
        body = {"phone": self.lead, "client_id": elsewhere}
        self.assertEqual(self.cluster.api("POST", "/leads", body, status=201).json["lead"]["status"], "open")
        self.cluster.text("START", self.lead, self.number)
        wait_for("the opt-in", lambda: self.of_phone()["status"] == "open")
        self.settled()
        self.assertFalse(self.api("DELETE", f"/leads/{again['lead_id']}")["opt_out_kept"])
        self.assertEqual(self.create(phone=self.lead)["lead"]["status"], "open")

    def test_an_address_that_is_added_brings_its_opt_out(self):
        lead = self.create(phone="+15570000001")["lead"]["lead_id"]
        self.api("POST", f"/leads/{lead}/opt-out", {})
        self.api("DELETE", f"/leads/{lead}")
        other = self.create(email="ada@example.com")["lead"]["lead_id"]
        self.assertEqual(self.api("PATCH", f"/leads/{other}", {"phone": "+15570000001"})["status"], "opted_out")

    def test_who_is_being_written_to_is_erased_when_that_is_settled(self):
        lead = self.talk()
        self.cluster.sql("UPDATE messages SET state = 'uncertain' WHERE lead_id = '%s' AND direction = 'out'" % lead["lead_id"])
        self.cluster.sql("INSERT INTO tasks (client_id, task_id, kind, role, max_attempts, deadline_s, run_at, serial_key)"
                         f" SELECT client_id, task_id, 'send_message_sms', 'delivery', 9, 60, now() + interval '1 h', 'send:x'"
                         " FROM task_payloads WHERE payload ->> 'message_id' ="
                         f" (SELECT message_id::text FROM messages WHERE lead_id = '{lead['lead_id']}' AND direction = 'out')")
        words = self.words_of(lead)
        before = self.traces(words)
        problem = self.api("DELETE", f"/leads/{lead['lead_id']}", status=409)
        self.assertIn("being sent", problem["detail"])
        self.assertEqual(self.traces(words), before)
        self.cluster.sql(f"UPDATE tasks SET run_at = now() WHERE client_id = '{self.client_id}'")
        self.settled()  # delivery has looked: it was sent
        self.api("DELETE", f"/leads/{lead['lead_id']}")
        self.assertEqual(self.traces(words), {})

    def test_what_was_to_be_sent_or_answered_goes_with_the_person(self):
        lead = self.talk()
        for service in ("delivery", "orchestrator"):
            self.assertTrue(self.cluster.is_running(service))
        self.cluster.processes["delivery"].send_signal(19)
        try:
            self.api("POST", "/messages", {"to": self.lead, "body": "Are you there?"}, 202)
            self.api("DELETE", f"/leads/{lead['lead_id']}")
        finally:
            self.cluster.processes["delivery"].send_signal(18)
        self.settled()
        time.sleep(1)
        self.assertEqual(len(self.cluster.replies(self.lead)), 1)
        self.assertEqual(self.cluster.sql(f"SELECT count(*) FROM tasks WHERE client_id = '{self.client_id}'"), "0")

    def erase_slowly(self, lead):
        """An erasure whose transaction stays open for 2 s."""
        erasing = threading.Thread(target=self.cluster.sql, args=(
            f"BEGIN; SELECT erase_lead('{self.client_id}', '{lead['lead_id']}'); SELECT pg_sleep(2); COMMIT",))
        erasing.start()
        wait_for("the erasure to be under way", self.is_erasing)
        return erasing

    def is_erasing(self):
        return self.cluster.sql("SELECT count(*) FROM pg_stat_activity"
                                " WHERE wait_event = 'PgSleep' AND datname = current_database()") == "1"

    def test_a_text_within_the_erasure_is_stored_as_a_new_leads(self):
        lead = self.talk()
        erasing = self.erase_slowly(lead)
        answer = self.cluster.text("Do you install water heaters?", self.lead, self.number)
        self.assertFalse(self.is_erasing(), "the text has not waited for the erasure")
        erasing.join()
        self.assertEqual(answer["status"], 200)
        self.assertNotEqual(self.of_phone()["lead_id"], lead["lead_id"])
        self.cluster.wait_replies(2, self.lead)

    def test_who_is_opted_out_stays_so_within_the_erasure(self):
        lead = self.talk()
        self.api("POST", f"/leads/{lead['lead_id']}/opt-out", {})
        erasing = self.erase_slowly(lead)
        self.api("POST", "/messages", {"to": self.lead, "body": "Hello again"}, 409)
        erasing.join()
        lead = self.create(phone=self.lead)["lead"]
        self.assertEqual(lead["status"], "opted_out")
        erasing = self.erase_slowly(lead)
        made = self.cluster.api("POST", "/leads", {"phone": self.lead}, key=self.key)
        erasing.join()
        self.assertIn(made.status, (201, 503), made)
        self.assertEqual(self.create(200 if made.status == 201 else 201, phone=self.lead)["lead"]["status"], "opted_out")

    def test_texts_that_come_while_the_person_is_erased_are_answered(self):
        """The lead writes again and again, and is erased again and again: no text is refused, no row is left alone."""
        self.talk()
        results = []

        def erase():
            for _ in range(12):
                lead = self.of_phone()
                if lead:
                    results.append(self.cluster.api("DELETE", f"/leads/{lead['lead_id']}", key=self.key).status)
        eraser = threading.Thread(target=erase)
        eraser.start()
        answers = [self.cluster.text(f"Do you install water heaters? {i}", self.lead, self.number)["status"] for i in range(25)]
        eraser.join()
        self.assertEqual(set(answers), {200})
        self.assertLessEqual(set(results), {200, 404, 409, 503})
        self.assertIn(200, results)
        self.settled()
        self.cluster.text("What are your opening hours?", self.lead, self.number)
        wait_for("an answer", lambda: any("8 am" in r["body"] for r in self.cluster.replies(self.lead)))
        self.settled()
        self.assertEqual(self.cluster.sql(f"SELECT count(*) FROM tasks WHERE client_id = '{self.client_id}'"), "0")

    def test_an_erasure_that_is_killed_has_erased_nothing(self):
        lead = self.known()
        words = self.words_of(lead)
        before = self.traces(words)
        self.cluster.kill("orchestrator", 15)
        self.cluster.start("orchestrator", LEADWIRE_FAILPOINT="orchestrator.erased")
        self.cluster.wait_ready()
        self.cluster.api("DELETE", f"/leads/{lead['lead_id']}", key=self.key)
        self.assertEqual(self.cluster.wait_ended("orchestrator"), -9)
        self.assertEqual(self.traces(words), before)
        self.cluster.start("orchestrator")
        self.cluster.wait_ready()
        wait_for("the orchestrator", lambda: self.cluster.api("DELETE", f"/leads/{lead['lead_id']}", key=self.key).status
                 in (200, 404))
        self.assertEqual(self.traces(words), {})

    def test_leadctl_lists_shows_opts_out_and_erases(self):
        lead = self.talk()
        line = self.cluster.leadctl("lead", "list", "--client", self.client_id).splitlines()[1]
        for part in (lead["lead_id"], self.lead, "open"):
            self.assertIn(part, line)
        self.cluster.leadctl("lead", "opt-out", lead["lead_id"], "--reason", "by letter")
        shown = json.loads(self.cluster.leadctl("lead", "show", lead["lead_id"]))
        self.assertEqual((shown["status"], shown["opted_out_words"]), ("opted_out", "by letter"))
        self.assertEqual([(c["kind"], c["asked_by"]) for c in shown["consents"]], [("out", "operator")])
        self.assertEqual(json.loads(self.cluster.leadctl("lead", "list", "--client", self.client_id, "--status", "open",
                                                         "--json")), [])
        for option, wrong in (("--score", "hot"), ("--status", "opened")):
            with self.assertRaisesRegex(AssertionError, f"exit 2: leadctl: {option} is one of"):
                self.cluster.leadctl("lead", "list", option, wrong)
        with self.assertRaisesRegex(AssertionError, "exit 2: usage: leadctl lead list"):
            self.cluster.leadctl("lead")
        self.assertIn("leadctl lead erase", self.cluster.leadctl("lead", "--help"))
        with self.assertRaisesRegex(AssertionError, "reason"):
            self.cluster.leadctl("lead", "opt-in", lead["lead_id"])
        self.cluster.leadctl("lead", "opt-in", lead["lead_id"], "--reason", "signed")
        with self.assertRaisesRegex(AssertionError, "--yes"):
            self.cluster.leadctl("lead", "erase", lead["lead_id"])
        self.assertIn("is erased, with 2 messages", self.cluster.leadctl("lead", "erase", lead["lead_id"], "--yes"))
        self.assertEqual(self.listed()[0], [])


if __name__ == "__main__":
    main()
