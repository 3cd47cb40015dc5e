"""Web forms: what a page's form sends becomes a lead that is written to first, once, on the right channel, in its hours."""

import json
import subprocess
import threading
import time
import urllib.parse
import uuid

from cluster import ClusterTest, main, wait_for

CONSENT = "I agree to be texted about my request."


class FormTest(ClusterTest):
    """Each test has a client and a form of its own. Its leads are in a country whose night is never now."""
    hours = "00:00-24:00"
    config = {}

    def setUp(self):
        super().setUp()
        self.number = "+1556%07d" % (int(uuid.uuid4().int % 8000000) + 1000000)
        self.client_id = self.cluster.make_client(self.number, config={"allowed_hours": self.hours, **self.config})
        self.key = self.cluster.leadctl("key", "create", "--client", self.client_id, "--name", "test").split()[-1]
        self.settled()  # two questions at once are told apart by the vectors of what is known
        self.form = self.create_form(name="Contact", consent_text=CONSENT)
        self.token = self.form["token"]

    def api(self, method, path, body=None, status=200, **more):
        return self.cluster.api(method, path, body, key=self.key, status=status, **more).json

    def create_form(self, **fields):
        return self.api("POST", "/forms", fields, 201)

    def post(self, body, content_type="application/json", token="", client_id=None, **headers):
        if token == "":
            token = self.token
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers = {"Content-Type": content_type, **{k.replace("_", "-"): v for k, v in headers.items()}}
        if token:
            headers["X-Form-Token"] = token
        return self.cluster.http("POST", f"/api/v1/webhooks/form/{client_id or self.client_id}", body, headers)

    def submit(self, status=200, **fields):
        answer = self.post({"phone": self.lead, "consent": "yes", **fields})
        self.assertEqual(answer.status, status, answer)
        return answer.json

    def settled(self):
        wait_for("all tasks of the client to be done", lambda: self.cluster.sql(
            f"SELECT count(*) FROM tasks WHERE client_id = '{self.client_id}' AND state <> 'dead'") == "0")

    def replies(self, n=1, lead=None):
        """Exactly n texts have gone to the lead when everything is done."""
        if n:
            self.cluster.wait_replies(n, lead or self.lead)
        self.settled()
        replies = self.cluster.replies(lead or self.lead)
        self.assertEqual(len(replies), n, replies)
        return [r["body"] for r in replies]

    def one(self, sql):
        return self.cluster.sql(sql.replace("CLIENT", f"'{self.client_id}'"))

    def lead_row(self):
        return json.loads(self.one("SELECT to_jsonb(l) FROM leads l WHERE client_id = CLIENT"))


