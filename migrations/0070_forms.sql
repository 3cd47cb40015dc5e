-- 0070: web forms, and what a lead that came by one is written to with
--
-- A form's token is public: it stands in the page. So it may do one thing alone, and no faster than max_per_minute.

CREATE TABLE forms (
    client_id      uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
    form_id        uuid NOT NULL,
    name           text NOT NULL,
    token_hash     text NOT NULL CONSTRAINT forms_token UNIQUE,  -- SHA-256 of a 256 bit random token, 64 hex digits
    token_prefix   text NOT NULL,  -- its first characters, for people to tell tokens apart
    channel        text NOT NULL DEFAULT 'sms' CHECK (channel IN ('sms', 'whatsapp')),  -- on which its leads are written to
    field_names    jsonb NOT NULL DEFAULT '{}',  -- {"phone": "your-tel"}: what the form calls our fields
    consent_text   text,           -- what its visitors agree to, where a submission does not say it
    country_code   text,           -- of phones written without one: "1", "44"; NULL: that of the client's numbers
    language       text,           -- of the page; NULL: the client's
    redirect_urls  text[] NOT NULL DEFAULT '{}',  -- where a browser may be sent afterwards; the first by default
    max_per_minute integer NOT NULL DEFAULT 30,
    minute         timestamptz NOT NULL DEFAULT '-infinity',  -- of the last submission; and how many there were in it
    minute_count   integer NOT NULL DEFAULT 0,
    created_at     timestamptz NOT NULL DEFAULT now(),
    disabled_at    timestamptz,
    PRIMARY KEY (client_id, form_id)
) WITH (fillfactor = 50);
ALTER TABLE forms ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON forms USING (client_id = leadwire_client() OR leadwire_every_client());
GRANT SELECT, INSERT, UPDATE ON forms TO leadwire_orchestrator;

-- What came with a message by web form or API (channel 'form'): form_id and form (its name), name, service, language,
-- page_url, fields (all others), no_texts (it asks not to be texted), content_hash.
ALTER TABLE messages ADD COLUMN form jsonb;

-- kind 'given': the lead agreed to be written to; words are what it agreed to, created_at is when we stored it.
ALTER TABLE consents DROP CONSTRAINT consents_kind_check;
ALTER TABLE consents
    ADD CONSTRAINT consents_kind_check CHECK (kind IN ('out', 'in', 'help', 'given')),
    ADD COLUMN form_id uuid,
    ADD COLUMN given_at timestamptz,
    ADD COLUMN page_url text,
    ADD COLUMN ip text,              -- who sent it to us: the visitor, or who passed it on
    ADD COLUMN forwarded_for text;   -- of whom that one said it came; as it was told

