"""Measures how long it takes until what is posted is found: 5,000 FAQs by one POST, and documents of about 1 MB."""

import json
import os
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
from cluster import Cluster, wait_for  # noqa: E402
from knowledge_base import BUILT_IN, Searcher, make_base, make_client, task_status, wait_vectors  # noqa: E402
from knowledge_corpus import Corpus  # noqa: E402

FAQS = 5000
DOCUMENT_BYTES = 1000000
MARK = "Zanzibarquux"  # stands once in each document, at its end


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p / 100))]


# ---- FAQs ----

class SearchesMeanwhile(threading.Thread):
    """Asks one new question after the other until it is told to end."""

    def __init__(self, cluster, client_id, queries):
        super().__init__()
        self.searcher, self.client_id, self.queries = Searcher(cluster), client_id, queries
        self.over = threading.Event()

    def run(self):
        for text, _ in self.queries:
            if self.over.wait(0.02):
                return
            self.searcher.search(self.client_id, text)

    def finish(self):
        self.over.set()
        self.join()
        self.searcher.close()
        return self.searcher.ms


def follow(cluster, task_id, begin):
    """Until the task has finished; returns how long that took and the different progress that was seen."""
    seen = []
    while True:
        status = task_status(cluster, task_id)
        if not seen or seen[-1] != status["done"]:
            seen.append(status["done"])
        if status["state"] == "finished":
            return time.monotonic() - begin, seen, status["total"]
        time.sleep(0.1)


def measure_faqs(bench, cluster, corpus):
    client_id = make_client(cluster, "Bulk")
    kb_id = make_base(cluster, client_id, model=BUILT_IN)
    faqs = corpus.faqs(FAQS)
    queries = corpus.queries(faqs, 1000)
    body = json.dumps({"faqs": [faq.entry for faq in faqs]}).encode()
    searcher = Searcher(cluster)
    begin = time.monotonic()
    answer = cluster.api("POST", f"/knowledge/bases/{kb_id}/faqs/bulk", body, status=200, timeout=120,
                         headers={"Content-Type": "application/json"}).json
    posted = time.monotonic() - begin
    if answer["added"] != FAQS:
        raise AssertionError(f"{answer['added']} of {FAQS} were added")
    wait_for("the last FAQ to be found", lambda: any(
        p["title"] == faqs[-1].question
        for p in searcher.search(client_id, faqs[-1].question, threshold=0, max_results=3)["passages"]), 60)
    by_words = time.monotonic() - begin
    searcher.close()
    meanwhile = SearchesMeanwhile(cluster, client_id, queries)
    meanwhile.start()
    try:
        seconds, seen, total = follow(cluster, answer["task_id"], begin)
    finally:
        ms = meanwhile.finish()
    stats = wait_vectors(cluster, kb_id, [answer["task_id"]])
    if stats["chunks_embedded"] != stats["chunks"]:
        raise AssertionError(f"{stats['chunks_embedded']} of {stats['chunks']} chunks have a vector")
    bench.row("5,000 FAQs, the POST", posted, "s")
    bench.row("5,000 FAQs, until found by words", by_words, "s", "<= 3", by_words <= 3)
    bench.row("5,000 FAQs, until all vectors are there", seconds, "s", "<= 60", seconds <= 60)
    bench.row("5,000 FAQs, different progress seen", len(seen), f"of {total}", "> 2", len(seen) > 2)
    bench.row("5,000 FAQs, a search meanwhile, p50", percentile(ms, 50), "ms")
    bench.row("5,000 FAQs, a search meanwhile, p99", percentile(ms, 99), "ms")


# ---- documents ----

def sections(corpus):
    """Headings and paragraphs of about DOCUMENT_BYTES."""
    size = 0
    while size < DOCUMENT_BYTES:
        heading, paragraphs = corpus.sentence(5, 0), [corpus.text(90, corpus.rng.randrange(100)) for _ in range(4)]
        size += len(heading) + sum(map(len, paragraphs))
        yield heading, paragraphs
    yield "The end", [f"The word for it is {MARK}."]


def markdown(parts):
    return "".join(f"## {heading}\n\n" + "".join(f"{p}\n\n" for p in paragraphs) for heading, paragraphs in parts).encode()


def html(parts):
    body = "".join(f"<h2>{heading}</h2>" + "".join(f"<p>{p}</p>\n" for p in paragraphs) for heading, paragraphs in parts)
    return f"<!doctype html><html><head><title>Manual</title></head><body>{body}</body></html>".encode()


def pdf(parts):
    """Pages of plain Helvetica, 50 lines each."""
    lines = []
    for heading, paragraphs in parts:
        for text in [heading] + paragraphs:
            words, line = text.split(), ""
            for word in words:
                if len(line) + len(word) > 85:
                    lines.append(line)
                    line = ""
                line += word + " "
            lines += [line, ""]
    pages = [lines[i:i + 50] for i in range(0, len(lines), 50)]
    objects = ["<< /Type /Catalog /Pages 2 0 R >>",
               f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{4 + 2 * i} 0 R' for i in range(len(pages)))}] >>",
               "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    for i, page in enumerate(pages):
        text = "\n".join("(" + line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") + ") Tj T*" for line in page)
        stream = f"BT /F1 10 Tf 14 TL 50 780 Td\n{text}\nET"
        objects += [f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * i} 0 R"
                    " /Resources << /Font << /F1 3 0 R >> >> >>",
                    f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream"]
    out, places = b"%PDF-1.4\n", []
    for i, body in enumerate(objects):
        places.append(len(out))
        out += f"{i + 1} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    return out + (f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
                  f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n").encode()


def upload(cluster, kb_id, filename, content_type, data):
    boundary = "leadwire-bench-boundary"
    body = (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
            f"Content-Type: {content_type}\r\n\r\n").encode() + data + f"\r\n--{boundary}--\r\n".encode()
    return cluster.api("POST", f"/knowledge/bases/{kb_id}/documents", body, status=202, timeout=120,
                       headers={"Content-Type": f"multipart/form-data; boundary={boundary}"}).json


def measure_document(bench, cluster, corpus, model, name, content_type, make):
    client_id = make_client(cluster, "Document")
    kb_id = make_base(cluster, client_id, model=model)
    data = make(sections(corpus))
    searcher = Searcher(cluster)
    begin = time.monotonic()
    ingestion = upload(cluster, kb_id, name, content_type, data)
    seconds, seen, _ = follow(cluster, ingestion["task_id"], begin)
    found = searcher.search(client_id, f"What is the word {MARK}?", threshold=0)["passages"]
    searcher.close()
    if not any(MARK in passage["body"] for passage in found):
        raise AssertionError(f"{name} was ingested, but its last words are not found")
    bench.row(f"{name}, {len(data) / 1e6:.1f} MB, {ingestion['chunks']} chunks, {'built-in' if model else 'no'} model, "
              "until found", seconds, "s")


def measure(bench):
    cluster = Cluster()
    corpus = Corpus(made_words=False)
    try:
        measure_faqs(bench, cluster, corpus)
        for name, content_type, make in (("manual.md", "text/markdown", markdown), ("manual.html", "text/html", html),
                                         ("manual.pdf", "application/pdf", pdf)):
            measure_document(bench, cluster, corpus, "", name, content_type, make)
        measure_document(bench, cluster, corpus, BUILT_IN, "manual.md", "text/markdown", markdown)
    finally:
        cluster.close()
