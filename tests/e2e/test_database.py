"""The database away, cut off, and back."""

import select
import socket
import threading
import time
import urllib.parse

from cluster import Cluster, main, wait_for
import unittest


class Proxy:
    """Stands between the services and PostgreSQL and can cut every connection and refuse new ones."""

    def __init__(self, host, port):
        self.target = (host, port)
        self.open = True
        self.pairs = set()
        self.lock = threading.Lock()
        self.listen()

    def listen(self, port=0):
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind(("127.0.0.1", port))
        self.server.listen(200)
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.server,), daemon=True).start()

    def accept(self, server):
        while True:
            try:
                near, _ = server.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self.target)
            except OSError:
                near.close()
                continue
            with self.lock:
                self.pairs.add((near, far))
            threading.Thread(target=self.pump, args=(near, far), daemon=True).start()

    def pump(self, near, far):
        try:
            while True:
                readable, _, _ = select.select([near, far], [], [])
                for source in readable:
                    data = source.recv(65536)
                    if not data:
                        return
                    (far if source is near else near).sendall(data)
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.pairs.discard((near, far))
            near.close()
            far.close()

    def cut(self):
        """Breaks what is open; new connections still come through."""
        with self.lock:
            for near, far in self.pairs:
                for s in (near, far):
                    try:
                        s.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass

    def away(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.cut()

    def back(self):
        self.listen(self.port)


class ProxiedCluster(Cluster):
    def __init__(self, **env):
        import os
        url = urllib.parse.urlsplit(os.environ.get("LEADWIRE_TEST_DATABASE_URL", "postgresql://none:1/none"))
        self.proxy = Proxy(url.hostname, url.port)
        super().__init__(**env)

    def spawn(self, name, command, env):
        direct = self.database_url
        url = urllib.parse.urlsplit(direct)
        netloc = url.netloc.rsplit(":", 1)[0] + f":{self.proxy.port}"
        super().spawn(name, command, {"DATABASE_URL": url._replace(netloc=netloc).geturl(), **env})


class DatabaseAway(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = ProxiedCluster()
        cls.cluster.make_client()

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()

    def test_1_away_is_503_at_once_and_recovers_by_itself(self):
        cluster, lead = self.cluster, "+15558800001"
        cluster.proxy.away()
        for _ in range(5):
            before = time.monotonic()
            answer = cluster.text("What are your opening hours?", lead)
            self.assertEqual(answer["status"], 503)
            self.assertLess(time.monotonic() - before, 3)
        self.assertEqual(cluster.http("GET", "/readyz").status, 503)
        self.assertEqual(cluster.http("GET", "/healthz").status, 200)
        refused = cluster.http("GET", "/api/v1/clients", headers={"Authorization": "Bearer lw_unknown"})
        self.assertEqual(refused.status, 503)
        self.assertTrue(refused.headers["Retry-After"])
        cluster.proxy.back()
        wait_for("a text to be accepted",
                 lambda: cluster.text("What are your opening hours?", lead, sid="SM" + "a" * 32)["status"] == 200)
        cluster.wait_replies(1, lead, 30)
        time.sleep(2)
        self.assertEqual(len(cluster.replies(lead)), 1)

    def test_2_cut_connections_cost_no_answer(self):
        cluster = self.cluster
        leads = ["+155588100%02d" % i for i in range(20)]
        for i, lead in enumerate(leads):
            sid = "SM%032x" % (0xbeef00 + i)
            wait_for("a text to be accepted",
                     lambda: cluster.text("What are your opening hours?", lead, sid=sid)["status"] == 200)
            if i % 4 == 1:
                cluster.proxy.cut()
        for lead in leads:
            cluster.wait_replies(1, lead, 60)
        time.sleep(2)
        self.assertEqual([len(cluster.replies(lead)) for lead in leads], [1] * len(leads))
        for service in ("gateway", "orchestrator", "delivery", "knowledge", "scheduler"):
            self.assertTrue(cluster.is_running(service), service)


if __name__ == "__main__":
    main()
