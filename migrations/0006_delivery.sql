-- 0006: what becomes of a sent message

-- How many of the last looks (messages.looks) in a row were answered by the provider with a whole listing: a message
-- counts as not accepted only if the last two looks really saw that it is not there.
ALTER TABLE messages ADD COLUMN looks_listed integer NOT NULL DEFAULT 0;

-- How far a message has come: a status callback only ever moves it forward, whatever order callbacks arrive in.
CREATE FUNCTION message_rank(state text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT CASE state WHEN 'queued' THEN 0 WHEN 'sending' THEN 1 WHEN 'uncertain' THEN 2 WHEN 'sent' THEN 3
                         WHEN 'delivered' THEN 4 WHEN 'undelivered' THEN 4 WHEN 'failed' THEN 4
                         WHEN 'read' THEN 5 ELSE 9 END $$;

-- A status callback of Twilio for one of our outbound messages: the ids are those that we put into the callback's
-- address, status is MessageStatus. A callback also proves that Twilio accepted the message, so it settles one whose
-- sending was uncertain. Returns
--   changed    the message has moved forward
--   unchanged  it had come as far already
--   unknown    there is no such outbound message of that client
--   ignored    the status is none that says anything
-- Runs as the owner of the tables (see 0005): every statement names its client itself.
CREATE FUNCTION accept_message_status(of_client uuid, of_message uuid, sid text, status text, code integer,
                                      description text)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    now_state text;
    now_sid   text;
    lead      uuid;
    new_state text := CASE
        WHEN status IN ('accepted', 'scheduled', 'queued', 'sending', 'sent') THEN 'sent'
        WHEN status IN ('delivered', 'partially_delivered') THEN 'delivered'
        WHEN status IN ('undelivered', 'read', 'failed') THEN status
        WHEN status = 'canceled' THEN 'failed'
    END;
BEGIN
    IF new_state IS NULL THEN
        RETURN 'ignored';
    END IF;

    SELECT state, provider_sid, lead_id INTO now_state, now_sid, lead
      FROM messages
     WHERE client_id = of_client AND message_id = of_message AND direction = 'out'
       FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'unknown';
    END IF;

    -- A sid that another message took from a listing stays there: the state is what matters here.
    IF now_sid IS NULL AND length(sid) BETWEEN 1 AND 64
       AND NOT EXISTS (SELECT FROM messages WHERE client_id = of_client AND provider_sid = sid) THEN
        UPDATE messages SET provider_sid = sid WHERE client_id = of_client AND message_id = of_message;
    END IF;
    IF message_rank(new_state) <= message_rank(now_state) THEN
        RETURN 'unchanged';
    END IF;

    UPDATE messages
       SET state = new_state, updated_at = now(),
           error_code = CASE WHEN new_state IN ('failed', 'undelivered') AND code > 0 THEN code END,
           error_text = CASE WHEN new_state IN ('failed', 'undelivered') THEN left(description, 500) END,
           sent_at = CASE WHEN new_state = 'failed' THEN sent_at ELSE coalesce(sent_at, now()) END
     WHERE client_id = of_client AND message_id = of_message;

    -- 21610: the recipient has opted out at Twilio.
    IF new_state IN ('failed', 'undelivered') AND code = 21610 THEN
        UPDATE leads
           SET opted_out_at = now(), opted_out_channel = 'sms', opted_out_words = 'Twilio 21610', updated_at = now()
         WHERE client_id = of_client AND lead_id = lead AND opted_out_at IS NULL;
    END IF;
    RETURN 'changed';
END
$$;

REVOKE ALL ON FUNCTION accept_message_status(uuid, uuid, text, text, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accept_message_status(uuid, uuid, text, text, integer, text) TO leadwire_gateway;
