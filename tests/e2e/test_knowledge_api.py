"""Every knowledge route that looks at, changes or removes something, through the gateway."""

import json
import uuid

from cluster import ClusterTest, main, wait_for

NOBODY = "019a0000-0000-7000-8000-000000000000"


class KnowledgeApi(ClusterTest):
    env = {"OPENAI_API_KEY": "sk-sandbox-test"}

    def setUp(self):
        super().setUp()
        self.client = self.cluster.api("POST", "/clients", {"name": "Acme"}, status=201).json["client_id"]
        self.key = self.cluster.leadctl("key", "create", "--client", self.client, "--name", "test").split()[-1]
        self.kb = self.make_base("FAQ")
        self.base = "/knowledge/bases/" + self.kb["kb_id"]

    def api(self, method, path, body=None, status=200, key=None):
        return self.cluster.api(method, path, body, key=key or self.key, status=status).json

    def make_base(self, name, **more):
        return self.api("POST", "/knowledge/bases", {"name": name, "embedding_model": "", **more}, status=201)

    def add_faqs(self, n, answer="Yes."):
        faqs = [{"question": f"Is it number {i}?", "answer": answer} for i in range(n)]
        return self.api("POST", self.base + "/faqs/bulk", {"faqs": faqs})

    def add_document(self, title, chunks=3, kb_id=None):
        """As an ingestion leaves it."""
        document_id = str(uuid.uuid4())
        self.cluster.sql(
            "INSERT INTO documents (client_id, document_id, kb_id, kind, title, content, title_key, source_url,"
            f" metadata, ingested_at) VALUES ('{self.client}', '{document_id}', '{kb_id or self.kb['kb_id']}', 'document',"
            f" '{title}', 'text', 'title:{title}', 'https://example.com/a', '{{\"by\": [1, 2]}}', now());"
            "INSERT INTO chunks (client_id, chunk_id, kb_id, document_id, part, position, body, words, tokens)"
            f" SELECT client_id, gen_random_uuid(), kb_id, document_id, 'text', i, '{title} ' || i,"
            f" to_tsvector('{title}'), 2 FROM documents, generate_series(0, {chunks - 1}) AS i"
            f" WHERE document_id = '{document_id}'")
        return document_id

    def refused(self, method, path, status, field, body=None, key=None):
        problem = self.api(method, path, body, status=status, key=key)
        self.assertEqual(problem.get("field"), field, problem)

    def pages(self, path, limit):
        """All items of a list, asked for page by page."""
        items, after, pages = [], "", 0
        while True:
            page = self.api("GET", f"{path}?limit={limit}" + (f"&after={after}" if after else ""))
            self.assertLessEqual(len(page["items"]), limit)
            items += page["items"]
            pages += 1
            after = page.get("next_after")
            if not after:
                return items, pages

    # ---- bases ----

    def test_bases_are_listed_page_by_page(self):
        for i in range(4):
            self.make_base(f"Base {i}")
        items, pages = self.pages(f"/knowledge/client/{self.client}/bases", 2)
        self.assertEqual([base["name"] for base in items], ["FAQ", "Base 0", "Base 1", "Base 2", "Base 3"])
        self.assertEqual(pages, 3)

    def test_a_base_is_changed(self):
        changed = self.api("PATCH", self.base, {"name": "Renamed", "description": "About us", "language": "german",
                                                "similarity_threshold": 0.5})
        self.assertEqual(changed["name"], "Renamed")
        self.assertEqual(changed["description"], "About us")
        self.assertEqual(changed["language"], "german")
        self.assertEqual(changed["similarity_threshold"], 0.5)
        self.assertEqual(self.api("GET", self.base), changed)
        self.assertEqual(self.api("PATCH", self.base, {})["name"], "Renamed")

    def test_a_change_that_makes_no_sense_is_refused(self):
        self.make_base("Taken")
        self.refused("PATCH", self.base, 409, "name", {"name": "Taken"})
        self.refused("POST", "/knowledge/bases", 409, "name", {"name": "Taken"})
        self.refused("PATCH", self.base, 400, "language", {"language": "klingon"})
        self.refused("PATCH", self.base, 400, "similarity_threshold", {"similarity_threshold": 2})
        self.refused("PATCH", self.base, 400, "name", {"name": "  "})
        self.refused("PATCH", self.base, 400, "name", {"name": "Two\nlines"})
        self.refused("POST", "/knowledge/bases", 400, "name", {"name": "a\tb"})
        self.refused("PATCH", "/knowledge/bases/" + NOBODY, 404, "kb_id", {"name": "X"})

    def test_an_empty_base_takes_another_model_at_once_and_a_full_one_later(self):
        self.assertEqual(self.api("PATCH", self.base, {"embedding_model": "text-embedding-3-small"})["embedding_model"],
                         "text-embedding-3-small")
        self.assertEqual(self.api("PATCH", self.base, {"embedding_model": ""})["embedding_model"], "")
        self.add_faqs(2)
        waiting = self.api("PATCH", self.base, {"embedding_model": "text-embedding-3-small"})
        self.assertEqual(waiting["embedding_model"], "")
        self.assertEqual(waiting["next_model"], "text-embedding-3-small")
        back = self.api("PATCH", self.base, {"embedding_model": ""})
        self.assertEqual(back["embedding_model"], "")
        self.assertNotIn("next_model", back)

    def test_a_base_is_cleared_and_deleted(self):
        self.add_faqs(3)
        self.add_document("Prices")
        self.assertEqual(self.api("POST", self.base + "/clear"), {"documents": 1, "faqs": 3, "chunks": 9})
        self.assertEqual(self.api("GET", self.base + "/faqs")["items"], [])
        self.assertEqual(self.api("POST", "/knowledge/search", {"query": "is it number 1"})["passages"], [])
        self.add_faqs(2)
        self.assertEqual(self.api("DELETE", self.base), {"documents": 0, "faqs": 2, "chunks": 4})
        for table in ("knowledge_bases", "documents", "chunks", "kb_words", "embeddings"):
            self.assertEqual(self.cluster.sql(f"SELECT count(*) FROM {table} WHERE client_id = '{self.client}'"), "0")
        self.refused("GET", self.base, 404, "kb_id")
        self.refused("DELETE", self.base, 404, "kb_id")
        self.refused("POST", self.base + "/clear", 404, "kb_id")

    def test_stats(self):
        stats = self.api("GET", self.base + "/stats")
        self.assertEqual((stats["documents"], stats["faqs"], stats["chunks"], stats["search"]), (0, 0, 0, "none"))
        self.add_faqs(3)
        self.add_document("Prices", chunks=4)
        stats = self.api("GET", self.base + "/stats")
        self.assertEqual((stats["documents"], stats["faqs"], stats["chunks"]), (1, 3, 10))
        self.assertGreater(stats["bytes"], 80)
        self.assertIn("last_ingested_at", stats)
        self.refused("GET", f"/knowledge/bases/{NOBODY}/stats", 404, "kb_id")

    def test_the_operator_sees_what_each_base_holds(self):
        self.add_faqs(3)
        self.add_document("Prices", chunks=4)
        self.api("PATCH", self.base, {"name": "Full"})
        self.make_base("Empty")
        bases = {base["name"]: base for base in json.loads(
            self.cluster.leadctl("kb", "list", "--client", self.client, "--json"))}
        self.assertEqual(set(bases), {"Full", "Empty"})
        full = bases["Full"]
        self.assertEqual((full["documents"], full["faqs"], full["chunks"], full["waiting"]), (1, 3, 10, 0))
        self.assertIn("Full", self.cluster.leadctl("kb", "list"))

    def test_the_operator_sees_how_far_a_task_is(self):
        self.api("PATCH", self.base, {"embedding_model": "text-embedding-3-small"})
        self.add_faqs(2)
        task = self.cluster.sql(f"SELECT task_id FROM task_payloads WHERE client_id = '{self.client}'").split()[0]
        wait_for("the task to be finished",
                 lambda: self.cluster.sql(f"SELECT count(*) FROM finished_tasks WHERE task_id = '{task}'") == "1")
        self.cluster.sql(f"INSERT INTO task_progress (client_id, task_id, done, total) VALUES ('{self.client}', '{task}',"
                         " 3, 4) ON CONFLICT (client_id, task_id) DO UPDATE SET done = 3, total = 4")
        shown = json.loads(self.cluster.leadctl("task", "show", task))
        self.assertEqual((shown["done"], shown["total"]), (3, 4))

    # ---- FAQs ----

    def test_faqs_are_listed_shown_and_removed(self):
        self.assertEqual(self.api("GET", self.base + "/faqs"), {"items": []})
        self.add_faqs(7)
        items, pages = self.pages(self.base + "/faqs", 3)
        self.assertEqual(pages, 3)
        self.assertEqual(sorted(faq["question"] for faq in items), [f"Is it number {i}?" for i in range(7)])
        one = self.base + "/faqs/" + items[3]["document_id"]
        self.assertEqual(self.api("GET", one)["question"], items[3]["question"])
        self.assertEqual(self.api("DELETE", one), {"documents": 0, "faqs": 1, "chunks": 2})
        self.refused("GET", one, 404, "document_id")
        self.refused("DELETE", one, 404, "document_id")
        self.assertEqual(len(self.api("GET", self.base + "/faqs")["items"]), 6)

    def test_long_faqs_take_more_pages(self):
        for first in range(0, 150, 25):
            self.api("POST", self.base + "/faqs/bulk", {"faqs": [
                {"question": f"Long {i}?", "answer": f"{i} " + "word " * 3000} for i in range(first, first + 25)]})
        items, pages = self.pages(self.base + "/faqs", 200)
        self.assertEqual(len({faq["document_id"] for faq in items}), 150)
        self.assertGreater(pages, 1)

    # ---- documents ----

    def test_documents_are_listed_shown_and_removed(self):
        self.assertEqual(self.api("GET", self.base + "/documents"), {"items": []})
        ids = [self.add_document(f"Document {i}") for i in range(5)]
        self.add_faqs(1)
        items, pages = self.pages(self.base + "/documents", 2)
        self.assertEqual({document["document_id"] for document in items}, set(ids))
        self.assertEqual(pages, 3)
        one = self.base + "/documents/" + ids[0]
        document = self.api("GET", one)
        self.assertEqual((document["title"], document["chunks"], document["tokens"]), ("Document 0", 3, 6))
        self.assertEqual(document["metadata"], {"by": [1, 2]})
        self.assertEqual(document["source_url"], "https://example.com/a")
        self.assertEqual(self.api("GET", self.base + "/documents?state=failed")["items"], [])
        self.assertEqual(len(self.api("GET", self.base + "/documents?state=ready")["items"]), 5)
        self.refused("GET", self.base + "/documents?state=lost", 400, "state")
        self.refused("GET", self.base + "/documents?after=x", 400, "after")
        self.assertEqual(self.api("DELETE", one), {"documents": 1, "faqs": 0, "chunks": 3})
        self.refused("GET", one, 404, "document_id")
        self.refused("GET", one + "/chunks", 404, "document_id")

    def test_chunks_are_listed_in_their_order(self):
        document_id = self.add_document("Prices", chunks=25)
        items, pages = self.pages(self.base + f"/documents/{document_id}/chunks", 10)
        self.assertEqual([chunk["position"] for chunk in items], list(range(25)))
        self.assertEqual(items[7]["body"], "Prices 7")
        self.assertEqual(pages, 3)

    # ---- whose it is ----

    def test_an_id_on_the_wrong_path_is_not_found(self):
        other = "/knowledge/bases/" + self.make_base("Other")["kb_id"]
        document_id = self.add_document("Prices")
        self.add_faqs(1)
        faq_id = self.api("GET", self.base + "/faqs")["items"][0]["document_id"]
        for path in (f"{self.base}/documents/{faq_id}", f"{self.base}/faqs/{document_id}",
                     f"{other}/documents/{document_id}", f"{other}/faqs/{faq_id}"):
            self.refused("GET", path, 404, "document_id")
            self.refused("DELETE", path, 404, "document_id")
        self.refused("GET", f"{other}/documents/{document_id}/chunks", 404, "document_id")
        self.refused("GET", f"{self.base}/documents/nothing", 400, "document_id")

    def test_another_clients_key_finds_nothing(self):
        stranger = self.cluster.leadctl("key", "create", "--client", self.client_id, "--name", "other").split()[-1]
        document_id = self.add_document("Prices")
        self.add_faqs(1)
        faq_id = self.api("GET", self.base + "/faqs")["items"][0]["document_id"]
        for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/clear"), ("GET", "/stats"),
                             ("GET", "/documents"), ("GET", "/faqs"), ("GET", f"/documents/{document_id}"),
                             ("DELETE", f"/documents/{document_id}"), ("GET", f"/documents/{document_id}/chunks"),
                             ("GET", f"/faqs/{faq_id}"), ("DELETE", f"/faqs/{faq_id}")):
            self.refused(method, self.base + path, 404, "kb_id", {} if method == "PATCH" else None, key=stranger)
        self.refused("GET", f"/knowledge/client/{self.client}/bases", 404, "client_id", key=stranger)
        admin = self.cluster.admin_key
        self.assertEqual(self.api("GET", self.base, key=admin)["kb_id"], self.kb["kb_id"])
        self.assertEqual(self.api("DELETE", self.base, key=admin), {"documents": 1, "faqs": 1, "chunks": 5})


if __name__ == "__main__":
    main()
