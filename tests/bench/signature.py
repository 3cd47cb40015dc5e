"""Measures the check of a webhook's signature, by leadwire-bench-signature."""

import json
import os
import subprocess

GOAL_US = 5


def measure(bench):
    done = subprocess.run([os.path.join(os.environ["LEADWIRE_BIN"], "leadwire-bench-signature")], check=True,
                          stdout=subprocess.PIPE, encoding="utf-8")
    times = json.loads(done.stdout)
    for name, key in [("signature of a webhook, right", "right_us"), ("  right for the address with its port", "with_port_us"),
                      ("  wrong", "wrong_us")]:
        bench.row(name, times[key], "us CPU", f"< {GOAL_US}", times[key] < GOAL_US)
