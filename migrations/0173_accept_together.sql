-- 0173: texts that come at the same time are stored by one statement a table
--
-- accept_inbound stored the texts of a batch one after the other, by eight statements each. Most texts are alike: to a number
-- that is known, of somebody who has not opted out and says nothing of it, the only one of its lead in the batch. These are
-- stored together now. accept_each, which was accept_inbound, stores all others, and those of which something else was made
-- since they were looked at.

ALTER FUNCTION accept_inbound(text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[],
    integer[], text[], text[], boolean[], uuid[], uuid[], uuid[], uuid[], uuid[], text, integer, integer, integer, integer,
    integer) RENAME TO accept_each;
REVOKE ALL ON FUNCTION accept_each(text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[],
    integer[], text[], text[], boolean[], uuid[], uuid[], uuid[], uuid[], uuid[], text, integer, integer, integer, integer,
    integer) FROM leadwire_gateway;

-- Stores the texts of a batch that are alike. Returns a row for each that was stored; of the others nothing was stored but,
-- perhaps, the lead.
CREATE FUNCTION accept_alike(
    channels text[], accounts text[], signers text[], senders text[], receivers text[], bodies text[], media text[],
    names text[], sids text[], trace_ids text[], holds_ms integer[], consents text[],
    new_lead_ids uuid[], new_conversation_ids uuid[], new_message_ids uuid[], new_task_ids uuid[],
    own_account text, burst_ms integer, task_attempts integer, task_deadline_s integer)
