"""A client's key and another client's ids, on every route of the API as its own description lists them: it is as if the
ids did not exist, and nothing changes."""

import json
import re
import uuid

from cluster import ClusterTest, main, wait_for

NAMES = ("client_id", "kb_id", "document_id", "conversation_id", "message_id", "task_id",
         "notice_id", "lead_id", "turn_id", "form_id")
# Where a schema alone does not make a body that would be taken.
BODIES = {
    "add_faqs": {"faqs": [{"question": "Mine?", "answer": "Mine."}]},
    "create_conversation_message": {"body": "Mine"},
    "create_message": {"body": "Mine"},
    "create_lead": {"phone": "+15552223333"},
    "create_form": {"name": "Mine"},
    "update_form": {"name": "Mine"},
    "lookup_phone": {"phone": "+15552223333"},
    "update_client": {"name": "Mine"},
    "update_client_config": {"persona": "mine"},
    "update_knowledge_base": {"name": "Mine"},
    "update_lead": {"name": "Mine"},
}


class Thing:
    """One client with one of each."""

    def __init__(self, cluster, number, lead):
        self.client_id = cluster.make_client(number, "Business " + number)
        self.key = cluster.leadctl("key", "create", "--client", self.client_id, "--name", "test").split()[-1]
        base = cluster.api("GET", f"/knowledge/client/{self.client_id}/bases", key=self.key, status=200).json["items"][0]
        self.kb_id = base["kb_id"]
        faq = cluster.api("POST", f"/knowledge/bases/{self.kb_id}/faqs", {"question": "Parking?", "answer": "Yes."},
                          self.key, 201).json
        self.faq_id = faq["document_id"]
        document = cluster.api("POST", f"/knowledge/bases/{self.kb_id}/documents",
                               {"title": "About us", "content": "We are plumbers."}, self.key, 202).json
        self.document_id, self.task_id = document["document_id"], document["task_id"]
        cluster.text("What are your opening hours?", lead, number)
        cluster.wait_replies(1, lead)
        conversation = cluster.api("GET", "/conversations", key=self.key, status=200).json["items"][0]
        self.conversation_id, self.lead_id = conversation["conversation_id"], conversation["lead_id"]
        messages = cluster.api("GET", f"/conversations/{self.conversation_id}/messages", key=self.key, status=200)
        self.message_id = messages.json["items"][0]["message_id"]
        self.turn_id = next(m["turn_id"] for m in messages.json["items"] if m.get("turn_id"))
        self.form_id = cluster.api("POST", "/forms", {"name": "Contact"}, self.key, 201).json["form"]["form_id"]
        self.notice_id = str(uuid.uuid4())
        cluster.sql("INSERT INTO notices (client_id, notice_id, kind, subject, text)"
                    f" VALUES ('{self.client_id}', '{self.notice_id}', 'sender_refused', '{number}', 'refused')")

    def id_of(self, name, path):
        return self.faq_id if name == "document_id" and "/faqs/" in path else getattr(self, name)


