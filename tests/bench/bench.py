"""Measures the figures that the README names, from outside, on a cluster of its own.

Times are of the machine's monotonic clock, which the sandbox shares: from the moment before the webhook is posted to the moment
the sandbox has read Twilio's POST."""

import argparse
import base64
import functools
import hashlib
import hmac
import http.client
import json
import multiprocessing
import os
import platform
import sys
import time
import urllib.parse
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
import callbacks  # noqa: E402
import consent  # noqa: E402
import delivery  # noqa: E402
import dialogues  # noqa: E402
import escalation  # noqa: E402
import knowledge_breakeven  # noqa: E402
import knowledge_bulk  # noqa: E402
import knowledge_model  # noqa: E402
import knowledge_quality  # noqa: E402
import knowledge_search  # noqa: E402
import later  # noqa: E402
import signature  # noqa: E402
import truth  # noqa: E402
import turns  # noqa: E402
from cluster import BUSINESS, SERVICES, SID, TOKEN, Cluster, wait_for  # noqa: E402

PATH = "/api/v1/webhooks/twilio/sms"
QUESTION = "How much does a drain cleaning cost?"


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))] if values else float("nan")


def webhook(public_url, lead, body):
    """A signed webhook's body and headers."""
    params = {"MessageSid": "SM" + uuid.uuid4().hex, "AccountSid": SID, "From": lead, "To": BUSINESS, "Body": body,
              "NumMedia": "0", "NumSegments": "1", "SmsStatus": "received", "ApiVersion": "2010-04-01"}
    text = public_url + PATH + "".join(name + params[name] for name in sorted(params))
    signature = base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()
    return urllib.parse.urlencode(params).encode(), {"Content-Type": "application/x-www-form-urlencoded",
                                                     "X-Twilio-Signature": signature}


def lead_number(i):
    return "+1556%07d" % i


