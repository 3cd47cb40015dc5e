"""What is larger than a message: long documents, files, bulks; and what is larger than the gateway takes."""

import hashlib
import http.client
import json
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import uuid

from cluster import ClusterTest, main, wait_for

LIMIT = 10485760  # LEADWIRE_UPLOAD_MAX_BYTES by default
LONG = " ".join(f"Our boiler service number {i} costs {i % 97 + 20} pounds." for i in range(25000))


def form(*parts, boundary="limit-7f3a"):
    """parts: (headers of Content-Disposition behind form-data, more header lines, data). Returns (body, headers)."""
    body = b""
    for disposition, more, data in parts:
        head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n" + "".join(m + "\r\n" for m in more)
        body += head.encode() + b"\r\n" + (data if isinstance(data, bytes) else data.encode()) + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


FILE = ('name="file"; filename="prices.txt"', ["Content-Type: text/plain"], "Our boiler service costs 90 pounds.")


class Uploads(ClusterTest):
    def setUp(self):
        super().setUp()
        self.client = self.cluster.api("POST", "/clients", {"name": "Acme"}, status=201).json["client_id"]
        self.key = self.cluster.leadctl("key", "create", "--client", self.client, "--name", "test").split()[-1]
        base = self.api("POST", "/knowledge/bases", {"name": "All", "embedding_model": ""}, status=201).json
        self.base = "/knowledge/bases/" + base["kb_id"]
        self.documents = self.base + "/documents"

    def api(self, method, path, body=None, status=None, headers=None):
        return self.cluster.api(method, path, body, key=self.key, status=status, headers=headers)

    def post_form(self, *parts, status=None, headers=None, **more):
        body, own = form(*parts, **more)
        return self.api("POST", self.documents, body, status, {**own, **(headers or {})})

    def expect_problem(self, answer, status, field=None, words=None):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.json["status"], status)
        self.assertEqual(answer.headers["X-Request-Id"], answer.json["request_id"])
        self.assertEqual(answer.json.get("field"), field, answer)
        if words:
            self.assertIn(words, answer.json["detail"])

    def expect_too_large(self, answer):
        self.expect_problem(answer, 413, words="LEADWIRE_UPLOAD_MAX_BYTES")
        self.assertIn(str(LIMIT), answer.json["detail"])

    def expect_nothing(self):
        self.assertEqual(self.api("GET", self.documents, status=200).json["items"], [])

    def finished(self, task_id):
        status = self.api("GET", f"/tasks/{task_id}", status=200).json
        self.assertNotEqual(status["state"], "dead", status)
        return status["state"] == "finished" and status

    # ---- too large ----

    def test_20_mb_are_refused_and_the_limit_is_named(self):
        content = b'{"content":"' + b"x" * 20000000 + b'"}'
        json_type = {"Content-Type": "application/json"}
        self.expect_too_large(self.api("POST", self.documents, content, headers=json_type))
        self.expect_too_large(self.api("POST", self.base + "/faqs/bulk", content, headers=json_type))
        body, headers = form(('name="file"; filename="a.txt"', [], b"x" * 20000000))
        self.expect_too_large(self.api("POST", self.documents, body, headers=headers))

    def test_20_mb_that_are_not_announced_are_refused(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.cluster.port, timeout=60)
        connection.request("POST", "/api/v1" + self.documents, iter([b"x" * 1000000] * 20),
                           {"Authorization": "Bearer " + self.key, "Content-Type": "application/json",
                            "Transfer-Encoding": "chunked"}, encode_chunked=True)
        response = connection.getresponse()
        self.assertEqual(response.status, 413)
        self.assertIn("LEADWIRE_UPLOAD_MAX_BYTES", json.loads(response.read())["detail"])
        connection.close()

    def test_who_asks_first_is_told_before_it_writes(self):
        with socket.create_connection(("127.0.0.1", self.cluster.port), timeout=30) as s:
            s.sendall(f"POST /api/v1{self.documents} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.key}\r\n"
                      f"Content-Type: application/json\r\nContent-Length: {LIMIT + 1}\r\n"
                      "Expect: 100-continue\r\n\r\n".encode())
            self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 413 "))

    @unittest.skipUnless(shutil.which("curl"), "no curl")
    def test_curl_sees_the_answer(self):
        with tempfile.NamedTemporaryFile(suffix=".txt") as file:
            file.write(b"x" * 20000000)
            file.flush()
            done = subprocess.run(["curl", "-sS", "-w", "\n%{http_code}", "-H", "Authorization: Bearer " + self.key,
                                   "-F", f"file=@{file.name}", self.cluster.public_url + "/api/v1" + self.documents],
                                  capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stdout.splitlines()[-1], "413", done)
        self.assertIn("LEADWIRE_UPLOAD_MAX_BYTES", done.stdout)

    def test_elsewhere_a_body_has_a_megabyte(self):
        answer = self.api("POST", self.base + "/faqs", {"question": "q", "answer": "x" * 1100000})
        self.expect_problem(answer, 413, words="1048576")

    # ---- wrong ----

    def test_a_wrong_form_is_refused_and_leaves_nothing(self):
        for parts, field, words in (
                ([], None, "no parts"),
                ([('name="title"', [], "T")], "file", "missing"),
                ([FILE, FILE], "file", "takes one"),
                ([FILE, ('name="colour"', [], "red")], "colour", "not a field"),
                ([FILE, ('name="upload_id"', [], str(uuid.uuid4()))], "upload_id", "not a field"),
                ([FILE, ('name="metadata"', [], "{")], "metadata", "JSON"),
                ([('name="file"; filename="a.txt"', [], "")], "file", "empty"),
                ([("filename=x", [], "x")], None, "no name")):
            self.expect_problem(self.post_form(*parts), 400, field, words)
        body, headers = form(FILE)
        for content_type, words in (("multipart/form-data", "boundary"),
                                    ("multipart/form-data; boundary=another", "does not occur")):
            self.expect_problem(self.api("POST", self.documents, body, headers={"Content-Type": content_type}), 400,
                                words=words)
        self.expect_problem(self.api("POST", self.documents, body[:-20], headers=headers), 400, words="ends before")
        self.expect_nothing()

    def test_another_type_is_refused_with_those_that_are_taken(self):
        for path, accepted in ((self.documents, "application/json, multipart/form-data"),
                               (self.base + "/faqs/bulk", "application/json")):
            answer = self.api("POST", path, b"x", headers={"Content-Type": "text/plain"})
            self.expect_problem(answer, 415, words=accepted)
            self.assertEqual(answer.headers["Accept"], accepted)

    def test_a_wrong_key_puts_nothing_down(self):
        before = self.cluster.sql("SELECT count(*) FROM upload_parts")
        body, headers = form(FILE)
        answer = self.cluster.http("POST", "/api/v1" + self.documents, body, {**headers, "Authorization": "Bearer x"})
        self.expect_problem(answer, 401)
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM upload_parts"), before)

    def test_bodies_without_a_valid_key_take_no_room(self):
        """More of them than all bodies together may have, none of them at its end."""
        held = []
        try:
            for _ in range(9):
                s = socket.create_connection(("127.0.0.1", self.cluster.port), timeout=30)
                held.append(s)
                s.sendall(f"POST /api/v1{self.documents} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n"
                          f"Content-Type: application/json\r\nContent-Length: {LIMIT}\r\n\r\n".encode())
                s.sendall(b"x" * (LIMIT - 2))
            for s in held:
                s.sendall(b"x")  # by now their keys have been looked up
            wait_for("a body with a key to be read", lambda: self.api(
                "POST", self.documents, b"x" * LIMIT, headers={"Content-Type": "application/json"}).status == 400)
        finally:
            for s in held:
                s.close()

    def test_a_body_that_was_not_kept_is_asked_for_again(self):
        """The key becomes valid between the look at it while the body comes and the one at its end."""
        def send_with_a_late_key(delay):
            key = "lw_" + uuid.uuid4().hex + uuid.uuid4().hex
            body, headers = form(FILE)
            with socket.create_connection(("127.0.0.1", self.cluster.port), timeout=30) as s:
                s.sendall(f"POST /api/v1{self.documents} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
                          f"Content-Type: {headers['Content-Type']}\r\nContent-Length: {len(body)}\r\n"
                          "Connection: close\r\n\r\n".encode() + body[:100])
                time.sleep(delay)
                self.cluster.sql("INSERT INTO api_keys (key_id, client_id, hash, prefix) VALUES (gen_random_uuid(),"
                                 f" '{self.client}', '{hashlib.sha256(key.encode()).hexdigest()}', 'lw')")
                s.sendall(body[100:])
                return b"".join(iter(lambda: s.recv(65536), b""))

        for delay in (0.2, 1, 5):  # a gateway that is slow has looked at the key only when it was there already
            answer = send_with_a_late_key(delay)
            if answer.startswith(b"HTTP/1.1 503 "):
                break
            self.assertIn(b"HTTP/1.1 202 ", answer)
            self.setUp()
        self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
        self.assertIn(b"the key could not be checked in time", answer)
        self.assertIn(b"Retry-After: ", answer)
        self.expect_nothing()

    # ---- taken ----

    def test_an_upload_whose_parts_were_cleaned_away_is_put_down_again(self):
        made = self.api("POST", self.documents, {"title": "Long", "content": LONG}, status=202).json
        wait_for("the task to end", lambda: self.finished(made["task_id"]), 60)
        self.cluster.sql("DELETE FROM upload_parts")
        again = self.api("POST", self.documents, {"title": "Long", "content": LONG}, status=202).json
        self.assertEqual(again["document_id"], made["document_id"])
        wait_for("the task to end", lambda: self.finished(again["task_id"]), 60)
        self.assertEqual(self.api("GET", f"{self.documents}/{made['document_id']}", status=200).json["bytes"], len(LONG))

    def test_parts_that_are_cleaned_away_before_they_are_read_are_put_down_again(self):
        """As the clean-up does to the parts of an old upload of the same content; here after the first part, once."""
        self.cluster.sql("""
            DELETE FROM upload_parts;
            CREATE TABLE swept (upload_id uuid);
            CREATE FUNCTION sweep_once() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
                SET search_path = public, pg_temp AS $$
            BEGIN
                IF NOT EXISTS (SELECT FROM swept) THEN
                    INSERT INTO swept SELECT upload_id FROM upload_parts LIMIT 1;
                    DELETE FROM upload_parts;
                END IF;
                RETURN NULL;
            END $$;
            CREATE TRIGGER sweep_once AFTER INSERT ON upload_parts EXECUTE FUNCTION sweep_once()""")
        try:
            made = self.api("POST", self.documents, {"title": "Swept", "content": LONG}, status=202).json
            self.assertEqual(self.cluster.sql("SELECT count(*) FROM swept"), "1")
        finally:
            self.cluster.sql("DROP FUNCTION sweep_once() CASCADE; DROP TABLE swept")
        wait_for("the task to end", lambda: self.finished(made["task_id"]), 60)
        self.assertEqual(self.api("GET", f"{self.documents}/{made['document_id']}", status=200).json["bytes"], len(LONG))

    def test_a_text_file_becomes_a_document(self):
        made = self.post_form(FILE, ('name="title"', [], "Prices ü"), ('name="metadata"', [], '{"year": 2026}'),
                              status=202).json
        status = wait_for("the task to end", lambda: self.finished(made["task_id"]))
        self.assertEqual(status["done"], status["total"])
        document = self.api("GET", f"{self.documents}/{made['document_id']}", status=200).json
        self.assertEqual((document["title"], document["state"], document["metadata"]), ("Prices ü", "ready",
                                                                                        {"year": 2026}))
        self.assertTrue(document["content_type"].startswith("text/plain"), document)
        found = self.api("POST", "/knowledge/search", {"query": "What does boiler service cost?", "threshold": 0},
                         status=200).json["passages"]
        self.assertEqual(found[0]["document_id"], made["document_id"])

    def test_two_schedulers_both_tell_how_far_a_task_is(self):
        made = self.post_form(FILE, status=202).json
        wait_for("the task to end", lambda: self.finished(made["task_id"]))
        self.cluster.start("scheduler#2")
        wait_for("the second one to be there", lambda: self.cluster.sql(
            "SELECT count(*) FROM mailboxes WHERE role = 'scheduler'") == "2")
        try:
            for _ in range(20):  # the one that leads and the one that waits, in turn
                self.assertTrue(self.finished(made["task_id"]))
        finally:
            self.cluster.kill("scheduler#2", 15)

    def test_the_same_upload_with_the_same_key_is_the_same_request(self):
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        first = self.post_form(FILE, status=202, headers=headers).json
        self.assertEqual(self.post_form(FILE, status=202, headers=headers).json, first)
        other = (FILE[0], FILE[1], "Something else.")
        self.expect_problem(self.post_form(other, headers=headers), 409, "Idempotency-Key")
        self.assertEqual(len(self.api("GET", self.documents, status=200).json["items"]), 1)

    def test_a_long_text_in_json_becomes_a_document(self):
        made = self.api("POST", self.documents, {"title": "Long", "content": LONG}, status=202).json
        self.assertGreater(made["chunks"], 100)
        wait_for("the task to end", lambda: self.finished(made["task_id"]), 60)
        document = self.api("GET", f"{self.documents}/{made['document_id']}", status=200).json
        self.assertEqual(document["bytes"], len(LONG))

    def test_a_bulk_of_5000_faqs_of_2_5_mb_is_taken(self):
        faqs = [{"question": f"What is number {i}?", "answer": f"It is {i}. " + "It is a number. " * 28}
                for i in range(5000)]
        self.assertGreater(len(json.dumps(faqs)), 2400000)
        result = self.cluster.api("POST", self.base + "/faqs/bulk", {"faqs": faqs}, key=self.key, status=200).json
        self.assertEqual((result["added"], result["replaced"], len(result["taken"])), (5000, 0, 5000))
        self.assertEqual(result["refused"], [])


    def test_an_entry_of_a_bulk_that_is_no_text_is_refused_alone(self):
        body = (b'{"faqs":[{"question":"Is it one?","answer":"1"},{"question":"Is it \\u0000?","answer":"2"},'
                b'{"question":"Is it three?","answer":"\\ud83d"},{"question":"Is it four?","answer":"\\ud83d\\ude00 4"}]}')
        result = self.api("POST", self.base + "/faqs/bulk", body, 200, {"Content-Type": "application/json"}).json
        self.assertEqual([taken["index"] for taken in result["taken"]], [0, 3])
        self.assertEqual([refused["index"] for refused in result["refused"]], [1, 2])
        self.assertIn("surrogate", result["refused"][1]["reason"])
        faqs = self.api("GET", self.base + "/faqs", status=200).json["items"]
        self.assertEqual([faq["answer"] for faq in faqs], ["1", "\U0001f600 4"])


