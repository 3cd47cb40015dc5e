#!/usr/bin/env python3
"""Measures retrieval on the labelled sets (tests/bench/knowledge/README.md): how many questions find their entry, by each
view alone and fused, and how many messages out of scope rightly find nothing.

Recall@N of one view: the entry is among the N best by that view's score; others of the same score count as better, and a
score of 0 as not found. Refused: nothing reaches the base's own threshold."""

import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
from cluster import Cluster  # noqa: E402
from knowledge_base import BUILT_IN, Searcher, add_faqs, make_base, make_client, wait_vectors  # noqa: E402

VIEWS = {"words": "word_score", "trigrams": "trigram_score", "vectors": "vector_score", "fused": "score"}
ENGLISH = ["home_services", "dental", "car_repair"]
# What is measured: name, sets, model.
SETUPS = {
    "built-in": ("English, built-in model", ENGLISH, BUILT_IN),
    "no-model": ("English, no model", ENGLISH, ""),
    "arabic": ("Arabic, no model", ["arabic"], ""),
    "spanish": ("Spanish, no model", ["spanish"], ""),
}
GOALS = {"recall@1": 0.80, "recall@3": 0.92, "out of scope refused": 0.80, "good refused": 0.08}


def read_set(name):
    with open(os.path.join(HERE, "knowledge", name + ".json"), encoding="utf-8") as f:
        return json.load(f)


def rank(passages, question, field):
    """The place by this score, from 1, of the FAQ with this question; None: not found."""
    own = max((p[field] for p in passages if p["title"] == question), default=0)
    if own <= 0:
        return None
    return 1 + sum(p[field] >= own for p in passages if p["title"] != question)


class Asked:
    """One message and what became of it. entry is None for one out of scope."""

    def __init__(self, business, split, kind, text, entry, passages, refused):
        self.business, self.split, self.kind, self.text, self.entry = business, split, kind, text, entry
        self.passages, self.refused = passages, refused
        self.ranks = {view: rank(passages, entry["question"], field) for view, field in VIEWS.items()} if entry else {}
        self.top = passages[0] if passages else None


def ask(searcher, client_id, text):
    """All passages with their scores, and whether the base's own threshold refuses them all."""
    all_passages = searcher.search(client_id, text, threshold=0, max_results=50)["passages"]
    return all_passages, not searcher.search(client_id, text, max_results=3)["passages"]


def ask_set(cluster, searcher, name, model):
    business = read_set(name)
    client_id = make_client(cluster, business["business"])
    kb_id = make_base(cluster, client_id, business["language"], model)
    tasks = add_faqs(cluster, kb_id, [{"question": e["question"], "answer": e["answer"]} for e in business["entries"]])
    wait_vectors(cluster, kb_id, tasks)
    asked = []
    for entry in business["entries"]:
        for question in entry["asked"]:
            asked.append(Asked(name, entry["split"], question["kind"], question["text"], entry,
                               *ask(searcher, client_id, question["text"])))
    for message in business["out_of_scope"]:
        asked.append(Asked(name, message["split"], "out of scope: " + message["kind"], message["text"], None,
                           *ask(searcher, client_id, message["text"])))
    return asked


def share(items, predicate):
    items = list(items)
    return sum(map(bool, map(predicate, items))) / len(items) if items else float("nan")


def recall(asked, view, n):
    return share(asked, lambda a: a.ranks[view] and a.ranks[view] <= n)


def figures(asked):
    good, outside = [a for a in asked if a.entry], [a for a in asked if not a.entry]
    return {"recall@1": recall(good, "fused", 1), "recall@3": recall(good, "fused", 3),
            "out of scope refused": share(outside, lambda a: a.refused), "good refused": share(good, lambda a: a.refused)}


