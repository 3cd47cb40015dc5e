#!/usr/bin/env python3
"""Measures what the words and the trigrams of each message of the training set say for each entry of its trade, through the
API as scripts/bench does, for train.py and fit.py. Needs the built services and their database:

    LEADWIRE_BIN=$PWD/build/release/bin LEADWIRE_TEST_DATABASE_URL=$(scripts/postgres start) \\
        python3 tools/ranking/measure.py VIEWS.json

The file: {trade: {message: {question of an entry: [words, trigrams]}}}; an entry that was not found is left out."""

import json
import os
import pathlib
import sys

import sets

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests/bench"), str(TOP / "tests/e2e")]
os.environ.setdefault("LEADWIRE_BIN", str(TOP / "build/release/bin"))
from cluster import Cluster  # noqa: E402
from knowledge_base import BUILT_IN, Searcher, add_faqs, make_base, make_client, wait_vectors  # noqa: E402


def measure(cluster, searcher, name, trade):
    client = make_client(cluster, name)
    base = make_base(cluster, client, trade["language"], BUILT_IN)
    entries = [{"question": e["question"], "answer": e["answer"]} for e in trade["entries"]]
    wait_vectors(cluster, base, add_faqs(cluster, base, entries))
    found = {}
    for _, text, _, _ in sets.messages({name: trade}):
        passages = searcher.search(client, text, threshold=0, max_results=50)["passages"]
        found[text] = {p["title"]: (p["word_score"], p["trigram_score"]) for p in passages}
    return found


def main():
    cluster = Cluster()
    searcher = Searcher(cluster)
    try:
        found = {name: measure(cluster, searcher, name, trade) for name, trade in sets.read_all().items()}
    finally:
        searcher.close()
        cluster.close()
    pathlib.Path(sys.argv[1]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
