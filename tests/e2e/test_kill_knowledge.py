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

    def ingest(self, edition, parts=600):
        return self.cluster.api("POST", f"/knowledge/bases/{self.kb}/documents",
                                {"title": "Pumps", "content": text(self.name, edition, parts),
                                 "content_type": "text/markdown"},
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

    def change_language(self, nth_page, language, position):
        """knowledge dies after that page of a hundred. language, position: where the change then stands."""
        self.ingest(2, parts=2500)
        self.wait_edition(2)
        self.cluster.kill("knowledge", 15)
        self.cluster.start("knowledge", LEADWIRE_FAILPOINT=f"knowledge.words_made:{nth_page}")
        self.cluster.wait_ready()
        changed = self.cluster.api("PATCH", f"/knowledge/bases/{self.kb}", {"language": "german"}, status=200).json
        self.assertEqual((changed["language"], changed["next_language"]), ("english", "german"))
        self.assertEqual(self.cluster.wait_ended("knowledge", RECOVERY), -9)
        stands = f"FROM knowledge_bases WHERE kb_id = '{self.kb}'"
        self.assertEqual(self.cluster.sql(f"SELECT language || ' ' || words_position {stands}"), f"{language} {position}")
        self.cluster.start("knowledge")
        self.cluster.wait_ready()
        wait_for("the new language", lambda: self.cluster.sql(
            f"SELECT language || ' ' || (words_document IS NULL) {stands}") == "german true", RECOVERY)
        self.assertEqual(self.cluster.sql(f"SELECT count(*) FROM chunks WHERE kb_id = '{self.kb}'"
                                          " AND words <> leadwire_tsvector('german', heading || E'\\n' || body)"), "0")

    def test_a_new_languages_words_are_made_on_from_where_they_were(self):
        self.change_language(3, "english", 299)

    def test_an_old_languages_words_are_left_out_on_from_where_it_was(self):
        self.change_language(8, "german", 199)

    def gateway_knows(self, path):
        return self.cluster.api("GET", path).status == 200


if __name__ == "__main__":
    main()
