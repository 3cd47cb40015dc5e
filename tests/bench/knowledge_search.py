"""Measures search through the API: 10,000 chunks of one client among 100,000 in all, 1,536 dimensions.

Texts go in through the API. Vectors are made here, in clusters: each is the sum of its topic's vector, twice, its FAQ's and
two of noise, so that two texts of an FAQ have a cosine of about 0.7, of a topic 0.55, others 0. The queries' vectors are those
of the text that they are about, with noise (cosine 0.9); the sandbox is told them. They are asked once before the clock starts:
what is measured is search and not the embedding of queries."""

import base64
import hashlib
import json
import os
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
from cluster import BIN, Cluster, psql, wait_for  # noqa: E402
from knowledge_base import Searcher, add_faqs, make_base, make_client, wait_vectors  # noqa: E402
from knowledge_corpus import TOPICS, Corpus  # noqa: E402

MODEL, DIMENSIONS = "text-embedding-3-small", 1536
# FAQs of each client; an FAQ has two chunks. 100,000 chunks in all.
LARGE, SMALL = 5000, 20
OTHERS = [2500] * 9 + [100] * 220 + [SMALL] * 24
QUERIES, SMALL_QUERIES = 500, 50
POOL = 4000  # vectors of which all others are sums
TICK = os.sysconf("SC_CLK_TCK")


# ---- the data ----

def fill(cluster, corpus, n):
    """A client with n FAQs, without vectors yet."""
    client_id = make_client(cluster, f"Business of {n}")
    kb_id = make_base(cluster, client_id)
    faqs = corpus.faqs(n)
    add_faqs(cluster, kb_id, [faq.entry for faq in faqs])
    return client_id, kb_id, faqs


def make_pool(cluster, dimensions):
    """4,000 vectors of about equal length; the first ones are the topics'."""
    cluster.sql(f"""
        CREATE TABLE bench_pool AS
        SELECT i, (SELECT array_agg(random() - 0.5) FROM generate_series(1, {dimensions} + 0 * i))::vector AS v
          FROM generate_series(0, {POOL - 1}) AS i;
        CREATE UNIQUE INDEX ON bench_pool (i)""")


def copy(cluster, table, rows):
    text = "".join("\t".join(map(str, row)) + "\n" for row in rows)
    done = subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", cluster.database_url, "-c",
                           f"COPY {table} FROM STDIN"], input=text, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"COPY: {done.stderr}")


def make_vectors(cluster, corpus, clients, model):
    """A vector for each text of these clients."""
    rng = corpus.rng
    cluster.sql("DROP TABLE IF EXISTS bench_texts;"
                " CREATE TABLE bench_texts (client_id uuid, text_hash uuid, topic int, own int, noise int, more int)")
    rows = []
    for client_id, _, faqs in clients:
        for faq in faqs:
            own = rng.randrange(TOPICS, POOL)
            rows += [(client_id, hashlib.md5(text.encode()).hexdigest(), faq.topic, own, rng.randrange(TOPICS, POOL),
                      rng.randrange(TOPICS, POOL)) for text in (faq.question, faq.answer)]
    copy(cluster, "bench_texts", rows)
    cluster.sql(f"""
        INSERT INTO embeddings (client_id, model, text_hash, embedding)
        SELECT client_id, '{model}', text_hash, l2_normalize((t.v + t.v + o.v + n.v + m.v)::halfvec)
          FROM bench_texts JOIN bench_pool t ON t.i = topic JOIN bench_pool o ON o.i = own
          JOIN bench_pool n ON n.i = noise JOIN bench_pool m ON m.i = more
        ON CONFLICT DO NOTHING""")


def use_model(cluster, clients, model):
    """The bases take the model; since all texts have their vectors already, it answers at once or nearly. One FAQ more, whose
    vectors the service makes itself, lets it choose how each client is searched."""
    for _, kb_id, _ in clients:
        cluster.api("PATCH", f"/knowledge/bases/{kb_id}", {"embedding_model": model}, status=200)
    for _, kb_id, _ in clients:
        wait_for("the base to use its model", lambda: cluster.api("GET", f"/knowledge/bases/{kb_id}").json[
            "embedding_model"] == model, 120)
    for _, kb_id, _ in clients:
        add_faqs(cluster, kb_id, [{"question": "Is this the last question?", "answer": "Yes, there is none after it."}])
    wait_for("the tasks to be done", lambda: cluster.sql("SELECT count(*) FROM tasks") == "0", 1800, 1)
    return wait_vectors(cluster, clients[0][1], [])


