"""Leads through the API and leadctl: created, listed, changed, opted out and in."""

import json
import urllib.parse
import uuid

from cluster import ClusterTest, main, wait_for


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


if __name__ == "__main__":
    main()
