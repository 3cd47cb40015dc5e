"""Two knowledge processes, each with a copy of what a client knows: what is changed through either, or beside both, is known
to the very next search, whichever is asked."""

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


if __name__ == "__main__":
    main()
