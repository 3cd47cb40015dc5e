"""A model behind https: whose certificate is not trusted is told nothing; and what hundreds of connections take."""

import http.client
import http.server
import os
import shutil
import socketserver
import ssl
import subprocess
import tempfile
import threading
import unittest

from cluster import Cluster, free_port, main, wait_for

LEAD = "+1558%07d"


class Proxy(http.server.BaseHTTPRequestHandler):
    """Ends TLS and hands what it hears to the sandbox."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard += 1
        connection = http.client.HTTPConnection("127.0.0.1", self.server.sandbox_port)
        connection.request("POST", self.path, body, dict(self.headers))
        answer = connection.getresponse()
        text = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        connection.close()

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 512
    heard = 0

    def get_request(self):
        sock, address = super().get_request()
        return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, *_):
        pass


class Https(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="leadwire-https-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.cert, key = os.path.join(self.folder, "cert.pem"), os.path.join(self.folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                        "-out", self.cert, "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, capture_output=True)
        self.port = free_port()
        self.server = Server(("127.0.0.1", self.port), Proxy)
        self.server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.context.load_cert_chain(self.cert, key)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def start(self, **env):
        cluster = Cluster(ANTHROPIC_API_KEY="sk-ant-test", ANTHROPIC_BASE_URL=f"https://127.0.0.1:{self.port}",
                          LEADWIRE_LONG_CODE_PER_SECOND="0", **env)
        self.addCleanup(cluster.close)
        self.server.sandbox_port = cluster.sandbox_port
        cluster.make_client()
        return cluster

    def agents(self, cluster):
        return cluster.sql("SELECT string_agg(DISTINCT agent, ',') FROM turns")

    def test_a_certificate_that_nobody_vouches_for_is_refused(self):
        cluster = self.start()
        cluster.text("Are you open today?", LEAD % 1)
        cluster.wait_replies(1, LEAD % 1, 60)
        self.assertEqual(self.agents(cluster), "scripted")
        self.assertEqual(self.server.heard, 0)
        self.assertIn("certificate", cluster.log("orchestrator"))

    def test_a_certificate_that_is_trusted_is_taken_and_the_store_is_read_once(self):
        bundle = os.path.join(self.folder, "bundle.pem")
        with open(bundle, "w") as out, open("/etc/ssl/certs/ca-certificates.crt") as system, open(self.cert) as own:
            out.write(system.read() + own.read())
        cluster = self.start(SSL_CERT_FILE=bundle)
        cluster.fault("anthropic", "delay", ms=3000)
        pid = cluster.processes["orchestrator"].pid
        before, n = self.resident_mb(pid), 100
        for i in range(n):
            cluster.sandbox("POST", "/inbound", {"from": LEAD % (100 + i), "to": "+15550100000", "body": "Are you open today?"})
        wait_for("the model to be asked by all", lambda: self.server.heard >= n, 60)
        grown = self.resident_mb(pid) - before
        cluster.sandbox("DELETE", "/faults")
        wait_for("all answers", lambda: cluster.sql("SELECT count(*) FROM turns") == str(n), 60, 0.2)
        self.assertEqual(self.agents(cluster), "claude")
        # A sanitizer's own memory is not ours.
        if "libasan" not in (maps := open(f"/proc/{pid}/maps").read()) and "libtsan" not in maps:
            self.assertLess(grown, n * 0.4, f"{grown} MB: a store for each connection would take 0.9 MB")

    def resident_mb(self, pid):
        with open(f"/proc/{pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
