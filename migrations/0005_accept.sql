-- 0005: accepting what leads write
--
-- The gateway may store what arrived and nothing else: it calls this function and
-- has no rights on the tables. The function runs as its owner, who also owns the
-- tables and so is not subject to their row-level security (which is not FORCEd);
-- every statement therefore names its client itself.

-- Stores a batch in the order of arrival: lead, conversation, message and the task that answers it. One row per item,
-- item counting from 0:
--   accepted        message_id is new. task_id is the task that will answer it, new or already waiting; NULL when there
--                   is nothing to answer: the lead is opted out (or just opted in), or a person has taken over.
--                   due: the task may run now.
--   duplicate       the provider's message id was stored before; the ids are those of then, nothing is changed.
--   unknown_number  no client has this number; the ids are NULL.
-- opted_out is true when this item opted the lead out. The ids are made by the caller; opts are '', 'out' or 'in'.
CREATE FUNCTION accept_inbound(
    channels text[], senders text[], receivers text[], bodies text[], sids text[], trace_ids text[],
    holds_ms integer[], opts text[],
    new_lead_ids uuid[], new_conversation_ids uuid[], new_message_ids uuid[], new_task_ids uuid[],
    burst_ms integer, task_attempts integer, task_deadline_s integer)
RETURNS TABLE (item integer, outcome text, client_id uuid, lead_id uuid, conversation_id uuid, message_id uuid,
               task_id uuid, due boolean, opted_out boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    of_client       uuid;
    of_lead         uuid;
    of_conversation uuid;
    is_opted_out    boolean;
    wants_answer    boolean;
    current_state   text;
    stored_seq      bigint;
BEGIN
    FOR i IN 1 .. cardinality(sids) LOOP
        item := i - 1;
        outcome := 'unknown_number';
        client_id := NULL;
        lead_id := NULL;
        conversation_id := NULL;
        message_id := NULL;
        task_id := NULL;
        due := false;
        opted_out := false;

        SELECT n.client_id INTO of_client FROM client_numbers n
         WHERE n.channel = channels[i] AND n.number = receivers[i];
        IF NOT FOUND THEN
            RETURN NEXT;
            CONTINUE;
        END IF;
        client_id := of_client;

        SELECT m.message_id, m.conversation_id, m.lead_id INTO message_id, conversation_id, lead_id
          FROM messages m WHERE m.client_id = of_client AND m.provider_sid = sids[i];
        IF FOUND THEN
            outcome := 'duplicate';
            RETURN NEXT;
            CONTINUE;
        END IF;

        SELECT l.lead_id, l.opted_out_at IS NOT NULL INTO of_lead, is_opted_out
          FROM leads l WHERE l.client_id = of_client AND l.phone = senders[i];
        IF NOT FOUND THEN
            -- The update changes nothing; it returns the row where another gateway was first.
            INSERT INTO leads AS l (client_id, lead_id, phone) VALUES (of_client, new_lead_ids[i], senders[i])
            ON CONFLICT ON CONSTRAINT leads_phone DO UPDATE SET phone = excluded.phone
            RETURNING l.lead_id, l.opted_out_at IS NOT NULL INTO of_lead, is_opted_out;
        END IF;
        lead_id := of_lead;
        -- Another gateway may be storing a STOP or START before this one: what it makes of the lead is waited for. (Not
        -- where nothing depends on it: an answer to a lead who has opted out meanwhile is dropped later.)
        IF is_opted_out OR opts[i] = 'in' THEN
            SELECT l.opted_out_at IS NOT NULL INTO is_opted_out
              FROM leads l WHERE l.client_id = of_client AND l.lead_id = of_lead
               FOR NO KEY UPDATE;
        END IF;

        wants_answer := NOT is_opted_out;
        IF opts[i] = 'out' THEN
            wants_answer := false;
            UPDATE leads l SET opted_out_at = now(), opted_out_channel = channels[i],
                               opted_out_words = left(bodies[i], 200), updated_at = now()
             WHERE l.client_id = of_client AND l.lead_id = of_lead AND l.opted_out_at IS NULL;
            opted_out := FOUND;
        ELSIF opts[i] = 'in' AND is_opted_out THEN
            UPDATE leads l SET opted_out_at = NULL, opted_out_channel = NULL, opted_out_words = NULL,
                               updated_at = now()
             WHERE l.client_id = of_client AND l.lead_id = of_lead;
        END IF;

        -- The row stays locked until the commit, so that within a conversation messages.seq is the order of the
        -- commits: an answer that covers a message has seen all before it.
        INSERT INTO conversations AS c (client_id, conversation_id, lead_id, channel, lead_address, our_address)
        VALUES (of_client, new_conversation_ids[i], of_lead, channels[i], senders[i], receivers[i])
        ON CONFLICT ON CONSTRAINT conversations_lead_channel DO UPDATE
            SET lead_address = excluded.lead_address, our_address = excluded.our_address, updated_at = now(),
                state = CASE c.state WHEN 'closed' THEN 'open' ELSE c.state END
        RETURNING c.conversation_id, c.state INTO of_conversation, current_state;
        conversation_id := of_conversation;

        INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel,
                              from_address, to_address, body, state, provider_sid, trace_id)
        VALUES (of_client, new_message_ids[i], of_conversation, of_lead, 'in', 'lead', channels[i],
                senders[i], receivers[i], bodies[i], 'received', sids[i], trace_ids[i])
        ON CONFLICT ON CONSTRAINT messages_provider_sid DO NOTHING
        RETURNING seq INTO stored_seq;
        IF NOT FOUND THEN
            -- Another gateway stored it since the look above.
            outcome := 'duplicate';
            opted_out := false;
            SELECT m.message_id INTO message_id FROM messages m
             WHERE m.client_id = of_client AND m.provider_sid = sids[i];
            RETURN NEXT;
            CONTINUE;
        END IF;
        outcome := 'accepted';
        message_id := new_message_ids[i];

        -- STOP and START want no answer, and neither does what was written before them.
        IF opts[i] = 'out' OR (opts[i] = 'in' AND is_opted_out) THEN
            UPDATE conversations c SET answered_seq = stored_seq
             WHERE c.client_id = of_client AND c.conversation_id = of_conversation;
        END IF;

        IF wants_answer AND current_state <> 'taken_over' THEN
            -- One that waits already covers this message too. It waits a little longer for what may follow, but never
            -- past 4 s; one that waits because it failed keeps the time of its next attempt.
            INSERT INTO tasks AS t (client_id, task_id, kind, role, max_attempts, deadline_s, run_at, serial_key)
            VALUES (of_client, new_task_ids[i], 'process_ai_response', 'orchestrator', task_attempts, task_deadline_s,
                    now() + holds_ms[i] * interval '1 millisecond', of_conversation::text)
            ON CONFLICT (client_id, serial_key) WHERE state = 'ready' AND kind = 'process_ai_response' DO UPDATE
                SET run_at = CASE WHEN t.attempt > 0 THEN t.run_at
                             ELSE least(t.created_at + interval '4 seconds',
                                        now() + burst_ms * interval '1 millisecond') END,
                    updated_at = now()
            RETURNING t.task_id, t.run_at <= now() INTO task_id, due;
            IF task_id = new_task_ids[i] THEN
                INSERT INTO task_payloads (client_id, task_id, trace_id, payload)
                VALUES (of_client, new_task_ids[i], trace_ids[i],
                        jsonb_build_object('conversation_id', of_conversation));
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION accept_inbound(text[], text[], text[], text[], text[], text[], integer[], text[],
                                      uuid[], uuid[], uuid[], uuid[], integer, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accept_inbound(text[], text[], text[], text[], text[], text[], integer[], text[],
                                         uuid[], uuid[], uuid[], uuid[], integer, integer, integer)
    TO leadwire_gateway;
