"""What a turn costs: CPU of each service and of PostgreSQL, and how many turns a second one orchestrator gets through while the
model takes its time.

Texts go in by signed webhooks and count as done when the sandbox, as Twilio, has taken the reply. So many are under way at a time
(a window), and the next is posted when one is done: the system is kept busy and never flooded. CPU is what the kernel has counted
for each process, so another load on the machine makes it no larger; what the sandbox and this program took stands beside it."""

import http.client
import json
import os
import select
import socket
import threading
import time

from cluster import SERVICES, Cluster, http_request, psql, wait_for
from delivery import NO_RATES

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
QUESTION = "How much does a drain cleaning cost?"
ANSWER = "A standard drain cleaning costs $149."
MODEL_MS = 800
WAITING = 400       # turns that wait for the model at a time
CONNECTIONS = 16
OPENING_S = 0.5
BACKENDS = """SELECT pid, CASE WHEN application_name LIKE 'leadwire-%' THEN substr(application_name, 10)
                               ELSE 'registry' END
                FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'leadwire%'"""


def process_cpu(pid):
    """Seconds, user and system; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) * TICK_S


def parent(pid):
    with open(f"/proc/{pid}/stat") as f:
        return int(f.read().rsplit(")", 1)[1].split()[1])


class Cpu:
    """Of all that works for a cluster, by name. Backends are those of its database; the server's other processes (WAL writer,
    checkpointer, vacuum) work for whoever else uses the server too."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.seen = {}     # (name, pid): the last reading
        self.start = {}
        self.end = threading.Event()
        self.read()
        self.start = dict(self.seen)
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        while not self.end.wait(1):
            self.read()

    def read(self):
        named = [(name, process.pid) for name, process in self.cluster.processes.items()]
        backends = [line.split("|") for line in self.cluster.sql(BACKENDS).splitlines()]
        named += [("postgres: " + name, int(pid)) for pid, name in backends]
        if backends:
            server = parent(int(backends[0][0]))
            with open(f"/proc/{server}/task/{server}/children") as f:
                for pid in f.read().split():
                    try:
                        with open(f"/proc/{pid}/cmdline") as g:
                            title = g.read().replace("\0", " ").strip()
                    except OSError:
                        continue
                    for what in ("checkpointer", "background writer", "walwriter", "autovacuum worker"):
                        if what in title:
                            named.append(("postgres: its own processes", int(pid)))
        for name, pid in named:
            cpu = process_cpu(pid)
            if cpu is not None:
                self.seen[name, pid] = cpu

    def stop(self):
        """{name: seconds}"""
        self.end.set()
        self.thread.join()
        self.read()
        sums = {}
        for (name, pid), cpu in self.seen.items():
            sums[name] = sums.get(name, 0) + cpu - self.start.get((name, pid), 0)
        return sums


def requests_of(bench, cluster, n, body):
    """n webhooks of n leads, ready to be written to a socket: [(lead, bytes)]."""
    from bench import PATH, webhook
    made = []
    for i, lead in enumerate(bench.leads(n)):
        content, headers = webhook(cluster.public_url, lead, body(i))
        head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(content)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        made.append((lead, head.encode() + content))
    return made


def accepted(sandbox):
    """How many messages the sandbox has taken, asked by a connection that stays: a new one for each question costs this program
    230 us, this one 50."""
    sandbox.request("GET", "/_sandbox/stats")
    return json.loads(sandbox.getresponse().read())["twilio.send"]["accepted"]


def feed(cluster, made, window, during=None, every=0.02):
    """Posts them all, with at most window under way. Returns when each was posted, and how many a second were done while the
    window was open. It opens little by little: what begins together waits together, and the machine would idle meanwhile."""
    begin, open_from, open_until = time.monotonic(), None, None
    free = [socket.create_connection(("127.0.0.1", cluster.port)) for _ in range(CONNECTIONS)]
    sandbox = http.client.HTTPConnection("127.0.0.1", cluster.sandbox_port)
    before, done, posted, busy = accepted(sandbox), 0, {}, {}
    i, look_at = 0, 0
    while done < len(made):
        now = time.monotonic()
        room = window * min(1, (now - begin) / OPENING_S)
        if now >= look_at:
            done = accepted(sandbox) - before
            look_at = time.monotonic() + every
            if i < len(made):
                open_until = (now, done)
                open_from = open_from or (now - begin >= OPENING_S and open_until) or None
            if during:
                during()
        while free and i < len(made) and i - done < room:
            sock, (lead, request) = free.pop(), made[i]
            if select.select([sock], [], [], 0)[0]:  # closed: it was idle for too long
                sock.close()
                sock = socket.create_connection(("127.0.0.1", cluster.port))
            posted[lead] = time.monotonic()
            sock.sendall(request)
            busy[sock] = lead
            i += 1
        ready, _, _ = select.select(list(busy), [], [], max(0, look_at - time.monotonic())) if busy else ([], [], [])
        for sock in ready:
            answer = sock.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
            free.append(sock)
            del busy[sock]
        if not busy and (i == len(made) or i - done >= room):
            time.sleep(max(0, look_at - time.monotonic()))
    for sock in [*free, sandbox]:
        sock.close()
    return posted, (open_until[1] - open_from[1]) / (open_until[0] - open_from[0])


def wait_settled(cluster):
    """All work is done, and what became of each message is known."""
    wait_for("all tasks to end", lambda: cluster.sql("SELECT count(*) FROM tasks") == "0", 120, 0.2)
    wait_for("all messages to be delivered", lambda: cluster.sql(
        "SELECT count(*) FROM messages WHERE direction = 'out' AND state <> 'delivered'") == "0", 60, 0.2)


