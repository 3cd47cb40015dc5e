-- 0170: what a lead writes after an answer of ours is no burst
--
-- As in 0125, but the rhythm is that of the texts that are not answered yet: whoever answered our question at once was waited
-- for like somebody in the middle of several texts, up to 4 s.
CREATE OR REPLACE FUNCTION accept_inbound(
    channels text[], accounts text[], signers text[], senders text[], receivers text[], services text[],
    bodies text[], media text[], names text[], sids text[], trace_ids text[], holds_ms integer[],
    consents text[], languages text[], answered boolean[],
    new_lead_ids uuid[], new_conversation_ids uuid[], new_message_ids uuid[], new_confirmation_ids uuid[],
    new_task_ids uuid[],
    own_account text, burst_ms integer, task_attempts integer, task_deadline_s integer,
    send_attempts integer, send_deadline_s integer)
RETURNS TABLE (item integer, outcome text, client_id uuid, lead_id uuid, conversation_id uuid, message_id uuid,
               task_id uuid, role text, due boolean, opted_out boolean, opted_in boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    of_client       uuid;
    of_number       text;  -- ours, as client_numbers has it
    of_account      text;
    of_lead         uuid;
    of_conversation uuid;
    is_opted_out    boolean;
    is_nameless     boolean;
    said            text;  -- the consent as it counts here
    wants_answer    boolean;
    current_state   text;
    current_epoch   integer;
    stored_seq      bigint;
    confirmation    text;
    seen_seq        bigint;  -- up to which the lead's texts have been answered
    hold            interval;
    written_before  timestamptz;
    oldest          timestamptz;
BEGIN
    FOR i IN 1 .. cardinality(sids) LOOP
        item := i - 1;
        outcome := 'unknown_number';
        client_id := NULL;
        lead_id := NULL;
        conversation_id := NULL;
        message_id := NULL;
        task_id := NULL;
        role := NULL;
        due := false;
        opted_out := false;
        opted_in := false;

        -- A group is ordered by its numbers.
        IF i = 1 OR receivers[i] <> receivers[i - 1] OR channels[i] <> channels[i - 1] OR services[i] <> services[i - 1] THEN
            SELECT n.client_id, n.number, coalesce(n.account_sid, own_account) INTO of_client, of_number, of_account
              FROM client_numbers n
             WHERE n.channel = channels[i] AND n.number = receivers[i];
            IF NOT FOUND AND services[i] <> '' THEN
                SELECT n.client_id, n.number, coalesce(n.account_sid, own_account) INTO of_client, of_number, of_account
                  FROM client_numbers n
                 WHERE n.channel = channels[i] AND n.number = services[i];
            END IF;
        END IF;
        IF of_client IS NULL THEN
            RETURN NEXT;
            CONTINUE;
        END IF;
        client_id := of_client;

        IF accounts[i] IS DISTINCT FROM of_account
           OR (signers[i] IS NOT NULL AND of_client <> ALL (signers[i]::uuid[])) THEN
            outcome := 'wrong_account';
            RETURN NEXT;
            CONTINUE;
        END IF;

        SELECT m.message_id, m.conversation_id, m.lead_id INTO message_id, conversation_id, lead_id
          FROM messages m WHERE m.client_id = of_client AND m.provider_sid = sids[i];
        IF FOUND THEN
            outcome := 'duplicate';
            RETURN NEXT;
            CONTINUE;
        END IF;

        SELECT l.lead_id, l.opted_out_at IS NOT NULL, l.name IS NULL INTO of_lead, is_opted_out, is_nameless
          FROM leads l WHERE l.client_id = of_client AND l.phone = senders[i];
        IF NOT FOUND THEN
            -- The update changes nothing; it returns the row where another gateway was first.
            INSERT INTO leads AS l (client_id, lead_id, phone, name)
            VALUES (of_client, new_lead_ids[i], senders[i], names[i])
            ON CONFLICT ON CONSTRAINT leads_phone DO UPDATE SET phone = excluded.phone
            RETURNING l.lead_id, l.opted_out_at IS NOT NULL, l.name IS NULL INTO of_lead, is_opted_out, is_nameless;
        END IF;
        lead_id := of_lead;
        -- Another gateway may be storing a STOP or START before this one: what it makes of the lead is waited for. (Not
        -- where nothing depends on it: an answer to a lead who has opted out meanwhile is dropped later.) It may be this
        -- very one, and what the lead said after it: then this one changes nothing.
        IF is_opted_out OR consents[i] IN ('out', 'in', 'yes') THEN
            SELECT l.opted_out_at IS NOT NULL INTO is_opted_out
              FROM leads l WHERE l.client_id = of_client AND l.lead_id = of_lead
               FOR NO KEY UPDATE;
            SELECT m.message_id, m.conversation_id, m.lead_id INTO message_id, conversation_id, lead_id
              FROM messages m WHERE m.client_id = of_client AND m.provider_sid = sids[i];
            IF FOUND THEN
                outcome := 'duplicate';
                RETURN NEXT;
                CONTINUE;
            END IF;
            lead_id := of_lead;
        END IF;
        IF is_nameless AND names[i] IS NOT NULL THEN
            UPDATE leads l SET name = names[i], updated_at = now()
             WHERE l.client_id = of_client AND l.lead_id = of_lead AND l.name IS NULL;
        END IF;

        said := CASE WHEN consents[i] <> 'yes' THEN consents[i] WHEN is_opted_out THEN 'in' ELSE '' END;
        wants_answer := NOT is_opted_out AND (said = '' OR (said = 'in' AND NOT answered[i]));
        IF said = 'out' THEN
            UPDATE leads l SET opted_out_at = now(), opted_out_channel = channels[i],
                               opted_out_words = left(bodies[i], 200), updated_at = now()
             WHERE l.client_id = of_client AND l.lead_id = of_lead AND l.opted_out_at IS NULL;
            opted_out := FOUND;
        ELSIF said = 'in' AND is_opted_out THEN
            UPDATE leads l SET opted_out_at = NULL, opted_out_channel = NULL, opted_out_words = NULL,
                               updated_at = now()
             WHERE l.client_id = of_client AND l.lead_id = of_lead;
            opted_in := true;
        END IF;

        -- The row stays locked until the commit, so that within a conversation messages.seq is the order of the
        -- commits: an answer that covers a message has seen all before it.
        of_conversation := NULL;
        IF of_lead <> new_lead_ids[i] THEN
            UPDATE conversations c
               SET lead_address = senders[i], our_address = of_number, updated_at = now(),
                   state = CASE c.state WHEN 'closed' THEN 'open' ELSE c.state END
             WHERE c.client_id = of_client AND c.lead_id = of_lead AND c.channel = channels[i]
            RETURNING c.conversation_id, c.state, c.epoch, c.answered_seq
              INTO of_conversation, current_state, current_epoch, seen_seq;
        END IF;
        IF of_conversation IS NULL THEN
            INSERT INTO conversations AS c (client_id, conversation_id, lead_id, channel, lead_address, our_address)
            VALUES (of_client, new_conversation_ids[i], of_lead, channels[i], senders[i], of_number)
            ON CONFLICT ON CONSTRAINT conversations_lead_channel DO UPDATE
                SET lead_address = excluded.lead_address, our_address = excluded.our_address, updated_at = now(),
                    state = CASE c.state WHEN 'closed' THEN 'open' ELSE c.state END
            RETURNING c.conversation_id, c.state, c.epoch, c.answered_seq
              INTO of_conversation, current_state, current_epoch, seen_seq;
        END IF;
        conversation_id := of_conversation;

        INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel,
                              from_address, to_address, body, media, state, provider_sid, trace_id)
        VALUES (of_client, new_message_ids[i], of_conversation, of_lead, 'in', 'lead', channels[i],
                senders[i], receivers[i], bodies[i], media[i]::jsonb, 'received', sids[i], trace_ids[i])
        ON CONFLICT ON CONSTRAINT messages_provider_sid DO NOTHING
        RETURNING seq INTO stored_seq;
        IF NOT FOUND THEN
            -- Another gateway stored it since the look above, and changed what the lead wants before we could.
            outcome := 'duplicate';
            opted_out := false;
            opted_in := false;
            SELECT m.message_id INTO message_id FROM messages m
             WHERE m.client_id = of_client AND m.provider_sid = sids[i];
            RETURN NEXT;
            CONTINUE;
        END IF;
        outcome := 'accepted';
        message_id := new_message_ids[i];

        IF said <> '' THEN
            INSERT INTO consents (client_id, lead_id, kind, channel, words, message_id)
            VALUES (of_client, of_lead, said, channels[i], left(bodies[i], 200), new_message_ids[i]);
        END IF;

        -- STOP and START want no answer, and neither does what was written before them. HELP is answered below, or by
        -- Twilio; what was written before it still waits for its answer.
        IF said = 'out' OR opted_in THEN
            UPDATE conversations c SET answered_seq = stored_seq
             WHERE c.client_id = of_client AND c.conversation_id = of_conversation;
        ELSIF said = 'help' OR (said = 'in' AND NOT wants_answer) THEN
            UPDATE conversations c SET answered_seq = stored_seq
             WHERE c.client_id = of_client AND c.conversation_id = of_conversation
               AND NOT EXISTS (SELECT FROM messages m
                                WHERE m.client_id = of_client AND m.conversation_id = of_conversation
                                  AND m.direction = 'in' AND m.seq > c.answered_seq AND m.seq < stored_seq);
        END IF;

        IF NOT answered[i] AND (opted_out OR opted_in OR said = 'help') THEN
            SELECT consent_text(said, languages[i], c.name, c.config) INTO confirmation
              FROM clients c WHERE c.client_id = of_client;
            INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel, purpose,
                                  from_address, to_address, body, state, epoch, trace_id)
            VALUES (of_client, new_confirmation_ids[i], of_conversation, of_lead, 'out', 'system', channels[i], 'consent',
                    of_number, senders[i], confirmation, 'queued', current_epoch, trace_ids[i]);
            task_id := new_task_ids[i];
            role := 'delivery';
            due := true;
            INSERT INTO task_dedupe (client_id, dedupe_key, task_id)
            VALUES (of_client, 'send:' || new_confirmation_ids[i], task_id);
            -- The segments of a text: never fewer than they are.
            INSERT INTO tasks (client_id, task_id, kind, role, max_attempts, deadline_s, serial_key, lane, lane_units)
            VALUES (of_client, task_id, 'send_message_' || channels[i], role, send_attempts, send_deadline_s,
                    'send:' || of_conversation, channels[i] || ':' || of_number,
                    CASE WHEN channels[i] <> 'sms' THEN 1
                         WHEN octet_length(confirmation) = length(confirmation)
                         THEN CASE WHEN length(confirmation) <= 160 THEN 1 ELSE ceil(length(confirmation) / 153.0) END
                         WHEN length(confirmation) <= 70 THEN 1
                         ELSE ceil(length(confirmation) / 67.0) END);
            INSERT INTO task_payloads (client_id, task_id, trace_id, payload)
            VALUES (of_client, task_id, trace_ids[i], jsonb_build_object('message_id', new_confirmation_ids[i]));
        ELSIF wants_answer AND current_state <> 'taken_over' THEN
            -- What follows an answer of ours begins anew, and it is short because it answers. Who writes several texts
            -- before that has a rhythm: one that does not look complete waits for half as long again as the lead took
            -- from the text before, within four times burst_ms, and never past 4 s from the oldest one that is not
            -- answered; one that does, only where that was within a second.
            hold := holds_ms[i] * interval '1 millisecond';
            IF burst_ms > 0 AND of_conversation <> new_conversation_ids[i] THEN
                SELECT m.created_at INTO written_before FROM messages m
                 WHERE m.client_id = of_client AND m.conversation_id = of_conversation AND m.direction = 'in'
                   AND m.seq < stored_seq AND m.seq > seen_seq
                 ORDER BY m.seq DESC
                 LIMIT 1;
                IF NOT FOUND THEN
                    hold := least(hold, burst_ms * interval '1 millisecond');
                ELSIF written_before > now() - (CASE WHEN holds_ms[i] > 0 THEN interval '4 seconds'
                                                     ELSE interval '1 second' END) THEN
                    SELECT m.created_at INTO oldest FROM messages m
                     WHERE m.client_id = of_client AND m.conversation_id = of_conversation AND m.direction = 'in'
                       AND m.seq > seen_seq
                     ORDER BY m.seq
                     LIMIT 1;
                    hold := greatest(hold, least(1.5 * (now() - written_before),
                                                 4 * burst_ms * interval '1 millisecond'));
                    hold := greatest(least(hold, oldest + interval '4 seconds' - now()), interval '0');
                END IF;
            END IF;
            -- One that waits already covers this message too. It waits for what may follow this one, but never past 4 s
            -- from its first; one that waits because it failed keeps the time of its next attempt.
            role := 'orchestrator';
            INSERT INTO tasks AS t (client_id, task_id, kind, role, max_attempts, deadline_s, run_at, serial_key)
            VALUES (of_client, new_task_ids[i], 'process_ai_response', role, task_attempts, task_deadline_s,
                    now() + hold, of_conversation::text)
            ON CONFLICT (client_id, serial_key) WHERE state = 'ready' AND kind = 'process_ai_response' DO UPDATE
                SET run_at = CASE WHEN t.attempt > 0 THEN t.run_at
                             ELSE least(t.created_at + interval '4 seconds', now() + hold) END,
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
