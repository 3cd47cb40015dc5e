"""Measures the guards on what is told to a lead, on the labelled sets of tests/bench/truth (README.md there)."""

import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
LANGUAGES = ["english", "spanish", "arabic"]
HALVES = ["development", "held-out"]


def read_all(binaries):
    """One dictionary per text: label, language, kind, half, text, held; of drafts also why and ns."""
    program = os.path.join(binaries, "leadwire-bench-truth")
    out = subprocess.run([program, os.path.join(HERE, "truth")], check=True, stdout=subprocess.PIPE, encoding="utf-8")
    return [json.loads(line) for line in out.stdout.splitlines()]


def held(items):
    return f"{sum(m['held'] for m in items)}/{len(items)}" if items else "-"


def table(items, key, values):
    rows = [[key, "half", "unsupported held", "honest held", "swapped held"]]
    for value in values:
        for half in HALVES:
            of = [m for m in items if m[key] == value and m["half"] == half]
            if of:
                rows.append([value, half] + [held([m for m in of if m["label"] == label])
                                             for label in ["unsupported", "honest", "swapped"]])
    return rows


def measure(bench):
    items = read_all(os.environ["LEADWIRE_BIN"])
    drafts = [m for m in items if m["label"] != "bot"]
    bench.table("Drafts held, by language", table(drafts, "language", LANGUAGES))
    bench.table("Drafts held, by kind", table(drafts, "kind", sorted({m["kind"] for m in drafts})))
    rows = [["language", "half", "asks, seen", "does not ask, taken to"]]
    for language in LANGUAGES:
        for half in HALVES:
            of = [m for m in items if m["label"] == "bot" and m["language"] == language and m["half"] == half]
            rows.append([language, half] + [held([m for m in of if m["kind"] == kind]) for kind in ["asks", "none"]])
    bench.table("Are you a bot?", rows)
    for half in HALVES:
        left = [not m["held"] for m in drafts if m["label"] == "unsupported" and m["half"] == half]
        wrong = [m["held"] for m in drafts if m["label"] == "honest" and m["half"] == half]
        bench.row(f"unsupported drafts that leave, {half}", sum(left) / len(left), "share", "0", sum(left) == 0)
        bench.row(f"honest drafts that are held, {half}", sum(wrong) / len(wrong), "share", "< 0.02",
                  sum(wrong) / len(wrong) < 0.02)
        swapped = [m["held"] for m in drafts if m["label"] == "swapped" and m["half"] == half]
        bench.row(f"values of another thing that leave, {half}", 1 - sum(swapped) / len(swapped), "share")
    times = sorted(m["ns"] for m in drafts)
    bench.row("time for one draft after 20 messages, p50", times[len(times) // 2] / 1000, "us")
    bench.row("time for one draft after 20 messages, the longest", times[-1] / 1000, "us")
