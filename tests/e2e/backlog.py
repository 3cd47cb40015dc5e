"""Outbound texts with their tasks, put into the database as a service would, and what the sandbox has accepted of them."""

import uuid

from cluster import Cluster

CLIENT_SQL = """
INSERT INTO clients (client_id, name, timezone, config) VALUES ('{client}', 'Backlog', 'America/New_York', '{config}')"""

# One lead and conversation for each message; what is sent to one lead is sent one after another.
BACKLOG_SQL = """
CREATE TEMP TABLE backlog AS
SELECT n, gen_random_uuid() AS lead_id, gen_random_uuid() AS conversation_id, gen_random_uuid() AS message_id,
       gen_random_uuid() AS task_id, '+1555' || lpad(({first} + n)::text, 7, '0') AS lead,
       (ARRAY[{senders}])[1 + n % {n_senders}] AS sender, '{text} ' || n AS body
  FROM generate_series(0, {count} - 1) AS n;
INSERT INTO leads (client_id, lead_id, phone) SELECT '{client}', lead_id, lead FROM backlog;
INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address, our_address)
SELECT '{client}', conversation_id, lead_id, 'sms', lead, sender FROM backlog;
INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel, from_address,
                      to_address, body, state)
SELECT '{client}', message_id, conversation_id, lead_id, 'out', 'agent', 'sms', sender, lead, body, 'queued' FROM backlog;
INSERT INTO task_payloads (client_id, task_id, trace_id, payload)
SELECT '{client}', task_id, '', jsonb_build_object('message_id', message_id) FROM backlog;
INSERT INTO tasks (client_id, task_id, kind, role, max_attempts, deadline_s, serial_key, run_at, lane, lane_units)
SELECT '{client}', task_id, 'send_message_sms', 'delivery', 60, 90, 'send:' || conversation_id, now() + n * interval '1 microsecond',
       'sms:' || sender, 1 FROM backlog"""


def make_client(cluster: Cluster, config="{}"):
    client = str(uuid.uuid4())
    cluster.sql(CLIENT_SQL.format(client=client, config=config))
    return client


def queue_texts(cluster: Cluster, client, senders, count, first=0, text="Text"):
    """count texts, all due, in turn from each of the senders, to +1555 and first, first + 1, ... Their bodies are text
    and their number."""
    cluster.sql(BACKLOG_SQL.format(client=client, senders=", ".join(f"'{s}'" for s in senders), n_senders=len(senders),
                                   count=count, first=first, text=text))


def accepted(cluster: Cluster):
    """All that the sandbox has accepted, in order."""
    messages = []
    while page := cluster.sandbox("GET", f"/messages?after={len(messages) - 1}")["messages"]:
        messages += page
    return messages


def open_tasks(cluster: Cluster):
    return int(cluster.sql("SELECT count(*) FROM tasks WHERE state <> 'dead'"))
