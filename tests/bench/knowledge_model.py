"""Measures the built-in model: on one core by leadwire-bench-model, and what memory it takes within the service."""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
from cluster import BIN, TOP, Cluster  # noqa: E402
from knowledge_base import BUILT_IN, Searcher, add_faqs, make_base, make_client, wait_vectors  # noqa: E402
from knowledge_corpus import Corpus  # noqa: E402

MIB = 1024
MODEL_FILE = os.path.join(TOP, "models", BUILT_IN + ".model")


def memory_kib(pid, field, file_end=""):
    """Of a process, or of what it has mapped of the files whose name ends so."""
    total, counts = 0, not file_end
    with open(f"/proc/{pid}/smaps") as f:
        for line in f:
            if not line[0].isupper():
                counts = line.rstrip("\n").endswith(file_end)
            elif counts and line.startswith(field + ":"):
                total += int(line.split()[1])
    return total


def measure_speed(bench):
    done = subprocess.run([os.path.join(BIN, "leadwire-bench-model"), MODEL_FILE], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stderr.strip())
    kernels = json.loads(done.stdout)["kernels"]
    for i, kernel in enumerate(kernels):
        name = kernel["kernels"]
        ms = kernel["question_ms"]
        bench.row(f"built-in model, question of 12 words, {name}", ms, "ms CPU", "<= 12" if i == 0 else "",
                  ms <= 12 if i == 0 else None)
    best = kernels[0]
    rate = 1000 / best["question_ms"]
    bench.row("built-in model, questions on one core", rate, "/s", ">= 100", rate >= 100)
    bench.row("built-in model, FAQ entries together on one core", best["faq_entries_together_per_s"], "/s")
    bench.row("built-in model, the longest text that it reads", best["longest_text_ms"], "ms CPU")


def use(cluster, corpus):
    """Each worker embeds: 200 FAQs and 50 new questions."""
    client_id = make_client(cluster, "Model")
    kb_id = make_base(cluster, client_id, model=BUILT_IN)
    faqs = corpus.faqs(200)
    wait_vectors(cluster, kb_id, add_faqs(cluster, kb_id, [faq.entry for faq in faqs]))
    searcher = Searcher(cluster)
    for text, _ in corpus.queries(faqs, 50):
        if not searcher.search(client_id, text)["vectors_used"]:
            raise AssertionError("a query was searched without its vector")
    searcher.close()


def measure_memory(bench):
    """With a second process, which shares the file's pages with the first."""
    size = os.path.getsize(MODEL_FILE) / 1e6
    bench.row("built-in model, its file", size, "MB", "< 26", size < 26)
    cluster = Cluster()
    try:
        cluster.start("knowledge#2")
        pid = cluster.processes["knowledge"].pid
        bench.row("PSS knowledge, before a model was used", memory_kib(pid, "Pss") / MIB, "MiB")
        use(cluster, Corpus(made_words=False))
        pids = [cluster.processes[name].pid for name in ("knowledge", "knowledge#2")]
        bench.row("PSS knowledge, after", memory_kib(pid, "Pss") / MIB, "MiB")
        file_end = BUILT_IN + ".model"
        bench.row("  of it the model's file, shared by two processes", memory_kib(pid, "Pss", file_end) / MIB, "MiB")
        bench.row("  the file in memory, both processes", sum(memory_kib(p, "Pss", file_end) for p in pids) / MIB, "MiB",
                  "< 24.8 (26 MB)", sum(memory_kib(p, "Pss", file_end) for p in pids) / MIB < 24.8)
        copied = max(memory_kib(p, "Private_Dirty", file_end) for p in pids)
        bench.row("  of the file copied by a process", copied, "KiB", "0", copied == 0)
    finally:
        cluster.close()


def measure(bench):
    measure_speed(bench)
    measure_memory(bench)
