#!/usr/bin/env python3
"""Measures scores and slots on the labelled dialogues of tests/bench/dialogues (README.md there).

Precision of a slot: of the values recorded, the share that is right. Recall: of those told, the share recorded right."""

import argparse
import collections
import glob
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
SCORES = ["HOT", "WARM", "COLD"]
SLOTS = ["service", "urgency", "budget", "timeline", "name", "email"]
LANGUAGES = ["en", "es", "ar"]
HALVES = ["development", "held-out", "later"]


def play(binaries, agent):
    files = sorted(glob.glob(os.path.join(HERE, "dialogues", "*.json")))
    lines = subprocess.run([os.path.join(binaries, "leadwire-bench-dialogues"), agent, *files], check=True,
                           stdout=subprocess.PIPE, encoding="utf-8").stdout.splitlines()
    return [json.loads(line) for line in lines]


def share(part, whole):
    return f"{part / whole:.3f} ({part}/{whole})" if whole else "-"


def right(dialogues):
    return sum(d["score"] == d["got_score"] for d in dialogues)


def of(dialogues, half=None, language=None):
    return [d for d in dialogues if half in (None, d["half"]) and language in (None, d["language"])]


def counts(dialogues, slots):
    """(right, recorded, told)"""
    outcomes = collections.Counter(d["slots"][slot]["outcome"] for d in dialogues for slot in slots)
    hit, wrong = outcomes["hit"], outcomes["wrong"]
    return hit, hit + wrong + outcomes["invented"], hit + wrong + outcomes["missed"]


def by_language(dialogues):
    rows = [["language", "half", "score right", "slots, precision", "slots, recall", "asked again", "called a person"]]
    for language in [None, *LANGUAGES]:
        for half in HALVES:
            some = of(dialogues, half, language)
            hit, recorded, told = counts(some, SLOTS)
            rows.append([language or "all", half, share(right(some), len(some)), share(hit, recorded), share(hit, told),
                         str(sum(len(d["asked_again"]) for d in some)),
                         share(sum(d["got_escalated"] for d in some if d["escalates"]),
                               sum(d["escalates"] for d in some))])
    return rows


def by_slot(dialogues):
    rows = [["slot", "half", "precision", "recall"]]
    for slot in SLOTS:
        for half in HALVES:
            hit, recorded, told = counts(of(dialogues, half), [slot])
            rows.append([slot, half, share(hit, recorded), share(hit, told)])
    return rows


def confusion(dialogues):
    pairs = collections.Counter((d["score"], d["got_score"]) for d in dialogues)
    return [["label", "dialogues", *("scored " + s for s in SCORES)]] + [
        [s, str(sum(pairs[s, g] for g in SCORES)), *(str(pairs[s, g]) for g in SCORES)] for s in SCORES]


def put(bench, agent, dialogues):
    bench.table(f"Dialogues, {agent}: by language", by_language(dialogues))
    bench.table(f"Dialogues, {agent}: by slot", by_slot(dialogues))
    for half in HALVES:
        bench.table(f"Dialogues, {agent}: scores, {half} half", confusion(of(dialogues, half)))
    for half in HALVES:
        some = of(dialogues, half)
        hit, recorded, told = counts(some, SLOTS)
        bench.row(f"{agent}: scores right, {half}", right(some) / len(some), "share")
        bench.row(f"{agent}: slots, precision, {half}", hit / recorded, "share")
        bench.row(f"{agent}: slots, recall, {half}", hit / told, "share")
    again = sum(len(d["asked_again"]) for d in dialogues)
    bench.row(f"{agent}: asked for what was told", again, "times", "0", again == 0)
    bench.row(f"{agent}: replies with two questions", sum(d["two_questions"] for d in dialogues), "dialogues")


def measure(bench):
    dialogues = play(os.environ["LEADWIRE_BIN"], "scripted")
    put(bench, "scripted", dialogues)
    bench.row("scripted: deciding one turn", sum(d["us"] for d in dialogues) / sum(len(d["replies"]) for d in dialogues),
              "us")
    if not os.environ.get("ANTHROPIC_API_KEY"):
        print("dialogues, claude: skipped, ANTHROPIC_API_KEY is not set")
        return
    dialogues = play(os.environ["LEADWIRE_BIN"], "claude")
    put(bench, "claude", dialogues)
    answers = [agent for d in dialogues for agent in d["agents"]]
    bench.row("claude: turns that the scripted agent had to answer", answers.count("scripted"), "turns")


class Printer:
    def table(self, title, rows):
        print("\n" + title)
        for row in rows:
            print("  " + "  ".join(f"{cell:<18}" for cell in row))

    def row(self, *cells):
        print(*cells)


def main():
    parser = argparse.ArgumentParser(description="Lists what is scored or read otherwise than it is labelled.")
    parser.add_argument("--half", choices=HALVES, default="development")
    parser.add_argument("--all", action="store_true", help="prints the tables instead")
    parser.add_argument("--agent", choices=["scripted", "claude"], default="scripted")
    parser.add_argument("--bin", required=True, help="the build's bin folder")
    args = parser.parse_args()
    dialogues = play(args.bin, args.agent)
    if args.all:
        put(Printer(), args.agent, dialogues)
        return
    for d in of(dialogues, args.half):
        wrong = [f"{name}: {slot['label']} is {slot['got']}" for name, slot in d["slots"].items()
                 if slot["outcome"] not in ("hit", "none")]
        if d["score"] != d["got_score"]:
            wrong.insert(0, f"{d['score']} is {d['got_score']}")
        wrong += [f"asked again: {slot}" for slot in d["asked_again"]]
        if d["escalates"] != d["got_escalated"]:
            wrong.append(f"escalated: {d['got_escalated']}")
        if wrong:
            print(f"{d['id']}: {'; '.join(wrong)}\n    " + "\n    ".join(d["replies"]))


if __name__ == "__main__":
    main()