class Tenants(ClusterTest):
    env = {"LEADWIRE_USAGE_SECONDS": "1"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ours = Thing(cls.cluster, "+15550100001", "+15552220001")
        cls.theirs = Thing(cls.cluster, "+15550100002", "+15552220002")
        cls.api = cls.cluster.http("GET", "/openapi.json").json
        wait_for("all tasks to be done", lambda: cls.cluster.sql(
            "SELECT (SELECT count(*) FROM tasks) + (SELECT count(*) FROM token_usage_pending)") == "0")

    def rows(self):
        """All that there is of both clients."""
        tables = self.cluster.sql("SELECT table_name FROM information_schema.columns JOIN pg_class ON relname = table_name"
                                  " WHERE table_schema = 'public' AND column_name = 'client_id' AND relkind = 'r'"
                                  " AND NOT relispartition ORDER BY 1").split()
        self.assertIn("documents", tables)
        return {table: self.cluster.sql(f"SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t"
                                        f" WHERE client_id IN ('{self.ours.client_id}', '{self.theirs.client_id}')")
                for table in tables}

    def schema(self, schema):
        while "$ref" in schema:
            schema = self.api["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def body_of(self, operation):
        """A body that would be taken, as far as the description tells."""
        if operation["operationId"] in BODIES:
            return dict(BODIES[operation["operationId"]])
        if "requestBody" not in operation:
            return None
        schema = self.schema(operation["requestBody"]["content"]["application/json"]["schema"])
        kinds = {"string": "mine", "number": 0.5, "integer": 1, "boolean": True}
        return {name: kinds[schema["properties"][name]["type"]] for name in schema.get("required", [])}

    def operations(self):
        for path, item in self.api["paths"].items():
            for method, operation in item.items():
                if path.startswith("/api/v1/") and "/webhooks/" not in path:
                    yield method.upper(), path.removeprefix("/api/v1"), operation

    def cases(self, path, operation):
        """Each place for an id: (path with our ids elsewhere, query, body, the id) as a function of that one id."""
        parameters = [p for p in operation["parameters"] if "name" in p]
        in_path = re.findall(r"{(\w+)}", path)

        def filled(name=None, value=None):
            return re.sub(r"{(\w+)}", lambda m: value if m[1] == name else self.ours.id_of(m[1], path), path)

        for name in in_path:
            self.assertIn(name, NAMES)
            yield name, lambda value, name=name: (filled(name, value), self.body_of(operation))
        if len(in_path) > 1:
            yield in_path[-1], lambda value: (
                filled(in_path[-1], value).replace(self.ours.id_of(in_path[0], path), self.theirs.id_of(in_path[0], path)),
                self.body_of(operation))
        for p in parameters:
            if p["in"] == "query" and p["name"] in NAMES:
                yield p["name"], lambda value, p=p: (filled() + f"?{p['name']}={value}", self.body_of(operation))
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        for name in self.schema(body).get("properties", {}) if body else ():
            if name in NAMES:
                yield name, lambda value, name=name: (filled(), {**self.body_of(operation), name: value})

    def ask(self, method, case, value):
        path, body = case(value)
        answer = self.cluster.api(method, path, body, key=self.ours.key)
        self.assertNotIn("does not answer such requests", answer.body.decode(), f"{method} {path}")
        problem = answer.json if answer.status >= 400 else {}
        problem.pop("request_id", None)
        return answer.status, json.dumps(problem).replace(value, "ID")

    def test_another_clients_ids_are_as_if_they_did_not_exist(self):
        before, tried = self.rows(), set()
        for method, path, operation in self.operations():
            for name, case in self.cases(path, operation):
                with self.subTest(route=f"{method} {path}", name=name):
                    theirs = self.ask(method, case, self.theirs.id_of(name, path))
                    self.assertEqual(theirs, self.ask(method, case, str(uuid.uuid4())))
                    wanted = 403 if "administrator" in operation.get("description", "") else 404
                    self.assertEqual(theirs[0], wanted, theirs)
                    tried.add(name)
        self.assertEqual(tried, set(NAMES))
        self.assertEqual(self.rows(), before)

    def test_lists_show_a_clients_own_alone(self):
        for method, path, operation in self.operations():
            if method != "GET" or "administrator" in operation.get("description", ""):
                continue
            own = re.sub(r"{(\w+)}", lambda m: self.ours.id_of(m[1], path), path)
            with self.subTest(route=path):
                answer = self.cluster.api("GET", own, key=self.ours.key, status=200)
                for name in NAMES:
                    self.assertNotIn(self.theirs.id_of(name, path), answer.body.decode())
                self.assertNotIn(self.theirs.faq_id, answer.body.decode())

    def test_what_only_administrators_may_is_refused(self):
        n = 0
        for method, path, operation in self.operations():
            if "administrator" in operation.get("description", ""):
                answer = self.cluster.api(method, path, self.body_of(operation), key=self.ours.key)
                self.assertEqual(answer.status, 403, f"{method} {path}")
                n += 1
        self.assertGreaterEqual(n, 2)


if __name__ == "__main__":
    main()
