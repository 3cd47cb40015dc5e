#!/usr/bin/env python3
"""Finds other biases and norms, and adapters, of the sentence model for what leads ask: models/all-MiniLM-L6-v2.questions.

What is stored keeps its vectors; only a question's vector changes. Run once, with the weights as tools/minilm/convert.py
unpacks them, and what measure.py has measured:

    python3 -m venv /tmp/ranking && /tmp/ranking/bin/pip install numpy scipy 'jax[cpu]' tokenizers
    /tmp/ranking/bin/python tools/ranking/train.py MODEL_FOLDER VIEWS.json FOLD_0.questions --fold 0   # proof: a quarter left out
    /tmp/ranking/bin/python tools/ranking/train.py MODEL_FOLDER VIEWS.json models/all-MiniLM-L6-v2.questions
"""

import argparse
import json
import pathlib
import random

import jax
import jax.numpy as jnp
import numpy as np

import encoder
import sets
from sets import ROOM, messages

FOLDS = 4
TRAININGS = 2      # whose mean is kept
BATCH = 32
EPOCHS = 4
RATE = 3e-3
HEAD_RATE = 0.03
STAY = 0.1         # how much a vector is held where it was
LEFT_OUT = 0.5     # weight of: without its own entry a question finds nothing
OTHER_TRADE = 0.4  # weight of: in a base that it does not concern a question finds nothing
OUTSIDE = 1.3      # weight of a message out of scope; of a question 1
MISTYPED = 0.35    # share of the questions into which slips of the thumb are put
UNRELATED = 0.42   # below this cosine two entries are about different things
HEAD = [8.4, 6.6, 3.7, 0.7, 5.7]  # what the views weigh at the beginning, and "none": as fit.py has them


class Bases:
    """The stored side: vectors of all entries, which stay."""

    def __init__(self, model, trades, measured):
        """measured: what measure.py has written."""
        self.names, self.trades, self.measured = list(trades), trades, measured
        shape = (len(trades), ROOM, encoder.HIDDEN)
        self.questions, self.answers = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.missing = np.full(shape[:2], -1e9, np.float32)
        self.place = {}
        vectors = model.embed([e[part] for t in trades.values() for e in t["entries"] for part in ("question", "answer")])
        for i, name in enumerate(self.names):
            for j, entry in enumerate(trades[name]["entries"]):
                self.questions[i, j], self.answers[i, j] = vectors[entry["question"]], vectors[entry["answer"]]
                self.missing[i, j] = 0
                self.place[name, entry["question"]] = j

    def words(self, name, text):
        """Of each entry: the words' score squared, that of the trigrams."""
        found = self.measured[name].get(text, {})
        views = [found.get(e["question"], (0, 0)) for e in self.trades[name]["entries"]]
        return np.array([(w * w, alike) for w, alike in views] + [(0, 0)] * (ROOM - len(views)), np.float32)

    def concerns(self, name, j, other):
        """Whether an entry of one base is about something that the other base knows too."""
        i, o = self.names.index(name), self.names.index(other)
        return max((self.questions[o] @ self.questions[i, j]).max(), (self.answers[o] @ self.answers[i, j]).max()) >= UNRELATED


def slip(text, rng):
    """The text with one to three letters exchanged, lost, doubled or wrong."""
    letters = list(text)
    for _ in range(1 + (len(text) > 15) + (len(text) > 35)):
        if len(letters) < 5:
            break
        i, kind = rng.randrange(1, len(letters) - 1), rng.random()
        if letters[i] == " ":
            continue
        if kind < 0.3:
            letters[i], letters[i + 1] = letters[i + 1], letters[i]
        elif kind < 0.6:
            del letters[i]
        elif kind < 0.8:
            letters.insert(i, letters[i])
        else:
            letters[i] = rng.choice("aeioustrn")
    return "".join(letters)


def worth(head, q, questions, answers, missing, words):
    """For each entry, and last for "none of them", how much speaks for it."""
    z = head[0] * jnp.einsum("nd,njd->nj", q, questions) + head[1] * jnp.einsum("nd,njd->nj", q, answers) + words @ head[2:4]
    return jnp.concatenate([z + missing, jnp.full((len(q), 1), head[4])], 1)


def make_loss():
    def loss(change, weights, embedded, mask, own, right, before, weight, other, other_weight):
        q = encoder.encode(change["small"], weights, embedded, mask)
        z = worth(change["head"], q, *own)
        good = (right < ROOM).astype(jnp.float32)
        without = z - 1e9 * jax.nn.one_hot(right, ROOM + 1) * good[:, None]
        cost = -jax.nn.log_softmax(z)[jnp.arange(len(q)), right]
        cost += LEFT_OUT * good * -jax.nn.log_softmax(without)[:, ROOM]
        cost += OTHER_TRADE * other_weight * -jax.nn.log_softmax(worth(change["head"], q, *other))[:, ROOM]
        return (weight * cost).mean() + STAY * (1 - (q * before).sum(1)).mean()
    return jax.jit(jax.value_and_grad(loss))


@jax.jit
def adam(change, mean, square, gradient, step, share):
    rates = {"small": jax.tree.map(lambda _: RATE, change["small"]), "head": HEAD_RATE}
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
    square = jax.tree.map(lambda s, g: 0.98 * s + 0.02 * g * g, square, gradient)
    change = jax.tree.map(lambda p, m, s, r: p - share * r * (m / (1 - 0.9 ** step)) / (jnp.sqrt(s / (1 - 0.98 ** step)) + 1e-8),
                          change, mean, square, rates)
    return change, mean, square