-- What reading a submission needs, for who has the form's token. numbers: the client's, to which leads text.
CREATE FUNCTION form_terms(of_client uuid, of_token_hash text)
RETURNS TABLE (form_id uuid, name text, token_hash text, field_names jsonb, consent_text text, country_code text,
               language text, redirect_urls text[], numbers text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT f.form_id, f.name, f.token_hash, f.field_names, f.consent_text, f.country_code, f.language, f.redirect_urls,
           ARRAY(SELECT n.number FROM client_numbers n WHERE n.client_id = f.client_id AND n.number LIKE '+%')
      FROM forms f
     WHERE f.client_id = of_client AND f.token_hash = of_token_hash AND f.disabled_at IS NULL
$$;

-- What has come by web form or API, stored as a message of the lead in the conversation over which it is to be written
-- to: that of wanted ('sms', 'whatsapp') where the client can write there, else another, else 'form', over which nothing
-- can be sent. The lead's row is the caller's, locked. outcome:
--   accepted   with the message, and the task that greets or answers the lead; NULL where a person has taken over
--   duplicate  the message was stored before (the same sid; without one, the same content_hash within 10 minutes)
-- Runs with the caller's rights.
CREATE FUNCTION put_lead_message(
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
        -- A key of its own: it may wait until morning, and what the lead texts meanwhile does not wait with it.
        task_id := new_task;
        INSERT INTO tasks (client_id, task_id, kind, role, max_attempts, deadline_s, serial_key)
        VALUES (of_client, new_task, 'generate_greeting', 'orchestrator', task_attempts, task_deadline_s,
                'started:' || of_conversation);
        INSERT INTO task_payloads (client_id, task_id, trace_id, payload)
        VALUES (of_client, new_task, of_trace, jsonb_build_object('conversation_id', of_conversation));
    END IF;
    RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION put_lead_message(uuid, uuid, text, text, text, text, jsonb, text, text, text, text, timestamptz,
                                        text, text, text, text, uuid, uuid, uuid, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION put_lead_message(uuid, uuid, text, text, text, text, jsonb, text, text, text, text, timestamptz,
                                           text, text, text, text, uuid, uuid, uuid, integer, integer)
    TO leadwire_orchestrator;

-- Stores what a form has sent: lead, consent, conversation, message and task. outcome, beside those of put_lead_message:
--   unknown_form  it has been disabled meanwhile
--   too_many      in this minute; nothing is stored
--   own_number    the phone is one of the client's own
-- Who it is says the phone: that is what is written to. An e-mail address that is known with another phone, or of another
-- lead than the phone, stays with who has it; the form's stands with its message.
-- Runs as the owner of the tables (see 0005): every statement names its client itself.
CREATE FUNCTION accept_form(
    of_client uuid, of_form_id uuid, of_phone text, of_email text, of_name text, of_source text, of_body text,
    of_form jsonb, sid text, of_trace text, consent_words text, consent_at timestamptz, of_page text, of_ip text,
    of_forwarded text, new_lead uuid, new_conversation uuid, new_message uuid, new_task uuid, task_attempts integer,
    task_deadline_s integer)
RETURNS TABLE (outcome text, lead_id uuid, conversation_id uuid, message_id uuid, task_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    wanted     text;
    full_now   boolean;
    of_lead    uuid;
    email_lead leads;
    free_email text;
BEGIN
    UPDATE forms f
       SET minute = date_trunc('minute', now()),
           minute_count = CASE WHEN f.minute = date_trunc('minute', now()) THEN f.minute_count + 1 ELSE 1 END
     WHERE f.client_id = of_client AND f.form_id = of_form_id AND f.disabled_at IS NULL
    RETURNING f.channel, f.minute_count > f.max_per_minute INTO wanted, full_now;
    outcome := CASE WHEN NOT FOUND THEN 'unknown_form' WHEN full_now THEN 'too_many' END;
    IF outcome IS NULL AND EXISTS (SELECT FROM client_numbers n WHERE n.client_id = of_client AND n.number = of_phone) THEN
        outcome := 'own_number';
    END IF;
    IF outcome IS NOT NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;

    -- Somebody else may make the same lead at this moment: then it is that one.
    FOR attempt IN 1 .. 5 LOOP
        PERFORM FROM leads l WHERE l.client_id = of_client AND (l.phone = of_phone OR l.email = of_email)
          ORDER BY l.lead_id FOR NO KEY UPDATE;
        SELECT * INTO email_lead FROM leads l WHERE l.client_id = of_client AND l.email = of_email;
        SELECT l.lead_id INTO of_lead FROM leads l WHERE l.client_id = of_client AND l.phone = of_phone;
        IF of_lead IS NULL AND (of_phone IS NULL OR email_lead.phone IS NULL) THEN
            of_lead := email_lead.lead_id;
        END IF;
        free_email := CASE WHEN email_lead.lead_id IS NULL OR email_lead.lead_id = of_lead THEN of_email END;
        EXIT WHEN of_lead IS NOT NULL;
        INSERT INTO leads AS l (client_id, lead_id, phone, email, name, source)
        VALUES (of_client, new_lead, of_phone, free_email, of_name, of_source)
        ON CONFLICT DO NOTHING
        RETURNING l.lead_id INTO of_lead;
        EXIT WHEN of_lead IS NOT NULL;
    END LOOP;
    IF of_lead IS NULL THEN
        RAISE EXCEPTION 'the lead is being changed' USING ERRCODE = 'serialization_failure';
    END IF;
    lead_id := of_lead;
    UPDATE leads l
       SET phone = coalesce(l.phone, of_phone), email = coalesce(l.email, free_email), name = coalesce(l.name, of_name),
           source = coalesce(l.source, of_source), updated_at = now()
     WHERE l.client_id = of_client AND l.lead_id = of_lead
       AND ((l.phone IS NULL AND of_phone IS NOT NULL) OR (l.email IS NULL AND free_email IS NOT NULL)
            OR (l.name IS NULL AND of_name IS NOT NULL) OR (l.source IS NULL AND of_source IS NOT NULL));

    SELECT p.outcome, p.conversation_id, p.message_id, p.task_id INTO outcome, conversation_id, message_id, task_id
      FROM put_lead_message(of_client, of_lead, of_phone, of_email, wanted, of_body, of_form, sid, of_trace, 'form',
                            consent_words, consent_at, of_page, of_ip, of_forwarded, NULL, new_conversation, new_message,
                            new_task, task_attempts, task_deadline_s) p;
    RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION form_terms(uuid, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION accept_form(uuid, uuid, text, text, text, text, text, jsonb, text, text, text, timestamptz, text,
                                   text, text, uuid, uuid, uuid, uuid, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION form_terms(uuid, text) TO leadwire_gateway;
GRANT EXECUTE ON FUNCTION accept_form(uuid, uuid, text, text, text, text, text, jsonb, text, text, text, timestamptz, text,
                                      text, text, uuid, uuid, uuid, uuid, integer, integer) TO leadwire_gateway;

-- As in 0063, but what came by web form opens no window for WhatsApp: the lead has not written there.
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
                          AND i.direction = 'in' AND i.channel = 'whatsapp'
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

-- As in 0046, but a form is no text: that the number cannot be texted may still show.
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
                                  AND m.direction = 'in' AND m.channel <> 'form');
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
