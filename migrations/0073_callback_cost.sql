-- A status callback that brings no news takes no lock and writes nothing, and one that does reads its message once and writes it
-- once: before, the account was read first, the row locked, then the sid and the state written as two versions of the row.
-- What is read is read without a lock, so the UPDATE asks again whether it is news (it sees the row as it is when it has the
-- lock). sent_at and the time of the send, against which a START of the lead is held, are those of the locked row too.

CREATE OR REPLACE FUNCTION accept_message_status(of_client uuid, of_message uuid, account text, own_account text, is_call boolean,
                                      sid text, status text, code integer, description text)
RETURNS TABLE (outcome text, state text, lead_id uuid, conversation_id uuid, channel text, opted_out boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    seen        record;
    sent_after  timestamptz;
    free_sid    text;
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

    SELECT coalesce(nullif(m.account_sid, ''), c.config ->> 'twilio_account_sid', own_account) AS account_sid,
           m.message_id, m.state, m.provider_sid, m.lead_id, m.conversation_id, m.channel, m.purpose
      INTO seen
      FROM clients c
      LEFT JOIN messages m ON m.client_id = c.client_id AND m.message_id = of_message AND m.direction = 'out'
     WHERE c.client_id = of_client;
    IF FOUND AND seen.account_sid IS DISTINCT FROM account THEN
        outcome := 'wrong_account';
        RETURN NEXT;
        RETURN;
    END IF;
    IF seen.message_id IS NULL OR (seen.channel = 'voice') <> is_call THEN
        outcome := 'unknown';
        RETURN NEXT;
        RETURN;
    END IF;
    outcome := 'unchanged';
    state := seen.state;
    lead_id := seen.lead_id;
    conversation_id := seen.conversation_id;
    channel := seen.channel;

    -- A sid that another message took from a listing stays there: the state is what matters here.
    IF seen.provider_sid IS NULL AND length(sid) BETWEEN 1 AND 64
       AND NOT EXISTS (SELECT FROM messages m WHERE m.client_id = of_client AND m.provider_sid = sid) THEN
        free_sid := sid;
    END IF;
    IF message_rank(new_state) > message_rank(seen.state) THEN
        UPDATE messages m
           SET state = new_state, updated_at = now(), provider_sid = coalesce(m.provider_sid, free_sid),
               error_code = CASE WHEN new_state IN ('failed', 'undelivered') AND code > 0 THEN code END,
               error_text = CASE WHEN new_state IN ('failed', 'undelivered') THEN left(description, 500) END,
               sent_at = CASE WHEN new_state = 'failed' THEN m.sent_at ELSE coalesce(m.sent_at, now()) END
         WHERE m.client_id = of_client AND m.message_id = of_message
           AND message_rank(m.state) < message_rank(new_state)
        RETURNING m.sending_at INTO sent_after;
        IF FOUND THEN
            outcome := 'changed';
            state := new_state;
        END IF;
    END IF;
    IF outcome <> 'changed' THEN
        IF free_sid IS NOT NULL THEN
            UPDATE messages m SET provider_sid = free_sid
             WHERE m.client_id = of_client AND m.message_id = of_message AND m.provider_sid IS NULL;
        END IF;
        RETURN NEXT;
        RETURN;
    END IF;

    -- What Twilio says of the recipient; of an alert that is not the lead.
    IF new_state IN ('failed', 'undelivered') AND seen.purpose <> 'alert' THEN
        IF code = 21610 THEN  -- it has opted out at Twilio
            UPDATE leads l
               SET opted_out_at = now(), opted_out_channel = seen.channel, opted_out_words = 'Twilio 21610',
                   updated_at = now()
             WHERE l.client_id = of_client AND l.lead_id = seen.lead_id AND l.opted_out_at IS NULL
               AND NOT EXISTS (SELECT FROM consents s
                                WHERE s.client_id = of_client AND s.lead_id = seen.lead_id AND s.kind = 'in'
                                  AND s.created_at > sent_after);
            opted_out := FOUND;
            IF opted_out THEN
                INSERT INTO consents (client_id, lead_id, kind, channel, words)
                VALUES (of_client, seen.lead_id, 'out', seen.channel, 'Twilio 21610');
            END IF;
        ELSIF code IN (30006, 21614) AND seen.channel = 'sms' THEN
            -- A landline, or a carrier that cannot be reached: the former where nobody has looked and it never texted us.
            UPDATE leads l SET phone_line_type = 'landline', updated_at = now()
             WHERE l.client_id = of_client AND l.lead_id = seen.lead_id AND l.phone_line_type IS NULL
               AND NOT EXISTS (SELECT FROM messages m
                                WHERE m.client_id = of_client AND m.conversation_id = seen.conversation_id
                                  AND m.direction = 'in' AND m.channel <> 'form');
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
