#!/usr/bin/env python3
"""Finds what the views of a candidate weigh with the built-in model (services/knowledge/search/score.c): a logit for each
candidate, another for "none of them", so that the right entry, or none, is likely.

On trades that the question vectors were not trained on (train.py --fold), and cross-validated by trade:

    /tmp/ranking/bin/python tools/ranking/fit.py MODEL_FOLDER VIEWS.json FOLD_0.questions
"""

import argparse
import json
import pathlib

import numpy as np
from scipy.optimize import minimize

import encoder
import sets
import train
from sets import ROOM

NAMES = ["asks", "says", "words squared", "alike"]
PULL = 0.0001                                # to 0: the left-out trades are many enough
KINDS = {"distant": 0.5, "short": 0.3, "X smalltalk": 1.3, "X spam": 1.3}  # weight of a message; of the others 1
LEFT_OUT = 0.3                               # weight of: without its own entry a question finds nothing


def views(model, small, bases, asked):
    """[messages, ROOM, views], and what an entry that is not there loses."""
    vectors = model.embed([m[1] for m in asked], small)
    x, missing = np.zeros((len(asked), ROOM, len(NAMES))), np.zeros((len(asked), ROOM + 1))
    for i, (name, text, _, _) in enumerate(asked):
        base = bases.names.index(name)
        x[i, :, 0], x[i, :, 1] = bases.questions[base] @ vectors[text], bases.answers[base] @ vectors[text]
        x[i, :, 2:] = bases.words(name, text)
        missing[i, :ROOM] = bases.missing[base]
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
    rows, good, none = np.arange(len(x)), right < ROOM, np.full(len(x), ROOM)

    def objective(w):
        z = np.concatenate([x @ w[:-1], np.full((len(x), 1), w[-1])], 1) + missing
        cost, slope = cross_entropy(z, right)
        without = z.copy()
        without[rows[good], right[good]] = -1e9
        more, more_slope = cross_entropy(without, none)
        total = weight * (cost + LEFT_OUT * good * more)
        slope = weight[:, None] * (slope + LEFT_OUT * good[:, None] * more_slope)
        pulled = np.append(w[:-1], 0)
        gradient = np.append(np.einsum("ij,ijk->k", slope[:, :-1], x), slope[:, -1].sum())
        return total.mean() + PULL * pulled @ pulled, gradient / len(x) + 2 * PULL * pulled

    return minimize(objective, np.zeros(x.shape[2] + 1), jac=True, method="L-BFGS-B").x


def report(logits, right, title):
    top, good = logits.max(1), right < ROOM
    own = logits[np.arange(len(logits)), np.minimum(right, ROOM - 1)]
    place = (logits >= own[:, None]).sum(1)[good]
    print(f"{title}: recall@1 {np.mean(place == 1):.3f}, recall@3 {np.mean(place <= 3):.3f}")
    print("logit  as share  out of scope refused  good refused")
    for step in range(-20, 1, 2):
        refused = top < step / 10
        print(f"{step / 10:5.1f}  {1 / (1 + np.exp(-step / 10)):8.3f}  {refused[~good].mean():20.3f}  {refused[good].mean():12.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, help="folder with model.safetensors and tokenizer.json")
    parser.add_argument("views", type=pathlib.Path, help="what measure.py has written")
    parser.add_argument("file", type=pathlib.Path, help="question vectors of a fold: train.py --fold")
    parser.add_argument("--fold", type=int, default=0)
    args = parser.parse_args()
    model = encoder.Model(args.model)
    every = sets.read_all()
    names = train.left_out(every, args.fold)
    bases = train.Bases(model, {name: every[name] for name in names}, json.loads(args.views.read_text(encoding="utf-8")))
    asked = list(sets.messages(bases.trades))
    x, missing = views(model, encoder.read_questions(args.file.read_bytes(), model.small), bases, asked)
    right = np.array([m[3] for m in asked])
    weight = np.array([KINDS.get(m[2], 1) for m in asked])
    logits = np.zeros(missing[:, :-1].shape)
    for part in range(3):
        inside = np.array([names.index(m[0]) % 3 == part for m in asked])
        w = fit(x[~inside], missing[~inside], right[~inside], weight[~inside])
        logits[inside] = x[inside] @ w[:-1] - w[-1] + missing[inside, :-1]
    report(logits, right, "left-out trades")
    w = fit(x, missing, right, weight)
    print(", ".join(f"{name} {value:.2f}" for name, value in zip(NAMES + ["none"], w)))


if __name__ == "__main__":
    main()