def pss_mb(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:")) * 1024 / 1e6


def report_cpu(bench, title, cpu, own_s, n, goal=None):
    """One table: microseconds of CPU a turn."""
    each = {name: seconds / n * 1e6 for name, seconds in cpu.items()}
    services = sum(each[name] for name in SERVICES)
    database = sum(us for name, us in each.items() if name.startswith("postgres"))
    rows = [["CPU of a turn, microseconds", "", "itself", "its database sessions"]]
    for name in SERVICES:
        rows.append([name, "", f"{each[name]:.0f}", f"{each.get('postgres: ' + name, 0):.0f}"])
    rows.append(["registry sessions of all", "", "", f"{each.get('postgres: registry', 0):.0f}"])
    rows.append(["PostgreSQL's own processes", "", "", f"{each.get('postgres: its own processes', 0):.0f}"])
    rows.append(["sum", "", f"{services:.0f}", f"{database:.0f}"])
    rows.append(["beside it: sandbox / this program", "", f"{each['sandbox']:.0f} / {own_s / n * 1e6:.0f}", ""])
    bench.table(title, rows)
    met = services <= 1200 if goal else None
    bench.row(f"{title}: CPU of all services, a turn", services / 1000, "ms", "<= 1.2" if goal else "", met)
    bench.row(f"{title}: CPU of PostgreSQL, a turn", database / 1000, "ms")


def run(bench, cluster, made, window, during=None):
    """Feeds them and returns (turns/s, {name: CPU seconds}, own CPU seconds, posted)."""
    cpu, own = Cpu(cluster), time.process_time()
    try:
        posted, per_s = feed(cluster, made, window, during)
        wait_settled(cluster)
    finally:
        sums = cpu.stop()
    return per_s, sums, time.process_time() - own, posted


def scripted(bench):
    """The scripted agent; first all leads ask the same, then each something that nobody has asked before."""
    n = max(500, 100 * bench.seconds)
    cluster = Cluster(**NO_RATES)
    try:
        cluster.make_client()
        run(bench, cluster, requests_of(bench, cluster, 400, lambda i: QUESTION), 50)  # warm
        cluster.sql("ANALYZE")  # plans as they are where a database has been in use
        made = requests_of(bench, cluster, n, lambda i: QUESTION)
        per_s, cpu, own, _ = run(bench, cluster, made, 50)
        report_cpu(bench, f"scripted, {n} leads ask the same", cpu, own, n, goal=True)
        bench.row("scripted: turns, 50 under way", per_s, "/s")
        made = requests_of(bench, cluster, n, lambda i: f"Hi, this is about house {i}, how much is a drain cleaning?")
        per_s, cpu, own, _ = run(bench, cluster, made, 50)
        report_cpu(bench, f"scripted, {n} leads ask what nobody asked before", cpu, own, n)
        bench.row("scripted, new questions: turns, 50 under way", per_s, "/s")
    finally:
        cluster.close()


def waiting(bench):
    """One orchestrator, a model that answers after 800 ms, one request a turn."""
    n = max(2 * WAITING, 300 * bench.seconds)
    cluster = Cluster(ANTHROPIC_API_KEY="sk-ant-bench", LEADWIRE_LOG_LEVEL="warn", **NO_RATES)
    most = {"pss": 0, "running": 0, "backends": 0, "at": 0}
    pid = cluster.processes["orchestrator"].pid

    def during():
        if time.monotonic() - most["at"] < 1:
            return
        most["at"] = time.monotonic()
        most["pss"] = max(most["pss"], pss_mb(pid))
        running, backends = cluster.sql(
            "SELECT (SELECT count(*) FROM tasks WHERE kind = 'process_ai_response' AND state = 'running'),"
            "       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            "           AND application_name = 'leadwire-orchestrator')").split("|")
        most["running"], most["backends"] = max(most["running"], int(running)), max(most["backends"], int(backends))

    try:
        cluster.make_client()
        cluster.sandbox("POST", "/anthropic/replies", [{"text": ANSWER}] * n)
        cluster.fault("anthropic", "delay", ms=MODEL_MS)
        made = requests_of(bench, cluster, n, lambda i: QUESTION)
        per_s, cpu, own, posted = run(bench, cluster, made, WAITING + 100, during)
        sent = bench.sent_at(cluster)
        times = [(sent[lead][0] - posted[lead]) * 1000 for lead in posted]
        from bench import percentile
        report_cpu(bench, f"model takes {MODEL_MS} ms, {n} turns", cpu, own, n)
        bench.row(f"model takes {MODEL_MS} ms, {WAITING + 100} texts under way: turns", per_s, "/s", ">= 450", per_s >= 450)
        bench.row("turns running, those that wait for a place among them, most", most["running"], "")
        bench.row("orchestrator's PSS meanwhile, most", most["pss"], "MB", "<= 48", most["pss"] <= 48)
        bench.row("its database connections, most", most["backends"], "")
        bench.row("webhook to Twilio's POST, p50", percentile(times, 50), "ms")
        bench.row("webhook to Twilio's POST, p99", percentile(times, 99), "ms")
        wrong = sum(len(sent[lead]) != 1 for lead in posted)
        bench.row("leads that were not answered once", wrong, f"of {n}", "0", wrong == 0)
    finally:
        cluster.close()


def measure(bench):
    only = os.environ.get("LEADWIRE_BENCH_TURNS", "").split()
    for part in (scripted, waiting):
        if not only or part.__name__ in only:
            part(bench)
