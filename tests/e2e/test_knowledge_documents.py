"""Documents through the gateway: taken in, replaced as a whole, refused with a reason, and found by a lead's words."""

import json
import os
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

from cluster import BIN, PATIENCE, TOP, ClusterTest, main, wait_for

GUIDE = """# Boiler guide

## Pressure

Top up the boiler to 1.5 bar when the needle falls into the red.

## Noise

A whistling kettle sound means that limescale sits on the heat exchanger.
"""


class DocumentTest(ClusterTest):
    env = {"OPENAI_API_KEY": "sk-sandbox"}
    model = None

    def setUp(self):
        super().setUp()
        self.cluster.sandbox("DELETE", "/faults")
        self.cluster.sandbox("PUT", "/embeddings/refused", {"word": ""})
        body = {"name": "base " + str(time.time_ns())}
        if self.model is not None:
            body["embedding_model"] = self.model
        self.kb = self.cluster.api("POST", f"/knowledge/bases?client_id={self.client_id}", body,
                                   status=201).json["kb_id"]

    def post(self, status=202, headers=None, **body):
        return self.cluster.api("POST", f"/knowledge/bases/{self.kb}/documents", body, status=status,
                                headers=headers).json

    def document(self, document_id):
        return self.cluster.api("GET", f"/knowledge/bases/{self.kb}/documents/{document_id}", status=200).json

    def upload(self, filename, content, content_type, **fields):
        mark = "leadwire-boundary-7d1f"
        parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
                 for name, value in fields.items()]
        parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
                     f'Content-Type: {content_type}\r\n\r\n'.encode() + content + b"\r\n")
        return self.cluster.api("POST", f"/knowledge/bases/{self.kb}/documents", b"".join(parts) + f"--{mark}--\r\n".encode(),
                                headers={"Content-Type": f"multipart/form-data; boundary={mark}"})

    def wait_ready(self, document_id, seconds=PATIENCE):
        return wait_for("the document to be ready", lambda: (d := self.document(document_id))["state"] == "ready" and d,
                        seconds)

    def search(self, query, threshold=0.05):
        return self.cluster.api("POST", "/knowledge/search", {"client_id": self.client_id, "kb_id": self.kb, "query": query,
                                                              "threshold": threshold}, status=200).json["passages"]


