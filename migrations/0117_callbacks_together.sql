-- 0117: a group of status callbacks is read by one statement
--
-- accept_message_status was called for each of a group, by a statement that was planned anew each time: the length of its
-- arrays made a plan for them look cheaper than one for all. Now the arrays are the arguments of a function, and what the
-- callbacks are about is read at once. What comes of each is as in 0073.

-- Their rows are locked in the order of their ids, as by delivery; what is told of one message is taken in the order in
-- which it came. item: counted from 1.
--
-- A status callback that brings no news takes no lock and writes nothing. What is read is read without a lock, and may be
-- older than what another one of the group has written, so the UPDATE asks again whether it is news. sent_at and the time
-- of the send, against which a START of the lead is held, are those of the locked row too.
CREATE FUNCTION accept_message_statuses(of_clients uuid[], of_messages uuid[], accounts text[], own_account text,
                                        are_calls boolean[], sids text[], statuses text[], codes integer[],
                                        descriptions text[])
RETURNS TABLE (item integer, outcome text, state text, lead_id uuid, conversation_id uuid, channel text, opted_out boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    seen        record;
    sent_after  timestamptz;
    free_sid    text;
    new_state   text;
BEGIN
    FOR seen IN
        SELECT u.*, m.*, c.account_sid AS client_account, c.is_client
          FROM unnest(of_clients, of_messages, accounts, are_calls, sids, statuses, codes, descriptions) WITH ORDINALITY
               AS u (of_client, of_message, account, is_call, sid, status, code, description, item)
          LEFT JOIN LATERAL
               (SELECT m.message_id, m.state, m.provider_sid, m.lead_id, m.conversation_id, m.channel, m.purpose,
                       nullif(m.account_sid, '') AS account_sid
                  FROM messages m
                 WHERE m.client_id = u.of_client AND m.message_id = u.of_message AND m.direction = 'out'
                 LIMIT 1) m ON true
          LEFT JOIN LATERAL
               (SELECT coalesce(c.config ->> 'twilio_account_sid', own_account) AS account_sid, true AS is_client
                  FROM clients c WHERE m.account_sid IS NULL AND c.client_id = u.of_client
                 LIMIT 1) c ON true
         ORDER BY u.of_client, u.of_message, u.item
    LOOP
        item := seen.item;
        outcome := 'ignored';
        state := NULL;
        lead_id := NULL;
        conversation_id := NULL;
        channel := NULL;
        opted_out := false;
        new_state := CASE
            WHEN seen.is_call THEN CASE
                WHEN seen.status IN ('queued', 'initiated', 'ringing', 'in-progress', 'answered') THEN 'sent'
                WHEN seen.status = 'completed' THEN 'delivered'
                WHEN seen.status IN ('busy', 'no-answer') THEN 'undelivered'
                WHEN seen.status IN ('failed', 'canceled') THEN 'failed' END
            WHEN seen.status IN ('accepted', 'scheduled', 'queued', 'sending', 'sent') THEN 'sent'
            WHEN seen.status IN ('delivered', 'partially_delivered') THEN 'delivered'
            WHEN seen.status IN ('undelivered', 'read', 'failed') THEN seen.status
            WHEN seen.status = 'canceled' THEN 'failed'
        END;
        IF new_state IS NULL THEN
            RETURN NEXT;
            CONTINUE;
        END IF;
        IF coalesce(seen.account_sid, seen.client_account) IS DISTINCT FROM seen.account
           AND (seen.account_sid IS NOT NULL OR seen.is_client) THEN
            outcome := 'wrong_account';
            RETURN NEXT;
            CONTINUE;
        END IF;
        IF seen.message_id IS NULL OR (seen.channel = 'voice') <> seen.is_call THEN
            outcome := 'unknown';
            RETURN NEXT;
            CONTINUE;
        END IF;
        outcome := 'unchanged';
        state := seen.state;
        lead_id := seen.lead_id;
        conversation_id := seen.conversation_id;
        channel := seen.channel;

        -- A sid that another message took from a listing stays there: the state is what matters here.
        free_sid := NULL;
        IF seen.provider_sid IS NULL AND length(seen.sid) BETWEEN 1 AND 64 THEN
            IF NOT EXISTS (SELECT FROM messages m WHERE m.client_id = seen.of_client AND m.provider_sid = seen.sid) THEN
                free_sid := seen.sid;
            END IF;
        END IF;
        IF message_rank(new_state) > message_rank(seen.state) THEN
            UPDATE messages m
               SET state = new_state, updated_at = now(), provider_sid = coalesce(m.provider_sid, free_sid),
                   error_code = CASE WHEN new_state IN ('failed', 'undelivered') AND seen.code > 0 THEN seen.code END,
                   error_text = CASE WHEN new_state IN ('failed', 'undelivered') THEN left(seen.description, 500) END,
                   sent_at = CASE WHEN new_state = 'failed' THEN m.sent_at ELSE coalesce(m.sent_at, now()) END
             WHERE m.client_id = seen.of_client AND m.message_id = seen.of_message
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
                 WHERE m.client_id = seen.of_client AND m.message_id = seen.of_message AND m.provider_sid IS NULL;
            END IF;
            RETURN NEXT;
            CONTINUE;
        END IF;

        -- What Twilio says of the recipient; of an alert that is not the lead.
        IF new_state IN ('failed', 'undelivered') AND seen.purpose <> 'alert' THEN
            IF seen.code = 21610 THEN  -- it has opted out at Twilio
                UPDATE leads l
                   SET opted_out_at = now(), opted_out_channel = seen.channel, opted_out_words = 'Twilio 21610',
                       updated_at = now()
                 WHERE l.client_id = seen.of_client AND l.lead_id = seen.lead_id AND l.opted_out_at IS NULL
                   AND NOT EXISTS (SELECT FROM consents s
                                    WHERE s.client_id = seen.of_client AND s.lead_id = seen.lead_id AND s.kind = 'in'
                                      AND s.created_at > sent_after);
                opted_out := FOUND;
                IF opted_out THEN
                    INSERT INTO consents (client_id, lead_id, kind, channel, words)
                    VALUES (seen.of_client, seen.lead_id, 'out', seen.channel, 'Twilio 21610');
                END IF;
            ELSIF seen.code IN (30006, 21614) AND seen.channel = 'sms' THEN
                -- A landline, or a carrier that cannot be reached: the former where nobody has looked and it never
                -- texted us.
                UPDATE leads l SET phone_line_type = 'landline', updated_at = now()
                 WHERE l.client_id = seen.of_client AND l.lead_id = seen.lead_id AND l.phone_line_type IS NULL
                   AND NOT EXISTS (SELECT FROM messages m
                                    WHERE m.client_id = seen.of_client AND m.conversation_id = seen.conversation_id
                                      AND m.direction = 'in' AND m.channel <> 'form');
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION accept_message_statuses(uuid[], uuid[], text[], text, boolean[], text[], text[], integer[], text[])
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accept_message_statuses(uuid[], uuid[], text[], text, boolean[], text[], text[], integer[], text[])
    TO leadwire_gateway;

-- As gateways of earlier versions call it.
CREATE OR REPLACE FUNCTION accept_message_status(of_client uuid, of_message uuid, account text, own_account text, is_call boolean,
                                      sid text, status text, code integer, description text)
RETURNS TABLE (outcome text, state text, lead_id uuid, conversation_id uuid, channel text, opted_out boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.outcome, s.state, s.lead_id, s.conversation_id, s.channel, s.opted_out
      FROM accept_message_statuses(ARRAY[of_client], ARRAY[of_message], ARRAY[account], own_account, ARRAY[is_call],
                                   ARRAY[sid], ARRAY[status], ARRAY[code], ARRAY[description]) s
$$;
