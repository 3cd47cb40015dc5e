"""The training set (data/, one file a trade): what a business knows and what its leads write.

A line is a letter, a space and a text: Q and A begin an entry; behind them what asks for it: o as most would ask, d the
situation, with hardly a word of the entry, m misspelt, s as short as a telegram. X is a message that no entry answers, with its
kind: near (of the same trade), other, smalltalk, job, spam."""

import pathlib

DATA = pathlib.Path(__file__).parent / "data"
ROOM = 24  # entries of a base, at most
KINDS = {"o": "ordinary", "d": "distant", "m": "misspelt", "s": "short"}


def read(path):
    """The same form as tests/bench/knowledge has."""
    entries, out_of_scope = [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        letter, text = line.split(" ", 1)
        if letter == "Q":
            entries.append({"question": text, "asked": []})
        elif letter == "A":
            entries[-1]["answer"] = text
        elif letter == "X":
            kind, text = text.split(" ", 1)
            out_of_scope.append({"kind": kind, "text": text})
        else:
            entries[-1]["asked"].append({"kind": KINDS[letter], "text": text})
    return {"business": path.stem, "language": "english", "entries": entries, "out_of_scope": out_of_scope}


def read_all():
    return {path.stem: read(path) for path in sorted(DATA.glob("*.txt"))}


def messages(trades):
    """(trade, text, kind, the entry's place or ROOM)."""
    for name, trade in trades.items():
        for j, entry in enumerate(trade["entries"]):
            for asked in entry["asked"]:
                yield name, asked["text"], asked["kind"], j
        for message in trade["out_of_scope"]:
            yield name, message["text"], "X " + message["kind"], ROOM
