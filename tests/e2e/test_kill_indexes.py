"""kill -9 of knowledge while it makes an HNSW index or changes a base's model, and of the gateway while an upload goes
over: in the end everything is whole, and nothing is there twice."""

import time

from cluster import ClusterTest, main, wait_for
from kill import RECOVERY


class KillIndexes(ClusterTest):
    env = {"OPENAI_API_KEY": "sk-sandbox", "LEADWIRE_HNSW_MIN_VECTORS": "100"}

    def setUp(self):
        super().setUp()
        self.name = "pump" + str(time.time_ns())
        # A client of its own: an index is of all bases of a client.
        self.client = self.cluster.api("POST", "/clients", {"name": self.name}, status=201).json["client_id"]
        self.kb = self.cluster.api("POST", f"/knowledge/bases?client_id={self.client}", {"name": "base"},
                                   status=201).json["kb_id"]

    def fill(self):
        """600 texts, three pages of vectors."""
        self.cluster.api("POST", f"/knowledge/bases/{self.kb}/faqs/bulk", {"faqs": [
            {"question": f"What about the {self.name} {i}?", "answer": f"The {self.name} {i} is made of steel {i}."}
            for i in range(300)]}, status=200)

    def restart(self, service, failpoint):
        self.cluster.kill(service, 15)
        self.cluster.start(service, LEADWIRE_FAILPOINT=failpoint)
        self.cluster.wait_ready()

    def start_again(self, service):
        self.assertEqual(self.cluster.wait_ended(service, RECOVERY), -9)
        self.cluster.start(service)
        self.cluster.wait_ready()

    def index(self):
        """The state of the client's index, whether it is valid, and how many there are of no row."""
        return self.cluster.sql(
            "SELECT v.model || ' ' || v.state || ' ' || coalesce(i.indisvalid::text, 'none')"
            "  FROM vector_indexes v LEFT JOIN pg_class c ON c.relname = v.index_name"
            f"  LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE v.client_id = '{self.client}'")

    def unknown_indexes(self):
        return self.cluster.sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'vectors\\_%'"
                                " AND NOT EXISTS (SELECT FROM vector_indexes WHERE index_name = relname)")

    def wait_index(self, wanted):
        wait_for(f"the index to be {wanted}", lambda: self.index() == wanted, RECOVERY)
        wait_for("its task to be finished", lambda: self.cluster.sql(
            f"SELECT count(*) FROM tasks WHERE client_id = '{self.client}'") == "0", RECOVERY)
        self.assertEqual(self.unknown_indexes(), "0")

    def check_search(self):
        passages = self.cluster.api("POST", "/knowledge/search", {
            "client_id": self.client, "query": f"What about the {self.name} 17?"}, status=200).json["passages"]
        self.assertEqual(passages[0]["body"], f"The {self.name} 17 is made of steel 17.")
        self.assertGreater(passages[0]["vector_score"], 0.9)
        self.assertEqual(len({p["document_id"] for p in passages}), len(passages))

    def test_an_index_that_was_planned_is_built_by_the_next(self):
        self.restart("knowledge", "knowledge.index_planned")
        self.fill()
        self.start_again("knowledge")
        self.wait_index("text-embedding-3-small ready true")
        self.check_search()

    def test_an_index_without_its_function_gets_it_from_the_next(self):
        self.restart("knowledge", "knowledge.index_made")
        self.fill()
        self.start_again("knowledge")
        self.wait_index("text-embedding-3-small ready true")
        self.assertEqual(self.cluster.sql(
            "SELECT count(*) FROM vector_indexes JOIN pg_proc ON proname = index_name"
            f" WHERE client_id = '{self.client}'"), "1")
        self.check_search()

    def test_an_index_that_was_built_is_used_by_the_next(self):
        self.restart("knowledge", "knowledge.index_built")
        self.fill()
        self.start_again("knowledge")
        self.wait_index("text-embedding-3-small ready true")
        self.check_search()

    def test_an_index_that_is_not_wanted_any_more_is_dropped_by_the_next(self):
        self.fill()
        self.wait_index("text-embedding-3-small ready true")
        self.restart("knowledge", "knowledge.index_planned")
        self.cluster.api("POST", f"/knowledge/bases/{self.kb}/clear", status=200)
        self.assertEqual(self.cluster.wait_ended("knowledge", RECOVERY), -9)
        self.assertEqual(self.index(), "text-embedding-3-small unwanted true")
        self.cluster.start("knowledge")
        self.cluster.wait_ready()
        self.wait_index("")

    def change_model(self, failpoint):
        self.fill()
        self.wait_index("text-embedding-3-small ready true")
        self.restart("knowledge", failpoint)
        self.cluster.api("PATCH", f"/knowledge/bases/{self.kb}", {"embedding_model": "text-embedding-3-large"}, status=200)
        self.assertEqual(self.cluster.wait_ended("knowledge", RECOVERY), -9)
        # The old model answers until all vectors of the new one are there.
        self.assertEqual(self.cluster.sql(f"SELECT embedding_model || ' ' || next_model FROM knowledge_bases"
                                          f" WHERE kb_id = '{self.kb}'"), "text-embedding-3-small text-embedding-3-large")
        self.cluster.start("knowledge")
        self.cluster.wait_ready()
        self.check_search()
        wait_for("the new model", lambda: self.cluster.api(
            "GET", f"/knowledge/bases/{self.kb}", status=200).json["embedding_model"] == "text-embedding-3-large", RECOVERY)
        self.assertEqual(self.cluster.sql(f"SELECT string_agg(DISTINCT model, ',') || ' ' || count(*) FROM embeddings"
                                          f" WHERE client_id = '{self.client}'"), "text-embedding-3-large 600")
        self.wait_index("text-embedding-3-large ready true")
        self.check_search()

    def test_a_change_of_models_goes_on_between_pages(self):
        self.change_model("knowledge.page_done")

    def test_a_change_of_models_goes_on_before_the_new_one_takes_over(self):
        self.change_model("knowledge.before_finish")

    def test_a_gateway_that_dies_between_the_parts_of_an_upload_leaves_no_document(self):
        content = "".join(f"The {self.name} number {i} has a valve of brass. " for i in range(25000))
        self.assertGreater(len(content), 1024 * 1024)
        body = {"title": "Large", "content": content}
        path, headers = f"/knowledge/bases/{self.kb}/documents", {"Idempotency-Key": self.name}
        self.restart("gateway", "gateway.after_upload_part:2")
        with self.assertRaises(OSError):
            self.cluster.api("POST", path, body, headers=headers)
        self.start_again("gateway")
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM upload_parts"), "2")
        self.assertEqual(self.cluster.sql(f"SELECT count(*) FROM documents WHERE kb_id = '{self.kb}'"), "0")
        first = self.cluster.api("POST", path, body, headers=headers, status=202).json
        again = self.cluster.api("POST", path, body, headers=headers, status=202).json
        self.assertEqual(first, again)
        wait_for("the document", lambda: self.cluster.api("GET", f"{path}/{first['document_id']}", status=200)
                 .json["state"] == "ready", 2 * RECOVERY)
        self.assertEqual(self.cluster.sql("SELECT count(*), count(DISTINCT part), sum(length(data)) FROM upload_parts"),
                         f"3|3|{len(content)}")
        self.assertEqual(self.cluster.sql(f"SELECT count(*) FROM documents WHERE kb_id = '{self.kb}'"), "1")


if __name__ == "__main__":
    main()
