"""What the measurements of the knowledge service share: a base that is filled through the API, and searches over one
connection."""

import http.client
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from cluster import wait_for  # noqa: E402

BUILT_IN = "all-MiniLM-L6-v2"
# A request stays below the size of a message, whatever the gateway makes of larger ones.
POST_BYTES = 400000


def make_client(cluster, name):
    return cluster.api("POST", "/clients", {"name": name, "timezone": "UTC", "config": {}}, status=201).json["client_id"]


def make_base(cluster, client_id, language="english", model=""):
    return cluster.api("POST", f"/knowledge/bases?client_id={client_id}",
                       {"name": "FAQ", "language": language, "embedding_model": model}, status=201).json["kb_id"]


def batches(faqs):
    """The FAQs in as few lists as fit into one request each."""
    batch, size = [], 0
    for faq in faqs:
        bytes_more = len(json.dumps(faq)) + 2
        if batch and (size + bytes_more > POST_BYTES or len(batch) == 5000):
            yield batch
            batch, size = [], 0
        batch.append(faq)
        size += bytes_more
    if batch:
        yield batch


def add_faqs(cluster, kb_id, faqs):
    """Adds them and returns the ids of the tasks that make their vectors."""
    tasks = []
    for batch in batches(faqs):
        answer = cluster.api("POST", f"/knowledge/bases/{kb_id}/faqs/bulk", {"faqs": batch}, status=200).json
        if answer["added"] != len(batch):
            raise AssertionError(f"not all FAQs were added: {answer}"[:1000])
        if answer.get("task_id"):
            tasks.append(answer["task_id"])
    return tasks


def task_status(cluster, task_id):
    status = cluster.api("GET", f"/tasks/{task_id}", status=200).json
    if status["state"] == "dead":
        raise AssertionError(f"task {task_id} is dead: {status.get('error')}")
    return status


def wait_task(cluster, task_id, seconds=300):
    return wait_for(f"task {task_id} to finish", lambda: (s := task_status(cluster, task_id))["state"] == "finished" and s,
                    seconds, 0.1)


def wait_vectors(cluster, kb_id, tasks, seconds=300):
    """Until each text of the base has its vector: the tasks have finished and nothing waits. Returns the base's stats."""
    for task_id in tasks:
        wait_task(cluster, task_id, seconds)
    stats = wait_for("all vectors to be there",
                     lambda: (s := cluster.api("GET", f"/knowledge/bases/{kb_id}/stats", status=200).json)
                     and s["chunks_waiting"] == 0 and s, seconds, 0.2)
    if stats["chunks_refused"]:
        raise AssertionError(f"the model refused {stats['chunks_refused']} chunks")
    return stats


class Searcher:
    """Searches over one connection that is kept open."""

    def __init__(self, cluster):
        self.key = cluster.admin_key
        self.connection = http.client.HTTPConnection("127.0.0.1", cluster.port, timeout=60)
        self.ms = []

    def search(self, client_id, query, **more):
        body = json.dumps({"client_id": client_id, "query": query, **more})
        begin = time.monotonic()
        self.connection.request("POST", "/api/v1/knowledge/search", body,
                                {"Authorization": "Bearer " + self.key, "Content-Type": "application/json"})
        response = self.connection.getresponse()
        data = response.read()
        self.ms.append((time.monotonic() - begin) * 1000)
        if response.status != 200:
            raise AssertionError(f"search for {query!r}: {response.status} {data[:300]!r}")
        return json.loads(data)

    def close(self):
        self.connection.close()
