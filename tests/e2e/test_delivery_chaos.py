"""All that can go wrong with a send, at once, while delivery is killed every 2 s: each text is accepted exactly once.

DELIVERY_CHAOS_MESSAGES (default 300) makes it longer; at 5000 it takes several minutes. The provider's faults are the same
in each run; what they strike is not."""

import collections
import os
import time
import unittest

from backlog import accepted, make_client, open_tasks, queue_texts
from cluster import Cluster, main, wait_for

MESSAGES = int(os.environ.get("DELIVERY_CHAOS_MESSAGES", "300"))
SERVICE = "MG00000000000000000000000000000001"
SENDERS = ["+1556%07d" % (1000000 + i) for i in range(50)]
# Of each kind; one in three calls is struck. A fault that comes later strikes what is left.
SEND_FAULTS = [("accept-then-cut", {}), ("accept-then-500", {}), ("accept-then-hang", {"ms": 300}), ("hang", {"ms": 300}),
               ("status", {"status": 429, "code": 20429, "retry_after": 1})]
RATE_OF_EACH = 1 - 0.7 ** (1 / len(SEND_FAULTS))
# The list hides what is younger than that. The second last look at it comes 5 s after the intent, so that a process may
# have needed 3 s from there to its post.
HIDDEN_MS = 2000


class DeliveryChaos(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster(["gateway", "scheduler", "delivery"], LEADWIRE_LONG_CODE_PER_SECOND="0",
                               LEADWIRE_MESSAGING_SERVICE_PER_SECOND="0",
                               LEADWIRE_RECONCILE_AFTER_SECONDS="1,2,5,6")
        self.addCleanup(self.cluster.close)
        wait_for("the gateway to answer", lambda: self.cluster.try_http(self.cluster.port, "/healthz"))
        self.cluster.start("delivery#2")
        self.numbers = make_client(self.cluster)
        self.service = make_client(self.cluster, '{"twilio_messaging_service_sid": "%s"}' % SERVICE)

    def break_everything(self):
        for kind, more in SEND_FAULTS:
            self.cluster.fault("twilio.send", kind, rate=RATE_OF_EACH, **more)
        self.cluster.fault("twilio.list", "hide", rate=0.3, ms=HIDDEN_MS)
        self.cluster.fault("callbacks", "late", rate=0.3, ms=1500)
        for kind in ("twice", "shuffle", "drop"):
            self.cluster.fault("callbacks", kind, rate=0.3)

    def kill_until_done(self, seconds):
        """Two processes; one is killed every 2 s and started again. Returns how often."""
        kills, end = 0, time.monotonic() + seconds
        while open_tasks(self.cluster):
            self.assertLess(time.monotonic(), end, f"{open_tasks(self.cluster)} tasks are still open")
            time.sleep(2)
            victim = ("delivery", "delivery#2")[kills % 2]
            self.cluster.kill(victim)
            self.cluster.start(victim)
            kills += 1
        return kills

    def test_each_text_is_accepted_exactly_once(self):
        self.break_everything()
        # Half of them from numbers, half through a messaging service, which chooses the number.
        queue_texts(self.cluster, self.numbers, SENDERS, MESSAGES // 2)
        queue_texts(self.cluster, self.service, [SERVICE], MESSAGES // 2, first=MESSAGES, text="By service")
        began = time.monotonic()
        kills = self.kill_until_done(60 + MESSAGES / 5)
        ledger = accepted(self.cluster)
        print(f"{MESSAGES} texts, {kills} kills, {time.monotonic() - began:.0f} s; "
              f"{self.cluster.sandbox('GET', '/stats')['twilio.send']}", flush=True)

        times = collections.Counter(m["body"] for m in ledger)
        doubled = [body for body, n in times.items() if n > 1]
        queued = [f"{text} {n}" for text in ("Text", "By service") for n in range(MESSAGES // 2)]
        lost = [body for body in queued if body not in times]
        self.assertEqual(doubled, [], "accepted twice")
        self.assertEqual(lost, [], "never accepted: " + self.dead())
        self.assertEqual(self.dead(), "")
        self.expect_same_states(ledger)

    def dead(self):
        return self.cluster.sql("SELECT t.kind || ': ' || coalesce(t.error, '') FROM tasks t WHERE t.state = 'dead'")

    def expect_same_states(self, ledger):
        """What the database says of each text is what the provider knows. A callback that was dropped leaves it at sent."""
        sids = {m["body"]: m["sid"] for m in ledger}
        rows = [row.split("|") for row in self.cluster.sql(
            "SELECT body || '|' || state || '|' || coalesce(provider_sid, '') FROM messages").splitlines()]
        self.assertEqual(len(rows), len(ledger))
        self.assertEqual([row for row in rows if sids[row[0]] != row[2]], [], "another message's sid")
        self.assertEqual([row for row in rows if row[1] not in ("sent", "delivered")], [])
        wait_for("the callbacks of most of them", lambda: int(self.cluster.sql(
            "SELECT count(*) FROM messages WHERE state = 'delivered'")) > MESSAGES * 0.5)


if __name__ == "__main__":
    main()