class Documents(DocumentTest):
    def test_a_document_is_found_when_its_task_is_done(self):
        taken = self.post(title="Boilers", content=GUIDE, content_type="text/markdown",
                          source_url="https://example.com/boilers", metadata={"author": "us"})
        self.assertEqual(taken["state"], "ingesting")
        document = self.wait_ready(taken["document_id"])
        self.assertEqual((document["chunks"], document["tokens"]), (taken["chunks"], taken["tokens"]))
        self.assertEqual(document["metadata"], {"author": "us"})
        self.assertEqual(document["bytes"], len(GUIDE.encode()))
        task = wait_for("the task to be finished", lambda: (t := self.cluster.api(
            "GET", f"/tasks/{taken['task_id']}", status=200).json)["state"] == "finished" and t)
        self.assertGreater(task["total"], 0)
        self.assertEqual(task["done"], task["total"])
        passage = self.search("limescale on the heat exchanger")[0]
        self.assertIn("limescale", passage["body"])
        self.assertEqual(passage["source_url"], "https://example.com/boilers")
        self.assertEqual(passage["kind"], "document")
        self.assertGreater(passage["vector_score"], 0)

    def test_uploads_of_each_kind(self):
        page = (b"<html><head><title>Our page</title><script>var secret = 1;</script></head><body><nav>Menu</nav>"
                b"<h1>Gutters</h1><p>We clean gutters in autumn.</p></body></html>")
        for filename, kind, content, query, word in (
                ("notes.txt", "text/plain", "Our vans are yellow.".encode(), "yellow vans", "yellow"),
                ("guide.md", "text/markdown", GUIDE.encode(), "limescale heat exchanger", "limescale"),
                ("page.html", "text/html", page, "clean gutters in autumn", "gutters"),
                ("arabic.txt", "text/plain", "نقوم بتنظيف السجاد يوم الجمعة.".encode(), "تنظيف السجاد", "السجاد")):
            with self.subTest(filename=filename):
                answer = self.upload(filename, content, kind)
                self.assertEqual(answer.status, 202, answer)
                self.wait_ready(answer.json["document_id"])
                self.assertIn(word, self.search(query)[0]["body"])
        self.assertNotIn("secret", json.dumps(self.search("secret script")))

    def test_a_pdf_is_read(self):
        folder = os.path.join(TOP, "tests/unit/data")
        names = [n for n in sorted(os.listdir(folder)) if n.endswith(".pdf")] if os.path.isdir(folder) else []
        good = [n for n in names if not any(w in n for w in ("encrypt", "damag", "scan", "broken", "bad", "empty"))]
        if not good:
            self.skipTest("there is no sample PDF")
        with open(os.path.join(folder, good[0]), "rb") as f:
            answer = self.upload(good[0], f.read(), "application/pdf")
        self.assertEqual(answer.status, 202, answer)
        self.assertEqual(self.wait_ready(answer.json["document_id"])["content_type"], "application/pdf")

    def test_two_files_with_the_same_title_inside_are_two_documents(self):
        page = "<html><head><title>Acme Plumbing</title></head><body><p>We %s.</p></body></html>"
        first = self.upload("hours.html", (page % "open at nine").encode(), "text/html").json
        other = self.upload("parking.html", (page % "have a car park").encode(), "text/html").json
        self.assertEqual((first["title"], other["title"]), ("Acme Plumbing", "Acme Plumbing"))
        self.assertNotEqual(first["document_id"], other["document_id"])
        self.wait_ready(first["document_id"])
        again = self.upload("hours.html", (page % "open at ten").encode(), "text/html").json
        self.assertEqual((again["document_id"], again["state"]), (first["document_id"], "updating"))
        named = [self.upload(name, b"Some words.", "text/plain", title="Notes").json for name in ("a.txt", "b.txt")]
        self.assertEqual(named[0]["document_id"], named[1]["document_id"])

    def test_the_same_key_has_one_effect_and_the_same_answer(self):
        headers = {"Idempotency-Key": f"doc-{time.time_ns()}"}
        first = self.post(title="Once", content=GUIDE, headers=headers)
        again = self.post(title="Once", content=GUIDE, headers=headers)
        self.assertEqual(first, again)
        self.assertEqual(self.cluster.sql(f"SELECT count(*) FROM task_payloads WHERE payload->>'document_id' ="
                                          f" '{first['document_id']}'"), "1")

    def test_search_sees_the_old_version_or_the_new_one_never_a_mixture(self):
        def version(n):
            return "".join(f"# Part {i}\n\nThe valve {i} of edition{n} is made of brass.\n\n" for i in range(40))

        first = self.post(title="Valves", content=version(0), content_type="text/markdown")
        self.wait_ready(first["document_id"])
        seen, failures, ended = [], [], threading.Event()

        def searcher():
            while not ended.is_set():
                passages = self.search("valve brass edition", 0)
                editions = {w for p in passages for w in p["body"].replace(".", " ").split() if w.startswith("edition")}
                if len(editions) != 1 or not passages:
                    failures.append(sorted(editions))
                seen.extend(editions)

        threads = [threading.Thread(target=searcher) for _ in range(3)]
        for thread in threads:
            thread.start()
        for n in range(1, 5):
            taken = self.post(title="Valves", content=version(n), content_type="text/markdown")
            self.assertEqual(taken["state"], "updating")
            self.wait_ready(taken["document_id"])
        ended.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertIn("edition4", self.search("valve brass edition", 0)[0]["body"])
        self.assertGreater(len(set(seen)), 1)

    def test_a_change_of_model_while_searching_never_leaves_a_query_without_answer(self):
        taken = self.post(title="Boilers", content=GUIDE, content_type="text/markdown")
        self.wait_ready(taken["document_id"])
        self.cluster.api("PATCH", f"/knowledge/bases/{self.kb}", {"embedding_model": "text-embedding-3-large"}, status=200)

        without_vector = []

        def switched():
            passages = self.search("limescale on the heat exchanger")
            self.assertIn("limescale", passages[0]["body"])
            without_vector.extend(p for p in passages[:1] if p["vector_score"] <= 0.3)
            base = self.cluster.api("GET", f"/knowledge/bases/{self.kb}", status=200).json
            return base["embedding_model"] == "text-embedding-3-large" and "next_model" not in base

        wait_for("the new model to take over", switched, every=0.005)
        # The query that was embedded just before the change and searched just after it may do without.
        self.assertLessEqual(len(without_vector), 1)
        self.assertIn("limescale", self.search("limescale on the heat exchanger")[0]["body"])
        self.assertEqual(self.cluster.sql(f"SELECT count(*) FROM embeddings e JOIN chunks c USING (client_id, text_hash)"
                                          f" WHERE c.kb_id = '{self.kb}' AND e.model = 'text-embedding-3-small'"), "0")


