-- 0060: what the model is asked for costs: tokens and cost of each turn, rolled up per client, day and model
--
-- Tokens are counted as Anthropic bills them: input (read anew), cache_read, cache_write and output exclude each other.
-- turns.input_tokens held the sum of the first three until now; the record of a turn has had them apart from the start,
-- so that older turns are split here. Their cost is that of the list prices of November 2026, as model_prices.c has them.
-- What people who have been erased by now have cost stays in erased_counts alone, where it is not split.

ALTER TABLE turns
    ADD COLUMN model text,  -- that was asked, with or without an answer; NULL: none was
    ADD COLUMN cache_read_tokens integer NOT NULL DEFAULT 0,
    ADD COLUMN cache_write_tokens integer NOT NULL DEFAULT 0,
    ADD COLUMN cost_micro_usd bigint NOT NULL DEFAULT 0;

UPDATE turns t
   SET model = o.model, input_tokens = o.input, output_tokens = o.output, cache_read_tokens = o.cache_read,
       cache_write_tokens = o.cache_write,
       cost_micro_usd = ceil(p.price * (o.input + 5 * o.output + 0.1 * o.cache_read + 1.25 * o.cache_write))
  FROM (SELECT client_id, turn_id, record #>> '{model_request,model}' AS model,
               coalesce((record #>> '{tokens,input}')::integer, 0) AS input,
               coalesce((record #>> '{tokens,output}')::integer, 0) AS output,
               coalesce((record #>> '{tokens,cache_read}')::integer, 0) AS cache_read,
               coalesce((record #>> '{tokens,cache_write}')::integer, 0) AS cache_write
          FROM turns WHERE record ? 'tokens') AS o
 CROSS JOIN LATERAL (SELECT CASE WHEN o.model LIKE 'claude-sonnet-5%' THEN 2 WHEN o.model LIKE 'claude-sonnet-%' THEN 3
                                 WHEN o.model LIKE 'claude-haiku-%' THEN 1 WHEN o.model LIKE 'claude-opus-5-5%' THEN 4
                                 WHEN o.model LIKE 'claude-opus-%' THEN 5 ELSE 15 END) AS p (price)
 WHERE t.client_id = o.client_id AND t.turn_id = o.turn_id;

-- What each turn adds to token_usage, until update_token_usage has added it: a row is deleted in the transaction that
-- adds it, so each counts once, whenever its transaction commits and whoever dies on the way. It tells of no person, and
-- an erased person's stay. A model that was asked for nothing (another turn was first, the task was lost) has one too.
CREATE TABLE token_usage_pending (
    client_id          uuid NOT NULL,
    turn_id            uuid NOT NULL,
    at                 timestamptz NOT NULL DEFAULT now(),
    model              text NOT NULL DEFAULT 'none',  -- none: none was asked
    scripted           boolean NOT NULL DEFAULT false,  -- the scripted agent wrote the reply
    fallback           boolean NOT NULL DEFAULT false,  -- because the model gave none, or might not be asked
    unused             boolean NOT NULL DEFAULT false,  -- there is no such turn
    input_tokens       bigint NOT NULL DEFAULT 0,
    output_tokens      bigint NOT NULL DEFAULT 0,
    cache_read_tokens  bigint NOT NULL DEFAULT 0,
    cache_write_tokens bigint NOT NULL DEFAULT 0,
    cost_micro_usd     bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (client_id, turn_id)
);

CREATE TABLE token_usage (
    client_id          uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
    day                date NOT NULL,  -- in the time zone that the client had when it was added
    model              text NOT NULL,  -- none: none was asked
    turns              bigint NOT NULL DEFAULT 0,
    scripted_turns     bigint NOT NULL DEFAULT 0,  -- of turns: the scripted agent wrote the reply
    fallbacks          bigint NOT NULL DEFAULT 0,  -- of scripted_turns: because the model gave none, or might not be asked
    unused             bigint NOT NULL DEFAULT 0,  -- beside turns: the model was asked, and no turn came of it
    input_tokens       bigint NOT NULL DEFAULT 0,
    output_tokens      bigint NOT NULL DEFAULT 0,
    cache_read_tokens  bigint NOT NULL DEFAULT 0,
    cache_write_tokens bigint NOT NULL DEFAULT 0,
    cost_micro_usd     bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (client_id, day, model)
);

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['token_usage_pending', 'token_usage'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY tenant ON %I USING (client_id = leadwire_client() OR leadwire_every_client())',
                       table_name);
    END LOOP;
END
$$;
GRANT SELECT, INSERT ON token_usage_pending TO leadwire_orchestrator;
GRANT SELECT, DELETE ON token_usage_pending TO leadwire_scheduler;
GRANT SELECT ON token_usage TO leadwire_orchestrator;
GRANT SELECT, INSERT, UPDATE ON token_usage TO leadwire_scheduler;

INSERT INTO token_usage_pending (client_id, turn_id, at, model, scripted, fallback, input_tokens, output_tokens,
                                 cache_read_tokens, cache_write_tokens, cost_micro_usd)
SELECT client_id, turn_id, created_at, coalesce(model, 'none'), agent = 'scripted', record ? 'fallback', input_tokens,
       output_tokens, cache_read_tokens, cache_write_tokens, cost_micro_usd
  FROM turns;

-- Against 0049: input_tokens of erased_counts, which is the sum of all that was read, as it was.
-- Erases a lead with everything about it, in the caller's transaction. outcome:
--   erased   and what there was
--   sending  a message to it, or about it, is being sent, or nobody knows yet whether it was: its task settles that first.
--            Nothing is changed
--   unknown  the client has no such lead
-- The order of locks is that of whoever writes: address, lead, conversations, messages, tasks. Who waits for one of them
-- finds it gone: a text that is being stored is stored again as a new lead's, a turn and a send find their task gone.
-- Runs as the owner of the tables (see 0005): every statement names its client itself.
CREATE OR REPLACE FUNCTION erase_lead(of_client uuid, of_lead uuid)
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
            SELECT t.created_at, 0, 0, 0, 0, 0, 1,
                   t.input_tokens + t.cache_read_tokens + t.cache_write_tokens, t.output_tokens
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
