"""A sending number sends no faster than its rate, however many processes send; and a 429 pauses that account alone."""

import time
import unittest
import urllib.parse

from backlog import accepted, make_client, open_tasks, queue_texts
from cluster import Cluster, main, wait_for

OTHER_SID, OTHER_TOKEN = "AC00000000000000000000000000000002", "another-token"


class RatesTest(unittest.TestCase):
    def open(self, *more, **env):
        self.cluster = Cluster([*more, "scheduler", "delivery"], **env)
        self.addCleanup(self.cluster.close)
        self.cluster.start("delivery#2")

    def rate_of(self, sender):
        return self.cluster.sandbox("GET", "/rates?from=" + urllib.parse.quote(sender))["rates"][0]

    def await_end(self, seconds=40):
        wait_for("all texts to be sent", lambda: open_tasks(self.cluster) == 0, seconds)


class Rates(RatesTest):
    def test_two_processes_together_keep_a_numbers_rate(self):
        """Six texts of one number at 2/s take 2.5 s; another number's go at the same time."""
        self.open(LEADWIRE_LONG_CODE_PER_SECOND="2")
        slow, other = "+15561000001", "+15561000002"
        queue_texts(self.cluster, make_client(self.cluster), [slow, other], 12)
        self.await_end()
        for sender in (slow, other):
            rate = self.rate_of(sender)
            self.assertEqual(rate["n"], 6)
            # Two processes that each kept it alone would need 1 s; a first one that is posted late makes 2.5 s shorter.
            self.assertGreater(rate["last_us"] - rate["first_us"], 1.6e6, rate)
        self.assertLess(self.rate_of(other)["first_us"], self.rate_of(slow)["last_us"], "not one number after the other")


class Limits(RatesTest):
    def test_a_limit_pauses_its_account_alone(self):
        """The environment's account is answered 429 once; the client with an account of its own goes on."""
        self.open("gateway", "orchestrator", LEADWIRE_LONG_CODE_PER_SECOND="0")
        limited, free = "+15561000001", "+15561000002"
        self.cluster.sandbox("PUT", "/accounts", {"account_sid": OTHER_SID, "auth_token": OTHER_TOKEN, "numbers": [free]})
        ours = make_client(self.cluster)
        theirs = self.own_account()
        self.cluster.fault("twilio.send", "status", status=429, code=20429, retry_after=4, count=1)
        queue_texts(self.cluster, ours, [limited], 1, text="First")
        wait_for("the account to be paused",
                 lambda: self.cluster.sql("SELECT count(*) FROM provider_accounts WHERE paused_until > now()") == "1")
        paused_at = time.monotonic()
        queue_texts(self.cluster, ours, [limited], 3, first=10, text="Ours")
        queue_texts(self.cluster, theirs, [free], 3, first=20, text="Theirs")
        wait_for("the other account's texts", lambda: len(accepted(self.cluster)) >= 3)
        bodies = sorted(m["body"] for m in accepted(self.cluster))
        if time.monotonic() - paused_at < 3:  # else the machine is too slow for this to tell anything
            self.assertEqual(bodies, ["Theirs 0", "Theirs 1", "Theirs 2"])
        self.await_end()
        ledger = accepted(self.cluster)
        self.assertEqual(len(ledger), 7)
        self.assertEqual({m["account_sid"] for m in ledger if m["from"] == free}, {OTHER_SID})
        refused = [r for r in self.cluster.sandbox("GET", "/requests?provider=twilio.send")["requests"] if r["status"] == 429]
        first_of_ours = min(m["received_at_us"] for m in ledger if m["from"] == limited)
        self.assertGreater(first_of_ours - refused[-1]["received_at_us"], 3.9e6, "as long as Retry-After says")

    def own_account(self):
        """A client whose texts go through the other account."""
        wait_for("the gateway to answer", lambda: self.cluster.try_http(self.cluster.port, "/healthz"))
        config = {"twilio_account_sid": OTHER_SID, "twilio_auth_token": OTHER_TOKEN}
        made = []

        def make():
            made.append(self.cluster.api("POST", "/clients", {"name": "Own account", "config": config}))
            return made[-1].status == 201

        wait_for("the client to be made", make)
        return made[-1].json["client_id"]


if __name__ == "__main__":
    main()
