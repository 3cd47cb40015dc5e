-- 0049: everything about one person: handed out, and erased
--
-- Erased is every row that tells of the person. What stays: how much there was, per client and day and without saying of
-- whom; and where the person had opted out, that nobody may write to its number. The number itself is not kept, only a
-- hash of it under a key of the client's, which no service can read: enough to know the number again when it comes back.

CREATE TABLE erased_counts (
    client_id     uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
    day           date NOT NULL,  -- UTC, of what is counted
    leads         bigint NOT NULL DEFAULT 0,
    conversations bigint NOT NULL DEFAULT 0,
    messages_in   bigint NOT NULL DEFAULT 0,
    messages_out  bigint NOT NULL DEFAULT 0,
    segments      bigint NOT NULL DEFAULT 0,
    turns         bigint NOT NULL DEFAULT 0,
    input_tokens  bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (client_id, day)
);
ALTER TABLE erased_counts ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON erased_counts USING (client_id = leadwire_client() OR leadwire_every_client());
GRANT SELECT ON erased_counts TO leadwire_orchestrator, leadwire_scheduler;

-- Without grants: only the functions below come to them.
CREATE TABLE erasure_keys (
    client_id uuid PRIMARY KEY REFERENCES clients ON DELETE CASCADE,
    key       bytea NOT NULL
);
CREATE TABLE erased_opt_outs (
    client_id    uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
    address_hash bytea NOT NULL,
    opted_out_at timestamptz NOT NULL,
    channel      text,
    PRIMARY KEY (client_id, address_hash)
);
ALTER TABLE erasure_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE erased_opt_outs ENABLE ROW LEVEL SECURITY;

-- HMAC in its nested form; the key has as many bytes as the hash. NULL: the client has erased nobody who had opted out.
CREATE FUNCTION erased_address_hash(of_client uuid, address text) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT sha256(k.key || sha256(k.key || convert_to(address, 'UTF8'))) FROM erasure_keys k WHERE k.client_id = of_client
$$;
REVOKE ALL ON FUNCTION erased_address_hash(uuid, text) FROM PUBLIC;

-- Who erases an address and who makes a lead of it come one after the other, so that neither misses the other's opt-out.
CREATE FUNCTION erasure_lock(of_client uuid, address text) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT hashtextextended(of_client::text || ':' || address, 49) $$;
REVOKE ALL ON FUNCTION erasure_lock(uuid, text) FROM PUBLIC;

-- A lead that is made anew, or gets another address, is opted out where somebody with that address had opted out and was
-- erased. From then on the lead says it, until it says START.
CREATE FUNCTION keep_erased_opt_out() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kept record;
BEGIN
    IF NEW.phone IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock_shared(erasure_lock(NEW.client_id, NEW.phone));
    END IF;
    IF NEW.email IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock_shared(erasure_lock(NEW.client_id, NEW.email));
    END IF;
    DELETE FROM erased_opt_outs e
     WHERE e.client_id = NEW.client_id
       AND e.address_hash IN (erased_address_hash(NEW.client_id, NEW.phone), erased_address_hash(NEW.client_id, NEW.email))
    RETURNING e.opted_out_at, e.channel INTO kept;
    IF FOUND AND NEW.opted_out_at IS NULL THEN
        NEW.opted_out_at := kept.opted_out_at;
        NEW.opted_out_channel := kept.channel;
        NEW.opted_out_words := 'before it was erased';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION keep_erased_opt_out() FROM PUBLIC;
CREATE TRIGGER keep_erased_opt_out BEFORE INSERT ON leads FOR EACH ROW EXECUTE FUNCTION keep_erased_opt_out();
CREATE TRIGGER keep_erased_opt_out_of_address BEFORE UPDATE OF phone, email ON leads FOR EACH ROW
    WHEN (NEW.phone IS DISTINCT FROM OLD.phone OR NEW.email IS DISTINCT FROM OLD.email)
    EXECUTE FUNCTION keep_erased_opt_out();