class BadInput(DocumentTest):
    def expect(self, status, field, answer):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        if field:
            self.assertIn(field, json.dumps(answer.json))
        self.assertEqual(self.cluster.sql(f"SELECT count(*) FROM documents WHERE kb_id = '{self.kb}'"), "0")

    def raw(self, body):
        return self.cluster.http("POST", f"/api/v1/knowledge/bases/{self.kb}/documents", body,
                                 {"Authorization": "Bearer " + self.cluster.admin_key,
                                  "Content-Type": "application/json"})

    def api_document(self, **body):
        return self.cluster.api("POST", f"/knowledge/bases/{self.kb}/documents", body)

    def test_each_is_refused_with_its_reason(self):
        self.expect(400, "content", self.api_document(title="x"))
        self.expect(400, "content", self.api_document(content="  \n\t "))
        self.expect(400, "content", self.api_document(content="--- ?!"))
        self.expect(400, "metadata", self.api_document(content="Text.", metadata=[1]))
        self.expect(400, "title", self.api_document(content="Text.", title=" ? "))
        self.expect(400, "content_type", self.api_document(content="Text.", content_type="image/png"))
        self.expect(400, None, self.raw(b'{"content": "\xff\xfe\xfa"}'))
        self.expect(400, "content", self.upload("a.txt", b"caf\xe9 \x81\x82 words", "text/plain"))
        self.expect(400, "content", self.upload("a.txt", bytes(range(256)) * 20, "text/plain"))
        self.expect(400, "content", self.upload("a.pdf", b"%PDF-1.7\n1 0 obj <<", "application/pdf"))
        self.expect(400, "content", self.upload("a.html", b"<html><script>var a = 'words';</script></html>", "text/html"))

    def test_a_large_upload_is_413_with_the_limit(self):
        answer = self.upload("large.txt", b"word " * (4 * 1024 * 1024), "text/plain")
        self.expect(413, None, answer)
        self.assertIn("10", answer.json["detail"])

    def test_another_clients_base_is_404(self):
        other = self.cluster.api("POST", "/clients", {"name": "Other", "timezone": "UTC", "config": {}}, status=201).json
        key = self.cluster.leadctl("key", "create", "--client", other["client_id"], "--name", "other").split()[-1]
        answer = self.cluster.api("POST", f"/knowledge/bases/{self.kb}/documents", {"content": "Text."}, key=key)
        self.expect(404, None, answer)

    def test_an_embeddings_api_that_answers_nonsense_leaves_nothing_half_done(self):
        for kind in ("wrong-count", "wrong-dimension", "not-numbers"):
            with self.subTest(kind=kind):
                self.cluster.fault("openai", kind, count=1)
                taken = self.post(title=kind, content=f"The {kind} text.\n")
                self.wait_ready(taken["document_id"], 40)
                self.assertEqual(self.cluster.sql("SELECT count(*) FROM chunks c JOIN embeddings e USING (client_id,"
                                                  f" text_hash) WHERE document_id = '{taken['document_id']}'"), "1")

    def test_a_poisoned_text_does_not_fail_the_others(self):
        self.cluster.sandbox("PUT", "/embeddings/refused", {"word": "XYZZY"})
        taken = self.cluster.api("POST", f"/knowledge/bases/{self.kb}/faqs/bulk", {"faqs": [
            {"question": f"Question number {i}?", "answer": "The word is XYZZY." if i == 7 else f"Answer {i}."}
            for i in range(20)]}, status=200).json
        self.assertEqual(len(taken["taken"]), 20)
        wait_for("the vectors", lambda: self.stats()["chunks_waiting"] == 0)
        self.assertEqual(self.stats()["chunks_refused"], 1)
        self.assertEqual(self.stats()["chunks_embedded"], 39)

    def stats(self):
        return self.cluster.api("GET", f"/knowledge/bases/{self.kb}/stats", status=200).json