class Forms(FormTest):
    def test_a_form_without_words_is_greeted_by_name_with_one_question(self):
        self.assertTrue(self.submit(name="Ada Lovelace", service="Drain cleaning", email="Ada@Example.com")["accepted"])
        text, = self.replies()
        self.assertEqual(text, "Hi Ada, this is Rapid Plumbing. Thanks for your request (Drain cleaning). Is it urgent?")
        lead = self.lead_row()
        self.assertEqual((lead["phone"], lead["email"], lead["name"], lead["service_interest"], lead["source"], lead["score"]),
                         (self.lead, "ada@example.com", "Ada Lovelace", "Drain cleaning", "form: Contact", "WARM"))
        self.assertEqual(lead["evidence"]["service_interest"]["words"], "Drain cleaning")

    def test_what_a_form_asks_is_answered(self):
        self.submit(message="What are your opening hours?")
        text, = self.replies()
        self.assertIn("8 am to 6 pm", text)
        self.assertIn("Rapid Plumbing", text)
        message = json.loads(self.one("SELECT to_jsonb(m) FROM messages m WHERE client_id = CLIENT AND direction = 'out'"))
        self.assertEqual((message["purpose"], message["author"], message["channel"]), ("started", "agent", "sms"))

    def test_the_consent_is_recorded_with_its_words_time_page_and_address(self):
        at = "2026-01-02T03:04:05Z"
        answer = self.post({"phone": self.lead, "consent": True, "consent_text": "Text me.", "consent_at": at,
                            "budget": 500, "rooms": ["kitchen", "bath"]}, Referer="https://shop.example/contact",
                           X_Forwarded_For="203.0.113.9, 10.0.0.1")
        self.assertEqual(answer.status, 200, answer)
        consent = json.loads(self.one("SELECT to_jsonb(s) FROM consents s WHERE client_id = CLIENT"))
        self.assertEqual((consent["kind"], consent["channel"], consent["words"], consent["page_url"], consent["ip"],
                          consent["forwarded_for"], consent["form_id"], consent["message_id"]),
                         ("given", "form", "Text me.", "https://shop.example/contact", "127.0.0.1",
                          "203.0.113.9, 10.0.0.1", self.form["form"]["form_id"], answer.json["message_id"]))
        self.assertEqual(self.one("SELECT given_at = '" + at + "' FROM consents WHERE client_id = CLIENT"), "t")
        form = json.loads(self.one("SELECT form FROM messages WHERE client_id = CLIENT AND direction = 'in'"))
        self.assertEqual(form["fields"], {"budget": "500", "rooms": "kitchen, bath"})

    def test_a_plain_html_form_posts_its_token_as_a_field_and_gets_a_page(self):
        body = urllib.parse.urlencode({"token": self.token, "phone": self.lead, "consent": "on"}).encode()
        answer = self.post(body, "application/x-www-form-urlencoded", token=None, Accept="text/html,*/*")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.replies()

    def test_a_browser_is_sent_to_the_forms_pages_alone(self):
        pages = ["https://shop.example/thanks", "https://shop.example/gracias"]
        self.api("PATCH", f"/forms/{self.form['form']['form_id']}", {"redirect_urls": pages})
        for wanted, url in ((None, pages[0]), (pages[1], pages[1]), ("https://evil.example/", pages[0])):
            with self.subTest(wanted=wanted):
                fields = {"token": self.token, "phone": self.lead, "consent": "on", "n": wanted or ""}
                body = urllib.parse.urlencode({**fields, **({"redirect": wanted} if wanted else {})}).encode()
                answer = self.post(body, "application/x-www-form-urlencoded", token=None, Accept="text/html")
                self.assertEqual((answer.status, answer.headers["Location"]), (303, url))

    def test_multipart_with_the_token_in_the_address(self):
        parts = {"phone": self.lead, "consent": "yes", "message": "Do you install water heaters?"}
        body = "".join(f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in parts.items())
        body += '--b\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\nx\r\n--b--\r\n'
        answer = self.cluster.http("POST", f"/api/v1/webhooks/form/{self.client_id}?token={self.token}", body.encode(),
                                   {"Content-Type": "multipart/form-data; boundary=b"})
        self.assertEqual(answer.status, 200, answer)
        self.assertIn("water heaters", self.replies()[0])
        form = json.loads(self.one("SELECT form FROM messages WHERE client_id = CLIENT AND direction = 'in'"))
        self.assertEqual(form["fields"], {"photo": "[file a.jpg, not kept]"})

    def test_a_phone_as_it_is_written_in_the_clients_country(self):
        national = f"({self.lead[2:5]}) {self.lead[5:8]}-{self.lead[8:]}"
        self.submit(phone=national)
        self.replies()
        self.assertEqual(self.lead_row()["phone"], self.lead)

    def test_a_double_click_makes_one_greeting(self):
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.submit(name="Ada"))) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.replies()
        self.assertEqual(len({a["message_id"] for a in answers}), 1)
        self.assertEqual(self.one("SELECT count(*) FROM messages WHERE client_id = CLIENT AND direction = 'in'"), "1")
        self.assertEqual(self.one("SELECT count(*) FROM consents WHERE client_id = CLIENT"), "1")

    def test_the_same_submission_id_has_one_effect(self):
        first = self.submit(submission_id="a1", message="What are your opening hours?")
        again = self.submit(submission_id="a1", message="What are your opening hours, please?")
        self.assertEqual(first, again)
        self.replies()
        self.submit(submission_id="a2", message="Which areas do you serve?")
        self.assertIn("30 miles", self.replies(2)[1])

    def test_a_wrong_token_tells_nothing(self):
        other = self.cluster.make_client("+1557%07d" % (uuid.uuid4().int % 9000000 + 1000000))
        form_id = self.form["form"]["form_id"]
        answers = [self.post({"phone": self.lead, "consent": "yes"}, token=token, client_id=client_id)
                   for token, client_id in ((None, None), ("lwf_wrong", None), (self.token + "x", None),
                                            (self.token, other), (self.token, str(uuid.uuid4())), (self.token, "x"))]
        fresh = self.api("POST", f"/forms/{form_id}/rotate-token")["token"]
        answers.append(self.post({"phone": self.lead, "consent": "yes"}))
        self.token = fresh
        self.assertTrue(self.api("DELETE", f"/forms/{form_id}")["disabled_at"])
        answers.append(self.post({"phone": self.lead, "consent": "yes"}))
        self.assertEqual({(a.status, a.json["detail"], a.json.get("field")) for a in answers},
                         {(401, "the form's token is missing or wrong", None)})
        self.assertEqual(self.one("SELECT count(*) FROM leads WHERE client_id = CLIENT"), "0")

    def test_what_is_wrong_is_named(self):
        for fields, field in (({"phone": "555-1234"}, "phone"), ({"phone": "", "email": ""}, "phone"),
                              ({"phone": "tomorrow"}, "phone"), ({"email": "ada"}, "email"), ({"consent": "no"}, "consent"),
                              ({"consent": None}, "consent"), ({"consent_at": "soon"}, "consent_at"),
                              ({"consent_at": "2099-01-01T00:00:00Z"}, "consent_at"), ({"phone": self.number}, "phone"),
                              ({"message": "x" * 17000}, "message"), ({"submission_id": "x" * 201}, "submission_id")):
            with self.subTest(**fields):
                answer = self.post({"phone": self.lead, "consent": "yes", **fields})
                self.assertEqual((answer.status, answer.json["field"]), (400, field))
                self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "*")
        for body, content_type, status in ((b"{", "application/json", 400), (b"[]", "application/json", 400),
                                           (b"a=%zz", "application/x-www-form-urlencoded", 400),
                                           (b"x", "text/plain", 415), (b"{}" + b" " * 70000, "application/json", 413)):
            self.assertEqual(self.post(body, content_type).status, status)
        self.api("PATCH", f"/forms/{self.form['form']['form_id']}", {"consent_text": ""})
        self.assertEqual(self.post({"phone": self.lead, "consent": "yes"}).json["field"], "consent_text")
        self.assertEqual(self.one("SELECT count(*) FROM leads WHERE client_id = CLIENT"), "0")

    def test_fields_by_the_names_that_the_form_gives_them(self):
        self.api("PATCH", f"/forms/{self.form['form']['form_id']}",
                 {"field_names": {"phone": "your-tel", "name": "your-name", "consent": "gdpr"}})
        answer = self.post({"your-tel": self.lead, "your-name": "Ada", "gdpr": "1", "phone": "home"})
        self.assertEqual(answer.status, 200, answer)
        self.replies()
        self.assertEqual(self.lead_row()["name"], "Ada")
        self.assertEqual(self.post({"your-tel": "x", "gdpr": "1"}).json["field"], "your-tel")

    def test_a_script_of_another_page_may_send(self):
        answer = self.cluster.http("OPTIONS", f"/api/v1/webhooks/form/{self.client_id}", headers={
            "Origin": "https://shop.example", "Access-Control-Request-Method": "POST"})
        self.assertEqual((answer.status, answer.headers["Access-Control-Allow-Origin"]), (204, "*"))
        self.assertIn("X-Form-Token", answer.headers["Access-Control-Allow-Headers"])
        answer = self.post({"phone": self.lead, "consent": "yes"}, Origin="https://shop.example")
        self.assertEqual((answer.status, answer.headers["Access-Control-Allow-Origin"]), (200, "*"))
        get = self.cluster.http("GET", f"/api/v1/webhooks/form/{self.client_id}")
        self.assertEqual((get.status, get.headers["Allow"]), (405, "POST, OPTIONS"))

    def test_a_program_that_fills_in_everything_makes_no_lead(self):
        self.assertTrue(self.submit(_gotcha="x")["accepted"])
        self.assertEqual(self.one("SELECT count(*) FROM leads WHERE client_id = CLIENT"), "0")

    def test_no_more_than_a_minutes_bound(self):
        self.api("PATCH", f"/forms/{self.form['form']['form_id']}", {"max_per_minute": 2})
        if time.time() % 60 > 55:
            time.sleep(6)
        statuses = [self.post({"phone": self.lead, "consent": "yes", "n": i}).status for i in range(4)]
        self.assertEqual(statuses, [200, 200, 429, 429])

    def test_a_name_or_service_that_is_an_advertisement_is_not_passed_on(self):
        self.submit(name="http://evil.example/x", service="call 0900 123456 or see evil.example")
        text, = self.replies()
        self.assertEqual(text, "Hi, this is Rapid Plumbing. Thanks for your request. Is it urgent?")

    def test_nor_is_one_with_other_alphabets_dots_but_their_letters_are(self):
        for name, service in (("win。example", "See evil。example/x"), ("win．example", "See evil．example"),
                              ("\u202eadA", "moc\u2024live")):
            with self.subTest(name=name):
                self.lead = "+1554%07d" % (uuid.uuid4().int % 8000000 + 1000000)
                self.submit(name=name, service=service)
                self.assertEqual(self.replies(), ["Hi, this is Rapid Plumbing. Thanks for your request. Is it urgent?"])
        for name in ("Zoë", "O’Neill", "Мария", "محمد", "花子"):
            with self.subTest(name=name):
                self.lead = "+1554%07d" % (uuid.uuid4().int % 8000000 + 1000000)
                self.submit(name=name, language="en", service="Drain cleaning")
                self.assertIn(" " + name.replace("’", "'"), self.replies()[0])

    def test_the_clients_own_greeting_in_the_language_of_the_page(self):
        self.api("PATCH", f"/clients/{self.client_id}/config", {"lead_greeting": "Thanks {name}, got it: {service}."})
        self.submit(name="Ada", service="Drain cleaning")
        self.assertEqual(self.replies()[0], "Rapid Plumbing: Thanks Ada, got it: Drain cleaning. Is it urgent?")
        self.api("PATCH", f"/clients/{self.client_id}/config", {"lead_greeting": None})
        self.lead = self.lead[:-1] + str((int(self.lead[-1]) + 1) % 10)
        self.submit(name="Ada", language="es-MX")
        self.assertEqual(self.replies()[0],
                         "Hola Ada, le escribe Rapid Plumbing. Gracias por su solicitud. ¿En qué podemos ayudarle?")

    def test_what_a_form_does_not_tell_leaves_no_hole_in_the_greeting(self):
        for text, said in (("Hi {name}, thanks for asking about {service}.", "Rapid Plumbing: Hi, thanks for asking."),
                           ("Thanks {name}! We got it: {service}.", "Rapid Plumbing: Thanks! We got it."),
                           ("Thanks for your request ({service}), {name}!", "Rapid Plumbing: Thanks for your request!"),
                           ("Gracias por preguntar sobre {service}, {name}.", "Rapid Plumbing: Gracias por preguntar.")):
            with self.subTest(text=text):
                self.lead = "+1554%07d" % (uuid.uuid4().int % 8000000 + 1000000)
                self.api("PATCH", f"/clients/{self.client_id}/config", {"lead_greeting": text})
                self.submit()
                self.assertTrue(self.replies()[0].startswith(said + " "), self.replies())

    def test_leads_that_came_by_form_are_found_with_and_without_a_phone(self):
        self.api("POST", "/leads", {"phone": "+15570000001"}, 201)
        self.submit(name="Ada")
        self.submit(phone="", email="bob@example.com", name="Bob")
        self.assertEqual([x["name"] for x in self.api("GET", "/leads?channel=form")["items"]], ["Bob", "Ada"])
        self.assertEqual([x["name"] for x in self.api("GET", "/leads?channel=sms")["items"]], ["Ada"])

    def test_claude_is_not_asked_for_a_greeting(self):
        self.api("PATCH", f"/clients/{self.client_id}/config", {"agent": "claude"})
        self.submit(name="Ada")
        self.assertTrue(self.replies()[0].startswith("Hi Ada, this is Rapid Plumbing."))
        record = json.loads(self.one("SELECT record FROM turns WHERE client_id = CLIENT"))
        self.assertNotIn("fallback", record)

    def test_the_same_person_by_text_and_by_form_is_one_lead(self):
        self.cluster.text("What are your opening hours?", self.lead, self.number)
        self.cluster.wait_replies(1, self.lead)
        self.submit(email="ada@example.com", message="Which areas do you serve?")
        self.assertIn("30 miles", self.replies(2)[1])
        self.assertEqual(self.one("SELECT count(*) FROM leads WHERE client_id = CLIENT"), "1")
        self.assertEqual(self.one("SELECT count(*) FROM conversations WHERE client_id = CLIENT"), "1")
        self.assertIsNone(self.lead_row()["email"])

    def test_who_knows_a_leads_phone_cannot_give_it_an_email(self):
        self.submit(name="Ada")
        self.replies()
        for email in ("mallory@example.com", "oscar@example.com"):
            self.submit(email=email, message=f"Do you serve Springfield? Write to {email}.")
            lead = self.lead_row()
            self.assertEqual((lead["name"], lead["email"]), ("Ada", None))
            page = self.api("GET", f"/conversations/{self.one('SELECT conversation_id FROM conversations WHERE client_id = CLIENT')}"
                                   "/messages")["items"]
            form = [m["form"] for m in page if m["direction"] == "in"][-1]
            self.assertEqual((form["email"], form["email_unproven"]), (email, True))
            self.assertNotIn("content_hash", form)
        self.api("PATCH", f"/leads/{lead['lead_id']}", {"email": "ada@example.com"})
        self.submit(email="ada@example.com", message="Which areas do you serve?")
        self.assertEqual(self.lead_row()["email"], "ada@example.com")
        self.assertEqual(self.one("SELECT count(*) FROM messages WHERE client_id = CLIENT AND form ? 'email_unproven'"), "2")

    def test_a_phone_and_an_email_of_two_leads_go_to_the_phones(self):
        self.api("POST", "/leads", {"email": "ada@example.com"}, 201)
        self.api("POST", "/leads", {"phone": "+15570000001", "email": "bob@example.com"}, 201)
        self.submit(email="bob@example.com", name="Bob")
        self.replies()
        self.assertEqual(self.one("SELECT count(*) FROM leads WHERE client_id = CLIENT"), "3")
        self.assertEqual(self.one(f"SELECT email IS NULL FROM leads WHERE client_id = CLIENT AND phone = '{self.lead}'"), "t")

    def test_who_knows_a_leads_email_cannot_give_it_a_phone(self):
        self.submit(phone="", email="ada@example.com", name="Ada", message="My budget is 5000.")
        self.api("POST", "/leads", {"email": "bob@example.com"}, 201)
        for email in ("ada@example.com", "bob@example.com"):
            with self.subTest(email=email):
                phone = "+1554%07d" % (uuid.uuid4().int % 8000000 + 1000000)
                self.submit(phone=phone, email=email)
                self.replies(1, phone)
                self.assertEqual(self.one(f"SELECT phone IS NULL FROM leads WHERE client_id = CLIENT AND email = '{email}'"),
                                 "t")
                self.assertEqual(self.one("SELECT name IS NULL AND email IS NULL FROM leads"
                                          f" WHERE client_id = CLIENT AND phone = '{phone}'"), "t")
                form = json.loads(self.one(f"SELECT form FROM messages WHERE client_id = CLIENT AND direction = 'in'"
                                           f" AND from_address = '{phone}'"))
                self.assertEqual((form["email"], form["email_known"]), (email, True))

    def test_a_form_without_a_phone_goes_to_the_lead_of_its_email(self):
        lead = self.api("POST", "/leads", {"phone": self.lead, "email": "ada@example.com"}, 201)["lead"]
        self.submit(phone="", email="ada@example.com", message="Call me.")
        self.replies(0)
        self.assertEqual(self.one("SELECT count(*) FROM leads WHERE client_id = CLIENT"), "1")
        self.assertEqual(self.one(f"SELECT count(*) FROM messages WHERE lead_id = '{lead['lead_id']}'"), "1")

    def test_an_email_that_another_takes_at_this_moment_stays_with_it(self):
        other = self.api("POST", "/leads", {"phone": "+15570000001"}, 201)["lead"]["lead_id"]
        answers = []
        with subprocess.Popen(["psql", "-qX", self.cluster.database_url], stdin=subprocess.PIPE, text=True) as psql:
            psql.stdin.write(f"BEGIN; UPDATE leads SET email = 'ada@example.com' WHERE lead_id = '{other}';\n")
            psql.stdin.flush()
            wait_for("the other's transaction", lambda: self.one(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND state = 'idle in transaction' AND query LIKE 'UPDATE leads SET email%'") == "1")
            posting = threading.Thread(target=lambda: answers.append(self.submit(email="ada@example.com")))
            posting.start()
            wait_for("the form to wait for it", lambda: self.one(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
                == "1")
            psql.stdin.write("COMMIT;\n")
            psql.stdin.close()
            posting.join()
        self.assertEqual(len(answers), 1)
        self.replies()
        self.assertEqual(self.one(f"SELECT email IS NULL FROM leads WHERE client_id = CLIENT AND phone = '{self.lead}'"), "t")

    def test_leadctl_makes_lists_rotates_and_disables_forms(self):
        made = self.cluster.leadctl("form", "create", "--client", self.client_id, "--name", "Fair", "--consent", CONSENT,
                                    "--new-per-day", "7")
        form_id, self.token = made.split()[1], made.split()[-1]
        self.submit()
        rotated = self.cluster.leadctl("form", "rotate", form_id)
        self.submit(401)
        self.token = rotated
        self.submit(n="2")
        self.cluster.leadctl("form", "disable", form_id)
        self.submit(401)
        rows = json.loads(self.cluster.leadctl("form", "list", "--client", self.client_id, "--json"))
        self.assertEqual([(r["name"], bool(r.get("disabled_at"))) for r in rows], [("Contact", False), ("Fair", True)])
        self.assertEqual(self.api("GET", f"/forms/{form_id}")["max_new_per_day"], 7)

    def test_settings_that_are_wrong_are_named(self):
        for fields, field in (({"name": ""}, "name"), ({"name": "x", "channel": "mail"}, "channel"), ({}, "name"),
                              ({"name": "x", "redirect_urls": ["javascript:alert(1)"]}, "redirect_urls"),
                              ({"name": "x", "redirect_urls": ["https://a.example/\r\nSet-Cookie: x"]}, "redirect_urls"),
                              ({"name": "x", "field_names": {"fone": "tel"}}, "field_names"),
                              ({"name": "x", "field_names": []}, "field_names"),
                              ({"name": "x", "country_code": "+1"}, "country_code")):
            with self.subTest(**fields):
                answer = self.cluster.api("POST", "/forms", fields, key=self.key)
                self.assertEqual((answer.status, answer.json["field"]), (400, field))
        shown = self.api("GET", f"/forms/{self.form['form']['form_id']}")
        self.assertEqual(shown, self.form["form"])
        self.assertEqual(self.api("GET", "/forms")["items"], [shown])


class NotWrittenTo(FormTest):
    """Nobody is lost where nothing may be sent: a notice says it, and the client's people get a text."""
    boss = "+15559990000"

    def setUp(self):
        super().setUp()
        self.boss = "+1558%07d" % (uuid.uuid4().int % 8000000 + 1000000)
        self.api("PATCH", f"/clients/{self.client_id}/config", {"hot_lead_sms_number": self.boss})

    def expect_told(self, why, n=0):
        alert = self.cluster.wait_replies(1, self.boss)[0]["body"]
        self.assertIn(why, alert)
        self.replies(n)
        notices = [x for x in self.api("GET", "/notices")["items"] if x["kind"] == "lead_not_greeted"]
        self.assertEqual(len(notices), 1)
        self.assertIn(why, notices[0]["text"])
        return alert

    def test_an_email_alone(self):
        self.submit(phone="", email="ada@example.com", name="Ada", message="Call me about a leak.")
        alert = self.expect_told("it left no phone number")
        for words in ("Ada", "ada@example.com", "Call me about a leak."):
            self.assertIn(words, alert)

    def test_a_flood_of_leads_that_are_not_texted_does_not_text_people_for_each(self):
        self.api("PATCH", f"/forms/{self.form['form']['form_id']}", {"max_new_per_day": 2})
        for i in range(4):
            self.submit(phone="", email=f"ada{i}@example.com", message=f"Call me about leak {i}.")
        self.submit(phone=self.lead, message="A leak. Do not text me.")
        self.submit(phone="", email="ada0@example.com", message="Call me, now!")
        self.settled()
        alerts = [a["body"] for a in self.cluster.replies(self.boss)]
        self.assertEqual(len(alerts), 3, alerts)
        self.assertEqual(sum("max_new_per_day" in a for a in alerts), 1, alerts)
        notices = self.api("GET", "/notices")["items"]
        self.assertEqual(sorted(n["kind"] for n in notices), ["form_bound", "lead_not_greeted", "lead_not_greeted"])
        self.assertEqual(self.one("SELECT count(*) FROM leads WHERE client_id = CLIENT"), "5")
        # Those of others have a bound of their own.
        phone = self.lead[:-1] + ("1" if self.lead[-1] != "1" else "2")
        self.submit(phone=phone)
        self.cluster.wait_replies(1, phone)

    def test_who_has_opted_out_stays_so(self):
        lead = self.api("POST", "/leads", {"phone": self.lead}, 201)["lead"]
        self.api("POST", f"/leads/{lead['lead_id']}/opt-out", {})
        self.submit(message="What are your opening hours?")
        self.expect_told("it has opted out of messages before")
        self.assertEqual(self.api("GET", f"/leads/{lead['lead_id']}")["status"], "opted_out")
        self.assertEqual(self.one("SELECT count(*) FROM consents WHERE client_id = CLIENT AND kind = 'given'"), "1")

    def test_who_has_opted_out_and_comes_by_form_and_by_text_is_told_of(self):
        self.cluster.text("What are your opening hours?", self.lead, self.number)
        self.cluster.wait_replies(1, self.lead)
        self.api("POST", f"/leads/{self.lead_row()['lead_id']}/opt-out", {})
        conversation_id = self.one("SELECT conversation_id FROM conversations WHERE client_id = CLIENT")
        self.api("POST", f"/conversations/{conversation_id}/takeover", {})
        self.submit(message="Please call me about a leak.")
        self.cluster.text("Did you get my request?", self.lead, self.number)
        self.api("POST", f"/conversations/{conversation_id}/release", {})
        alert = self.expect_told("it has opted out of messages before", 1)
        self.assertIn("Did you get my request?", alert)

    def test_who_had_opted_out_before_being_erased_stays_so(self):
        lead = self.api("POST", "/leads", {"phone": self.lead}, 201)["lead"]
        self.api("POST", f"/leads/{lead['lead_id']}/opt-out", {})
        self.assertTrue(self.api("DELETE", f"/leads/{lead['lead_id']}")["opt_out_kept"])
        self.submit(message="What are your opening hours?")
        self.expect_told("it has opted out of messages before")

    def test_who_asks_not_to_be_texted_is_not_but_has_not_opted_out(self):
        self.submit(message="Please call me. Do not text me.")
        self.expect_told("it asks not to be texted")
        self.assertIsNone(self.lead_row()["opted_out_at"])
        self.cluster.text("What are your opening hours?", self.lead, self.number)
        self.assertIn("8 am to 6 pm", self.replies()[0])

    def test_stop_by_tomorrow_is_no_opt_out(self):
        self.submit(message="Can you stop by tomorrow at 5?")
        self.replies()

    def test_who_asks_not_to_be_texted_is_not_texted_later_either(self):
        self.cluster.text("Please text me on Tuesday", self.lead, self.number)
        self.cluster.wait_replies(1, self.lead)
        waiting = "SELECT count(*) FROM tasks WHERE client_id = CLIENT AND kind = 'follow_up'"
        wait_for("the follow-up", lambda: self.one(waiting) == "1")
        self.submit(message="Do not text me any more.")
        self.expect_told("it asks not to be texted", 1)
        self.assertEqual(self.one(waiting), "0")

    def greeting_waits(self, **fields):
        """A greeting that waits for the morning; now may be written again."""
        self.api("PATCH", f"/clients/{self.client_id}/config", {"allowed_hours": "03:00-03:01"})
        self.submit(name="Ada", **fields)
        waiting = "SELECT count(*) FROM tasks WHERE client_id = CLIENT AND error_kind = 'postponed'"
        wait_for("the greeting to wait", lambda: self.one(waiting) == "1")

    def test_a_form_that_refuses_counts_at_once_while_a_greeting_waits(self):
        self.greeting_waits()
        self.submit(message="Please call me. Do not text me.")
        self.expect_told("it asks not to be texted")
        self.api("PATCH", f"/clients/{self.client_id}/config", {"allowed_hours": self.hours})
        self.submit(service="Drain cleaning")
        self.replies(0)

    def test_a_form_within_the_hours_is_answered_though_a_greeting_waits(self):
        self.greeting_waits()
        self.api("PATCH", f"/clients/{self.client_id}/config", {"allowed_hours": self.hours})
        self.submit(message="What are your opening hours?")
        self.assertIn("8 am to 6 pm", self.replies()[0])

    def test_of_forms_at_once_in_the_night_one_refuses(self):
        self.api("PATCH", f"/clients/{self.client_id}/config", {"allowed_hours": "03:00-03:01"})
        forms = [{"name": "Ada"}, {"message": "Please call me. Do not text me."}, {"service": "Drain cleaning"}]
        threads = [threading.Thread(target=lambda f=f: self.submit(**f)) for f in forms]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.expect_told("it asks not to be texted")

    def test_a_form_that_refuses_on_one_channel_ends_the_greeting_that_waits_on_another(self):
        self.api("PATCH", f"/clients/{self.client_id}/config",
                 {"twilio_whatsapp_number": self.number, "whatsapp_greeting_content_sid": "HX" + "a" * 32})
        self.greeting_waits()
        self.token = self.create_form(name="WhatsApp", consent_text=CONSENT, channel="whatsapp")["token"]
        self.submit(message="Please call me. Do not text me.")
        self.assertIn("it asks not to be texted", self.cluster.wait_replies(1, self.boss)[0]["body"])
        self.api("PATCH", f"/clients/{self.client_id}/config", {"allowed_hours": self.hours})
        self.one("UPDATE tasks SET run_at = now() WHERE client_id = CLIENT AND error_kind = 'postponed'")
        self.replies(0)

    def test_a_number_that_others_fill_in_again_and_again_is_not_texted_each_time(self):
        for i in range(6):
            self.submit(message=f"What are your opening hours? {i}")
            self.settled()
        self.expect_told("written to 3 times within a day", 3)
        self.assertLessEqual(len(self.cluster.replies(self.boss)), 2, "one, or two where an hour has ended meanwhile")
        self.cluster.text("Which areas do you serve?", self.lead, self.number)
        self.assertIn("30 miles", self.replies(4)[-1])
        self.submit(message="Do you install water heaters?")
        self.assertIn("water heaters", self.replies(5)[-1])

    def test_a_form_makes_us_text_so_many_strangers_a_day(self):
        path = f"/forms/{self.form['form']['form_id']}"
        self.assertEqual(self.form["form"]["max_new_per_day"], 100)
        self.assertEqual(self.api("PATCH", path, {"max_new_per_day": 2})["max_new_per_day"], 2)
        known = self.lead
        self.cluster.text("What are your opening hours?", known, self.number)
        self.cluster.wait_replies(1, known)
        strangers = ["+1554%07d" % (int(uuid.uuid4().int % 8000000) + 1000000) for _ in range(5)]
        for phone in strangers:
            self.submit(phone=phone, message="Which areas do you serve?")
        self.submit(phone=strangers[0], message="Do you install water heaters?")
        self.submit(phone=known, message="Which areas do you serve?")
        self.assertIn("30 miles", self.cluster.wait_replies(2, known)[1]["body"])
        self.settled()
        self.assertEqual([len(self.cluster.replies(p)) for p in strangers], [1, 1, 0, 0, 0])
        self.assertEqual(self.one("SELECT count(*) FROM leads WHERE client_id = CLIENT"), "6")
        told = [r["body"] for r in self.cluster.replies(self.boss)]
        self.assertEqual(len(told), 1, told)
        self.assertIn("its form has brought more numbers today", told[0])
        notice, = [x for x in self.api("GET", "/notices")["items"] if x["kind"] == "form_bound"]
        self.assertEqual(notice["subject"], self.form["form"]["form_id"])
        self.assertIn("more than 2 numbers today", notice["text"])
        self.cluster.text("Do you install water heaters?", strangers[4], self.number)
        self.replies(1, strangers[4])
        self.one("UPDATE forms SET day = day - 1 WHERE client_id = CLIENT")
        self.submit(phone=strangers[3], message="What are your opening hours?")
        self.replies(1, strangers[3])

    def test_erasing_and_exporting_a_person_covers_the_form(self):
        self.submit(phone="", email="ada@example.com", name="Ada", message="A leak.", budget="500 for ada")
        self.expect_told("it left no phone number")
        lead_id = self.lead_row()["lead_id"]
        items = self.api("GET", f"/leads/{lead_id}/export?limit=200")["items"]
        kinds = {i["kind"] for i in items}
        self.assertEqual(kinds, {"lead", "consent", "conversation", "message", "task"})
        consent = next(i["data"] for i in items if i["kind"] == "consent")
        self.assertEqual((consent["words"], consent["ip"]), (CONSENT, "127.0.0.1"))
        forms = [i["data"]["form"] for i in items if i["kind"] == "message" and i["data"].get("form")]
        self.assertEqual(forms[0]["fields"], {"budget": "500 for ada"})
        self.api("DELETE", f"/leads/{lead_id}")
        for table in ("leads", "consents", "conversations", "messages", "tasks", "task_payloads", "finished_tasks",
                      "notices", "turns"):
            self.assertEqual(self.one(f"SELECT count(*) FROM {table} t WHERE client_id = CLIENT"
                                      f" AND (t::text LIKE '%ada@%' OR t::text LIKE '%{lead_id}%')"), "0", table)


class Api(FormTest):
    def create(self, status=201, headers=None, **fields):
        return self.api("POST", "/leads", {"phone": self.lead, **fields}, status, headers=headers)

    def test_nothing_is_sent_unless_it_is_asked_for_and_agreed_to(self):
        for fields, why in (({}, "greet was not asked for"), ({"greet": True}, "no consent_text")):
            made = self.create(status=201 if not fields else 200, **fields)
            self.assertEqual(made["greeting"], "none")
            self.assertIn(why, made["greeting_why"])
        self.replies(0)
        self.assertEqual(self.one("SELECT count(*) FROM messages WHERE client_id = CLIENT"), "0")

    def test_a_lead_is_greeted_once_for_an_idempotency_key(self):
        fields = {"greet": True, "consent_text": CONSENT, "name": "Ada"}
        first = self.create(headers={"Idempotency-Key": "k1"}, **fields)
        self.assertEqual(first["greeting"], "queued")
        self.assertNotIn("greeting_why", first)
        self.assertEqual(self.create(headers={"Idempotency-Key": "k1"}, **fields), first)
        again = self.create(200, **fields)
        self.assertEqual(again["greeting"], "none")
        self.assertIn("once", again["greeting_why"])
        self.assertEqual(self.replies(), ["Hi Ada, this is Rapid Plumbing. Thanks for your request. What do you need help with?"])
        consent = json.loads(self.one("SELECT to_jsonb(s) FROM consents s WHERE client_id = CLIENT"))
        self.assertEqual((consent["kind"], consent["channel"], consent["words"], consent["asked_by"]),
                         ("given", "api", CONSENT, "client"))

    def test_its_message_is_answered(self):
        self.create(greet=True, consent_text=CONSENT, message="What are your opening hours?")
        self.assertIn("8 am to 6 pm", self.replies()[0])

    def test_why_not_is_told(self):
        self.assertIn("no phone", self.api("POST", "/leads", {"email": "a@example.com", "greet": True,
                                                              "consent_text": CONSENT}, 201)["greeting_why"])
        lead_id = self.create()["lead"]["lead_id"]
        self.api("POST", f"/leads/{lead_id}/opt-out", {})
        made = self.create(200, greet=True, consent_text=CONSENT)
        self.assertEqual((made["greeting"], made["greeting_why"]), ("none", "the lead has opted out"))
        for fields, field in (({"message": "hi"}, "message"), ({"consent_at": "2099-01-01T00:00:00Z"}, "consent_at"),
                              ({"greet": True, "channel": "fax"}, "channel")):
            answer = self.cluster.api("POST", "/leads", {"phone": self.lead, **fields}, key=self.key)
            self.assertEqual((answer.status, answer.json["field"]), (400, field))
        self.replies(0)


class WhatsApp(FormTest):
    SID = "HX" + "ab" * 16

    def setUp(self):
        super().setUp()
        self.sender = "+1559%07d" % (uuid.uuid4().int % 8000000 + 1000000)
        self.api("PATCH", f"/clients/{self.client_id}/config", {"twilio_whatsapp_number": self.sender})
        self.token = self.create_form(name="WhatsApp", channel="whatsapp", consent_text=CONSENT)["token"]

    def test_without_a_template_it_goes_by_sms(self):
        self.submit(name="Ada")
        self.replies()
        self.assertEqual(self.one("SELECT channel FROM conversations WHERE client_id = CLIENT"), "sms")

    def test_a_template_opens_and_what_was_asked_is_answered_when_the_lead_writes(self):
        self.cluster.sandbox("PUT", "/templates", {"content_sid": self.SID, "body": "Hi {{1}}, this is {{2}}. May we write here?"})
        self.api("PATCH", f"/clients/{self.client_id}/config", {"whatsapp_greeting_content_sid": self.SID})
        self.submit(name="Ada Lovelace", message="What are your opening hours?")
        sent = json.loads(wait_for("the template", lambda: self.one(
            "SELECT to_jsonb(m) FROM messages m WHERE client_id = CLIENT AND direction = 'out' AND state <> 'queued'")))
        self.assertEqual((sent["channel"], sent["content_sid"], sent["content_variables"], sent["purpose"]),
                         ("whatsapp", self.SID, {"1": "Ada", "2": "Rapid Plumbing"}, "started"))
        self.settled()
        self.submit(name="Ada Lovelace", message="And on Saturdays?")
        self.settled()
        self.assertEqual(self.one("SELECT count(*) FROM messages WHERE client_id = CLIENT AND direction = 'out'"), "1")
        self.cluster.sandbox("POST", "/inbound", {"from": self.lead, "to": self.sender, "channel": "whatsapp",
                                                  "body": "Yes.", "wait": True})
        wait_for("the answer to the form", lambda: self.one(
            "SELECT count(*) FROM messages WHERE client_id = CLIENT AND direction = 'out' AND body LIKE '%8 am to 6 pm%'"
            " AND channel = 'whatsapp' AND purpose = 'reply'") == "1")


class Night(FormTest):
    """Its leads are in a place where it is night: nothing is sent to them before their morning."""

    def setUp(self):
        super().setUp()
        # Two hours that begin in six: whatever the time is now, it is outside.
        hour = (int(self.cluster.sql("SELECT extract(hour FROM now() AT TIME ZONE 'America/New_York')::int")) + 6) % 22
        self.api("PATCH", f"/clients/{self.client_id}/config",
                 {"allowed_hours": f"{hour:02}:00-{hour + 2:02}:00"})
        self.lead = "+1212" + self.lead[5:]

    def held(self):
        return wait_for("the greeting to wait", lambda: self.one(
            "SELECT run_at FROM tasks WHERE client_id = CLIENT AND kind = 'generate_greeting' AND state = 'ready'"
            " AND run_at > now() + interval '10 min'"))

    def open_up(self):
        self.api("PATCH", f"/clients/{self.client_id}/config", {"allowed_hours": "00:00-24:00"})

    def test_it_waits_and_why_tells_until_when(self):
        message_id = self.submit(name="Ada")["message_id"]
        self.held()
        why = json.loads(self.cluster.leadctl("why", message_id, "--json"))
        self.assertEqual(why["waits_for"], "the lead's allowed hours")
        self.assertIn("T", why["waits_until"])
        self.assertEqual(self.cluster.replies(self.lead), [])
        self.open_up()
        self.replies()

    def test_a_text_meanwhile_gets_the_one_answer_to_both(self):
        self.submit(message="Do you install water heaters?")
        self.held()
        self.cluster.text("And what are your opening hours?", self.lead, self.number)
        text = self.cluster.wait_replies(1, self.lead)[0]["body"]
        self.assertIn("water heaters", text)
        self.assertIn("8 am to 6 pm", text)
        self.open_up()
        self.replies(1)

    def test_a_persons_message_takes_its_place(self):
        self.submit(message="Do you install water heaters?")
        self.held()
        self.open_up_and_write()
        self.assertEqual(self.replies(1), ["Rapid Plumbing: This is Joe."])

    def open_up_and_write(self):
        conversation_id = self.one("SELECT conversation_id FROM conversations WHERE client_id = CLIENT")
        self.api("POST", f"/conversations/{conversation_id}/messages", {"body": "This is Joe."}, 202)
        wait_for("his message to wait", lambda: self.one(
            "SELECT run_at FROM tasks WHERE client_id = CLIENT AND kind = 'send_message_sms' AND state = 'ready'"
            " AND run_at > now() + interval '10 min'"))
        self.open_up()

    def test_two_forms_get_one_answer(self):
        self.submit(message="Do you install water heaters?")
        self.submit(message="What are your opening hours?")
        self.held()
        self.open_up()
        text, = self.replies(1)
        self.assertIn("water heaters", text)
        self.assertIn("8 am to 6 pm", text)

    def test_a_stop_meanwhile_ends_it(self):
        self.submit(name="Ada")
        self.held()
        self.cluster.text("STOP", self.lead, self.number)
        self.open_up()
        self.settled()
        self.assertEqual([m for m in self.cluster.replies(self.lead) if "Ada" in m["body"]], [])


class Uncertain(FormTest):
    """A greeting of which nobody knows for a while whether it was sent."""
    env = {"LEADWIRE_RECONCILE_AFTER_SECONDS": "120,240"}

    def setUp(self):
        super().setUp()
        self.boss = "+1558%07d" % (uuid.uuid4().int % 8000000 + 1000000)
        self.api("PATCH", f"/clients/{self.client_id}/config", {"hot_lead_sms_number": self.boss})
        self.cluster.fault("twilio.send", "accept-then-cut", count=1)
        self.cluster.fault("callbacks", "drop", count=1)
        self.submit(name="Ada")
        wait_for("the greeting to be uncertain", lambda: self.one(
            "SELECT count(*) FROM messages WHERE client_id = CLIENT AND state = 'uncertain'") == "1")

    def test_a_form_that_refuses_texts_does_not_wait_for_it(self):
        self.submit(message="Please call me. Do not text me.")
        self.assertIn("it asks not to be texted", self.cluster.wait_replies(1, self.boss)[0]["body"])
        self.assertEqual(len(self.cluster.replies(self.lead)), 1)

    def test_the_answer_to_a_text_does_not_wait_for_it(self):
        self.cluster.text("What are your opening hours?", self.lead, self.number)
        self.assertIn("8 am to 6 pm", self.cluster.wait_replies(2, self.lead)[1]["body"])


class Backlog(FormTest):
    """A greeting that is decided and not sent yet, as its number sends slowly."""

    def test_a_text_takes_it_back(self):
        self.cluster.sql(f"INSERT INTO task_lanes (lane, role, client_id, account, class, next_at, ready_at) VALUES"
                         f" ('sms:{self.number}', 'delivery', '{self.client_id}', 'twilio', 'long_code',"
                         " now() + interval '1 hour', now() + interval '1 hour')")
        self.submit(message="Do you install water heaters?")
        wait_for("the greeting to be queued", lambda: self.one(
            "SELECT count(*) FROM messages WHERE client_id = CLIENT AND direction = 'out' AND state = 'queued'") == "1")
        self.cluster.text("And what are your opening hours?", self.lead, self.number)
        wait_for("it to be taken back", lambda: self.one(
            "SELECT string_agg(state, ',' ORDER BY seq) FROM messages WHERE client_id = CLIENT AND direction = 'out'")
            == "dropped,queued")
        self.cluster.sql(f"UPDATE task_lanes SET next_at = now(), ready_at = now() WHERE lane = 'sms:{self.number}'")
        text, = self.replies()
        self.assertIn("water heaters", text)
        self.assertIn("8 am to 6 pm", text)


if __name__ == "__main__":
    main()