def query_vectors(cluster, client_id, queries, model):
    """The vectors of the queries, in their order, as lists of numbers."""
    cluster.sql("DROP TABLE IF EXISTS bench_queries; CREATE TABLE bench_queries (place int, text_hash uuid, noise int)")
    copy(cluster, "bench_queries", [(place, hashlib.md5(faq.answer.encode()).hexdigest(), (place * 7 + TOPICS) % POOL)
                                    for place, (_, faq) in enumerate(queries)])
    cluster.sql(f"""
        ALTER TABLE bench_queries ADD COLUMN v halfvec;
        UPDATE bench_queries q
           SET v = l2_normalize((e.embedding::vector({DIMENSIONS})
                                 + l2_normalize(p.v) * array_fill(0.48::real, ARRAY[{DIMENSIONS}])::vector)::halfvec)
          FROM embeddings e, bench_pool p
         WHERE e.client_id = '{client_id}' AND e.model = '{model}' AND e.text_hash = q.text_hash AND p.i = q.noise""")
    lines = cluster.sql("SELECT v FROM bench_queries ORDER BY place").splitlines()
    return [json.loads(line) for line in lines]


def tell_sandbox(cluster, texts, vectors, model):
    for first in range(0, len(texts), 100):
        cluster.sandbox("PUT", "/embeddings", {"model": model, "vectors": [
            {"text": text, "embedding": base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()}
            for text, vector in list(zip(texts, vectors))[first:first + 100]]})


# ---- the load ----

def cpu_seconds(cluster):
    """CPU time used so far: by each service, and by all sessions of the database."""
    def of(pid):
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    used = {name: of(cluster.processes[name].pid) for name in ("gateway", "knowledge", "sandbox")}
    used["postgres"] = 0
    for pid in psql(cluster.base_url, "SELECT pid FROM pg_stat_activity WHERE datname = "
                    f"'{cluster.database}'").split():
        try:
            used["postgres"] += of(pid)
        except OSError:
            pass  # ended in between, or the server is on another machine
    return used


def run_load(cluster, file, connections, seconds, path="/api/v1/knowledge/search"):
    done = subprocess.run([os.path.join(BIN, "leadwire-bench-load"), str(cluster.port), path, cluster.admin_key, file,
                           str(connections), str(seconds)], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stderr.strip())
    result = json.loads(done.stdout)
    if result["errors"]:
        raise AssertionError(f"{result['errors']} of {result['requests']} failed: {result['first_error']}")
    return result


def write_bodies(cluster, name, client_id, queries):
    file = os.path.join(cluster.dir, name)
    with open(file, "w", encoding="utf-8") as f:
        for text, _ in queries:
            f.write(json.dumps({"client_id": client_id, "query": text, "max_results": 5}) + "\n")
    return file


def measure_load(bench, cluster, what, kb_id, file, goals):
    """p50 alone; rate and p99 with 16 connections, and where the CPU time goes. goals: p50, rate, p99 or None."""
    p50_goal, rate_goal, p99_goal = goals
    run_load(cluster, file, 4, 0)
    wait_for("the process's own copy", lambda: run_load(cluster, file, 1, 0) and cluster.api(
        "GET", f"/knowledge/bases/{kb_id}/stats", status=200).json["in_memory"], 60, 1)
    alone = run_load(cluster, file, 1, max(1, bench.seconds / 3))
    bench.row(f"search, {what}, 1 connection, p50", alone["p50_ms"], "ms", f"<= {p50_goal}" if p50_goal else "",
              alone["p50_ms"] <= p50_goal if p50_goal else None)
    bench.row(f"search, {what}, 1 connection, p99", alone["p99_ms"], "ms")
    before = cpu_seconds(cluster)
    many = run_load(cluster, file, 16, bench.seconds)
    after = cpu_seconds(cluster)
    bench.row(f"search, {what}, 16 connections", many["rate"], "/s", f">= {rate_goal}" if rate_goal else "",
              many["rate"] >= rate_goal if rate_goal else None)
    for percentile, goal in (("p50", None), ("p99", p99_goal)):
        value = many[percentile + "_ms"]
        bench.row(f"search, {what}, 16 connections, {percentile}", value, "ms", f"<= {goal}" if goal else "",
                  value <= goal if goal else None)
    for name, used in after.items():
        bench.row(f"search, {what}, CPU of {name}", (used - before[name]) * 1e6 / many["requests"], "us each")


