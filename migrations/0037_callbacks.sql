-- 0037: whose account a callback comes from, calls, and what an alert call says
--
-- The functions run as the owner of the tables (see 0005): every statement names its client itself.

-- The accounts that clients have of their own, with their tokens as they are sealed: what signs these clients' webhooks.
CREATE FUNCTION client_twilio_accounts() RETURNS TABLE (account_sid text, client_id uuid, sealed_token text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.config ->> 'twilio_account_sid', c.client_id, c.config ->> 'twilio_auth_token'
      FROM clients c
     WHERE c.config ? 'twilio_auth_token' AND c.config ? 'twilio_account_sid'
     ORDER BY 1, 2
$$;
CREATE INDEX clients_own_account ON clients (client_id) WHERE config ? 'twilio_auth_token';
REVOKE ALL ON FUNCTION client_twilio_accounts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION client_twilio_accounts() TO leadwire_gateway;

-- Delivered is known, undelivered and failed may have been our own conclusion: so it stands above them, and what is in the
-- end does not depend on the order in which callbacks arrive.
CREATE OR REPLACE FUNCTION message_rank(state text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT CASE state WHEN 'queued' THEN 0 WHEN 'sending' THEN 1 WHEN 'uncertain' THEN 2 WHEN 'sent' THEN 3
                         WHEN 'undelivered' THEN 4 WHEN 'failed' THEN 4 WHEN 'delivered' THEN 5
                         WHEN 'read' THEN 6 ELSE 9 END $$;

DROP FUNCTION accept_message_status(uuid, uuid, text, text, integer, text);

-- A status callback of Twilio for one of our outbound messages or calls: the ids are those that we put into the callback's
-- address, status is MessageStatus or CallStatus, account the one whose signature it has, own_account the environment's.
-- A callback also proves that Twilio accepted the message, so it settles one whose sending was uncertain. Outcome:
--   changed        the message has moved forward, to state
--   unchanged      it had come as far already
--   unknown        there is no such outbound message (or call) of that client
--   wrong_account  the client's messages go through another account
--   ignored        the status is none that says anything
-- opted_out: Twilio has told us that the lead has opted out.
CREATE FUNCTION accept_message_status(of_client uuid, of_message uuid, account text, own_account text, is_call boolean,
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

    SELECT coalesce(c.config ->> 'twilio_account_sid', own_account) INTO of_account
      FROM clients c WHERE c.client_id = of_client;
    IF FOUND AND of_account IS DISTINCT FROM account THEN
        outcome := 'wrong_account';
        RETURN NEXT;
        RETURN;
    END IF;

    SELECT m.state, m.provider_sid, m.lead_id, m.conversation_id, m.channel, m.purpose INTO now_message
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
             WHERE l.client_id = of_client AND l.lead_id = now_message.lead_id AND l.opted_out_at IS NULL;
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
REVOKE ALL ON FUNCTION accept_message_status(uuid, uuid, text, text, boolean, text, text, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accept_message_status(uuid, uuid, text, text, boolean, text, text, integer, text)
    TO leadwire_gateway;

-- What an alert call says, our number, and the lead to put it through to (NULL: there is no number). No row: there is no
-- such call of that client. ours is false, and the rest NULL, where the client's calls go through another account.
CREATE FUNCTION alert_call(of_client uuid, of_message uuid, account text, own_account text)
RETURNS TABLE (ours boolean, body text, our_number text, lead_phone text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.ours, CASE WHEN a.ours THEN m.body END, CASE WHEN a.ours THEN m.from_address END,
           CASE WHEN a.ours THEN l.phone END
      FROM messages m
      JOIN clients c ON c.client_id = m.client_id
      JOIN leads l ON l.client_id = m.client_id AND l.lead_id = m.lead_id
     CROSS JOIN LATERAL (SELECT coalesce(c.config ->> 'twilio_account_sid', own_account) = account AS ours) a
     WHERE m.client_id = of_client AND m.message_id = of_message AND m.direction = 'out' AND m.channel = 'voice'
$$;
REVOKE ALL ON FUNCTION alert_call(uuid, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alert_call(uuid, uuid, text, text) TO leadwire_gateway;
