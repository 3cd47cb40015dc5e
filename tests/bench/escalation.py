#!/usr/bin/env python3
"""Measures who is taken to threaten, to complain or to ask for a person, on the labelled messages of
tests/bench/escalation (README.md there)."""

import argparse
import collections
import glob
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
LABELS = ["legal", "anger", "human", "none"]
HALVES = ["development", "held-out", "later", "unseen, development", "unseen, held-out"]


def read_all(binaries):
    """One dictionary per message: set, label, half, text, read, ns."""
    files = sorted(glob.glob(os.path.join(HERE, "escalation", "*.json")))
    lines = subprocess.run([os.path.join(binaries, "leadwire-bench-escalation"), *files], check=True,
                           stdout=subprocess.PIPE, encoding="utf-8").stdout.splitlines()
    read = [json.loads(line) for line in lines]
    for message in read:
        message["set"] = os.path.splitext(os.path.basename(message["file"]))[0]
        if message["set"] == "later":
            message["half"] = "later"
        if message["set"] == "unseen":
            message["half"] = "unseen, " + message["half"]
    return read


def share(part, whole):
    return f"{part / whole:.3f} ({part}/{whole})" if whole else "-"


def measure(bench):
    messages = read_all(os.environ["LEADWIRE_BIN"])
    for half in HALVES:
        counts = collections.Counter((m["label"], m["read"]) for m in messages if m["half"] == half)
        bench.table(f"A person is called, {half}: how many of each label are read as what",
                    [["label", *("read " + label for label in LABELS)]] + [
                        [label, *(str(counts[label, read]) for read in LABELS)] for label in LABELS])
        calls = [m for m in messages if m["half"] == half and m["label"] != "none"]
        others = [m for m in messages if m["half"] == half and m["label"] == "none"]
        bench.row(f"a person is called where one is wanted, {half}",
                  sum(m["read"] != "none" for m in calls) / len(calls), "share")
        bench.row(f"a person is called for nothing, {half}", sum(m["read"] != "none" for m in others) / len(others), "share")
    times = sorted(m["ns"] for m in messages)
    bench.row("time for one text, p50", times[len(times) // 2] / 1000, "us")
    bench.row("time for one text, the longest", times[-1] / 1000, "us")


def main():
    parser = argparse.ArgumentParser(description="Lists what is read otherwise than it is labelled.")
    parser.add_argument("--half", choices=HALVES, default="development")
    parser.add_argument("--bin", required=True, help="the build's bin folder")
    args = parser.parse_args()
    for message in read_all(args.bin):
        if message["half"] == args.half and message["label"] != message["read"]:
            print(f"{message['set']}: {message['label']} read as {message['read']}: {message['text']}")


if __name__ == "__main__":
    main()
