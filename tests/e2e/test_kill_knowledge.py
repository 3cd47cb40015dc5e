"""kill -9 of knowledge at named places on the way of a document: it is searched whole, the old version or the new one,
and what was made before goes on being used."""

import time

from cluster import ClusterTest, main, wait_for
from kill import RECOVERY


def text(name, edition, parts=600):
    """More texts than two pages of vectors hold, under a heading each: so each is a chunk."""
    return "".join(f"# Part {i}\n\nThe {name} {i} of edition{edition} is made of steel.\n\n" for i in range(parts))


class KillKnowledge(ClusterTest):
    env = {"OPENAI_API_KEY": "sk-sandbox"}

    def setUp(self):
        super().setUp()
        # Equal texts of a client share their vectors: each test has texts of its own.
        self.name = "pump" + str(time.time_ns())
        self.kb = self.cluster.api("POST", f"/knowledge/bases?client_id={self.client_id}",
                                   {"name": "base " + str(time.time_ns())}, status=201).json["kb_id"]
        self.first = self.ingest(1)["document_id"]
        self.wait_edition(1)

    def ingest(self, edition):
        return self.cluster.api("POST", f"/knowledge/bases/{self.kb}/documents",
                                {"title": "Pumps", "content": text(self.name, edition), "content_type": "text/markdown"},
                                status=202).json

    def editions(self):
        return self.cluster.sql("SELECT string_agg(DISTINCT substring(body FROM 'edition[0-9]+'), ',') || ' ' || count(*)"
                                f" FROM chunks WHERE kb_id = '{self.kb}'")

    def wait_edition(self, edition):
        wait_for(f"edition {edition}", lambda: self.editions().startswith(f"edition{edition} "), RECOVERY)

    def kill_at(self, failpoint, before):
        """The second edition; knowledge dies at the failpoint. before: what is searched while it is down."""
        whole = self.editions().split()[1]
        self.cluster.kill("knowledge", 15)
        self.cluster.start("knowledge", LEADWIRE_FAILPOINT=failpoint)
        self.cluster.wait_ready()
        taken = self.ingest(2)
        self.assertEqual(self.cluster.wait_ended("knowledge", RECOVERY), -9)
        self.assertEqual(self.editions(), f"edition{before} {whole}")
        made = int(self.cluster.sql("SELECT count(*) FROM embeddings WHERE client_id ="
                                    f" '{self.client_id}' AND text_hash NOT IN (SELECT text_hash FROM chunks)"))
        self.cluster.start("knowledge")
        self.cluster.wait_ready()
        self.wait_edition(2)
        self.assertEqual(self.editions(), f"edition2 {whole}")
        task = f"/tasks/{taken['task_id']}"
        wait_for("the task to be finished",
                 lambda: self.cluster.api("GET", task, status=200).json["state"] == "finished", RECOVERY)
        document = self.cluster.api("GET", f"/knowledge/bases/{self.kb}/documents/{taken['document_id']}", status=200).json
        self.assertEqual((document["document_id"], document["state"]), (self.first, "ready"))
        # Each chunk has its vector, and no vector of the old edition is left.
        self.assertEqual(self.cluster.sql(
            f"SELECT count(*) FROM chunks c WHERE kb_id = '{self.kb}' AND NOT EXISTS (SELECT FROM embeddings e"
            " WHERE e.client_id = c.client_id AND e.text_hash = c.text_hash AND embedding IS NOT NULL)"), "0")
        self.assertEqual(self.cluster.sql(f"SELECT count(*) FROM embeddings WHERE client_id = '{self.client_id}'"
                                          " AND text_hash NOT IN (SELECT text_hash FROM chunks)"), "0")
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM pending_documents"), "0")
        return made

    def test_before_a_page_is_stored(self):
        self.assertEqual(self.kill_at("knowledge.vectors_written", 1), 0)

    def test_between_pages_what_was_made_stays(self):
        self.assertGreater(self.kill_at("knowledge.page_done", 1), 0)

    def test_before_the_change_is_committed(self):
        self.assertGreater(self.kill_at("knowledge.before_publish", 1), 0)

    def test_after_the_change_was_committed(self):
        self.kill_at("knowledge.published", 2)

    def test_a_bulk_of_faqs_goes_on_where_it_was(self):
        self.cluster.kill("knowledge", 15)
        self.cluster.start("knowledge", LEADWIRE_FAILPOINT="knowledge.page_done:2")
        self.cluster.wait_ready()
        taken = self.cluster.api("POST", f"/knowledge/bases/{self.kb}/faqs/bulk", {"faqs": [
            {"question": f"What about the item {i}?", "answer": f"It costs {i} dollars."} for i in range(400)]},
            status=200).json
        self.assertEqual(len(taken["taken"]), 400)
        self.assertEqual(self.cluster.wait_ended("knowledge", RECOVERY), -9)
        path = f"/tasks/{taken['task_id']}"
        done = self.cluster.api("GET", path, status=200).json["done"] if self.gateway_knows(path) else 512
        self.assertGreaterEqual(done, 512)
        self.cluster.start("knowledge")
        self.cluster.wait_ready()
        wait_for("all vectors", lambda: self.cluster.api(
            "GET", f"/knowledge/bases/{self.kb}/stats", status=200).json["chunks_waiting"] == 0, RECOVERY)

    def gateway_knows(self, path):
        return self.cluster.api("GET", path).status == 200


if __name__ == "__main__":
    main()
