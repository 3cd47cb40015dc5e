-- 0131: how many leads a day a form may bring of whom people are only told
--
-- Of each lead that left no phone or asks not to be texted the client's people get a text. A form's token is public: who
-- has it could make us text them 30 times a minute.

ALTER TABLE forms ADD COLUMN day_told integer NOT NULL DEFAULT 0;  -- of these, on forms.day; at most max_new_per_day

-- As in 0130, with that bound.
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
    brought    integer;  -- by this form, today: of this one's sort
    n_texted   integer;
    n_told     integer;
    today      date;
    stranger   boolean;  -- has never texted, and no person has written to it
    untexted   boolean := of_phone IS NULL OR of_form ? 'no_texts';  -- people are told of it instead
BEGIN
    UPDATE forms f
       SET minute = date_trunc('minute', now()),
           minute_count = CASE WHEN f.minute = date_trunc('minute', now()) THEN f.minute_count + 1 ELSE 1 END
     WHERE f.client_id = of_client AND f.form_id = of_form_id AND f.disabled_at IS NULL
    RETURNING f.channel, f.minute_count > f.max_per_minute, f.max_new_per_day, f.day, f.day_count, f.day_told
         INTO wanted, full_now, bound, today, n_texted, n_told;
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

    stranger := NOT EXISTS (
        SELECT FROM conversations c JOIN messages m USING (client_id, conversation_id)
         WHERE c.client_id = of_client AND c.lead_id = of_lead
           AND ((m.direction = 'in' AND m.channel <> 'form')
                OR (m.direction = 'out' AND m.author = 'human'
                    AND m.state NOT IN ('dropped', 'failed', 'undelivered'))));
    IF stranger THEN
        SELECT CASE WHEN today = d.day THEN n_texted ELSE 0 END, CASE WHEN today = d.day THEN n_told ELSE 0 END, d.day
          INTO n_texted, n_told, today
          FROM (SELECT (now() AT TIME ZONE k.timezone)::date AS day FROM clients k WHERE k.client_id = of_client) d;
        brought := CASE WHEN untexted THEN n_told ELSE n_texted END;
        IF brought >= bound THEN
            of_form := of_form || jsonb_build_object('over_bound', bound);
        END IF;
    END IF;
    SELECT p.outcome, p.conversation_id, p.message_id, p.task_id INTO outcome, conversation_id, message_id, task_id
      FROM put_lead_message(of_client, of_lead, of_phone, of_email, wanted, of_body, of_form, sid, of_trace, 'form',
                            consent_words, consent_at, of_page, of_ip, of_forwarded, NULL, new_conversation, new_message,
                            new_task, task_attempts, task_deadline_s) p;
    IF stranger AND outcome = 'accepted' AND brought < bound THEN
        UPDATE forms f
           SET day = today, day_count = n_texted + (NOT untexted)::integer, day_told = n_told + untexted::integer
         WHERE f.client_id = of_client AND f.form_id = of_form_id;
    END IF;
    RETURN NEXT;
END
$$;
