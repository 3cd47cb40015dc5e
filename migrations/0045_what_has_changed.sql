-- 0045: admission where an account is paused, a number has moved, or a person wrote again; lanes of a number that moved
--
-- Against 0034:
--   * A pause may last until somebody mends the credentials, or end early: what has been claimed already waits a minute
--     at most for it and asks again. It used to wait 30 days, and all that came after it in its conversation with it.
--     (In its lane it is not claimed before the pause is over.)
--   * A number that is another client's by now does not send what this client had in its queue: 21606, by WhatsApp
--     63007. Where a messaging service chooses the sender, the number only says where the conversation began.
--   * What a person wrote is no draft: a later message of a person, which raises the epoch, does not drop one that was
--     under way and came back unsent.

CREATE OR REPLACE FUNCTION admit_sends(of_clients uuid[], of_tasks uuid[], of_tokens bigint[], of_messages uuid[],
                            environment_account_sid text)
RETURNS TABLE (item integer, decision text, code integer, reason text, wait_ms bigint, lookup boolean,
               message_id uuid, conversation_id uuid, lead_id uuid, channel text, purpose text, from_address text,
               to_address text, body text, content_sid text, content_variables jsonb, state text, provider_sid text,
               send_attempt integer, looks integer, looks_listed integer, sending_at_us bigint, elapsed_ms bigint,
               account_sid text, messaging_service_sid text, client_account_sid text, client_auth_token text,
               call_twiml text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
BEGIN
    PERFORM FROM unnest(of_clients, of_messages) AS w (client_id, message_id)
       JOIN messages m ON m.client_id = w.client_id AND m.message_id = w.message_id
      WHERE m.direction = 'out'
      ORDER BY m.client_id, m.message_id
        FOR NO KEY UPDATE OF m;

    RETURN QUERY
    WITH locked AS MATERIALIZED (
        SELECT w.n, w.task_id, w.token, m.*
          FROM unnest(of_clients, of_tasks, of_tokens, of_messages) WITH ORDINALITY
               AS w (client_id, task_id, token, message_id, n)
          JOIN messages m ON m.client_id = w.client_id AND m.message_id = w.message_id
         WHERE m.direction = 'out'
    ), seen AS MATERIALIZED (
        SELECT m.*, t.task_id IS NOT NULL AS ours,
               m.state = 'queued' OR (m.state = 'failed' AND m.provider_sid IS NULL) AS may_go,
               m.purpose IN ('alert', 'consent') AS in_any_case,
               l.opted_out_at IS NOT NULL AS opted_out, m.author <> 'human' AND m.epoch < c.epoch AS taken_over,
               l.phone = m.to_address AS to_lead, l.phone_valid, l.phone_line_type, l.phone_looked_up_at,
               k.config, p.paused_until,
               nullif(k.config->>'twilio_account_sid', '') AS own_account_sid,
               CASE WHEN m.channel <> 'sms' THEN NULL
                    WHEN m.from_address LIKE 'MG%' THEN m.from_address
                    ELSE nullif(k.config->>'twilio_messaging_service_sid', '') END AS service_sid,
               EXISTS (SELECT FROM client_numbers n
                        WHERE n.channel = CASE m.channel WHEN 'voice' THEN 'sms' ELSE m.channel END
                          AND n.number = m.from_address AND n.client_id <> m.client_id) AS anothers_number,
               CASE WHEN m.purpose = 'started' AND m.state IN ('queued', 'failed')
                    THEN message_allowed_at(m.to_address, l.timezone, k.timezone, k.config->>'allowed_hours', now())
               END AS allowed_at,
               -- Free text by WhatsApp: only within 24 hours of what the lead wrote there last.
               m.channel = 'whatsapp' AND m.content_sid IS NULL AND m.purpose <> 'alert' AND NOT EXISTS (
                   SELECT FROM conversations w, LATERAL (
                       SELECT i.created_at FROM messages i
                        WHERE i.client_id = w.client_id AND i.conversation_id = w.conversation_id
                          AND i.direction = 'in'
                        ORDER BY i.seq DESC LIMIT 1) newest
                    WHERE w.client_id = m.client_id AND w.lead_id = m.lead_id AND w.channel = 'whatsapp'
                      AND newest.created_at > now() - interval '24 hours') AS window_closed
          FROM locked m
          LEFT JOIN tasks t ON t.client_id = m.client_id AND t.task_id = m.task_id AND t.token = m.token
          LEFT JOIN conversations c ON c.client_id = m.client_id AND c.conversation_id = m.conversation_id
          LEFT JOIN leads l ON l.client_id = m.client_id AND l.lead_id = m.lead_id
          LEFT JOIN clients k ON k.client_id = m.client_id
          LEFT JOIN provider_accounts p
                 ON p.account = CASE WHEN nullif(k.config->>'twilio_account_sid', '') IS NULL THEN 'twilio'
                                     ELSE 'twilio:' || m.client_id END
    ), judged AS MATERIALIZED (
        SELECT s.*, CASE
                   WHEN known.refusal <> 0 THEN known.refusal
                   WHEN s.anothers_number AND s.channel = 'whatsapp' THEN 63007
                   WHEN s.anothers_number AND (s.service_sid IS NULL OR s.from_address LIKE 'MG%') THEN 21606
                   WHEN s.window_closed THEN 63016
                   WHEN s.channel <> 'sms' OR s.purpose = 'alert' OR NOT s.to_lead THEN 0
                   WHEN s.phone_valid = false THEN 21211
                   WHEN s.phone_line_type = 'landline' THEN 30006
                   ELSE 0 END AS refusal
          FROM seen s,
               LATERAL message_refusal(s.channel, coalesce(s.service_sid, s.from_address), s.to_address, s.body,
                                       s.content_sid IS NOT NULL) AS known (refusal)
    ), decided AS MATERIALIZED (
        SELECT j.*, CASE
                   WHEN NOT j.ours THEN 'lost'
                   WHEN j.state IN ('sending', 'uncertain') THEN 'look'
                   WHEN NOT j.may_go THEN 'settled'
                   WHEN (j.opted_out OR j.taken_over) AND NOT j.in_any_case THEN 'drop'
                   WHEN j.refusal <> 0 THEN 'refuse'
                   WHEN j.paused_until > now() OR j.allowed_at > now() THEN 'wait'
                   ELSE 'send' END AS decision
          FROM judged j
    ), intended AS (
        UPDATE messages m
           SET state = 'sending', send_attempt = m.send_attempt + 1, sending_at = clock_timestamp(), looks = 0,
               looks_listed = 0, account_sid = coalesce(d.own_account_sid, environment_account_sid),
               messaging_service_sid = d.service_sid, error_code = NULL, error_text = NULL, updated_at = now()
          FROM decided d
         WHERE d.decision = 'send' AND m.client_id = d.client_id AND m.message_id = d.message_id
           AND m.state IN ('queued', 'failed')
        RETURNING d.n, m.state, m.send_attempt, m.looks, m.looks_listed, m.sending_at, m.account_sid,
                  m.messaging_service_sid
    )
    SELECT d.n::integer - 1,
           CASE WHEN d.decision = 'send' AND i.n IS NULL THEN 'lost' ELSE d.decision END,
           d.refusal,
           CASE WHEN d.decision = 'drop' AND d.opted_out THEN 'the lead has opted out'
                WHEN d.decision = 'drop' THEN 'a person took over after it was drafted'
                WHEN d.decision = 'wait' AND d.paused_until > now() THEN 'the account at Twilio is paused'
                WHEN d.decision = 'wait' THEN 'it waits for the hours in which the lead may be written to' END,
           CASE WHEN d.decision = 'wait' THEN ceil(extract(epoch FROM
                CASE WHEN d.paused_until > now() THEN least(d.paused_until, now() + interval '1 minute')
                     ELSE least(d.allowed_at, now() + interval '30 days') END - now()) * 1000)::bigint ELSE 0 END,
           d.purpose = 'started' AND d.channel = 'sms' AND d.phone_looked_up_at IS NULL AND d.to_lead IS TRUE
               AND coalesce(d.config->>'lookup_new_numbers', 'off') = 'on',
           d.message_id, d.conversation_id, d.lead_id, d.channel, d.purpose, d.from_address, d.to_address, d.body,
           d.content_sid, d.content_variables, coalesce(i.state, d.state), d.provider_sid,
           coalesce(i.send_attempt, d.send_attempt), coalesce(i.looks, d.looks),
           coalesce(i.looks_listed, d.looks_listed),
           (extract(epoch FROM coalesce(i.sending_at, d.sending_at)) * 1000000)::bigint,
           greatest((extract(epoch FROM clock_timestamp() - coalesce(i.sending_at, d.sending_at)) * 1000)::bigint, 0),
           coalesce(i.account_sid, d.account_sid),
           CASE WHEN i.n IS NULL THEN d.messaging_service_sid ELSE i.messaging_service_sid END,
           d.own_account_sid, d.config->>'twilio_auth_token', coalesce(d.config->>'alert_call_twiml', 'inline')
      FROM decided d LEFT JOIN intended i ON i.n = d.n;
END
$$;

-- A lane's settings are those of the client that has the number; of its first task's only if nobody has it. The former
-- owner's tasks may be the first, and its account paused: the number's new owner must not wait for that.
CREATE OR REPLACE FUNCTION task_lanes_refresh(of_lanes text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE task_lanes l
       SET client_id = owner.client_id, class = task_lane_class(l.lane), stale = false,
           account = CASE WHEN c.config->>'twilio_account_sid' <> '' THEN 'twilio:' || c.client_id ELSE 'twilio' END,
           per_second = CASE WHEN l.lane NOT LIKE 'voice:%'
                              AND jsonb_typeof(c.config->'twilio_messages_per_second') = 'number'
                             THEN (c.config->>'twilio_messages_per_second')::real END
      FROM unnest(of_lanes) AS s (lane)
     CROSS JOIN LATERAL (SELECT t.client_id FROM tasks t
                          WHERE t.state = 'ready' AND t.lane = s.lane
                          ORDER BY t.run_at, t.task_id LIMIT 1) first
     CROSS JOIN LATERAL (SELECT coalesce((SELECT n.client_id FROM client_numbers n
                                           WHERE n.channel = CASE WHEN s.lane LIKE 'whatsapp:%' THEN 'whatsapp'
                                                                  ELSE 'sms' END
                                             AND n.number = substr(s.lane, strpos(s.lane, ':') + 1)),
                                         first.client_id) AS client_id) owner
      LEFT JOIN clients c ON c.client_id = owner.client_id
     WHERE l.lane = s.lane AND l.stale
$$;

-- One that is stale may wait for an account that is none of its owner's any more.
CREATE OR REPLACE FUNCTION task_lanes_overlooked(of_role text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE waiting AS (
        (SELECT t.lane, t.role, t.run_at FROM tasks t WHERE t.state = 'ready' AND t.lane IS NOT NULL
          ORDER BY t.lane, t.run_at, t.task_id LIMIT 1)
        UNION ALL
        SELECT n.* FROM waiting w CROSS JOIN LATERAL (
            SELECT t.lane, t.role, t.run_at FROM tasks t WHERE t.state = 'ready' AND t.lane > w.lane
             ORDER BY t.lane, t.run_at, t.task_id LIMIT 1) n
    )
    SELECT w.lane FROM waiting w
      LEFT JOIN task_lanes l ON l.lane = w.lane
      LEFT JOIN provider_accounts a ON a.account = l.account
     WHERE w.role = of_role
       AND (l.lane IS NULL OR l.stale OR l.ready_at > greatest(l.next_at, a.paused_until, w.run_at, now()))
     LIMIT 1000
$$;
