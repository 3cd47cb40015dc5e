"""What Twilio's status callbacks cost: CPU of the gateway and of its database sessions, each.

They come over several connections at a time: of every message that it was sent, that it was delivered, and that again, which
brings no news. CPU is what the kernel has counted for each process, so another load on the machine makes it no larger."""

import base64
import hashlib
import hmac
import select
import socket
import time
import urllib.parse

from cluster import SID, TOKEN, Cluster, wait_for
from delivery import LOAD, NO_RATES
from turns import Cpu

CONNECTIONS = 32
NUMBERS = 50


def request(public_url, client, message, status):
    path = f"/api/v1/webhooks/twilio/status?client_id={client}&message_id={message}"
    sid = "SM" + message.replace("-", "")
    params = {"AccountSid": SID, "ApiVersion": "2010-04-01", "From": "+15550100001", "MessageSid": sid, "MessageStatus": status,
              "SmsSid": sid, "SmsStatus": status, "To": "+15560000001"}
    text = public_url + path + "".join(name + value for name, value in sorted(params.items()))
    signature = base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()
    body = urllib.parse.urlencode(params)
    return (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\nX-Twilio-Signature: {signature}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}").encode()


def post(port, made):
    """All of them, one at a time on each connection."""
    free, busy = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)], {}
    made = iter(made)
    left = True
    while busy or left:
        while free and left:
            content = next(made, None)
            left = content is not None
            if left:
                sock = free.pop()
                sock.sendall(content)
                busy[sock] = content
        for sock in select.select(list(busy), [], [], 20)[0]:
            answer = sock.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200"), answer[:300]
            del busy[sock]
            free.append(sock)
    for sock in free:
        sock.close()


def measure(bench):
    each = max(10, 200 * bench.seconds // NUMBERS)
    n = NUMBERS * each
    cluster = Cluster(services=["gateway"], **NO_RATES)
    try:
        wait_for("the gateway to listen", lambda: cluster.try_http(cluster.port, "/healthz"))
        cluster.sql(LOAD % {"series": "4", "numbers": NUMBERS, "each": each} +
                    "DELETE FROM tasks; DELETE FROM task_payloads;"
                    "UPDATE messages SET state = 'sending', account_sid = '" + SID + "', sending_at = now(), send_attempt = 1")
        cluster.sql("VACUUM ANALYZE messages")
        ids = [line.split("|") for line in cluster.sql("SELECT client_id, message_id FROM messages").splitlines()]
        for status, what in (("sent", "the first of a message"), ("delivered", "the second"), ("delivered", "without news")):
            made = [request(cluster.public_url, client, message, status) for client, message in ids]
            cpu, begin = Cpu(cluster), time.monotonic()
            try:
                post(cluster.port, made)
                took = time.monotonic() - begin
            finally:
                sums = cpu.stop()
            bench.row(f"status callback, {what}: CPU of the gateway", sums["gateway"] / n * 1e6, "us")
            bench.row(f"status callback, {what}: CPU of its database sessions", sums["postgres: gateway"] / n * 1e6, "us")
            bench.row(f"status callbacks, {what}: {CONNECTIONS} connections", n / took, "/s")
        delivered = int(cluster.sql("SELECT count(*) FROM messages WHERE state = 'delivered' AND provider_sid IS NOT NULL"))
        bench.row("messages that are known to be delivered", delivered, f"of {n}", str(n), delivered == n)
    finally:
        cluster.close()
