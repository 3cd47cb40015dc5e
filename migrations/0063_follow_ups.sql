-- 0063: writing to a lead again: after it has been silent for a while, or at the time it asked for

-- NULL: an answer, a greeting, a person's message. 'silence:2': the second time after our answer, because the lead did not
-- answer; 'asked': at the time that the lead had asked for.
ALTER TABLE messages ADD COLUMN follow_up text CHECK (follow_up ~ '^(asked|silence:[1-5])$');

-- A follow-up that waits is a task of kind follow_up with the serial key 'follow_up:' and its conversation. Whether it is
-- still wanted is asked when it runs; here it leaves with what makes it void, so that nobody finds it among what is to be
-- done. Who inserts, cancels or sends one holds the lead's lock.

-- Ends those that wait or run, of the conversation or (NULL) of all of the lead's, and keeps why: one that runs finds its
-- task gone before it commits. Returns how many. Runs as the owner of the tables: every statement names its client itself.
CREATE FUNCTION cancel_follow_ups(of_client uuid, of_lead uuid, of_conversation uuid, why text)
RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH gone AS (
        DELETE FROM tasks t
         WHERE t.client_id = of_client AND t.kind = 'follow_up' AND t.state <> 'dead'
           AND t.serial_key = ANY (CASE WHEN of_conversation IS NOT NULL THEN ARRAY['follow_up:' || of_conversation]
                                        ELSE ARRAY(SELECT 'follow_up:' || c.conversation_id FROM conversations c
                                                    WHERE c.client_id = of_client AND c.lead_id = of_lead) END)
        RETURNING t.*
    ), kept AS (
        INSERT INTO finished_tasks (client_id, task_id, kind, role, attempt, serial_key, error, created_at)
        SELECT client_id, task_id, kind, role, attempt, serial_key, why, created_at FROM gone
        RETURNING 1
    )
    SELECT count(*) FROM kept
$$;
REVOKE ALL ON FUNCTION cancel_follow_ups(uuid, uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cancel_follow_ups(uuid, uuid, uuid, text) TO leadwire_orchestrator;

-- The same for a client that wants none any more after a lead's silence. What leads have asked for stays.
CREATE FUNCTION cancel_silence_follow_ups(of_client uuid, why text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH gone AS (
        DELETE FROM tasks t
         USING task_payloads p
         WHERE t.client_id = of_client AND t.kind = 'follow_up' AND t.state <> 'dead'
           AND p.client_id = t.client_id AND p.task_id = t.task_id AND p.payload ->> 'reason' = 'silence'
        RETURNING t.*
    ), kept AS (
        INSERT INTO finished_tasks (client_id, task_id, kind, role, attempt, serial_key, error, created_at)
        SELECT client_id, task_id, kind, role, attempt, serial_key, why, created_at FROM gone
        RETURNING 1
    )
    SELECT count(*) FROM kept
$$;
REVOKE ALL ON FUNCTION cancel_silence_follow_ups(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cancel_silence_follow_ups(uuid, text) TO leadwire_orchestrator;

-- An opt-out, however it came; a person who writes, takes over or is called.
CREATE FUNCTION follow_ups_end() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'leads' THEN
        PERFORM cancel_follow_ups(NEW.client_id, NEW.lead_id, NULL, 'void: the lead has opted out');
    ELSE
        PERFORM cancel_follow_ups(NEW.client_id, NEW.lead_id, NEW.conversation_id,
                                  CASE WHEN NEW.epoch > OLD.epoch THEN 'void: a person writes or has taken over'
                                       ELSE 'void: the conversation is ' || NEW.state END);
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION follow_ups_end() FROM PUBLIC;
CREATE TRIGGER follow_ups_end_with_opt_out AFTER UPDATE OF opted_out_at ON leads FOR EACH ROW
    WHEN (OLD.opted_out_at IS NULL AND NEW.opted_out_at IS NOT NULL) EXECUTE FUNCTION follow_ups_end();
CREATE TRIGGER follow_ups_end_with_conversation AFTER UPDATE OF epoch, state ON conversations FOR EACH ROW
    WHEN (NEW.epoch > OLD.epoch OR (OLD.state = 'open' AND NEW.state <> 'open')) EXECUTE FUNCTION follow_ups_end();

-- Whether the lead has written anywhere after the message with this seq.
CREATE FUNCTION lead_wrote_since(of_client uuid, of_lead uuid, of_seq bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM conversations c
                     JOIN messages m ON m.client_id = c.client_id AND m.conversation_id = c.conversation_id
                    WHERE c.client_id = of_client AND c.lead_id = of_lead AND m.direction = 'in' AND m.seq > of_seq)
$$;

-- As in 0045, but a follow-up that could not go at once is dropped where the lead has written meanwhile.
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
               m.follow_up IS NOT NULL AND m.state = 'queued' AND lead_wrote_since(m.client_id, m.lead_id, m.seq)
                   AS overtaken,
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
                   WHEN (j.opted_out OR j.taken_over OR j.overtaken) AND NOT j.in_any_case THEN 'drop'
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
                WHEN d.decision = 'drop' AND d.overtaken THEN 'the lead has written since'
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