# ---- recall ----

def exact_best(cluster, client_id, model):
    """The titles of the three FAQs nearest to each query, by an exact search in SQL."""
    out = cluster.sql(f"""
        SET enable_indexscan = off; SET enable_bitmapscan = off;
        SELECT q.place, json_agg(best.title)
          FROM bench_queries q CROSS JOIN LATERAL (
               SELECT d.title, min(e.embedding <=> q.v) AS distance
                 FROM embeddings e JOIN chunks c USING (client_id, text_hash) JOIN documents d USING (client_id, document_id)
                WHERE e.client_id = '{client_id}' AND e.model = '{model}'
                GROUP BY d.title ORDER BY distance LIMIT 3) AS best
         WHERE q.place < 100 GROUP BY q.place ORDER BY q.place""")
    return [set(json.loads(line.split("|", 1)[1])) for line in out.splitlines()]


def measure_recall(bench, cluster, client_id, queries, model):
    """Of the three nearest of the first 100 queries, the share that search finds. It is asked with letters that no text has,
    so that neither words nor trigrams help or push aside."""
    searcher, found = Searcher(cluster), 0
    best = exact_best(cluster, client_id, model)
    for text, titles in zip(queries, best):
        result = searcher.search(client_id, text, threshold=0, max_results=50)
        by_vector = sorted(result["passages"], key=lambda p: -p["vector_score"])[:3]
        if not result["vectors_used"] or by_vector[0]["vector_score"] < 0.8:
            raise AssertionError(f"{text!r} was not searched with the vector that the sandbox was told: {by_vector[:1]}")
        found += len(titles & {p["title"] for p in by_vector})
    searcher.close()
    recall = found / (3 * len(best))
    bench.row("search, 10,000 of 100,000 chunks, vectors' recall@3", recall, "share", ">= 0.98", recall >= 0.98)


def measure(bench):
    corpus = Corpus()
    cluster = Cluster(OPENAI_API_KEY="sk-bench")
    try:
        begin = time.monotonic()
        large = fill(cluster, corpus, LARGE)
        small = fill(cluster, corpus, SMALL)
        clients = [large, small] + [fill(cluster, corpus, n) for n in OTHERS]
        print(f"{2 * sum(len(faqs) for _, _, faqs in clients)} chunks in {time.monotonic() - begin:.0f} s", file=sys.stderr)
        make_pool(cluster, DIMENSIONS)
        make_vectors(cluster, corpus, clients, MODEL)
        stats = use_model(cluster, clients, MODEL)
        cluster.sql("VACUUM ANALYZE")
        print(f"with vectors after {time.monotonic() - begin:.0f} s; searched by {stats['search']}", file=sys.stderr)
        for what, (client_id, kb_id, faqs), n, goals in (("10,000 of 100,000 chunks", large, QUERIES, (8, 1500, 40)),
                                                     ("20 FAQs", small, SMALL_QUERIES, (None, None, None))):
            queries = corpus.queries(faqs, n)
            vectors = query_vectors(cluster, client_id, queries, MODEL)
            tell_sandbox(cluster, [text for text, _ in queries], vectors, MODEL)
            measure_load(bench, cluster, what, kb_id, write_bodies(cluster, f"{n}.bodies", client_id, queries), goals)
            if n == QUERIES:
                wordless = [f"zqx{place}k vwq{place}j" for place in range(100)]
                tell_sandbox(cluster, wordless, vectors, MODEL)
                measure_recall(bench, cluster, client_id, wordless, MODEL)
    finally:
        cluster.close()
