"""Two knowledge processes, each with a copy of what a client knows: what is changed through either, or beside both, is known
to the very next search, whichever is asked."""

import threading

from cluster import ClusterTest, main, wait_for

QUESTION = "Do you repair boilers?"


class KnowledgeCopies(ClusterTest):
    def setUp(self):
        super().setUp()
        if "knowledge#2" not in self.cluster.processes:
            self.cluster.start("knowledge#2")
            wait_for("two knowledge processes", lambda: self.cluster.sql(
                "SELECT count(*) FROM mailboxes WHERE role = 'knowledge'") == "2")
        self.client = self.cluster.api("POST", "/clients", {"name": "Acme"}, status=201).json["client_id"]
        self.kb = self.cluster.api("POST", f"/knowledge/bases?client_id={self.client}", {"name": "FAQ"},
                                   status=201).json["kb_id"]
        self.base = "/knowledge/bases/" + self.kb
        self.fill()

    def fill(self):
        """What the client knows beside what a test is about."""

    def add(self, question, answer):
        return self.cluster.api("POST", self.base + "/faqs", {"question": question, "answer": answer}).json

    def search(self, query=QUESTION, client=None):
        return self.cluster.api("POST", "/knowledge/search", {"client_id": client or self.client, "query": query},
                                status=200).json["passages"]

    def expect(self, answer, query=QUESTION):
        """Of sixteen searches each process answers about half; the first of them follows the change at once."""
        for _ in range(16):
            passages = self.search(query)
            self.assertEqual(passages[0]["body"] if passages else None, answer)

    def test_a_changed_faq_is_found_by_the_very_next_search(self):
        for edition in range(20):
            self.add(QUESTION, f"Yes, edition {edition}.")
            self.expect(f"Yes, edition {edition}.")

    def test_what_is_gone_is_not_found(self):
        faq = self.add(QUESTION, "Yes.")
        self.expect("Yes.")
        self.cluster.api("DELETE", f"{self.base}/faqs/{faq['document_id']}", status=200)
        self.expect(None)
        self.add(QUESTION, "Again.")
        self.expect("Again.")
        self.cluster.sql(f"DELETE FROM chunks WHERE client_id = '{self.client}'")
        self.expect(None)
        self.add(QUESTION, "Once more.")
        self.expect("Once more.")
        self.cluster.api("DELETE", self.base, status=200)
        self.expect(None)

    def test_the_threshold_holds_from_the_next_search_on(self):
        self.add("Do you repair boilers and heaters of any make in winter?", "Yes.")
        self.cluster.api("PATCH", self.base, {"similarity_threshold": 0}, status=200)
        self.expect("Yes.", "boilers")
        self.cluster.api("PATCH", self.base, {"similarity_threshold": 1}, status=200)
        self.expect(None, "boilers")

    def test_a_changed_language_holds_from_the_next_search_on(self):
        self.add("¿Instalaron calderas?", "Sí.")
        self.cluster.api("PATCH", self.base, {"similarity_threshold": 0.3, "embedding_model": ""}, status=200)
        self.expect(None, "instalando")
        self.cluster.api("PATCH", self.base, {"language": "spanish"}, status=200)
        self.expect("Sí.", "instalando")

    def test_another_client_finds_nothing(self):
        self.add(QUESTION, "Yes.")
        self.expect("Yes.")
        other = self.cluster.api("POST", "/clients", {"name": "Other"}, status=201).json["client_id"]
        self.assertEqual(self.search(client=other), [])
        key = self.cluster.leadctl("key", "create", "--client", other, "--name", "test").split()[-1]
        self.cluster.api("POST", "/knowledge/search", {"kb_id": self.kb, "query": QUESTION}, key=key, status=404)


class LargeCopies(KnowledgeCopies):
    """The same of a client that knows so much that its copies are made in the background: until they are there, and after each
    change, the database searches. The tests above are run once more."""

    def fill(self):
        done = self.cluster.api("POST", self.base + "/faqs/bulk", {"faqs": [
            {"question": f"Where is branch {i} of the gutter company?", "answer": f"It stands at {i} Elm Street."}
            for i in range(300)]}, status=200).json
        self.assertEqual(done["added"], 300)
        self.wait_in_memory()

    def wait_in_memory(self):
        """Until each of the processes has a copy; only a search makes it want one."""
        def both():
            self.search()
            seen = [self.cluster.api("GET", self.base + "/stats", status=200).json["in_memory"] for _ in range(10)]
            return all(seen)
        wait_for("the copies of a large client", both, 60, 0.2)

    def test_a_changed_language_holds_from_the_next_search_on(self):
        """The words of a large base are made anew in the background; from then on."""
        self.add("¿Instalaron calderas?", "Sí.")
        self.cluster.api("PATCH", self.base, {"similarity_threshold": 0.3, "embedding_model": ""}, status=200)
        self.expect(None, "instalando")
        self.cluster.api("PATCH", self.base, {"language": "spanish"}, status=200)
        wait_for("the language", lambda: self.cluster.api("GET", self.base, status=200).json["language"] == "spanish", 60)
        self.expect("Sí.", "instalando")
        self.wait_in_memory()
        self.expect("Sí.", "instalando")

    def test_a_copy_is_made_anew_after_a_change(self):
        self.add(QUESTION, "Yes.")
        self.expect("Yes.")
        self.wait_in_memory()
        self.expect("Yes.")

    def test_a_misspelt_word_is_found_by_both_ways(self):
        self.add("Is there a guarantee on whirlpools?", "Yes, of ten years.")
        self.expect("Yes, of ten years.", "guarante whirlpols")
        self.wait_in_memory()
        self.expect("Yes, of ten years.", "guarante whirlpols")

    def test_a_document_is_found_as_it_was_or_as_it_is(self):
        """While it is replaced again and again no search finds pieces of two editions."""
        def text(edition):
            return "".join(f"# Chapter {n}\n\nZebras of edition {edition} are striped, says chapter {n}. "
                           + "They live on grass and rest at noon. " * 60 + "\n\n" for n in range(4))

        def replace():
            for edition in range(1, 6):
                self.cluster.api("POST", self.base + "/documents", {"title": "Zebras", "content": text(edition)}, status=202)
                wait_for("the edition", lambda: f"edition {edition} " in self.find_zebras(), 60)

        self.cluster.api("PATCH", self.base, {"similarity_threshold": 0}, status=200)
        self.cluster.api("POST", self.base + "/documents", {"title": "Zebras", "content": text(0)}, status=202)
        wait_for("the first edition", self.find_zebras, 60)
        self.wait_in_memory()
        thread = threading.Thread(target=replace)
        thread.start()
        while thread.is_alive():
            found = self.find_zebras()
            self.assertEqual(len({f for f in range(6) if f"edition {f} " in found}), 1, found)
        thread.join()
        self.wait_in_memory()
        self.assertIn("edition 5 ", self.find_zebras())

    def find_zebras(self):
        return "\n".join(p["body"] for p in self.search("zebras edition striped chapter") if "Zebras" in p["body"])


if __name__ == "__main__":
    main()
