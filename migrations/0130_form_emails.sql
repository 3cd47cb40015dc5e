-- 0130: a form gives no e-mail address to a lead that is known by its phone
--
-- A form's token is public. Who knew the number of a lead without an address could make his own one the lead's: what he
-- then sent without a phone was taken for the lead's words, and what was written to the lead's address was written to him.

-- As in 0112, but a lead that is there keeps the phone and the address it has, or has not. Stores what a form has sent:
-- lead, consent, conversation, message and task. outcome, beside those of put_lead_message:
--   unknown_form  it has been disabled meanwhile
--   too_many      in this minute; nothing is stored
--   own_number    the phone is one of the client's own
-- Who it is says the phone: that is what is written to, and who answers there has it. An e-mail address proves nothing, as
-- anybody may fill in any: it is a new lead's alone. Where it is not the lead's it stands in the message's form, which then
-- has email_known (it is another lead's) or email_unproven (of the lead it is not known). A form without a phone goes to the
-- lead of its address: nobody is written to for it.
-- Runs as the owner of the tables (see 0005): every statement names its client itself.
CREATE OR REPLACE FUNCTION accept_form(
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
    bound      integer;
    brought    integer;  -- by this form, today
    today      date;
    stranger   boolean;  -- would be texted, has never texted, and no person has written to it
BEGIN
    UPDATE forms f
       SET minute = date_trunc('minute', now()),
           minute_count = CASE WHEN f.minute = date_trunc('minute', now()) THEN f.minute_count + 1 ELSE 1 END
     WHERE f.client_id = of_client AND f.form_id = of_form_id AND f.disabled_at IS NULL
    RETURNING f.channel, f.minute_count > f.max_per_minute, f.max_new_per_day, f.day, f.day_count
         INTO wanted, full_now, bound, today, brought;
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
        IF of_phone IS NULL THEN
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
       SET name = coalesce(l.name, of_name), source = coalesce(l.source, of_source), updated_at = now()
     WHERE l.client_id = of_client AND l.lead_id = of_lead
       AND ((l.name IS NULL AND of_name IS NOT NULL) OR (l.source IS NULL AND of_source IS NOT NULL));
    IF of_email IS NOT NULL AND free_email IS NULL THEN
        of_form := of_form || jsonb_build_object('email_known', true);
    ELSIF EXISTS (SELECT FROM leads l
                   WHERE l.client_id = of_client AND l.lead_id = of_lead AND l.email IS DISTINCT FROM of_email
                     AND of_email IS NOT NULL) THEN
        of_form := of_form || jsonb_build_object('email_unproven', true);
    END IF;

    stranger := of_phone IS NOT NULL AND NOT of_form ? 'no_texts' AND NOT EXISTS (
        SELECT FROM conversations c JOIN messages m USING (client_id, conversation_id)
         WHERE c.client_id = of_client AND c.lead_id = of_lead
           AND ((m.direction = 'in' AND m.channel <> 'form')
                OR (m.direction = 'out' AND m.author = 'human'
                    AND m.state NOT IN ('dropped', 'failed', 'undelivered'))));
    IF stranger THEN
        SELECT CASE WHEN today = d.day THEN brought ELSE 0 END, d.day INTO brought, today
          FROM (SELECT (now() AT TIME ZONE k.timezone)::date AS day FROM clients k WHERE k.client_id = of_client) d;
        IF brought >= bound THEN
            of_form := of_form || jsonb_build_object('over_bound', bound);
        END IF;
    END IF;
    SELECT p.outcome, p.conversation_id, p.message_id, p.task_id INTO outcome, conversation_id, message_id, task_id
      FROM put_lead_message(of_client, of_lead, of_phone, of_email, wanted, of_body, of_form, sid, of_trace, 'form',
                            consent_words, consent_at, of_page, of_ip, of_forwarded, NULL, new_conversation, new_message,
                            new_task, task_attempts, task_deadline_s) p;
    IF stranger AND outcome = 'accepted' AND brought < bound THEN
        UPDATE forms f SET day = today, day_count = brought + 1
         WHERE f.client_id = of_client AND f.form_id = of_form_id;
    END IF;
    RETURN NEXT;
END
$$;