class Bench:
    def __init__(self, seconds):
        self.seconds = seconds
        self.rows, self.tables = [], []
        self.next_lead = 1000000

    @functools.cached_property
    def cluster(self):
        cluster = Cluster(LEADWIRE_LONG_CODE_PER_SECOND="0")  # one number answers all
        cluster.make_client()
        return cluster

    def close(self):
        if "cluster" in self.__dict__:
            self.cluster.close()

    def row(self, name, value, unit, goal="", good=None):
        self.rows.append({"name": name, "value": round(value, 3 if unit == "share" else 2), "unit": unit, "goal": goal, "met": good})

    def table(self, title, rows):
        """Prints it at once; rows of text, the first is the heading."""
        self.tables.append({"title": title, "rows": rows})
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        print(f"\n{title}")
        for row in rows:
            print("  ".join(cell.ljust(width) if i < 2 else cell.rjust(width)
                            for i, (cell, width) in enumerate(zip(row, widths))))

    def leads(self, n):
        first = self.next_lead
        self.next_lead += n
        return [lead_number(i) for i in range(first, first + n)]

    def sent_at(self, cluster=None):
        """When the sandbox read the POST for each number, seconds of the monotonic clock."""
        at, after = {}, -1
        while True:
            page = (cluster or self.cluster).sandbox("GET", f"/messages?after={after}")["messages"]
            for message in page:
                at.setdefault(message["to"], []).append(message["received_at_us"] / 1e6)
                after = message["index"]
            if not page:
                return at

    # ---- the figures ----

    def start(self):
        worst = 0
        for service in SERVICES:
            for line in self.cluster.log(service).splitlines():
                entry = json.loads(line) if line.startswith("{") else {}
                if entry.get("msg") == "ready":
                    worst = max(worst, entry["ms"])
        self.row("slowest service ready after its start", worst, "ms", "<= 1000", worst <= 1000)

    def memory(self):
        total = 0
        for service in SERVICES:
            pid = self.cluster.processes[service].pid
            with open(f"/proc/{pid}/smaps_rollup") as f:
                pss = next(int(line.split()[1]) for line in f if line.startswith("Pss:")) / 1024
            self.row(f"PSS {service}", pss, "MiB")
            total += pss
        self.row("PSS of all services", total, "MiB", "<= 38.1 (40 MB)", total * 1.048576 <= 40)

    def latency(self, rate=20):
        connection = http.client.HTTPConnection("127.0.0.1", self.cluster.port)
        leads = self.leads(rate * self.seconds)
        posted, acked = {}, []
        begin = time.monotonic()
        for i, lead in enumerate(leads):
            pause = begin + i / rate - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            body, headers = webhook(self.cluster.public_url, lead, QUESTION)
            posted[lead] = time.monotonic()
            connection.request("POST", PATH, body, headers)
            response = connection.getresponse()
            response.read()
            assert response.status == 200, response.status
            acked.append((time.monotonic() - posted[lead]) * 1000)
        sent = wait_for("all answers", lambda: (s := self.sent_at()) and all(lead in s for lead in leads) and s, 60, 0.5)
        times = [(sent[lead][0] - posted[lead]) * 1000 for lead in leads]
        doubled = sum(len(sent[lead]) > 1 for lead in leads)
        self.row(f"webhook to 200, {rate}/s, p50", percentile(acked, 50), "ms")
        self.row(f"webhook to 200, {rate}/s, p99", percentile(acked, 99), "ms")
        p50, p99 = percentile(times, 50), percentile(times, 99)
        self.row(f"webhook to Twilio's POST, {rate}/s, p50", p50, "ms", "<= 15", p50 <= 15)
        self.row(f"webhook to Twilio's POST, {rate}/s, p99", p99, "ms", "<= 60", p99 <= 60)
        self.row(f"webhook to Twilio's POST, {rate}/s, max", max(times), "ms")
        self.row("answered twice", doubled, "of %d" % len(leads), "0", doubled == 0)

    def burst(self, n=1000):
        """n leads at once: how fast the whole way works through them."""
        leads = self.leads(n)
        begin = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.cluster.port)
        for lead in leads:
            body, headers = webhook(self.cluster.public_url, lead, QUESTION)
            connection.request("POST", PATH, body, headers)
            response = connection.getresponse()
            response.read()
            assert response.status == 200, response.status
        sent = wait_for("all answers", lambda: (s := self.sent_at()) and all(lead in s for lead in leads) and s, 120, 0.2)
        end = max(sent[lead][0] for lead in leads)
        self.row(f"whole turns, {n} leads from one connection", n / (end - begin), "/s")

    def accept(self, connections=16):
        """Webhooks accepted while the orchestrator is stopped; the load comes from this machine's two cores too."""
        self.cluster.kill("orchestrator", 15)
        with multiprocessing.Pool(2) as pool:
            work = [(self.cluster.port, self.cluster.public_url, self.leads(20000)[0], connections // 2, self.seconds / 3)
                    for _ in range(2)]
            results = pool.map(accept_load, work)
        times = [t for result in results for t in result]
        self.row(f"webhooks accepted, {connections} connections", len(times) / (self.seconds / 3), "/s")
        self.row(f"webhook to 200, {connections} connections, p99", percentile(times, 99), "ms")
        self.cluster.start("orchestrator")
        self.cluster.wait_ready()
        wait_for("the backlog to be worked off", lambda: self.cluster.sql("SELECT count(*) FROM tasks") == "0", 300, 0.5)

    def recovery(self, n=5):
        """kill -9 of the orchestrator and of delivery while texts arrive; from the kill to the last answer."""
        times = []
        for service in ["orchestrator", "delivery"] * n:
            leads = self.leads(10)
            connection = http.client.HTTPConnection("127.0.0.1", self.cluster.port)
            for i, lead in enumerate(leads):
                body, headers = webhook(self.cluster.public_url, lead, QUESTION)
                connection.request("POST", PATH, body, headers)
                connection.getresponse().read()
                if i == 7:
                    self.cluster.kill(service)
                    killed = time.monotonic()
                    self.cluster.start(service)
            sent = wait_for("all answers", lambda: (s := self.sent_at()) and all(lead in s for lead in leads) and s, 60, 0.1)
            times.append(max(sent[lead][0] for lead in leads) - killed)
            self.cluster.wait_ready()
        self.row(f"kill -9 to the last answer, {2 * n} kills, p50", percentile(times, 50), "s")
        self.row(f"kill -9 to the last answer, {2 * n} kills, max", max(times), "s", "<= 10", max(times) <= 10)


def accept_load(arguments):
    """Closed loop over several connections in one process; returns the times to 200 in ms."""
    import selectors
    import socket
    port, public_url, first, connections, seconds = arguments
    number = int(first[5:])
    selector = selectors.DefaultSelector()
    times = []

    def post(sock):
        nonlocal number
        number += 1
        body, headers = webhook(public_url, lead_number(number), QUESTION)
        head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        started[sock] = time.monotonic()
        sock.sendall(head.encode() + body)

    started = {}
    for _ in range(connections):
        sock = socket.create_connection(("127.0.0.1", port))
        selector.register(sock, selectors.EVENT_READ)
        post(sock)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for key, _ in selector.select(1):
            data = key.fileobj.recv(65536)
            assert data.startswith(b"HTTP/1.1 200"), data[:200]
            times.append((time.monotonic() - started[key.fileobj]) * 1000)
            post(key.fileobj)
    return times


# Measured on clusters of their own, by files of their own.
KNOWLEDGE = {"knowledge-quality": knowledge_quality.measure, "knowledge-search": knowledge_search.measure,
             "knowledge-breakeven": knowledge_breakeven.measure, "knowledge-model": knowledge_model.measure,
             "knowledge-bulk": knowledge_bulk.measure}
OWN = {**KNOWLEDGE, "callbacks": callbacks.measure, "consent": consent.measure, "delivery": delivery.measure,
       "dialogues": dialogues.measure, "escalation": escalation.measure, "later": later.measure,
       "signature": signature.measure, "truth": truth.measure, "turns": turns.measure}


def expand(names):
    for name in names:
        yield from KNOWLEDGE if name == "knowledge" else [name]


def report(bench, file):
    """What there is, also if a measurement failed."""
    width = max((len(row["name"]) for row in bench.rows), default=0)
    print()
    for row in bench.rows:
        met = {True: "met", False: "MISSED", None: ""}[row["met"]]
        print(f"{row['name']:<{width}}  {row['value']:>10} {row['unit']:<8} {row['goal']:<16} {met}")
    if file:
        with open(file, "w") as f:
            json.dump({"machine": {"cores": os.cpu_count(), "kernel": platform.release()}, "figures": bench.rows,
                       "tables": bench.tables}, f, indent=2)


def main():
    default = ["start", "memory", "latency", "burst", "accept", "recovery"]
    names = default + ["knowledge"] + list(OWN)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", help="also write the table to this file")
    parser.add_argument("--seconds", type=int, default=30, help="how long each measurement under load runs")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in names:
            parser.error(f"unknown: {name}; there are {', '.join(names)}")
    bench = Bench(arguments.seconds)
    try:
        for name in expand(arguments.names or default):
            print(f"measuring {name} ...", file=sys.stderr)
            if name in OWN:
                OWN[name](bench)
            else:
                getattr(bench, name)()
    finally:
        bench.close()
        report(bench, arguments.json)


if __name__ == "__main__":
    main()
