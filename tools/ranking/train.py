#!/usr/bin/env python3
"""Finds other biases and norms of the sentence model for what leads ask: models/all-MiniLM-L6-v2.questions.

What is stored keeps its vectors; only a question's vector changes. Run once, with the weights as tools/minilm/convert.py
unpacks them:

    python3 -m venv /tmp/ranking && /tmp/ranking/bin/pip install numpy scipy 'jax[cpu]' tokenizers
    /tmp/ranking/bin/python tools/ranking/train.py MODEL_FOLDER --fold 0     # proof: six trades left out, three folds
    /tmp/ranking/bin/python tools/ranking/train.py MODEL_FOLDER models/all-MiniLM-L6-v2.questions
"""

import argparse
import pathlib
import random

import jax
import jax.numpy as jnp
import numpy as np

import encoder
import sets

FOLDS = 3
ROOM = 24          # entries of a base, at most
TOKENS = 24        # of a question that are trained on
BATCH = 32
EPOCHS = 4
RATE = 3e-3
STAY = 0.5         # how much a vector is held where it was
LEFT_OUT = 0.5     # weight of: without its own entry a question finds nothing
OTHER_TRADE = 0.4  # weight of: in a base that it does not concern a question finds nothing
OUTSIDE = 1.3      # weight of a message out of scope; of a question 1
MISTYPED = 0.35    # share of the questions into which slips of the thumb are put
UNRELATED = 0.42   # below this cosine two entries are about different things


class Bases:
    """The stored side: vectors of all entries, which stay."""

    def __init__(self, model, trades):
        self.names, self.trades = list(trades), trades
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

    def concerns(self, name, j, other):
        """Whether an entry of one base is about something that the other base knows too."""
        i, o = self.names.index(name), self.names.index(other)
        return max((self.questions[o] @ self.questions[i, j]).max(), (self.answers[o] @ self.answers[i, j]).max()) >= UNRELATED


def messages(trades):
    """(trade, text, kind, the entry's place or ROOM)."""
    for name, trade in trades.items():
        for j, entry in enumerate(trade["entries"]):
            for asked in entry["asked"]:
                yield name, asked["text"], asked["kind"], j
        for message in trade["out_of_scope"]:
            yield name, message["text"], "X " + message["kind"], ROOM


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


def worth(head, q, questions, answers, missing):
    """For each entry, and last for "none of them", how much speaks for it."""
    share = jax.nn.sigmoid(4 * (head["share"] - 0.5))
    z = jnp.exp(head["scale"]) * ((1 - share) * jnp.einsum("nd,njd->nj", q, questions)
                                  + share * jnp.einsum("nd,njd->nj", q, answers)) + missing
    return jnp.concatenate([z, jnp.full((len(q), 1), jnp.exp(head["scale"]) * head["none"])], 1)


def make_loss(small):
    def loss(change, weights, embedded, mask, own, right, before, weight, other, other_weight):
        q = encoder.encode({k: small[k] + change["small"][k] for k in small}, weights, embedded, mask)
        z = worth(change["head"], q, *own)
        good = (right < ROOM).astype(jnp.float32)
        without = z - 1e9 * jax.nn.one_hot(right, ROOM + 1) * good[:, None]
        cost = -jax.nn.log_softmax(z)[jnp.arange(len(q)), right]
        cost += LEFT_OUT * good * -jax.nn.log_softmax(without)[:, ROOM]
        cost += OTHER_TRADE * other_weight * -jax.nn.log_softmax(worth(change["head"], q, *other))[:, ROOM]
        return (weight * cost).mean() + STAY * (1 - (q * before).sum(1)).mean()
    return jax.jit(jax.value_and_grad(loss))


@jax.jit
def adam(change, mean, square, gradient, step, rate):
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
    square = jax.tree.map(lambda s, g: 0.98 * s + 0.02 * g * g, square, gradient)
    change = jax.tree.map(lambda p, m, s: p - rate * (m / (1 - 0.9 ** step)) / (jnp.sqrt(s / (1 - 0.98 ** step)) + 1e-8),
                          change, mean, square)
    return change, mean, square


def train(model, bases, names):
    """Biases and norms, from the trades of these names alone."""
    rng = random.Random(0)
    asked = list(messages({name: bases.trades[name] for name in names}))
    before = model.embed([text for _, text, _, _ in asked])
    unconcerned = {(name, j): [o for o in names if o != name and not bases.concerns(name, j, o)]
                   for name in names for j in range(len(bases.trades[name]["entries"]))}
    change = {"small": {k: jnp.zeros_like(v) for k, v in model.small.items()},
              "head": {"scale": jnp.float32(np.log(14)), "share": jnp.float32(0.5), "none": jnp.float32(0.33)}}
    mean, square = (jax.tree.map(jnp.zeros_like, change) for _ in range(2))
    gradient, step, steps = make_loss(model.small), 0, EPOCHS * (len(asked) // BATCH)
    for epoch in range(EPOCHS):
        rng.shuffle(asked)
        total = 0
        for at in range(0, len(asked) - BATCH + 1, BATCH):
            step += 1
            some = asked[at:at + BATCH]
            texts = [slip(text, rng) if kind != "misspelt" and rng.random() < MISTYPED else text for _, text, kind, _ in some]
            others = [rng.choice(unconcerned.get((name, j)) or [None]) for name, _, _, j in some]
            own, other = ([bases.names.index(name or names[0]) for name in which] for which in ([m[0] for m in some], others))
            value, slope = gradient(
                change, model.weights, *model.padded(texts, TOKENS),
                (bases.questions[own], bases.answers[own], bases.missing[own]), np.array([m[3] for m in some]),
                np.stack([before[m[1]] for m in some]),
                np.array([OUTSIDE if m[3] == ROOM else 1 for m in some], np.float32),
                (bases.questions[other], bases.answers[other], bases.missing[other]),
                np.array([o is not None for o in others], np.float32))
            rate = RATE * min(step / 15, 1) * max(0.05, 1 - step / (steps + 1))
            change, mean, square = adam(change, mean, square, slope, step, rate)
            total += float(value)
        print(f"epoch {epoch}: loss {total / (len(asked) // BATCH):.3f}", flush=True)
    return {k: model.small[k] + change["small"][k] for k in model.small}


def left_out(trades, fold):
    """The names of the trades that a fold leaves out."""
    shuffled = random.Random(1).sample(list(trades), len(trades))
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
    parser.add_argument("file", type=pathlib.Path, nargs="?", help="the file to write")
    parser.add_argument("--fold", type=int, choices=range(FOLDS), help="leave these trades out and report on them")
    args = parser.parse_args()
    model = encoder.Model(args.model)
    bases = Bases(model, sets.read_all())
    out = left_out(bases.names, args.fold)
    small = train(model, bases, [name for name in bases.names if name not in out])
    if out:
        report(model, bases, out, model.small, "left-out trades, before")
        report(model, bases, out, small, "left-out trades, after")
    if args.file:
        args.file.write_bytes(encoder.questions_file(small))


if __name__ == "__main__":
    main()