class BuiltIn(DocumentTest):
    """Without any key the built-in model makes the vectors."""
    env = {}

    def test_a_document_and_faqs_have_vectors(self):
        base = self.cluster.api("GET", f"/knowledge/bases/{self.kb}", status=200).json
        self.assertEqual(base["embedding_model"], "all-MiniLM-L6-v2")
        taken = self.post(title="Boilers", content=GUIDE, content_type="text/markdown")
        self.cluster.api("POST", f"/knowledge/bases/{self.kb}/faqs",
                         {"question": "Do you have a warranty?", "answer": "Two years."}, status=201)
        self.assertNotIn("error", self.wait_ready(taken["document_id"]))
        passage = self.search("my heater makes a strange sound like a tea pot")[0]
        self.assertIn("kettle", passage["body"])
        self.assertGreater(passage["vector_score"], 0.2)
        wait_for("the vectors of the FAQ", lambda: self.search("guarantee")[0]["vector_score"] > 0.3)

    def test_the_events_of_an_ingestion_tell_the_chunks_done_of_all(self):
        with tempfile.TemporaryFile() as out:
            tap = subprocess.Popen([os.path.join(BIN, "leadctl"), "tap", "knowledge"], env=self.cluster.env, stdout=out)
            try:
                def told():
                    out.seek(0)
                    return [json.loads(line) for line in out.read().decode().splitlines()]

                def listens():
                    self.post(title="Short", content=f"It is {time.time_ns()} now.")
                    return told()

                wait_for("the tap to listen", listens, every=0.5)
                text = "\n\n".join(" ".join(f"The valve {i}.{k} is closed by hand." for k in range(60)) for i in range(40))
                taken = self.post(title="Long", content=text)
                self.wait_ready(taken["document_id"], 240)
                done = wait_for("the last event", lambda: (e := [e["body"] for e in told()
                                if e["body"]["task_id"] == taken["task_id"]]) and e[-1]["done"] == taken["chunks"] and e)
            finally:
                tap.kill()
                tap.wait()
        self.assertLess(done[0]["done"], taken["chunks"])
        self.assertEqual({event["total"] for event in done}, {taken["chunks"]})

    def test_a_query_that_is_too_long_is_cut_and_says_so(self):
        taken = self.post(title="Boilers", content=GUIDE, content_type="text/markdown")
        self.wait_ready(taken["document_id"])
        for query, cut in (("limescale on the heat exchanger", False), ("limescale on the heat exchanger " * 200, True)):
            answer = self.cluster.api("POST", "/knowledge/search", {"client_id": self.client_id, "query": query},
                                      status=200).json
            self.assertEqual(answer["query_cut"], cut)

    def test_an_unknown_model_is_refused_with_those_there_are(self):
        answer = self.cluster.api("POST", f"/knowledge/bases?client_id={self.client_id}",
                                  {"name": "other", "embedding_model": "text-embedding-3-small"})
        self.assertEqual(answer.status, 400)
        self.assertIn("all-MiniLM-L6-v2", answer.json["detail"])
        self.assertIn("OPENAI_API_KEY", answer.json["detail"])

    def test_a_missing_or_damaged_model_file_stops_the_start_with_one_line(self):
        damaged = os.path.join(self.cluster.dir, "damaged.model")
        with open(damaged, "wb") as f:
            f.write(b"not a model")
        for n, path in enumerate((damaged, "/nonexistent/x.model")):
            name = f"knowledge#{n + 7}"
            self.cluster.start(name, LEADWIRE_MODEL_FILE=path)
            self.assertEqual(self.cluster.wait_ended(name), 2)
            lines = self.cluster.log(name).strip().splitlines()
            self.assertEqual(len(lines), 1, lines)
            self.assertIn(path, lines[0])


class WrongKey(DocumentTest):
    """The key that is configured is not the sandbox's: the API answers 401."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.kill("knowledge", 15)
        cls.cluster.start("knowledge", OPENAI_API_KEY="sk-wrong")
        cls.cluster.wait_ready()

    def test_a_document_answers_by_its_words_and_gets_its_vectors_when_the_key_is_right(self):
        taken = self.post(title="Boilers", content=GUIDE, content_type="text/markdown")
        document = self.wait_ready(taken["document_id"])
        self.assertIn("key", document["error"])
        self.assertIn("limescale", self.search("limescale heat exchanger")[0]["body"])
        dead = wait_for("the task of the vectors to be dead", lambda: self.cluster.sql(
            "SELECT task_id FROM tasks WHERE state = 'dead' AND kind = 'bulk_ingest_faqs' ORDER BY task_id DESC LIMIT 1"))
        self.cluster.kill("knowledge", 15)
        self.cluster.start("knowledge")
        self.cluster.wait_ready()
        self.cluster.leadctl("task", "retry", dead)
        wait_for("the error to be gone", lambda: "error" not in self.document(taken["document_id"]))
        self.assertGreater(self.search("limescale on the heat exchanger")[0]["vector_score"], 0)


if __name__ == "__main__":
    main()