RETURNS TABLE (item integer, client_id uuid, lead_id uuid, conversation_id uuid, message_id uuid, task_id uuid, due boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
-- As in 0172: the plans do not depend on how many texts there are.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    -- Where a text stands in the arguments, from 1, and what is known of it, in the order of the batch: gateways that lock
    -- the same rows do it in the same order.
    alike         integer[];
    of_clients    uuid[];
    of_leads      uuid[];     -- NULL: nobody who is known
    our_addresses text[];
    created       integer[];  -- those of new leads, by their place in alike
    -- Those that are stored
    done             integer[];  -- by their place in alike
    of_conversations uuid[];
    states           text[];
    stored_seqs      bigint[];
    answered_seqs    bigint[];
BEGIN
    SELECT array_agg(f.n ORDER BY f.n), array_agg(f.client_id ORDER BY f.n), array_agg(f.lead_id ORDER BY f.n),
           array_agg(f.number ORDER BY f.n)
      INTO alike, of_clients, of_leads, our_addresses
      FROM (SELECT w.n::integer AS n, o.client_id, l.lead_id, o.number
              FROM unnest(channels, accounts, signers, senders, receivers, names, sids, consents) WITH ORDINALITY
                   AS w (channel, account, signer, sender, receiver, name, sid, consent, n)
              JOIN client_numbers o ON o.channel = w.channel AND o.number = w.receiver
              LEFT JOIN leads l ON l.client_id = o.client_id AND l.phone = w.sender
             WHERE w.consent = '' AND w.account = coalesce(o.account_sid, own_account)
               AND (w.signer IS NULL OR o.client_id = ANY (w.signer::uuid[]))
               AND (l.lead_id IS NULL OR (l.opted_out_at IS NULL AND (l.name IS NOT NULL OR w.name IS NULL)))
               AND cardinality(array_positions(senders, w.sender)) = 1
               AND NOT EXISTS (SELECT FROM messages m WHERE m.client_id = o.client_id AND m.provider_sid = w.sid)) f;
    IF alike IS NULL THEN
        RETURN;
    END IF;

    -- New leads. One whom another gateway has made meanwhile, or who had opted out before being erased, is not stored here.
    WITH made AS (
        INSERT INTO leads (client_id, lead_id, phone, name)
        SELECT of_clients[i], new_lead_ids[alike[i]], senders[alike[i]], names[alike[i]]
          FROM generate_subscripts(alike, 1) AS i
         WHERE of_leads[i] IS NULL
        ON CONFLICT ON CONSTRAINT leads_phone DO NOTHING
        RETURNING lead_id, opted_out_at
    )
    SELECT array_agg(i ORDER BY i) INTO created
      FROM made JOIN generate_subscripts(alike, 1) AS i ON new_lead_ids[alike[i]] = made.lead_id
     WHERE made.opted_out_at IS NULL;
    INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address, our_address)
    SELECT of_clients[i], new_conversation_ids[alike[i]], new_lead_ids[alike[i]], channels[alike[i]], senders[alike[i]],
           our_addresses[i]
      FROM unnest(created) AS i;

    -- The row of a conversation stays locked until the commit, see accept_each. What the table has of this sid already is
    -- not stored again: accept_each finds it.
    WITH known AS (
        UPDATE conversations c
           SET lead_address = senders[alike[i]], our_address = our_addresses[i], updated_at = now(),
               state = CASE c.state WHEN 'closed' THEN 'open' ELSE c.state END
          FROM generate_subscripts(alike, 1) AS i
         WHERE c.client_id = of_clients[i] AND c.lead_id = of_leads[i] AND c.channel = channels[alike[i]]
        RETURNING i, c.conversation_id, c.lead_id, c.state, c.answered_seq
    ), found AS (
        SELECT k.* FROM known k
        UNION ALL
        SELECT i, new_conversation_ids[alike[i]], new_lead_ids[alike[i]], 'open', NULL FROM unnest(created) AS i
    ), stored AS (
        INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel, from_address,
                              to_address, body, media, state, provider_sid, trace_id)
        SELECT of_clients[f.i], new_message_ids[alike[f.i]], f.conversation_id, f.lead_id, 'in', 'lead',
               channels[alike[f.i]], senders[alike[f.i]], receivers[alike[f.i]], bodies[alike[f.i]],
               media[alike[f.i]]::jsonb, 'received', sids[alike[f.i]], trace_ids[alike[f.i]]
          FROM found f
        ON CONFLICT ON CONSTRAINT messages_provider_sid DO NOTHING
        RETURNING conversation_id, seq
    )
    SELECT array_agg(f.i), array_agg(f.conversation_id), array_agg(f.lead_id), array_agg(f.state), array_agg(s.seq),
           array_agg(f.answered_seq)
      INTO done, of_conversations, of_leads, states, stored_seqs, answered_seqs
      FROM stored s JOIN found f USING (conversation_id);

    -- How long an answer waits for what may follow, as in accept_each. A new conversation (answered_seq is NULL) has nothing
    -- before this text.
    RETURN QUERY
    WITH texts AS (
        SELECT d.*, holds_ms[alike[d.i]] * interval '1 millisecond' AS hold
          FROM unnest(done, of_conversations, of_leads, states, stored_seqs, answered_seqs)
               AS d (i, conversation_id, lead_id, state, seq, answered_seq)
    ), awaited AS (
        SELECT t.i, t.conversation_id,
               CASE WHEN t.answered_seq IS NULL OR burst_ms <= 0 THEN t.hold
                    WHEN before.created_at IS NULL THEN least(t.hold, burst_ms * interval '1 millisecond')
                    WHEN before.created_at <= now() - CASE WHEN holds_ms[alike[t.i]] > 0 THEN interval '4 seconds'
                                                           ELSE interval '1 second' END THEN t.hold
                    ELSE greatest(least(greatest(t.hold, least(1.5 * (now() - before.created_at),
                                                               4 * burst_ms * interval '1 millisecond')),
                                        (SELECT min(m.created_at) FROM (
                                             SELECT m.created_at FROM messages m
                                              WHERE m.client_id = of_clients[t.i] AND m.conversation_id = t.conversation_id
                                                AND m.direction = 'in' AND m.seq > t.answered_seq
                                              ORDER BY m.seq LIMIT 1) m) + interval '4 seconds' - now()), interval '0')
               END AS hold
          FROM texts t
          LEFT JOIN LATERAL (SELECT m.created_at FROM messages m
                              WHERE t.answered_seq IS NOT NULL AND m.client_id = of_clients[t.i]
                                AND m.conversation_id = t.conversation_id AND m.direction = 'in' AND m.seq < t.seq
                                AND m.seq > t.answered_seq
                              ORDER BY m.seq DESC
                              LIMIT 1) before ON true
         WHERE t.state <> 'taken_over'
    ), waiting AS (
        INSERT INTO tasks AS t (client_id, task_id, kind, role, max_attempts, deadline_s, run_at, serial_key)
        SELECT of_clients[a.i], new_task_ids[alike[a.i]], 'process_ai_response', 'orchestrator', task_attempts,
               task_deadline_s, now() + a.hold, a.conversation_id::text
          FROM awaited a
        ON CONFLICT (client_id, serial_key) WHERE state = 'ready' AND kind = 'process_ai_response' DO UPDATE
            SET run_at = CASE WHEN t.attempt > 0 THEN t.run_at
                         ELSE least(t.created_at + interval '4 seconds', excluded.run_at) END,
                updated_at = now()
        RETURNING t.client_id, t.task_id, t.serial_key, t.run_at <= now() AS due
    ), payloads AS (
        INSERT INTO task_payloads (client_id, task_id, trace_id, payload)
        SELECT w.client_id, w.task_id, trace_ids[alike[t.i]], jsonb_build_object('conversation_id', t.conversation_id)
          FROM waiting w JOIN texts t ON t.conversation_id = w.serial_key::uuid
         WHERE w.task_id = new_task_ids[alike[t.i]]
    )
    SELECT alike[t.i] - 1, of_clients[t.i], t.lead_id, t.conversation_id, new_message_ids[alike[t.i]], w.task_id,
           coalesce(w.due, false)
      FROM texts t LEFT JOIN waiting w ON w.serial_key::uuid = t.conversation_id;