-- The tasks, alive or finished, that are about the lead: as far as their payloads (7 days), their dedupe keys (30 days) or
-- the turns that they made tell.
CREATE FUNCTION lead_task_ids(of_client uuid, of_lead uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE AS $$
    WITH talks AS MATERIALIZED (
        SELECT c.conversation_id FROM conversations c WHERE c.client_id = of_client AND c.lead_id = of_lead
    ), texts AS MATERIALIZED (
        SELECT m.message_id FROM messages m JOIN talks USING (conversation_id) WHERE m.client_id = of_client
    )
    SELECT d.task_id FROM texts JOIN task_dedupe d
                              ON d.client_id = of_client AND d.dedupe_key = 'send:' || texts.message_id
    UNION
    SELECT t.task_id FROM turns t JOIN talks USING (conversation_id) WHERE t.client_id = of_client
    UNION
    SELECT t.task_id FROM talks JOIN tasks t
        ON t.client_id = of_client AND t.serial_key IN (talks.conversation_id::text, 'send:' || talks.conversation_id,
                                                        'started:' || talks.conversation_id)
    UNION
    SELECT p.task_id FROM task_payloads p
     WHERE p.client_id = of_client
       AND (p.payload ->> 'message_id' IN (SELECT message_id::text FROM texts)
            OR p.payload ->> 'conversation_id' IN (SELECT conversation_id::text FROM talks)
            OR p.payload ->> 'lead_id' = of_lead::text)
$$;
REVOKE ALL ON FUNCTION lead_task_ids(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lead_task_ids(uuid, uuid) TO leadwire_orchestrator;

-- Everything about a lead, in the order (rank, id). data is the row as it is stored; a turn's record is text, as it may be
-- nested deeper than a message of ours, and is left out above 700,000 bytes.
CREATE FUNCTION lead_export(of_client uuid, of_lead uuid)
RETURNS TABLE (rank integer, kind text, id uuid, data jsonb, record text)
LANGUAGE sql STABLE AS $$
    SELECT 0, 'lead', l.lead_id, to_jsonb(l), NULL FROM leads l WHERE l.client_id = of_client AND l.lead_id = of_lead
    UNION ALL
    SELECT 1, 'consent', s.consent_id, to_jsonb(s), NULL
      FROM consents s WHERE s.client_id = of_client AND s.lead_id = of_lead
    UNION ALL
    SELECT 2, 'conversation', c.conversation_id, to_jsonb(c), NULL
      FROM conversations c WHERE c.client_id = of_client AND c.lead_id = of_lead
    UNION ALL
    SELECT 3, 'message', m.message_id, to_jsonb(m), NULL
      FROM conversations c JOIN messages m USING (client_id, conversation_id)
     WHERE c.client_id = of_client AND c.lead_id = of_lead
    UNION ALL
    SELECT 4, 'turn', t.turn_id, to_jsonb(t) - 'record',
           CASE WHEN octet_length(t.record::text) <= 700000 THEN t.record::text END
      FROM conversations c JOIN turns t USING (client_id, conversation_id)
     WHERE c.client_id = of_client AND c.lead_id = of_lead
    UNION ALL
    SELECT 5, 'task', i.task_id,
           jsonb_strip_nulls(jsonb_build_object('kind', coalesce(t.kind, f.kind), 'state',
                                                coalesce(t.state, CASE WHEN f.task_id IS NOT NULL THEN 'finished' END),
                                                'payload', p.payload, 'error', coalesce(t.error, f.error),
                                                'created_at', coalesce(t.created_at, f.created_at, p.created_at),
                                                'finished_at', f.finished_at)), NULL
      FROM lead_task_ids(of_client, of_lead) AS i (task_id)
      LEFT JOIN tasks t ON t.client_id = of_client AND t.task_id = i.task_id
      LEFT JOIN task_payloads p ON p.client_id = of_client AND p.task_id = i.task_id
      LEFT JOIN finished_tasks f ON f.client_id = of_client AND f.task_id = i.task_id
$$;
REVOKE ALL ON FUNCTION lead_export(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lead_export(uuid, uuid) TO leadwire_orchestrator;

-- Erases a lead with everything about it, in the caller's transaction. outcome:
--   erased   and what there was
--   sending  a message to it, or about it, is being sent, or nobody knows yet whether it was: its task settles that first.
--            Nothing is changed
--   unknown  the client has no such lead
-- The order of locks is that of whoever writes: address, lead, conversations, messages, tasks. Who waits for one of them
-- finds it gone: a text that is being stored is stored again as a new lead's, a turn and a send find their task gone.
-- Runs as the owner of the tables (see 0005): every statement names its client itself.
CREATE FUNCTION erase_lead(of_client uuid, of_lead uuid)
RETURNS TABLE (outcome text, conversations bigint, messages bigint, turns bigint, tasks bigint, opt_out_kept boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    before   leads;
    gone     leads;
    ids      uuid[];
    about    text[];  -- what tells of the person in stored answers and notices
    nobody   uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
    outcome := 'unknown';
    SELECT * INTO before FROM leads l WHERE l.client_id = of_client AND l.lead_id = of_lead;
    IF NOT FOUND THEN
        RETURN NEXT;
        RETURN;
    END IF;
    IF before.phone IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(erasure_lock(of_client, before.phone));
    END IF;
    IF before.email IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(erasure_lock(of_client, before.email));
    END IF;
    SELECT * INTO gone FROM leads l WHERE l.client_id = of_client AND l.lead_id = of_lead FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NEXT;
        RETURN;
    END IF;
    IF (gone.phone, gone.email) IS DISTINCT FROM (before.phone, before.email) THEN
        RAISE EXCEPTION 'the lead has been changed meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;
    PERFORM FROM conversations c WHERE c.client_id = of_client AND c.lead_id = of_lead
      ORDER BY c.conversation_id FOR UPDATE;
    PERFORM FROM messages m
      WHERE m.client_id = of_client
        AND m.conversation_id IN (SELECT c.conversation_id FROM conversations c
                                   WHERE c.client_id = of_client AND c.lead_id = of_lead)
      ORDER BY m.message_id FOR UPDATE;

    ids := ARRAY(SELECT lead_task_ids(of_client, of_lead));
    outcome := 'sending';
    IF EXISTS (SELECT FROM tasks t
                 JOIN task_payloads p ON p.client_id = of_client AND p.task_id = t.task_id
                 JOIN messages m ON m.client_id = of_client AND m.message_id = (p.payload ->> 'message_id')::uuid
                WHERE t.client_id = of_client AND t.task_id = ANY (ids) AND t.state <> 'dead'
                  AND m.state IN ('sending', 'uncertain')) THEN
        RETURN NEXT;
        RETURN;
    END IF;

    outcome := 'erased';
    SELECT count(*) INTO conversations FROM conversations c WHERE c.client_id = of_client AND c.lead_id = of_lead;
    SELECT count(*) INTO messages FROM conversations c JOIN messages m USING (client_id, conversation_id)
     WHERE c.client_id = of_client AND c.lead_id = of_lead;
    SELECT count(*) INTO turns FROM conversations c JOIN turns t USING (client_id, conversation_id)
     WHERE c.client_id = of_client AND c.lead_id = of_lead;
    tasks := cardinality(ids);

    INSERT INTO erased_counts AS e (client_id, day, leads, conversations, messages_in, messages_out, segments, turns,
                                    input_tokens, output_tokens)
    SELECT of_client, (n.at AT TIME ZONE 'UTC')::date, sum(n.l), sum(n.c), sum(n.i), sum(n.o), sum(n.s), sum(n.t),
           sum(n.ti), sum(n.ts)
      FROM (SELECT gone.created_at AS at, 1 AS l, 0 AS c, 0 AS i, 0 AS o, 0 AS s, 0 AS t, 0 AS ti, 0 AS ts
            UNION ALL
            SELECT c.created_at, 0, 1, 0, 0, 0, 0, 0, 0
              FROM conversations c WHERE c.client_id = of_client AND c.lead_id = of_lead
            UNION ALL
            SELECT m.created_at, 0, 0, (m.direction = 'in')::integer, (m.direction = 'out')::integer,
                   coalesce(m.segments, 0), 0, 0, 0
              FROM conversations c JOIN messages m USING (client_id, conversation_id)
             WHERE c.client_id = of_client AND c.lead_id = of_lead
            UNION ALL
            SELECT t.created_at, 0, 0, 0, 0, 0, 1, t.input_tokens, t.output_tokens
              FROM conversations c JOIN turns t USING (client_id, conversation_id)
             WHERE c.client_id = of_client AND c.lead_id = of_lead) n
     GROUP BY 2
     ORDER BY 2
    ON CONFLICT (client_id, day) DO UPDATE
        SET leads = e.leads + excluded.leads, conversations = e.conversations + excluded.conversations,
            messages_in = e.messages_in + excluded.messages_in, messages_out = e.messages_out + excluded.messages_out,
            segments = e.segments + excluded.segments, turns = e.turns + excluded.turns,
            input_tokens = e.input_tokens + excluded.input_tokens,
            output_tokens = e.output_tokens + excluded.output_tokens;

    opt_out_kept := gone.opted_out_at IS NOT NULL AND coalesce(gone.phone, gone.email) IS NOT NULL;
    IF opt_out_kept THEN
        INSERT INTO erasure_keys (client_id, key)
        VALUES (of_client, sha256(convert_to(concat(gen_random_uuid(), gen_random_uuid(), gen_random_uuid()), 'UTF8')))
        ON CONFLICT DO NOTHING;
        INSERT INTO erased_opt_outs (client_id, address_hash, opted_out_at, channel)
        VALUES (of_client, erased_address_hash(of_client, coalesce(gone.phone, gone.email)), gone.opted_out_at,
                gone.opted_out_channel)
        ON CONFLICT DO NOTHING;
    END IF;

    about := array_remove(ARRAY[of_lead::text, gone.phone, gone.email], NULL)
             || ARRAY(SELECT c.conversation_id::text FROM conversations c
                       WHERE c.client_id = of_client AND c.lead_id = of_lead)
             || ARRAY(SELECT m.message_id::text FROM conversations c JOIN messages m USING (client_id, conversation_id)
                       WHERE c.client_id = of_client AND c.lead_id = of_lead AND m.direction = 'out');
    DELETE FROM notices n
     WHERE n.client_id = of_client
       AND EXISTS (SELECT FROM unnest(about) AS a (word)
                    WHERE position(a.word IN concat_ws(' ', n.subject, n.text, n.remedy)) > 0);
    -- Answers that are kept for a repeated request. An administrator's are nobody's client's: by the lead's id alone.
    DELETE FROM idempotency_keys k
     WHERE (k.client_id = of_client
            AND EXISTS (SELECT FROM unnest(ARRAY[of_lead::text, gone.phone, gone.email]) AS a (word)
                         WHERE position(convert_to(a.word, 'UTF8') IN k.reply) > 0))
        OR (k.client_id = nobody AND position(convert_to(of_lead::text, 'UTF8') IN k.reply) > 0);

    DELETE FROM tasks t WHERE t.client_id = of_client AND t.task_id = ANY (ids);
    DELETE FROM task_payloads p WHERE p.client_id = of_client AND p.task_id = ANY (ids);
    DELETE FROM task_progress p WHERE p.client_id = of_client AND p.task_id = ANY (ids);
    DELETE FROM finished_tasks f WHERE f.client_id = of_client AND f.task_id = ANY (ids);
    DELETE FROM task_dedupe d
     WHERE d.client_id = of_client
       AND (d.dedupe_key IN (SELECT 'send:' || a.word FROM unnest(about) AS a (word))
            OR d.dedupe_key IN ('alert:hot:' || of_lead, 'alert:call:' || of_lead)
            OR split_part(d.dedupe_key, ':', 3) = ANY (about));
    -- With it go its consents, conversations, messages and turns.
    DELETE FROM leads l WHERE l.client_id = of_client AND l.lead_id = of_lead;
    RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION erase_lead(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_lead(uuid, uuid) TO leadwire_orchestrator;