class Killed(ClusterTest):
    def test_a_gateway_that_dies_between_parts_leaves_nothing_that_is_seen(self):
        cluster = self.cluster
        key = cluster.leadctl("key", "create", "--client", self.client_id, "--name", "test").split()[-1]
        base = cluster.api("POST", "/knowledge/bases", {"name": "All", "embedding_model": ""}, key, 201).json
        documents = f"/knowledge/bases/{base['kb_id']}/documents"
        request = {"title": "Long", "content": LONG * 2}

        cluster.kill("gateway", 15)
        cluster.start("gateway", LEADWIRE_FAILPOINT="gateway.after_upload_part:2")
        cluster.wait_ready()
        with self.assertRaises((OSError, http.client.HTTPException)):
            cluster.api("POST", documents, request, key)
        self.assertEqual(cluster.wait_ended("gateway"), -9)
        self.assertEqual(cluster.sql("SELECT count(*) FROM upload_parts"), "2")
        cluster.start("gateway")
        cluster.wait_ready()
        self.assertEqual(cluster.api("GET", documents, key=key, status=200).json["items"], [])
        self.assertEqual(cluster.sql(f"SELECT count(*) FROM documents WHERE kb_id = '{base['kb_id']}'"), "0")

        made = cluster.api("POST", documents, request, key, 202).json  # the client tries again
        items = cluster.api("GET", documents, key=key, status=200).json["items"]
        self.assertEqual([item["document_id"] for item in items], [made["document_id"]])


if __name__ == "__main__":
    main()
