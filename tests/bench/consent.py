#!/usr/bin/env python3
"""Measures who is taken to have opted out, on the labelled messages of tests/bench/consent (README.md there).

Recall: the share of texts with a label that are read as it. Precision: the share of texts read as "out" that are."""

import argparse
import collections
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
LANGUAGES = ["english", "spanish", "arabic"]
UNSEEN = "unseen"
LABELS = ["out", "in", "help", "none"]


def read_all(binaries):
    """One dictionary per message: set, language, label, form, half, text, read, ns."""
    files = [os.path.join(HERE, "consent", name + ".json") for name in [*LANGUAGES, UNSEEN]]
    lines = subprocess.run([os.path.join(binaries, "leadwire-bench-consent"), *files], check=True,
                           stdout=subprocess.PIPE, encoding="utf-8").stdout.splitlines()
    read = [json.loads(line) for line in lines]
    for message in read:
        message["set"] = os.path.splitext(os.path.basename(message["file"]))[0]
        message["of"] = message["set"]
        if message["set"] == UNSEEN:  # by label, then by language: all of it free wording
            message["of"], message["form"] = message["form"], "wording"
    return read


def share(part, whole):
    return f"{part / whole:.3f} ({part}/{whole})" if whole else "-"


def recall(messages, label, form):
    asked = [m for m in messages if m["label"] == label and m["form"] == form]
    return share(sum(m["read"] == label for m in asked), len(asked))


def precision(messages):
    read = [m for m in messages if m["read"] == "out"]
    return share(sum(m["label"] == "out" for m in read), len(read))


def by_language(messages, name):
    """Of the languages' own sets, or (name: UNSEEN) of the messages written without a look at rules and sets."""
    rows = [["language", "half", "keywords, recall", "wording, recall", "precision", "in, recall", "help, recall"]]
    for language in LANGUAGES:
        for half in ["development", "held-out"]:
            of = [m for m in messages if m["of"] == language and m["half"] == half and (m["set"] == UNSEEN) == (name == UNSEEN)]
            asked_in = [m for m in of if m["label"] == "in"]
            rows.append([language, half, recall(of, "out", "keyword"), recall(of, "out", "wording"), precision(of),
                         share(sum(m["read"] == "in" for m in asked_in), len(asked_in)), recall(of, "help", "keyword")])
    return rows


def confusion(messages):
    counts = collections.Counter((m["label"], m["read"]) for m in messages if m["half"] == "held-out")
    return [["label", "", *("read " + label for label in LABELS)]] + [
        [label, "", *(str(counts[label, read]) for read in LABELS)] for label in LABELS]


def measure(bench):
    messages = read_all(os.environ["LEADWIRE_BIN"])
    bench.table("Opting out, on the labelled messages", by_language(messages, ""))
    bench.table("Opting out, on unseen.json", by_language(messages, UNSEEN))
    bench.table("The held-out half: how many of each label are read as what", confusion(messages))
    held_out = [m for m in messages if m["half"] == "held-out"]
    keywords = [m for m in messages if m["label"] == "out" and m["form"] == "keyword"]
    wording = [m for m in held_out if m["label"] == "out" and m["form"] == "wording"]
    found = sum(m["read"] == "out" for m in keywords) / len(keywords)
    bench.row("opt-out keywords found", found, "share", ">= 1", found >= 1)
    unseen = [m for m in wording if m["set"] == UNSEEN]
    bench.row("opting out in free wording found, unseen.json, held-out", sum(m["read"] == "out" for m in unseen) / len(unseen),
              "share")
    bench.row("opting out in free wording found, held-out", sum(m["read"] == "out" for m in wording) / len(wording), "share")
    taken = [m for m in held_out if m["read"] == "out"]
    bench.row("of those taken to opt out, those who do, held-out", sum(m["label"] == "out" for m in taken) / len(taken),
              "share")
    times = sorted(m["ns"] for m in messages)
    bench.row("time for one text, p50", times[len(times) // 2] / 1000, "us")
    bench.row("time for one text, the longest", times[-1] / 1000, "us")


def main():
    parser = argparse.ArgumentParser(description="Lists what is read otherwise than it is labelled.")
    parser.add_argument("--half", choices=["development", "held-out"], default="development")
    parser.add_argument("--bin", required=True, help="the build's bin folder")
    args = parser.parse_args()
    for message in read_all(args.bin):
        if message["half"] == args.half and message["label"] != message["read"]:
            print(f"{message['set']}: {message['label']} read as {message['read']}: {message['text']}")


if __name__ == "__main__":
    main()
