#!/usr/bin/env python3
"""Finds what the views of a candidate weigh with the built-in model (services/knowledge/search/score.c): a logit for each
candidate, another for "none of them", so that the right entry, or none, is likely.

On trades that the question vectors were not trained on (train.py --fold), and cross-validated by trade. Words and trigrams are
measured through the API, as scripts/bench does; needs the built services and their database:

    LEADWIRE_BIN=$PWD/build/release/bin LEADWIRE_TEST_DATABASE_URL=$(scripts/postgres start) \\
        /tmp/ranking/bin/python tools/ranking/fit.py MODEL_FOLDER FOLD_0.questions
"""

import argparse
import os
import pathlib
import sys

import numpy as np
from scipy.optimize import minimize

import encoder
import sets
import train

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests/bench"), str(TOP / "tests/e2e")]
os.environ.setdefault("LEADWIRE_BIN", str(TOP / "build/release/bin"))
from cluster import Cluster  # noqa: E402
from knowledge_base import BUILT_IN, Searcher, add_faqs, make_base, make_client, wait_vectors  # noqa: E402

NAMES = ["asks", "says", "words squared", "alike"]
FROM = np.array([8.4, 5.6, 0, 1, 5])         # what regularisation pulls to, and where it begins; last: none
PULL = 0.001
KINDS = {"distant": 0.8, "short": 0.7}       # weight of a question; of the others 1
LEFT_OUT = 0.3                               # weight of: without its own entry a question finds nothing


def measure(trades):
    """For each message (trade, text, kind, right entry or None) the views of all entries: {question: (words, alike)}."""
    cluster = Cluster()
    searcher = Searcher(cluster)
    try:
        for name, trade in trades.items():
            client = make_client(cluster, name)
            base = make_base(cluster, client, trade["language"], BUILT_IN)
            entries = [{"question": e["question"], "answer": e["answer"]} for e in trade["entries"]]
            wait_vectors(cluster, base, add_faqs(cluster, base, entries))
            for _, text, kind, right in train.messages({name: trade}):
                passages = searcher.search(client, text, threshold=0, max_results=50)["passages"]
                yield name, text, kind, right, {p["title"]: (p["word_score"], p["trigram_score"]) for p in passages}
    finally:
        searcher.close()
        cluster.close()


def views(model, small, trades, measured):
    """[messages, ROOM, views]; an entry that was not found has none."""
    stored = model.embed([e[part] for t in trades.values() for e in t["entries"] for part in ("question", "answer")])
    asked = model.embed([m[1] for m in measured], small)
    x = np.zeros((len(measured), train.ROOM, len(NAMES)))
    missing = np.full((len(measured), train.ROOM + 1), -1e9)
    missing[:, -1] = 0
    for i, (name, text, _, _, found) in enumerate(measured):
        for j, entry in enumerate(trades[name]["entries"]):
            if entry["question"] in found:
                words, alike = found[entry["question"]]
                x[i, j] = asked[text] @ stored[entry["question"]], asked[text] @ stored[entry["answer"]], words ** 2, alike
                missing[i, j] = 0
    return x, missing


def cross_entropy(z, right):
    """(cost of each row, its gradient)."""
    e = np.exp(z - z.max(1, keepdims=True))
    share = e / e.sum(1, keepdims=True)
    rows = np.arange(len(z))
    cost = -np.log(share[rows, right] + 1e-12)
    share[rows, right] -= 1
    return cost, share


def fit(x, missing, right, weight):
    rows, good, none = np.arange(len(x)), right < train.ROOM, np.full(len(x), train.ROOM)

    def objective(w):
        z = np.concatenate([x @ w[:-1], np.full((len(x), 1), w[-1])], 1) + missing
        cost, slope = cross_entropy(z, right)
        without = z.copy()
        without[rows[good], right[good]] = -1e9
        more, more_slope = cross_entropy(without, none)
        total = weight * (cost + LEFT_OUT * good * more)
        slope = weight[:, None] * (slope + LEFT_OUT * good[:, None] * more_slope)
        pulled = np.append(w[:-1] - FROM[:-1], 0)
        gradient = np.append(np.einsum("ij,ijk->k", slope[:, :-1], x), slope[:, -1].sum())
        return total.mean() + PULL * pulled @ pulled, gradient / len(x) + 2 * PULL * pulled

    return minimize(objective, FROM, jac=True, method="L-BFGS-B").x


def report(logits, right, title):
    top, good = logits.max(1), right < train.ROOM
    own = logits[np.arange(len(logits)), np.minimum(right, train.ROOM - 1)]
    place = (logits >= own[:, None]).sum(1)[good]
    print(f"{title}: recall@1 {np.mean(place == 1):.3f}, recall@3 {np.mean(place <= 3):.3f}")
    print("logit  as share  out of scope refused  good refused")
    for step in range(-20, 1, 2):
        refused = top < step / 10
        print(f"{step / 10:5.1f}  {1 / (1 + np.exp(-step / 10)):8.3f}  {refused[~good].mean():20.3f}  {refused[good].mean():12.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, help="folder with model.safetensors and tokenizer.json")
    parser.add_argument("file", type=pathlib.Path, help="question vectors of a fold: train.py --fold")
    parser.add_argument("--fold", type=int, default=0)
    args = parser.parse_args()
    model = encoder.Model(args.model)
    every = sets.read_all()
    trades = {name: every[name] for name in train.left_out(every, args.fold)}
    measured = list(measure(trades))
    x, missing = views(model, encoder.read_questions(args.file.read_bytes(), model.small), trades, measured)
    right = np.array([m[3] for m in measured])
    found = missing[np.arange(len(right)), right] == 0
    weight = np.array([KINDS.get(m[2], 1) for m in measured]) * found
    names, logits = list(trades), np.zeros(missing[:, :-1].shape)
    for part in range(3):
        inside = np.array([names.index(m[0]) % 3 == part for m in measured])
        w = fit(x[~inside], missing[~inside], right[~inside], weight[~inside])
        logits[inside] = x[inside] @ w[:-1] - w[-1] + missing[inside, :-1]
    report(logits, right, "left-out trades")
    w = fit(x, missing, right, weight)
    print(", ".join(f"{name} {value:.2f}" for name, value in zip(NAMES + ["none"], w)))


if __name__ == "__main__":
    main()
