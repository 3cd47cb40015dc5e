-- 0046: callbacks of messages that went through another account than is configured now; consents that are repeated late

-- As in 0037, but:
--   * Whose callback it may be says the account that the message was sent with. The client's configuration may have
--     changed since, and what was under way would never be settled.
--   * That Twilio refused a text because the lead had opted out (21610) says nothing about a lead who has said START
--     since that text was sent.
CREATE OR REPLACE FUNCTION accept_message_status(of_client uuid, of_message uuid, account text, own_account text, is_call boolean,
                                      sid text, status text, code integer, description text)
RETURNS TABLE (outcome text, state text, lead_id uuid, conversation_id uuid, channel text, opted_out boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    of_account  text;
    now_message record;
    new_state   text := CASE
        WHEN is_call THEN CASE
            WHEN status IN ('queued', 'initiated', 'ringing', 'in-progress', 'answered') THEN 'sent'
            WHEN status = 'completed' THEN 'delivered'
            WHEN status IN ('busy', 'no-answer') THEN 'undelivered'
            WHEN status IN ('failed', 'canceled') THEN 'failed' END
        WHEN status IN ('accepted', 'scheduled', 'queued', 'sending', 'sent') THEN 'sent'
        WHEN status IN ('delivered', 'partially_delivered') THEN 'delivered'
        WHEN status IN ('undelivered', 'read', 'failed') THEN status
        WHEN status = 'canceled' THEN 'failed'
    END;
BEGIN
    outcome := 'ignored';
    opted_out := false;
    IF new_state IS NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;

    SELECT coalesce(nullif(m.account_sid, ''), c.config ->> 'twilio_account_sid', own_account) INTO of_account
      FROM clients c
      LEFT JOIN messages m ON m.client_id = c.client_id AND m.message_id = of_message AND m.direction = 'out'
     WHERE c.client_id = of_client;
    IF FOUND AND of_account IS DISTINCT FROM account THEN
        outcome := 'wrong_account';
        RETURN NEXT;
        RETURN;
    END IF;

    SELECT m.state, m.provider_sid, m.lead_id, m.conversation_id, m.channel, m.purpose, m.sending_at INTO now_message
      FROM messages m
     WHERE m.client_id = of_client AND m.message_id = of_message AND m.direction = 'out'
       AND (m.channel = 'voice') = is_call
       FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'unknown';
        RETURN NEXT;
        RETURN;
    END IF;
    lead_id := now_message.lead_id;
    conversation_id := now_message.conversation_id;
    channel := now_message.channel;

    -- A sid that another message took from a listing stays there: the state is what matters here.
    IF now_message.provider_sid IS NULL AND length(sid) BETWEEN 1 AND 64
       AND NOT EXISTS (SELECT FROM messages m WHERE m.client_id = of_client AND m.provider_sid = sid) THEN
        UPDATE messages m SET provider_sid = sid WHERE m.client_id = of_client AND m.message_id = of_message;
    END IF;
    IF message_rank(new_state) <= message_rank(now_message.state) THEN
        outcome := 'unchanged';
        state := now_message.state;
        RETURN NEXT;
        RETURN;
    END IF;
    outcome := 'changed';
    state := new_state;

    UPDATE messages m
       SET state = new_state, updated_at = now(),
           error_code = CASE WHEN new_state IN ('failed', 'undelivered') AND code > 0 THEN code END,
           error_text = CASE WHEN new_state IN ('failed', 'undelivered') THEN left(description, 500) END,
           sent_at = CASE WHEN new_state = 'failed' THEN sent_at ELSE coalesce(sent_at, now()) END
     WHERE m.client_id = of_client AND m.message_id = of_message;

    -- What Twilio says of the recipient; of an alert that is not the lead.
    IF new_state IN ('failed', 'undelivered') AND now_message.purpose <> 'alert' THEN
        IF code = 21610 THEN  -- it has opted out at Twilio
            UPDATE leads l
               SET opted_out_at = now(), opted_out_channel = now_message.channel, opted_out_words = 'Twilio 21610',
                   updated_at = now()
             WHERE l.client_id = of_client AND l.lead_id = now_message.lead_id AND l.opted_out_at IS NULL
               AND NOT EXISTS (SELECT FROM consents s
                                WHERE s.client_id = of_client AND s.lead_id = now_message.lead_id AND s.kind = 'in'
                                  AND s.created_at > now_message.sending_at);
            opted_out := FOUND;
            IF opted_out THEN
                INSERT INTO consents (client_id, lead_id, kind, channel, words)
                VALUES (of_client, now_message.lead_id, 'out', now_message.channel, 'Twilio 21610');
            END IF;
        ELSIF code IN (30006, 21614) AND now_message.channel = 'sms' THEN
            -- A landline, or a carrier that cannot be reached: the former where nobody has looked and it never texted us.
            UPDATE leads l SET phone_line_type = 'landline', updated_at = now()
             WHERE l.client_id = of_client AND l.lead_id = now_message.lead_id AND l.phone_line_type IS NULL
               AND NOT EXISTS (SELECT FROM messages m
                                WHERE m.client_id = of_client AND m.conversation_id = now_message.conversation_id
                                  AND m.direction = 'in');
        END IF;
    END IF;
    RETURN NEXT;
END
$$;

CREATE OR REPLACE FUNCTION alert_call(of_client uuid, of_message uuid, account text, own_account text)
RETURNS TABLE (ours boolean, body text, our_number text, lead_phone text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.ours, CASE WHEN a.ours THEN m.body END, CASE WHEN a.ours THEN m.from_address END,
           CASE WHEN a.ours THEN l.phone END
      FROM messages m
      JOIN clients c ON c.client_id = m.client_id
      JOIN leads l ON l.client_id = m.client_id AND l.lead_id = m.lead_id
     CROSS JOIN LATERAL (SELECT coalesce(nullif(m.account_sid, ''), c.config ->> 'twilio_account_sid',
                                           own_account) = account AS ours) a
     WHERE m.client_id = of_client AND m.message_id = of_message AND m.direction = 'out' AND m.channel = 'voice'
$$;

-- As in 0036, but a STOP or START that is repeated while another gateway stores it is looked for again once the lead is
-- locked: it must not be done a second time, after what the lead said next.
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

        SELECT n.client_id, n.number, coalesce(n.account_sid, own_account) INTO of_client, of_number, of_account
          FROM client_numbers n
         WHERE n.channel = channels[i] AND n.number = receivers[i];
        IF NOT FOUND AND services[i] <> '' THEN
            SELECT n.client_id, n.number, coalesce(n.account_sid, own_account) INTO of_client, of_number, of_account
              FROM client_numbers n
             WHERE n.channel = channels[i] AND n.number = services[i];
        END IF;
        IF NOT FOUND THEN
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
        INSERT INTO conversations AS c (client_id, conversation_id, lead_id, channel, lead_address, our_address)
        VALUES (of_client, new_conversation_ids[i], of_lead, channels[i], senders[i], of_number)
        ON CONFLICT ON CONSTRAINT conversations_lead_channel DO UPDATE
            SET lead_address = excluded.lead_address, our_address = excluded.our_address, updated_at = now(),
                state = CASE c.state WHEN 'closed' THEN 'open' ELSE c.state END
        RETURNING c.conversation_id, c.state, c.epoch INTO of_conversation, current_state, current_epoch;
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
            -- One that waits already covers this message too. It waits a little longer for what may follow, but never
            -- past 4 s; one that waits because it failed keeps the time of its next attempt.
            role := 'orchestrator';
            INSERT INTO tasks AS t (client_id, task_id, kind, role, max_attempts, deadline_s, run_at, serial_key)
            VALUES (of_client, new_task_ids[i], 'process_ai_response', role, task_attempts, task_deadline_s,
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
