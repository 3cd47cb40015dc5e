"""What the model costs a client: counted per day, held against the month's budget, and no lead without an answer."""

import json
import os
import subprocess
import time

from cluster import BIN, ClusterTest, main, wait_for

PRICE = 2  # USD of a million tokens of input, of the sandbox's model


class Usage(ClusterTest):
    env = {"ANTHROPIC_API_KEY": "sk-ant-sandbox", "LEADWIRE_USAGE_SECONDS": "1"}
    numbers = iter(range(10, 99))
    things = ["water heaters", "boilers", "sinks", "taps", "showers", "toilets", "baths", "pumps", "radiators", "valves",
              "filters", "softeners", "dishwashers"]  # the same text again and again would be taken for a machine's

    def setUp(self):
        super().setUp()
        self.number = "+155501001%02d" % next(self.numbers)
        self.client_id = self.cluster.make_client(self.number, "Business " + self.number)
        self.answered = 0

    def tearDown(self):
        self.cluster.sandbox("POST", "/anthropic/replies", [])

    def configure(self, **config):
        self.cluster.api("PATCH", f"/clients/{self.client_id}/config", config, status=200)

    def ask(self, usd=0.0):
        """A lead's text, whose answer costs so much where the model gives it. Returns who answered, and why."""
        self.cluster.sandbox("POST", "/anthropic/replies", [
            {"text": "We will be glad to help.",
             "usage": {"input_tokens": round(usd / PRICE * 1e6), "output_tokens": 0,
                       "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}}])
        self.answered += 1
        question = f"Do you install {self.things[self.answered - 1]}?"
        self.assertEqual(self.cluster.text(question, self.lead, self.number)["status"], 200)
        self.cluster.wait_replies(self.answered, self.lead)
        return self.cluster.sql("SELECT concat_ws(' ', agent, record->'fallback'->>'kind') FROM turns"
                                f" WHERE client_id = '{self.client_id}' ORDER BY created_at DESC LIMIT 1")

    def usage(self, query=""):
        return self.cluster.api("GET", f"/clients/{self.client_id}/usage{query}", status=200).json

    def open_notices(self):
        page = self.cluster.api("GET", f"/notices?state=open&client_id={self.client_id}", status=200).json
        return [n["kind"] for n in page["items"]]

    def wait_notices(self, *kinds):
        wait_for(f"the notices {kinds}", lambda: self.open_notices() == list(kinds))

    def wait_added_up(self):
        wait_for("all to be added up", lambda: self.cluster.sql("SELECT count(*) FROM token_usage_pending") == "0")

    def test_80_percent_is_told_and_with_all_spent_the_scripted_agent_answers(self):
        path = os.path.join(self.cluster.dir, "tap-budget")
        with open(path, "wb") as out:
            tap = subprocess.Popen([os.path.join(BIN, "leadctl"), "tap", "budget."], env=self.cluster.env, stdout=out)
        self.addCleanup(tap.wait, 30)
        self.addCleanup(tap.terminate)
        time.sleep(1)

        def events():
            with open(path) as f:
                return [(e["event"], e["body"]["spent_micro_usd"]) for e in map(json.loads, f)
                        if e["client_id"] == self.client_id]

        self.configure(monthly_budget_usd=10)
        self.assertEqual(self.ask(7), "claude")
        self.wait_added_up()
        self.assertEqual((self.usage()["state"], self.open_notices()), ("ok", []))
        self.assertEqual(self.ask(1), "claude")
        self.wait_notices("budget_warning")
        self.assertEqual(self.usage()["state"], "warning")
        wait_for("the event", lambda: events() == [("budget.warning", 8000000)])
        self.assertEqual(self.ask(2), "claude")
        # At once, before it is added up and told.
        self.assertEqual(self.ask(1), "scripted budget")
        self.wait_notices("budget_exhausted")
        wait_for("the event", lambda: len(events()) == 2)
        self.assertEqual(self.ask(1), "scripted budget")
        self.assertEqual(events()[1], ("budget.exhausted", 10000000))
        self.assertEqual(self.usage()["state"], "exhausted")
        self.assertIn("10.00 of 10.00: the scripted agent answers", self.cluster.leadctl("usage", self.client_id))

        # More money: at once. The notice goes, and in this month neither event comes again.
        self.configure(monthly_budget_usd=20.5)
        self.assertEqual(self.ask(11), "claude")
        self.assertEqual(self.ask(1), "scripted budget")
        self.wait_notices("budget_exhausted")
        self.configure(monthly_budget_usd=None)
        self.assertEqual(self.ask(1), "claude")
        self.wait_notices()
        self.configure(monthly_budget_usd=10)
        self.assertEqual(self.ask(1), "scripted budget")
        self.wait_notices("budget_exhausted")
        self.assertEqual(len(events()), 2)

        # A month later.
        self.wait_added_up()
        self.cluster.sql("BEGIN; UPDATE token_usage SET day = day - interval '1 month'"
                         f" WHERE client_id = '{self.client_id}';"
                         " UPDATE budget_states SET month = month - interval '1 month'"
                         f" WHERE client_id = '{self.client_id}'; COMMIT")
        self.wait_notices()
        self.assertEqual(self.ask(12), "claude")
        wait_for("the events of the new month", lambda: len(events()) == 4)
        self.wait_notices("budget_exhausted")
        self.assertEqual(len(self.cluster.replies(self.lead)), self.answered)

    def test_the_days_are_those_of_the_turns(self):
        self.configure(monthly_budget_usd=0)
        self.assertEqual(self.ask(), "scripted budget")
        self.configure(monthly_budget_usd=None)
        self.assertEqual(self.ask(3), "claude")
        for _ in range(2):  # before and after it is added up
            usage = self.usage()
            self.assertEqual((usage["state"], usage["spent_micro_usd"], len(usage["days"])), ("none", 3000000, 1))
            self.assertEqual({k: usage["totals"][k] for k in ("turns", "scripted_turns", "fallbacks", "unused",
                                                              "input_tokens", "cost_micro_usd")},
                             {"turns": 2, "scripted_turns": 1, "fallbacks": 1, "unused": 0, "input_tokens": 1500000,
                              "cost_micro_usd": 3000000})
            self.assertEqual([m["model"] for m in usage["models"]], ["claude-sonnet-5-5", "none"])
            self.wait_added_up()
        rows = json.loads(self.cluster.leadctl("usage", self.client_id, "--json"))
        self.assertEqual([(r["model"], r["turns"], r["cost_usd"]) for r in rows],
                         [("claude-sonnet-5-5", 1, 3.0), ("none", 1, 0.0)])
        self.assertEqual(self.cluster.api("GET", f"/clients/{self.client_id}/usage?from=2026-02-30").json["field"],
                         "from")
        for days in (("--from", "yesterday"), ("--to", "2026-02-30"), ("--from", "2026-03-02", "--to", "2026-03-01")):
            with self.assertRaisesRegex(AssertionError, f"exit 2: leadctl: {days[0]} "):
                self.cluster.leadctl("usage", self.client_id, *days)

    def test_a_scheduler_that_dies_counts_nothing_twice_and_tells_nothing_twice(self):
        self.configure(monthly_budget_usd=10)
        spent = 0
        for failpoint in ("scheduler.usage_added:3", "scheduler.budget_told"):
            self.cluster.kill("scheduler", 15)
            self.assertEqual(self.ask(9 if spent == 0 else 2), "claude")
            spent += 9000000 if spent == 0 else 2000000
            self.cluster.start("scheduler", LEADWIRE_FAILPOINT=failpoint)
            self.assertEqual(self.cluster.wait_ended("scheduler"), -9)
            self.assertEqual(self.usage()["spent_micro_usd"], spent)
            self.cluster.start("scheduler")
            self.cluster.wait_ready()
            self.wait_added_up()
            self.wait_notices("budget_warning" if spent == 9000000 else "budget_exhausted")
            usage = self.usage()
            self.assertEqual((usage["spent_micro_usd"], usage["totals"]["turns"]), (spent, 1 + (spent > 9000000)))
        self.assertEqual(self.cluster.sql("SELECT string_agg(kind || ' ' || count, ', ' ORDER BY created_at) FROM notices"
                                          f" WHERE client_id = '{self.client_id}'"),
                         "budget_warning 1, budget_exhausted 1")


if __name__ == "__main__":
    main()