END
$$;

CREATE FUNCTION accept_inbound(
    channels text[], accounts text[], signers text[], senders text[], receivers text[], services text[],
    bodies text[], media text[], names text[], sids text[], trace_ids text[], holds_ms integer[],
    consents text[], languages text[], answered boolean[],
    new_lead_ids uuid[], new_conversation_ids uuid[], new_message_ids uuid[], new_confirmation_ids uuid[],
    new_task_ids uuid[],
    own_account text, burst_ms integer, task_attempts integer, task_deadline_s integer,
    send_attempts integer, send_deadline_s integer)
RETURNS TABLE (item integer, outcome text, client_id uuid, lead_id uuid, conversation_id uuid, message_id uuid,
               task_id uuid, role text, due boolean, opted_out boolean, opted_in boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    others integer[] := ARRAY(SELECT generate_subscripts(sids, 1));  -- where they stand, from 1
BEGIN
    outcome := 'accepted';
    opted_out := false;
    opted_in := false;
    IF cardinality(sids) > 1 THEN
        FOR item, client_id, lead_id, conversation_id, message_id, task_id, due IN
            SELECT * FROM accept_alike(channels, accounts, signers, senders, receivers, bodies, media, names, sids, trace_ids,
                                       holds_ms, consents, new_lead_ids, new_conversation_ids, new_message_ids,
                                       new_task_ids, own_account, burst_ms, task_attempts, task_deadline_s)
        LOOP
            role := CASE WHEN task_id IS NOT NULL THEN 'orchestrator' END;
            others[item + 1] := NULL;
            RETURN NEXT;
        END LOOP;
        others := array_remove(others, NULL);
    END IF;
    IF cardinality(others) > 0 THEN
        RETURN QUERY
        SELECT others[e.item + 1] - 1, e.outcome, e.client_id, e.lead_id, e.conversation_id, e.message_id, e.task_id, e.role,
               e.due, e.opted_out, e.opted_in
          FROM accept_each(
              ARRAY(SELECT channels[i] FROM unnest(others) AS i), ARRAY(SELECT accounts[i] FROM unnest(others) AS i),
              ARRAY(SELECT signers[i] FROM unnest(others) AS i), ARRAY(SELECT senders[i] FROM unnest(others) AS i),
              ARRAY(SELECT receivers[i] FROM unnest(others) AS i), ARRAY(SELECT services[i] FROM unnest(others) AS i),
              ARRAY(SELECT bodies[i] FROM unnest(others) AS i), ARRAY(SELECT media[i] FROM unnest(others) AS i),
              ARRAY(SELECT names[i] FROM unnest(others) AS i), ARRAY(SELECT sids[i] FROM unnest(others) AS i),
              ARRAY(SELECT trace_ids[i] FROM unnest(others) AS i), ARRAY(SELECT holds_ms[i] FROM unnest(others) AS i),
              ARRAY(SELECT consents[i] FROM unnest(others) AS i), ARRAY(SELECT languages[i] FROM unnest(others) AS i),
              ARRAY(SELECT answered[i] FROM unnest(others) AS i), ARRAY(SELECT new_lead_ids[i] FROM unnest(others) AS i),
              ARRAY(SELECT new_conversation_ids[i] FROM unnest(others) AS i),
              ARRAY(SELECT new_message_ids[i] FROM unnest(others) AS i),
              ARRAY(SELECT new_confirmation_ids[i] FROM unnest(others) AS i),
              ARRAY(SELECT new_task_ids[i] FROM unnest(others) AS i), own_account, burst_ms, task_attempts, task_deadline_s,
              send_attempts, send_deadline_s) e;
    END IF;
END
$$;

REVOKE ALL ON FUNCTION accept_alike(text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], integer[],
    text[], uuid[], uuid[], uuid[], uuid[], text, integer, integer, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION accept_inbound(text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[],
    integer[], text[], text[], boolean[], uuid[], uuid[], uuid[], uuid[], uuid[], text, integer, integer, integer, integer,
    integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accept_inbound(text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[],
    integer[], text[], text[], boolean[], uuid[], uuid[], uuid[], uuid[], uuid[], text, integer, integer, integer, integer,
    integer) TO leadwire_gateway;