def with_adapters(small):
    """The model's own, and adapters that add nothing yet; the same ones in each training, so that a mean of them is one."""
    made, key = dict(small), jax.random.PRNGKey(0)
    for i in range(encoder.LAYERS):
        for name in encoder.ADAPTED:
            key, part = jax.random.split(key)
            made[f"{i}.{name}.down"] = 0.02 * jax.random.normal(part, (encoder.HIDDEN, encoder.RANK))
            made[f"{i}.{name}.up"] = jnp.zeros((encoder.RANK, encoder.HIDDEN))
    return made


def in_batches(model, asked, rng):
    """Texts of about the same length together, in pools of eight batches."""
    rng.shuffle(asked)
    batches = []
    for at in range(0, len(asked), 8 * BATCH):
        pool = sorted(asked[at:at + 8 * BATCH], key=lambda m: len(model.tokenizer.encode(m[1]).ids))
        batches += [pool[i:i + BATCH] for i in range(0, len(pool) - BATCH + 1, BATCH)]
    rng.shuffle(batches)
    return batches


def train(model, bases, names, seed):
    """Biases, norms and adapters, from the trades of these names alone."""
    rng = random.Random(seed)
    asked = list(messages({name: bases.trades[name] for name in names}))
    before = model.embed([text for _, text, _, _ in asked])
    unconcerned = {(name, j): [o for o in names if o != name and not bases.concerns(name, j, o)]
                   for name in names for j in range(len(bases.trades[name]["entries"]))}
    change = {"small": with_adapters(model.small), "head": jnp.array(HEAD)}
    mean, square = (jax.tree.map(jnp.zeros_like, change) for _ in range(2))
    gradient, step, steps = make_loss(), 0, EPOCHS * (len(asked) // BATCH)
    nothing = np.zeros((BATCH, ROOM, 2), np.float32)
    for epoch in range(EPOCHS):
        total = 0
        for some in in_batches(model, asked, rng):
            step += 1
            texts = [slip(text, rng) if kind != "misspelt" and rng.random() < MISTYPED else text for _, text, kind, _ in some]
            others = [rng.choice(unconcerned.get((name, j)) or [None]) for name, _, _, j in some]
            own, other = ([bases.names.index(name or names[0]) for name in which] for which in ([m[0] for m in some], others))
            value, slope = gradient(
                change, model.weights, *model.padded(texts),
                (bases.questions[own], bases.answers[own], bases.missing[own],
                 np.stack([bases.words(name, text) for name, text, _, _ in some])),
                np.array([m[3] for m in some]), np.stack([before[m[1]] for m in some]),
                np.array([OUTSIDE if m[3] == ROOM else 1 for m in some], np.float32),
                (bases.questions[other], bases.answers[other], bases.missing[other], nothing),
                np.array([o is not None for o in others], np.float32))
            share = min(step / 30, 1) * max(0.03, 1 - step / (steps + 1))
            change, mean, square = adam(change, mean, square, slope, step, share)
            total += float(value)
        print(f"epoch {epoch}: loss {total / (len(asked) // BATCH):.3f}", flush=True)
    return change["small"]


def mean_of(trainings):
    """Of biases and norms the mean; of adapters that of their products, of which the largest RANK directions are kept."""
    made = {}
    for name in trainings[0]:
        if name.endswith(".down"):
            up = name.removesuffix("down") + "up"
            u, s, v = np.linalg.svd(sum(np.asarray(t[name]) @ np.asarray(t[up]) for t in trainings) / len(trainings))
            root = np.sqrt(s[:encoder.RANK])
            made[name], made[up] = u[:, :encoder.RANK] * root, root[:, None] * v[:encoder.RANK]
        elif not name.endswith(".up"):
            made[name] = sum(np.asarray(t[name]) for t in trainings) / len(trainings)
    return {name: jnp.asarray(value) for name, value in made.items()}


def left_out(trades, fold):
    """The names of the trades that a fold leaves out."""
    shuffled = random.Random(1).sample(sorted(trades), len(trades))
    return [name for i, name in enumerate(shuffled) if i % FOLDS == fold]


def report(model, bases, names, small, title):
    """On these trades, by the mean cosine of question and answer."""
    asked = list(messages({name: bases.trades[name] for name in names}))
    vectors = model.embed([text for _, text, _, _ in asked], small)
    first = three = questions = 0
    top = {True: [], False: []}
    for name, text, _, right in asked:
        i = bases.names.index(name)
        scores = (bases.questions[i] + bases.answers[i]) @ vectors[text] / 2 + bases.missing[i]
        top[right < ROOM].append(scores.max())
        if right < ROOM:
            place = (scores >= scores[right]).sum()
            questions, first, three = questions + 1, first + (place == 1), three + (place <= 3)
    enough = np.quantile(top[False], 0.8)
    print(f"{title}: recall@1 {first / questions:.3f}, recall@3 {three / questions:.3f}; where 0.80 of the messages out of scope "
          f"are refused, {np.mean(np.array(top[True]) <= enough):.3f} of the questions are")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, help="folder with model.safetensors and tokenizer.json")
    parser.add_argument("views", type=pathlib.Path, help="what measure.py has written")
    parser.add_argument("file", type=pathlib.Path, nargs="?", help="the file to write")
    parser.add_argument("--fold", type=int, choices=range(FOLDS), help="leave these trades out and report on them")
    args = parser.parse_args()
    model = encoder.Model(args.model)
    bases = Bases(model, sets.read_all(), json.loads(args.views.read_text(encoding="utf-8")))
    out = left_out(bases.names, args.fold)
    inside = [name for name in bases.names if name not in out]
    small = mean_of([train(model, bases, inside, seed) for seed in range(TRAININGS)])
    if out:
        report(model, bases, out, model.small, "left-out trades, before")
        report(model, bases, out, small, "left-out trades, after")
    if args.file:
        args.file.write_bytes(encoder.questions_file(small))


if __name__ == "__main__":
    main()
