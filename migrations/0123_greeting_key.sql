-- 0123: deciding on a greeting waits for no greeting of before to be sent
--
-- Both had the key started:CONVERSATION. Where the one before waited for the lead's hours in delivery, or nobody knew yet
-- whether it was sent, a form that came then stood behind it, also where it asked not to be texted.

-- As in 0110, with that key. What has come by web form or API, stored as a message of the lead in the
-- conversation over which it is to be written to: that of wanted ('sms', 'whatsapp') where the client can write there, else another, else 'form', over which nothing
-- can be sent. The lead's row is the caller's, locked. outcome:
--   accepted   with the message, and the task that greets or answers the lead; NULL where a person has taken over
--   duplicate  the message was stored before (the same sid; without one, the same content_hash within 10 minutes)
-- Runs with the caller's rights.
CREATE OR REPLACE FUNCTION put_lead_message(
    of_client uuid, of_lead uuid, of_phone text, of_email text, wanted text, of_body text, of_form jsonb, sid text,
    of_trace text, consent_channel text, consent_words text, consent_at timestamptz, of_page text, of_ip text,
    of_forwarded text, asker text, new_conversation uuid, new_message uuid, new_task uuid, task_attempts integer,
    task_deadline_s integer)
RETURNS TABLE (outcome text, conversation_id uuid, channel text, message_id uuid, task_id uuid)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    settings        jsonb;
    sms_sender      text;
    wa_sender       text;
    by_whatsapp     boolean;
    way             text;
    sender          text;
    of_conversation uuid;
    current_state   text;
    stored_seq      bigint;
BEGIN
    SELECT c.config INTO settings FROM clients c WHERE c.client_id = of_client;
    sms_sender := coalesce(settings ->> 'twilio_phone_number', settings -> 'twilio_phone_numbers' ->> 0,
                           settings ->> 'twilio_messaging_service_sid');
    wa_sender := settings ->> 'twilio_whatsapp_number';
    -- By WhatsApp free text goes within 24 hours of the lead's last message there, and at any time a template.
    by_whatsapp := wa_sender IS NOT NULL AND (settings ? 'whatsapp_greeting_content_sid' OR EXISTS (
        SELECT FROM conversations w JOIN messages m USING (client_id, conversation_id)
         WHERE w.client_id = of_client AND w.lead_id = of_lead AND w.channel = 'whatsapp'
           AND m.direction = 'in' AND m.channel = 'whatsapp' AND m.created_at > now() - interval '24 hours'));
    way := CASE WHEN of_phone IS NULL THEN 'form'
                WHEN wanted = 'whatsapp' AND by_whatsapp THEN 'whatsapp'
                WHEN sms_sender IS NOT NULL THEN 'sms'
                WHEN by_whatsapp THEN 'whatsapp'
                ELSE 'form' END;
    channel := way;
    sender := CASE way WHEN 'sms' THEN sms_sender WHEN 'whatsapp' THEN wa_sender ELSE 'form' END;

    -- Locks the conversation until the commit, as accept_inbound does. The number the lead texted before stays ours.
    INSERT INTO conversations AS c (client_id, conversation_id, lead_id, channel, lead_address, our_address)
    VALUES (of_client, new_conversation, of_lead, way, coalesce(of_phone, of_email), sender)
    ON CONFLICT ON CONSTRAINT conversations_lead_channel DO UPDATE
        SET lead_address = excluded.lead_address, updated_at = now(),
            our_address = CASE WHEN EXISTS (SELECT FROM client_numbers n
                                             WHERE n.client_id = c.client_id AND n.channel = c.channel
                                               AND n.number = c.our_address)
                               THEN c.our_address ELSE excluded.our_address END,
            state = CASE c.state WHEN 'closed' THEN 'open' ELSE c.state END
    RETURNING c.conversation_id, c.state, c.our_address INTO of_conversation, current_state, sender;
    conversation_id := of_conversation;

    outcome := 'duplicate';
    SELECT m.message_id INTO message_id FROM messages m
     WHERE m.client_id = of_client AND m.conversation_id = of_conversation AND m.direction = 'in'
       AND m.channel = 'form' AND sid IS NULL AND m.provider_sid IS NULL
       AND m.form ->> 'content_hash' = of_form ->> 'content_hash' AND m.created_at > now() - interval '10 minutes'
     LIMIT 1;
    IF FOUND THEN
        RETURN NEXT;
        RETURN;
    END IF;
    INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel, from_address,
                          to_address, body, form, state, provider_sid, trace_id)
    VALUES (of_client, new_message, of_conversation, of_lead, 'in', 'lead', 'form', coalesce(of_phone, of_email), sender,
            of_body, of_form, 'received', sid, of_trace)
    ON CONFLICT ON CONSTRAINT messages_provider_sid DO NOTHING
    RETURNING seq INTO stored_seq;
    IF NOT FOUND THEN
        SELECT m.message_id, m.conversation_id INTO message_id, conversation_id FROM messages m
         WHERE m.client_id = of_client AND m.provider_sid = sid;
        RETURN NEXT;
        RETURN;
    END IF;
    outcome := 'accepted';
    message_id := new_message;

    INSERT INTO consents (client_id, lead_id, kind, channel, words, message_id, form_id, given_at, page_url, ip,
                          forwarded_for, asked_by)
    VALUES (of_client, of_lead, 'given', consent_channel, consent_words, new_message, (of_form ->> 'form_id')::uuid,
            consent_at, of_page, of_ip, of_forwarded, asker);
    UPDATE leads l
       SET service_interest = of_form ->> 'service', updated_at = now(),
           evidence = l.evidence || jsonb_build_object('service_interest', jsonb_build_object(
                          'seq', stored_seq, 'words', left(of_form ->> 'service', 200)))
     WHERE l.client_id = of_client AND l.lead_id = of_lead AND l.service_interest IS NULL
       AND of_form ->> 'service' <> '';

    IF current_state <> 'taken_over' THEN
        -- What waits for the morning covers this too, and looks again now: this may refuse it.
        WITH woken AS (
            UPDATE tasks t SET run_at = now(), updated_at = now()
             WHERE t.client_id = of_client AND t.serial_key IN ('greet:' || of_conversation, 'started:' || of_conversation)
               AND t.kind = 'generate_greeting' AND t.state = 'ready' AND (t.attempt = 0 OR t.error_kind = 'postponed')
            RETURNING t.task_id
        )
        SELECT min(w.task_id::text)::uuid INTO task_id FROM woken w;
        IF task_id IS NULL THEN
            -- A key of its own: it may wait until morning, and what the lead texts meanwhile does not wait with it. Nor does
            -- it wait for a greeting of before to be sent.
            task_id := new_task;
            INSERT INTO tasks (client_id, task_id, kind, role, max_attempts, deadline_s, serial_key)
            VALUES (of_client, new_task, 'generate_greeting', 'orchestrator', task_attempts, task_deadline_s,
                    'greet:' || of_conversation);
            INSERT INTO task_payloads (client_id, task_id, trace_id, payload)
            VALUES (of_client, new_task, of_trace, jsonb_build_object('conversation_id', of_conversation));
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
