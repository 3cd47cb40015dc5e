"""The HTTP face: what is asked wrongly gets a clear answer and harms nothing."""

import base64
import hashlib
import hmac
import urllib.parse
import uuid

from cluster import BUSINESS, TOKEN, ClusterTest, main, wait_for


def sign(url, params, token=TOKEN):
    text = url + "".join(name + params[name] for name in sorted(params))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


class Api(ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_client = cls.cluster.make_client("+15550100001", "Bright Dental")
        cls.key = cls.cluster.leadctl("key", "create", "--client", cls.client_id).split()[-1]
        cls.other_key = cls.cluster.leadctl("key", "create", "--client", cls.other_client).split()[-1]

    def expect_problem(self, answer, status, field=None, words=None):
        self.assertEqual(answer.status, status, answer)
        self.assertTrue(answer.headers["Content-Type"].startswith("application/problem+json"), answer.headers)
        problem = answer.json
        self.assertEqual(problem["status"], status)
        self.assertTrue(problem["title"])
        self.assertTrue(answer.headers["X-Request-Id"])
        if field:
            self.assertEqual(problem["field"], field)
        if words:
            self.assertIn(words, problem["detail"])
        return problem

    def post_sms(self, params, signature=None, path="/api/v1/webhooks/twilio/sms"):
        body = urllib.parse.urlencode(params).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if signature is not False:
            headers["X-Twilio-Signature"] = signature or sign(self.cluster.public_url + path, params)
        return self.cluster.http("POST", path, body, headers)

    def sms(self, **more):
        return {"MessageSid": "SM" + uuid.uuid4().hex, "AccountSid": "AC" + "0" * 32, "From": self.lead, "To": BUSINESS,
                "Body": "What are your opening hours?", "NumMedia": "0", **more}

    # ---- webhooks ----

    def test_leadctl_tells_its_version(self):
        self.assertRegex(self.cluster.leadctl("--version"), r"^leadctl \d+\.\d+\.\d+$")

    def test_a_wrong_signature_is_refused_and_nothing_is_stored(self):
        for signature in (False, "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="):
            self.expect_problem(self.post_sms(self.sms(), signature), 403)
        changed = self.sms()
        signature = sign(self.cluster.public_url + "/api/v1/webhooks/twilio/sms", changed)
        changed["Body"] += "!"
        self.expect_problem(self.post_sms(changed, signature), 403)
        self.assertIsNone(self.cluster.conversation(self.lead))

    def test_a_right_signature_with_unknown_parameters_is_accepted(self):
        answer = self.post_sms(self.sms(SomethingNew="1", Zeta=""))
        self.assertEqual(answer.status, 200, answer)
        self.assertIn(b"<Response", answer.body)
        self.assertIn("xml", answer.headers["Content-Type"])

    def test_a_number_of_nobody_is_not_found(self):
        self.expect_problem(self.post_sms(self.sms(To="+15559999999")), 404)
        self.assertIsNone(self.cluster.conversation(self.lead))

    def test_an_incomplete_webhook_names_what_is_missing(self):
        for name in ("MessageSid", "From", "To"):
            params = self.sms()
            del params[name]
            self.expect_problem(self.post_sms(params), 400, name)
        self.expect_problem(self.post_sms(self.sms(From="12")), 400, "From")

    def test_a_text_of_a_megabyte_is_refused(self):
        self.assertEqual(self.post_sms(self.sms(Body="x" * 1000000)).status, 413)

    def test_text_in_any_script_comes_through(self):
        for body in ("¿Cuánto cuesta? 🚿", "ما هي ساعات العمل؟", "a\tb\nc", "'; DROP TABLE leads; --", "%s%n\\"):
            lead = "+1555" + str(uuid.uuid4().int)[:7]
            self.assertEqual(self.cluster.text(body, lead)["status"], 200, body)
            conversation = self.cluster.conversation(lead)
            self.assertEqual(self.cluster.messages(conversation["conversation_id"])[0]["body"], body)

    # ---- keys ----

    def test_without_a_key_nothing_is_told(self):
        for headers in ({}, {"Authorization": "Bearer lw_wrong"}, {"Authorization": "Basic eDp5"}):
            answer = self.cluster.http("GET", "/api/v1/clients", headers=headers)
            self.expect_problem(answer, 401)
            self.assertIn("Bearer", answer.headers["WWW-Authenticate"])

    def test_a_revoked_key_is_refused(self):
        key = self.cluster.leadctl("key", "create", "--client", self.client_id, "--name", "gone").split()[-1]
        self.cluster.api("GET", "/conversations", key=key, status=200)
        key_id = self.cluster.sql("SELECT key_id FROM api_keys WHERE name = 'gone'")
        self.cluster.leadctl("key", "revoke", key_id)
        import time
        time.sleep(1.5)
        self.assertEqual(self.cluster.api("GET", "/conversations", key=key).status, 401)

    def test_another_clients_things_do_not_exist(self):
        self.cluster.text("What are your opening hours?", self.lead)
        self.cluster.wait_replies(1, self.lead)
        conversation = self.cluster.conversation(self.lead)
        message = self.cluster.messages(conversation["conversation_id"])[0]
        bases = self.cluster.api("GET", f"/knowledge/client/{self.client_id}/bases", status=200).json["items"]
        for method, path, body in (
                ("GET", f"/clients/{self.client_id}", None),
                ("PATCH", f"/clients/{self.client_id}", {"name": "Mine"}),
                ("PATCH", f"/clients/{self.client_id}/config", {"persona": "x"}),
                ("GET", f"/conversations/{conversation['conversation_id']}", None),
                ("GET", f"/conversations/{conversation['conversation_id']}/messages", None),
                ("GET", f"/messages/{message['message_id']}", None),
                ("GET", f"/knowledge/client/{self.client_id}/bases", None),
                ("GET", f"/knowledge/bases/{bases[0]['kb_id']}", None),
                ("POST", f"/knowledge/bases/{bases[0]['kb_id']}/faqs", {"question": "q?", "answer": "a"}),
                ("POST", f"/knowledge/bases/{bases[0]['kb_id']}/faqs/bulk", {"faqs": [{"question": "q", "answer": "a"}]}),
                ("POST", f"/knowledge/bases?client_id={self.client_id}", {"name": "Mine"}),
                ("POST", "/knowledge/search", {"client_id": self.client_id, "query": "hours"})):
            with self.subTest(path=path, method=method):
                self.expect_problem(self.cluster.api(method, path, body, key=self.other_key), 404)
        mine = self.cluster.api("GET", "/conversations", key=self.other_key, status=200).json
        self.assertEqual(mine["items"], [])

    def test_a_clients_key_is_no_administrator(self):
        for method, path, body in (("GET", "/clients", None), ("POST", "/clients", {"name": "x"})):
            self.expect_problem(self.cluster.api(method, path, body, key=self.key), 403)

    # ---- bodies ----

    def test_a_wrong_body_names_the_field(self):
        for body, field in (({}, "name"), ({"name": ""}, "name"), ({"name": 5}, "name"),
                            ({"name": "x" * 201}, "name"), ({"name": "x", "timezone": "Mars/Base"}, "timezone"),
                            ({"name": "x", "nickname": "y"}, "nickname"),
                            ({"name": "x", "config": {"twilio_phone_numbr": "+15550001111"}}, "twilio_phone_numbr"),
                            ({"name": "x", "config": {"twilio_phone_number": "555"}}, "twilio_phone_number")):
            with self.subTest(body=body):
                problem = self.expect_problem(self.cluster.api("POST", "/clients", body), 400)
                self.assertIn(field, problem.get("field", "") + problem["detail"])

    def test_what_is_not_json_is_refused(self):
        for body in (b"", b"{", b"[]", b"null", b'{"name":"a"}x', b'{"name":"\xff"}', b'{"name":"a","name":"b"}',
                     b"[" * 100000, b'{"a":' * 200 + b"1" + b"}" * 200):
            with self.subTest(body=body[:20]):
                answer = self.cluster.api("POST", "/clients", body, headers={"Content-Type": "application/json"})
                self.expect_problem(answer, 400)
        answer = self.cluster.api("POST", "/clients", b"name=x", headers={"Content-Type": "text/plain"})
        self.expect_problem(answer, 415)
        answer = self.cluster.api("POST", "/clients", b"x" * 3000000, headers={"Content-Type": "application/json"})
        self.assertEqual(answer.status, 413)

    def test_unknown_paths_methods_and_ids(self):
        self.expect_problem(self.cluster.api("GET", "/nothing"), 404)
        self.expect_problem(self.cluster.api("GET", "/clients/not-a-uuid"), 400)
        self.expect_problem(self.cluster.api("GET", f"/clients/{uuid.uuid4()}"), 404)
        answer = self.cluster.api("DELETE", "/clients")
        self.expect_problem(answer, 405)
        self.assertIn("GET", answer.headers["Allow"])
        self.expect_problem(self.cluster.api("GET", "/clients?limit=0"), 400, "limit", "limit must be from 1 to 200")
        self.expect_problem(self.cluster.api("GET", "/clients?limit=abc"), 400, "limit", "limit must be a whole number")
        self.expect_problem(self.cluster.api("GET", "/clients?lim=1"), 400, "lim", "lim is not a parameter")
        self.expect_problem(self.cluster.api("GET", "/clients?after=zzz"), 400, "after")

    def test_the_same_idempotency_key_has_one_effect(self):
        key = {"Idempotency-Key": "order-" + uuid.uuid4().hex}
        body = {"name": "Once Ltd"}
        first = self.cluster.api("POST", "/clients", body, headers=key, status=201).json
        again = self.cluster.api("POST", "/clients", body, headers=key, status=201).json
        self.assertEqual(first["client_id"], again["client_id"])
        self.expect_problem(self.cluster.api("POST", "/clients", {"name": "Twice Ltd"}, headers=key), 409)

    # ---- clients ----

    def test_lists_are_paged(self):
        names = [f"Paged {i}" for i in range(5)]
        for name in names:
            self.cluster.api("POST", "/clients", {"name": name}, status=201)
        seen, after = [], ""
        while True:
            page = self.cluster.api("GET", "/clients?limit=2" + (f"&after={urllib.parse.quote(after)}" if after else ""),
                                    status=200).json
            self.assertLessEqual(len(page["items"]), 2)
            seen += [c["name"] for c in page["items"]]
            after = page.get("next_after")
            if not after:
                break
        self.assertEqual([n for n in seen if n.startswith("Paged")], names)
        self.assertEqual(len(seen), len(set(seen)) + seen.count("Once Ltd") - ("Once Ltd" in seen))

    def test_a_page_of_long_messages_ends_before_it_is_too_large(self):
        self.cluster.text("What are your opening hours?", self.lead)
        self.cluster.wait_replies(1, self.lead)
        conversation = self.cluster.conversation(self.lead)["conversation_id"]
        self.cluster.sql("INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel, "
                         "from_address, to_address, body, state) SELECT client_id, gen_random_uuid(), conversation_id, "
                         "lead_id, 'in', 'lead', 'sms', lead_address, our_address, repeat('long ', 12000), 'received' "
                         f"FROM conversations, generate_series(1, 40) WHERE conversation_id = '{conversation}'")
        seen, after = 0, ""
        while after is not None:
            page = self.cluster.api("GET", f"/conversations/{conversation}/messages?limit=200" +
                                    (f"&after={after}" if after else ""), status=200).json
            seen += len(page["items"])
            after = page.get("next_after")
        self.assertEqual(seen, 42)

    def test_config_is_merged_and_secrets_are_never_shown(self):
        client = self.cluster.api("POST", "/clients", {"name": "Merge"}, status=201).json
        path = f"/clients/{client['client_id']}/config"
        self.cluster.api("PATCH", path, {"persona": "friendly", "hubspot_access_token": "pat-very-secret"}, status=200)
        shown = self.cluster.api("PATCH", path, {"business_description": "We merge."}, status=200).json
        self.assertEqual(shown["config"]["persona"], "friendly")
        self.assertEqual(shown["config"]["business_description"], "We merge.")
        self.assertEqual(shown["config"]["hubspot_access_token"], "********")
        self.assertEqual(shown["config_version"], 3)
        self.assertNotIn("pat-very-secret", self.cluster.sql("SELECT config FROM clients"))
        removed = self.cluster.api("PATCH", path, {"persona": None}, status=200).json
        self.assertNotIn("persona", removed["config"])

    def test_a_number_belongs_to_one_client(self):
        answer = self.cluster.api("POST", "/clients", {"name": "Thief", "config": {"twilio_phone_number": BUSINESS}})
        self.expect_problem(answer, 409)

    # ---- knowledge ----

    def test_a_bad_entry_in_a_bulk_is_refused_alone(self):
        base = self.cluster.api("POST", f"/knowledge/bases?client_id={self.client_id}", {"name": "Bulk"}, status=201).json
        done = self.cluster.api("POST", f"/knowledge/bases/{base['kb_id']}/faqs/bulk", {"faqs": [
            {"question": "Do you repair boilers?", "answer": "Yes."}, {"question": "No answer?"},
            {"question": "", "answer": "x"}, "nonsense", {"question": "Is parking free?", "answer": "It is."}]},
            status=200).json
        self.assertEqual(done["added"], 2)
        self.assertEqual([r["index"] for r in done["refused"]], [1, 2, 3])
        self.assertTrue(all(r["reason"] for r in done["refused"]))

    def test_the_same_question_replaces_the_answer(self):
        base = self.cluster.api("POST", f"/knowledge/bases?client_id={self.client_id}", {"name": "Replace"}, status=201).json
        path = f"/knowledge/bases/{base['kb_id']}/faqs"
        self.cluster.api("POST", path, {"question": "Do you sell gift cards?", "answer": "No."}, status=201)
        again = self.cluster.api("POST", path, {"question": "do you sell  gift cards", "answer": "Since May, yes."},
                                 status=201).json
        self.assertTrue(again["replaced"])
        found = self.cluster.api("POST", "/knowledge/search", {"client_id": self.client_id, "kb_id": base["kb_id"],
                                                               "query": "gift cards"}, status=200).json["passages"]
        self.assertEqual([p["body"] for p in found], ["Since May, yes."])

    def test_search_finds_what_is_known_and_nothing_else(self):
        def search(query, **more):
            return self.cluster.api("POST", "/knowledge/search", {"query": query, **more}, key=self.key,
                                    status=200).json["passages"]
        self.assertIn("$149", search("what does a drain cleaning cost?")[0]["body"])
        self.assertIn("$149", search("how much is drian cleening")[0]["body"])
        self.assertEqual(search("Who won the world cup in 1998?"), [])
        self.expect_problem(self.cluster.api("POST", "/knowledge/search", {"query": "   "}, key=self.key), 400, "query")

    # ---- the rest ----

    def test_the_description_names_every_route(self):
        document = self.cluster.http("GET", "/openapi.json").json
        self.assertEqual(document["openapi"][:3], "3.1")
        for path in ("/api/v1/clients/{client_id}/config", "/api/v1/knowledge/search", "/api/v1/webhooks/twilio/sms"):
            self.assertIn(path, document["paths"])

    def test_secrets_and_texts_are_not_in_the_logs(self):
        marker = "zebra-" + uuid.uuid4().hex
        self.cluster.text(f"My secret is {marker}.", self.lead)
        self.cluster.wait_replies(1, self.lead)
        for service in ("gateway", "orchestrator", "knowledge", "delivery", "scheduler"):
            log = self.cluster.log(service)
            for secret in (marker, self.lead, TOKEN, self.key, self.cluster.admin_key, "5e5e5e5e"):
                self.assertNotIn(secret, log, service)


class BeyondLoopback(ClusterTest):
    """With the bus bound beyond loopback CURVE is on; the way of a text is the same."""
    env = {"LEADWIRE_BIND_ADDRESS": "0.0.0.0", "LEADWIRE_ADVERTISE_ADDRESS": "127.0.0.1"}

    def test_a_text_is_answered(self):
        self.cluster.text("What are your opening hours?", self.lead)
        self.assertIn("8 am", self.cluster.wait_replies(1, self.lead)[0]["body"])
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM mailboxes WHERE public_key = ''"), "0")


class Embeddings(ClusterTest):
    """With a key for embeddings the vectors are made by a task, and take part in the search."""
    env = {"OPENAI_API_KEY": "sk-sandbox-test"}

    def search(self, query):
        return self.cluster.api("POST", "/knowledge/search", {"client_id": self.client_id, "query": query},
                                status=200).json

    def test_vectors_are_made_and_used(self):
        wait_for("every chunk to have its vector",
                 lambda: self.cluster.sql(
                     "SELECT count(*) FROM chunks c WHERE NOT EXISTS (SELECT FROM embeddings e"
                     " WHERE e.client_id = c.client_id AND e.text_hash = c.text_hash AND e.embedding IS NOT NULL)") == "0")
        found = self.search("what does cleaning a drain cost?")
        self.assertTrue(found["vectors_used"])
        self.assertIn("$149", found["passages"][0]["body"])
        self.assertGreater(found["passages"][0]["vector_score"], 0)

    def test_without_an_embedding_words_still_find_it(self):
        self.cluster.fault("openai", "status", status=500, rate=1)
        found = self.search("how much is a drain cleaning at your place?")
        self.cluster.sandbox("DELETE", "/faults")
        self.assertFalse(found["vectors_used"])
        self.assertIn("$149", found["passages"][0]["body"])


if __name__ == "__main__":
    main()
