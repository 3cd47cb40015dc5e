"""A real cluster for a test: a database, the provider sandbox and the services, each a process of its own.

A test talks to it from outside alone: HTTP to the gateway and to the sandbox's control paths. What it starts it ends.
LEADWIRE_BIN is the folder of the programs, LEADWIRE_TEST_DATABASE_URL a server on which databases may be made."""

import glob
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import uuid

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("LEADWIRE_BIN", os.path.join(TOP, "build/sanitize/bin")))
SERVICES = ["gateway", "orchestrator", "knowledge", "delivery", "scheduler"]
# Sanitizers slow everything down; what a person would call "at once" is waited for this long.
PATIENCE = 20.0
BUSINESS = "+15550100000"
SID = "AC5a9db0c1d2e3f405162738495a6b7c8d"
TOKEN = "sandbox-auth-token"


def free_port():
    """A port that nobody has, below those that the kernel gives away by itself (32768 and up): the services' own
    sockets, and outgoing connections, cannot take it before its user binds it."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def wait_for(what, predicate, seconds=PATIENCE, every=0.05):
    """Waits until predicate() is true and returns its value; says what it waited for if that does not happen."""
    end = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s for: {what}")
        time.sleep(every)


def find_psql():
    """psql itself: what Debian has in the path is a script in Perl before it, which takes ten times as long."""
    return max(glob.glob("/usr/lib/postgresql/*/bin/psql"), key=lambda path: int(path.split("/")[4]), default="psql")


PSQL = find_psql()


def psql(url, sql):
    done = subprocess.run([PSQL, "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql],
                          capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"psql: {done.stderr.strip()}")
    return done.stdout.strip()


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:400]!r}"


def http_request(port, method, path, body=None, headers=None, timeout=30):
    """body: bytes, or something for JSON."""
    headers = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        try:
            connection.request(method, path, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            if connection.sock is None:
                raise
            # Refused before it was read to its end (413): the answer is there all the same.
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


class Cluster:
    def __init__(self, services=SERVICES, **env):
        self.dir = tempfile.mkdtemp(prefix="leadwire-e2e-")  # the services' logs
        self.keeps_logs = False
        self.processes = {}
        self.exit_codes = {}
        self.port, self.sandbox_port = free_port(), free_port()
        self.base_url = os.environ.get("LEADWIRE_TEST_DATABASE_URL")
        if not self.base_url:
            raise unittest.SkipTest("LEADWIRE_TEST_DATABASE_URL is not set: no database to test with")
        self.database = "leadwire_e2e_" + uuid.uuid4().hex[:12]
        self.database_url = self.base_url.rsplit("/", 1)[0] + "/" + self.database
        self.public_url = f"http://127.0.0.1:{self.port}"
        sandbox_url = f"http://127.0.0.1:{self.sandbox_port}"
        self.env = {
            **os.environ,
            "DATABASE_URL": self.database_url,
            "GATEWAY_BIND": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "PUBLIC_URL": self.public_url,
            "LEADWIRE_MASTER_KEY": "5e" * 32,
            "TWILIO_ACCOUNT_SID": SID,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_BASE_URL": sandbox_url,
            "ANTHROPIC_BASE_URL": sandbox_url,
            "OPENAI_BASE_URL": sandbox_url + "/v1",
            "LEADWIRE_RECONCILE_AFTER_SECONDS": "1,2,3,4",
            **env,
        }
        for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY"):
            if name not in env:
                self.env.pop(name, None)
        psql(self.base_url, f"CREATE DATABASE {self.database}")
        try:
            self.leadctl("migrate", "--dir", os.path.join(TOP, "migrations"))
            self.start_sandbox()
            for service in services:
                self.start(service)
            if set(services) == set(SERVICES):
                self.wait_ready()
        except BaseException:
            self.close()
            raise

    # ---- processes ----

    def start_sandbox(self):
        self.spawn("sandbox", ["leadwire-sandbox", "--port", str(self.sandbox_port), "--public-url", self.public_url,
                               "--account-sid", SID, "--auth-token", TOKEN,
                               "--anthropic-key", self.env.get("ANTHROPIC_API_KEY", "none"),
                               "--openai-key", self.env.get("OPENAI_API_KEY", "none")], {})
        wait_for("the sandbox to answer", lambda: self.try_http(self.sandbox_port, "/_sandbox/stats"))

    def try_http(self, port, path):
        try:
            return http_request(port, "GET", path, timeout=5).status == 200
        except OSError:
            return False

    def spawn(self, name, command, env):
        log = open(os.path.join(self.dir, name + ".log"), "ab")
        command = [os.path.join(BIN, command[0])] + command[1:]
        self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                env={**self.env, **env}, cwd=self.dir)
        log.close()

    def start(self, service, **env):
        """One more process of the service under a name of its own if it runs already: start("delivery#2")."""
        self.spawn(service, ["leadwire-" + service.split("#")[0]], env)

    def kill(self, service, sig=signal.SIGKILL):
        process = self.processes[service]
        process.send_signal(sig)
        if sig in (signal.SIGKILL, signal.SIGTERM):
            return process.wait(timeout=60)

    def is_running(self, service):
        return self.processes[service].poll() is None

    def wait_ended(self, service, seconds=PATIENCE):
        wait_for(f"{service} to end", lambda: not self.is_running(service), seconds)
        return self.processes[service].returncode

    def wait_ready(self, seconds=PATIENCE):
        wait_for("the gateway to be ready", lambda: self.try_http(self.port, "/readyz"), seconds)

    def leadctl(self, *args):
        done = subprocess.run([os.path.join(BIN, "leadctl"), *args], env=self.env, capture_output=True, text=True,
                              timeout=60)
        if done.returncode:
            raise AssertionError(f"leadctl {' '.join(args)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout.strip()

    def log(self, service):
        with open(os.path.join(self.dir, service + ".log"), errors="replace") as f:
            return f.read()

    def close(self):
        """Ends everything. A sanitizer's report in any log is a failure."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for name, process in self.processes.items():
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise AssertionError(f"{name} did not end within 30 s of SIGTERM; logs: {self.dir}")
        reports = []
        for name in sorted(os.listdir(self.dir)):
            if name.endswith(".log"):
                text = self.log(name[:-4])
                for mark in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:",
                             "WARNING: ThreadSanitizer", "Assertion "):
                    if mark in text:
                        at = text.index(mark)
                        reports.append(f"{name}: {text[at:at + 3000]}")
        self.drop_database()
        if reports:
            raise AssertionError("\n".join(reports))
        if self.keeps_logs:
            print(f"logs: {self.dir}", file=sys.stderr)
        else:
            shutil.rmtree(self.dir)

    def drop_database(self):
        """The plain form waits for sessions to end and sends autovacuum away, which FORCE may not do without superuser
        rights; FORCE is for sessions that stay."""
        for attempt in range(5):
            try:
                return psql(self.base_url, f"DROP DATABASE IF EXISTS {self.database}")
            except AssertionError:
                try:
                    return psql(self.base_url, f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")
                except AssertionError:
                    if attempt == 4:
                        raise

    # ---- the outside ----

    def http(self, method, path, body=None, headers=None, timeout=30):
        return http_request(self.port, method, path, body, headers, timeout)

    def api(self, method, path, body=None, key=None, status=None, headers=None, timeout=30):
        answer = self.http(method, "/api/v1" + path, body,
                           {"Authorization": "Bearer " + (key or self.admin_key), **(headers or {})}, timeout)
        if status and answer.status != status:
            raise AssertionError(f"{method} {path}: wanted {status}, got {answer!r}")
        return answer

    @property
    def admin_key(self):
        if not hasattr(self, "_admin_key"):
            self._admin_key = self.leadctl("key", "create", "--admin", "--name", "test").split()[-1]
        return self._admin_key

    def sandbox(self, method, path, body=None, timeout=60):
        answer = http_request(self.sandbox_port, method, "/_sandbox" + path, body, timeout=timeout)
        if answer.status >= 300:
            raise AssertionError(f"sandbox {method} {path}: {answer!r}")
        return answer.json if answer.body else None

    def text(self, body, lead="+15557654321", to=BUSINESS, sid=None, channel="sms"):
        """A lead's text, as Twilio would post it. Returns what the gateway answered: {"status": ..., "body": ...}."""
        request = {"from": lead, "to": to, "body": body, "wait": True, "channel": channel}
        if sid:
            request["message_sid"] = sid
        return self.sandbox("POST", "/inbound", request)

    def replies(self, lead="+15557654321"):
        """What the sandbox has accepted for this number, oldest first."""
        return self.sandbox("GET", "/messages?to=" + urllib.parse.quote(lead))["messages"]

    def wait_replies(self, n, lead="+15557654321", seconds=PATIENCE):
        return wait_for(f"{n} replies to {lead}", lambda: (r := self.replies(lead)) and len(r) >= n and r, seconds)

    def fault(self, endpoint, kind, **more):
        self.sandbox("POST", "/faults", {"endpoint": endpoint, "kind": kind, **more})

    def sql(self, statement):
        return psql(self.database_url, statement)

    def make_client(self, number=BUSINESS, name="Rapid Plumbing", config=None):
        """A business with a small knowledge base. Returns its id."""
        client = self.api("POST", "/clients", {"name": name, "timezone": "America/New_York",
                                               "config": {"twilio_phone_number": number, **(config or {})}},
                          status=201).json
        base = self.api("POST", f"/knowledge/bases?client_id={client['client_id']}", {"name": "FAQ"}, status=201).json
        self.api("POST", f"/knowledge/bases/{base['kb_id']}/faqs/bulk", {"faqs": FAQS}, status=200)
        return client["client_id"]

    def conversation(self, lead="+15557654321", to_client=None):
        page = self.api("GET", "/conversations?lead_address=" + urllib.parse.quote(lead), status=200).json
        return page["items"][0] if page["items"] else None

    def messages(self, conversation_id):
        return self.api("GET", f"/conversations/{conversation_id}/messages?limit=200", status=200).json["items"]


FAQS = [
    {"question": "What are your opening hours?",
     "answer": "We are open Monday to Friday from 8 am to 6 pm and Saturday from 9 am to 1 pm."},
    {"question": "Do you install water heaters?",
     "answer": "Yes, we install gas and electric water heaters. A standard installation takes about four hours."},
    {"question": "How much does a drain cleaning cost?",
     "answer": "A standard drain cleaning costs $149."},
    {"question": "Which areas do you serve?",
     "answer": "We serve Springfield and all towns within 30 miles."},
    {"question": "Do you offer emergency service?",
     "answer": "Yes, our emergency plumbers are on call 24 hours a day, every day."},
]


class ClusterTest(unittest.TestCase):
    """One cluster for the tests of a class; each test uses numbers of its own."""
    env = {}

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(**cls.env)
        cls.client_id = cls.cluster.make_client()

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()

    def run(self, result=None):
        result = super().run(result)
        self.cluster.keeps_logs |= not result.wasSuccessful()
        return result

    def setUp(self):
        self.lead = "+1555%07d" % (int(uuid.uuid4().int % 8000000) + 1000000)


def main():
    unittest.main(argv=[sys.argv[0]] + [a for a in sys.argv[1:]])
