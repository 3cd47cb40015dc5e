-- 0127: a reply is admitted by one short statement, where nothing speaks against it
--
-- admit_sends weighs every rule for every message in one statement of many nodes, and starting and ending these costs
-- more than what they do. Nearly all messages are answers by text that may go at once: these are admitted by a statement
-- that asks just that. It is the rules' common case, not another set of them: what it does not admit, for whatever
-- reason, is judged as before (admit_sends_by_all_rules, which is admit_sends of 0070).

ALTER FUNCTION admit_sends(uuid[], uuid[], bigint[], uuid[], text) RENAME TO admit_sends_by_all_rules;

-- The plans of both do not depend on how many items there are: made anew for each number, they cost as much as the rest.
ALTER FUNCTION admit_sends_by_all_rules(uuid[], uuid[], bigint[], uuid[], text) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION messages_sent(uuid[], uuid[], text[], integer[]) SET plan_cache_mode = force_generic_plan;

-- See 0033 for what it decides, and 0034 for why all locks are had before the statement that claims the sends. Each
-- condition below that fails, or is NULL, leaves the message to admit_sends_by_all_rules, which finds out what is to
-- become of it; so a new rule that may keep an answer back by text belongs into both.
CREATE FUNCTION admit_sends(of_clients uuid[], of_tasks uuid[], of_tokens bigint[], of_messages uuid[],
                            environment_account_sid text)
RETURNS TABLE (item integer, decision text, code integer, reason text, wait_ms bigint, lookup boolean,
               message_id uuid, conversation_id uuid, lead_id uuid, channel text, purpose text, from_address text,
               to_address text, body text, content_sid text, content_variables jsonb, state text, provider_sid text,
               send_attempt integer, looks integer, looks_listed integer, sending_at_us bigint, elapsed_ms bigint,
               account_sid text, messaging_service_sid text, client_account_sid text, client_auth_token text,
               call_twiml text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    left_over integer := cardinality(of_messages);
BEGIN
    PERFORM FROM unnest(of_clients, of_messages) AS w (client_id, message_id)
       JOIN messages m ON m.client_id = w.client_id AND m.message_id = w.message_id
      WHERE m.direction = 'out'
      ORDER BY m.client_id, m.message_id
        FOR NO KEY UPDATE OF m;

    FOR item, message_id, conversation_id, lead_id, channel, purpose, from_address, to_address, body, content_sid,
        content_variables, state, provider_sid, send_attempt, looks, looks_listed, sending_at_us, account_sid,
        messaging_service_sid, client_account_sid, client_auth_token, call_twiml IN
        UPDATE messages m
           SET state = 'sending', send_attempt = m.send_attempt + 1, sending_at = clock_timestamp(), looks = 0,
               looks_listed = 0, error_code = NULL, error_text = NULL, updated_at = now(),
               account_sid = coalesce(nullif(k.config->>'twilio_account_sid', ''), environment_account_sid),
               messaging_service_sid = CASE WHEN m.from_address LIKE 'MG%' THEN m.from_address
                                            ELSE nullif(k.config->>'twilio_messaging_service_sid', '') END
          FROM unnest(of_clients, of_tasks, of_tokens, of_messages) WITH ORDINALITY
               AS w (client_id, task_id, token, message_id, n)
          JOIN tasks t ON t.client_id = w.client_id AND t.task_id = w.task_id AND t.token = w.token
          JOIN clients k ON k.client_id = w.client_id
         CROSS JOIN conversations c
         CROSS JOIN leads l
         WHERE m.client_id = w.client_id AND m.message_id = w.message_id
           AND m.direction = 'out' AND m.state = 'queued' AND m.channel = 'sms' AND m.purpose = 'reply'
           AND m.follow_up IS NULL AND m.content_sid IS NULL
           AND c.client_id = w.client_id AND c.conversation_id = m.conversation_id AND m.epoch >= c.epoch
           AND l.client_id = w.client_id AND l.lead_id = m.lead_id AND l.opted_out_at IS NULL
           AND l.phone_valid IS DISTINCT FROM false AND l.phone_line_type IS DISTINCT FROM 'landline'
           AND message_refusal(m.channel,
                               CASE WHEN m.from_address LIKE 'MG%' THEN m.from_address
                                    ELSE coalesce(nullif(k.config->>'twilio_messaging_service_sid', ''), m.from_address) END,
                               m.to_address, m.body, false) = 0
           AND NOT EXISTS (SELECT FROM client_numbers n
                            WHERE n.channel = 'sms' AND n.number = m.from_address AND n.client_id <> m.client_id)
           AND NOT EXISTS (SELECT FROM provider_accounts p
                            WHERE p.paused_until > now()
                              AND p.account = CASE WHEN nullif(k.config->>'twilio_account_sid', '') IS NULL THEN 'twilio'
                                                   ELSE 'twilio:' || w.client_id END)
        RETURNING w.n::integer - 1, m.message_id, m.conversation_id, m.lead_id, m.channel, m.purpose, m.from_address,
                  m.to_address, m.body, m.content_sid, m.content_variables, m.state, m.provider_sid, m.send_attempt,
                  m.looks, m.looks_listed, (extract(epoch FROM m.sending_at) * 1000000)::bigint, m.account_sid,
                  m.messaging_service_sid, nullif(k.config->>'twilio_account_sid', ''), k.config->>'twilio_auth_token',
                  coalesce(k.config->>'alert_call_twiml', 'inline')
    LOOP
        decision := 'send';
        code := 0;
        wait_ms := 0;
        lookup := false;
        elapsed_ms := 0;
        of_messages[item + 1] := NULL;
        left_over := left_over - 1;
        RETURN NEXT;
    END LOOP;

    IF left_over > 0 THEN
        RETURN QUERY SELECT * FROM admit_sends_by_all_rules(of_clients, of_tasks, of_tokens, of_messages,
                                                            environment_account_sid);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION admit_sends(uuid[], uuid[], bigint[], uuid[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION admit_sends(uuid[], uuid[], bigint[], uuid[], text) TO leadwire_delivery;
