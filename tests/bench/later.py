#!/usr/bin/env python3
"""Measures who is taken to ask for a message or a call at another time, and for when, on tests/bench/later."""

import argparse
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
SETS = ["examples", "later_ones"]


def read_all(binaries, name):
    out = subprocess.run([os.path.join(binaries, "leadwire-bench-later"), os.path.join(HERE, "later", name + ".json")],
                         check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    return [json.loads(line) for line in out.splitlines()]


def is_right(example):
    return example["read"] == example["label"] and (example["label"] == "none" or example["read_at"] == example["at"])


def rows(examples):
    for half in ["development", "held-out"]:
        of = [e for e in examples if e["half"] == half]
        wishes = [e for e in of if e["label"] != "none"]
        others = [e for e in of if e["label"] == "none"]
        yield [half, f"{sum(map(is_right, wishes))} of {len(wishes)}",
               f"{sum(not is_right(e) for e in others)} of {len(others)}"]


def measure(bench):
    sets = {name: read_all(os.environ["LEADWIRE_BIN"], name) for name in SETS}
    for name, examples in sets.items():
        bench.table(f"'Text me on Tuesday', {name}.json",
                    [["half", "wishes with the right kind and time", "taken for a wish that is none"], *rows(examples)])
    every = [e for examples in sets.values() for e in examples]
    bench.row("wishes to be written to later, read rightly, with those that are none",
              sum(map(is_right, every)) / len(every), "share")
    times = sorted(e["ns"] for e in every)
    bench.row("reading one message for them, p50", times[len(times) // 2] / 1000, "us")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default=os.environ.get("LEADWIRE_BIN", "build/release/bin"))
    args = parser.parse_args()
    for name in SETS:
        examples = read_all(args.bin, name)
        for row in rows(examples):
            print(f"{name}, {row[0]}: right {row[1]}; wrongly taken {row[2]}")
        for e in examples:
            if e["half"] == "development" and not is_right(e):
                print(f"  {e['label']} {e['at']}, read {e['read']} {e['read_at']}: {e['text']}")


if __name__ == "__main__":
    main()