def table(asked):
    """Rows of text: by half and kind, recall@1 and recall@3 of each view, and the share that was refused."""
    rows = [["half", "kind", "n"] + [f"{view} @{n}" for view in VIEWS for n in (1, 3)] + ["refused"]]
    for split in ("dev", "test"):
        half = [a for a in asked if a.split == split]
        for kind in list(dict.fromkeys(a.kind for a in half if a.entry)) + ["all questions"]:
            some = [a for a in half if a.entry and kind in (a.kind, "all questions")]
            rows.append([split, kind, str(len(some))] + [f"{recall(some, view, n):.3f}" for view in VIEWS for n in (1, 3)]
                        + [f"{share(some, lambda a: a.refused):.3f}"])
        for kind in sorted({a.kind for a in half if not a.entry}) + ["out of scope"]:
            some = [a for a in half if not a.entry and a.kind.startswith(kind)]
            rows.append([split, kind, str(len(some))] + [""] * 8 + [f"{share(some, lambda a: a.refused):.3f}"])
    return rows


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) if i < 2 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))))
    print()


def measure(bench, setups=None):
    """The headline figures are of the held-out half."""
    cluster = Cluster()
    searcher = Searcher(cluster)
    try:
        for name in setups or SETUPS:
            title, sets, model = SETUPS[name]
            asked = [a for one in sets for a in ask_set(cluster, searcher, one, model)]
            bench.table(f"{title}: what each view finds", table(asked))
            for figure, value in figures([a for a in asked if a.split == "test"]).items():
                goal, met = "", None
                if name == "built-in":
                    goal = GOALS[figure]
                    met = value <= goal if figure == "good refused" else value >= goal
                    goal = f"{'<=' if figure == 'good refused' else '>='} {goal:.2f}"
                bench.row(f"{title}: {figure}", value, "share", goal, met)
    finally:
        searcher.close()
        cluster.close()


# ---- tuning, on the development half alone ----

def scores(passage):
    return " ".join(f"{view} {passage[field]:.3f}" for view, field in VIEWS.items())


def print_misses(asked):
    for a in asked:
        if a.entry and (a.ranks["fused"] != 1 or a.refused):
            own = next((p for p in a.passages if p["title"] == a.entry["question"]), None)
            print(f"{a.entry['id']} {a.kind}: {a.text}\n    rank {a.ranks['fused']}{', refused' if a.refused else ''}; "
                  f"by view {a.ranks}\n    right: {a.entry['question']}  [{scores(own) if own else 'not found'}]")
            if a.top and a.ranks["fused"] != 1:
                print(f"    first: {a.top['title']}  [{scores(a.top)}]")
        elif not a.entry and not a.refused:
            print(f"{a.business} {a.kind}: {a.text}\n    first: {a.top['title']}  [{scores(a.top)}]")


def print_thresholds(asked):
    """What other thresholds would refuse, by the fused score of the first passage."""
    print("\nthreshold  out of scope refused  good refused  right and not refused")
    for step in range(40, 100, 5):
        threshold = step / 100
        below = lambda a: not a.top or a.top["score"] < threshold  # noqa: E731
        good, outside = [a for a in asked if a.entry], [a for a in asked if not a.entry]
        print(f"{threshold:9.2f}  {share(outside, below):20.3f}  {share(good, below):12.3f}  "
              f"{share(good, lambda a: not below(a) and a.ranks['fused'] == 1):21.3f}")


def tune(setups):
    cluster = Cluster()
    searcher = Searcher(cluster)
    try:
        for name in setups:
            title, sets, model = SETUPS[name]
            asked = [a for one in sets for a in ask_set(cluster, searcher, one, model) if a.split == "dev"]
            print(f"==== {title}, development half: misses")
            print_misses(asked)
            print()
            print_table([row for row in table(asked) if row[0] != "test"])
            for figure, value in figures(asked).items():
                print(f"{figure}: {value:.3f} (goal {GOALS[figure]:.2f})")
            print_thresholds(asked)
    finally:
        searcher.close()
        cluster.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog="LEADWIRE_BIN names the folder of the programs.")
    parser.add_argument("--dev", action="store_true", required=True,
                        help="print each miss of the development half, for tuning; scripts/bench reports both halves")
    parser.add_argument("setups", nargs="*", metavar="SETUP", help=", ".join(SETUPS) + " (default: all)")
    arguments = parser.parse_args()
    for name in arguments.setups:
        if name not in SETUPS:
            parser.error(f"unknown: {name}; there are {', '.join(SETUPS)}")
    tune(arguments.setups or SETUPS)


if __name__ == "__main__":
    main()
