"""Measures from how many vectors of a client an HNSW index is worth it: the same searches, exact and by index, for growing
clients. Queries have no word that a text has, so that what differs is the search of vectors. Between the two the knowledge
service is started anew with another LEADWIRE_HNSW_MIN_VECTORS, and each base is given one FAQ more, upon which the choice is
made again."""

import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
from cluster import Cluster, wait_for  # noqa: E402
from knowledge_base import BUILT_IN, add_faqs, wait_vectors  # noqa: E402
from knowledge_corpus import Corpus  # noqa: E402
from knowledge_search import MODEL, cpu_seconds, fill, make_pool, make_vectors, run_load, use_model, write_bodies  # noqa: E402

SIZES = [250, 500, 1000, 2000, 4000, 8000]  # vectors of a client; an FAQ has two
MODELS = [(BUILT_IN, 384), (MODEL, 1536)]
QUERIES = 40
NEVER = 0  # as the setting says it


def choose(cluster, clients, corpus, min_vectors):
    """Starts the knowledge service with this setting and waits until all clients are searched as it says."""
    cluster.kill("knowledge", signal.SIGTERM)
    cluster.start("knowledge", LEADWIRE_HNSW_MIN_VECTORS=str(min_vectors))
    cluster.wait_ready()
    want = "exact" if min_vectors == NEVER else "hnsw"
    for client_id, kb_id, _ in clients:
        more = corpus.sentence(12, 0)
        wait_vectors(cluster, kb_id, add_faqs(cluster, kb_id, [{"question": more + "?", "answer": more + "."}]))
    for _, kb_id, _ in clients:
        wait_for(f"the client to be searched by {want}", lambda: cluster.api(
            "GET", f"/knowledge/bases/{kb_id}/stats").json["search"] == want, 300, 0.2)
    wait_for("the tasks to be done", lambda: cluster.sql("SELECT count(*) FROM tasks") == "0", 300, 0.2)
    cluster.sql("VACUUM ANALYZE")


def measure_one(cluster, client_id, seconds):
    """p50 in ms, and CPU of knowledge and PostgreSQL in ms a search, over one connection."""
    queries = [(f"zqx{place}k vwq{place}j", None) for place in range(QUERIES)]
    file = write_bodies(cluster, "breakeven.bodies", client_id, queries)
    run_load(cluster, file, 1, 0)
    before = cpu_seconds(cluster)
    result = run_load(cluster, file, 1, seconds)
    after = cpu_seconds(cluster)
    used = sum(after[name] - before[name] for name in ("knowledge", "postgres"))
    return result["p50_ms"], used * 1000 / result["requests"]


def measure_model(bench, model, dimensions):
    corpus = Corpus()
    cluster = Cluster(OPENAI_API_KEY="sk-bench", LEADWIRE_HNSW_MIN_VECTORS=str(NEVER), LEADWIRE_KNOWLEDGE_COPY_MB="0")
    try:
        clients = [fill(cluster, corpus, n // 2) for n in SIZES]
        make_pool(cluster, dimensions)
        make_vectors(cluster, corpus, clients, model)
        use_model(cluster, clients, model)
        seconds = max(1, bench.seconds / 10)
        found = {}
        for how, min_vectors in (("exact", NEVER), ("hnsw", 1)):
            choose(cluster, clients, corpus, min_vectors)
            found[how] = [measure_one(cluster, client_id, seconds) for client_id, _, _ in clients]
    finally:
        cluster.close()
    return [[str(dimensions), str(n)] + [f"{value:.2f}" for how in ("exact", "hnsw") for value in found[how][i]]
            for i, n in enumerate(SIZES)]


def measure(bench):
    rows = [["dimensions", "vectors", "exact p50 ms", "exact CPU ms", "HNSW p50 ms", "HNSW CPU ms"]]
    for model, dimensions in MODELS:
        rows += measure_model(bench, model, dimensions)
    bench.table("Exact search against an HNSW index, one connection; CPU is that of knowledge and PostgreSQL a search", rows)
