-- 0172: what turns that are decided at the same time have decided is stored by one statement
--
-- A turn wrote eight rows by eight statements in a transaction of its own. Starting and ending a statement, reading the
-- checks and opening the indexes of its table cost more than the row does, and each transaction waited for the disk. Here
-- one statement a table writes the rows of all turns of a batch. It is the common case alone: who is to be alerted, and
-- what is to be written later, goes by the statements of services/orchestrator/turn as before, and so does each turn that
-- is not taken here, for whatever reason: those find out what is in its way.
--
-- Returns a row for each turn that was taken: item, from 0; score_changed; the task that may run when the turn's own has
-- ended (next_id, next_role; NULL: none).
CREATE FUNCTION turns_answered(
    of_clients uuid[], of_conversations uuid[], of_leads uuid[], of_tasks uuid[], of_tokens bigint[],
    answered_seqs bigint[], epochs integer[], burst_ends_us bigint[], last_seqs bigint[],
    -- the lead
    scores text[], score_reasons text[], lead_names text[], service_interests text[], urgencies text[],
    budget_ranges text[], timelines text[], evidences jsonb[], emails text[],
    -- the reply, and the task that sends it
    message_ids uuid[], turn_ids uuid[], purposes text[], channels text[], from_addresses text[], to_addresses text[],
    bodies text[], all_segments integer[], trace_ids text[], send_ids uuid[], send_kinds text[], send_attempts integer[],
    send_deadlines_s integer[], lanes text[], serial_keys text[],
    -- the record
    agents text[], all_misses integer[], all_asked text[], records json[], models text[], all_input_tokens bigint[],
    all_output_tokens bigint[], all_cache_read_tokens bigint[], all_cache_write_tokens bigint[],
    all_cost_micro_usd bigint[], fallbacks boolean[], exchanges text[], saw_seqs bigint[], first_seqs bigint[],
    histories_from bigint[])
RETURNS TABLE (item integer, score_changed boolean, client_id uuid, next_id uuid, next_role text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
-- As in 0127: the plans do not depend on how many turns there are.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    taken         integer[];  -- which of them, from 1
    scores_before text[];     -- of those
    n_changed     integer;
BEGIN
    -- Nobody is waited for: what another has locked is not taken. So it does not matter in which order others lock
    -- leads and conversations. The conditions are those of turn_store_answered_send, and that the task is still ours.
    SELECT array_agg(f.n ORDER BY f.n), array_agg(f.score ORDER BY f.n) INTO taken, scores_before
      FROM (SELECT w.n::integer AS n, l.score
              FROM unnest(of_clients, of_conversations, of_leads, of_tasks, of_tokens, answered_seqs, epochs, burst_ends_us)
                   WITH ORDINALITY
                   AS w (client_id, conversation_id, lead_id, task_id, token, answered_seq, epoch, burst_ends_us, n)
              JOIN conversations c ON c.client_id = w.client_id AND c.conversation_id = w.conversation_id
              JOIN leads l ON l.client_id = w.client_id AND l.lead_id = w.lead_id
              JOIN tasks t ON t.client_id = w.client_id AND t.task_id = w.task_id
             WHERE c.answered_seq = w.answered_seq AND c.epoch = w.epoch AND t.token = w.token
               AND NOT (clock_timestamp() < 'epoch'::timestamptz + w.burst_ends_us * interval '1 microsecond'
                        AND EXISTS (SELECT FROM tasks r
                                     WHERE r.client_id = w.client_id AND r.serial_key = w.conversation_id::text
                                       AND r.kind = 'process_ai_response' AND r.state = 'ready' AND r.attempt = 0))
               FOR NO KEY UPDATE OF c, l, t SKIP LOCKED) f;
    IF taken IS NULL THEN
        RETURN;
    END IF;

    -- Two turns of one lead, in one batch: the caller tries again with fewer.
    UPDATE conversations c SET answered_seq = last_seqs[n], read_seq = last_seqs[n], updated_at = now()
      FROM unnest(taken) AS n
     WHERE c.client_id = of_clients[n] AND c.conversation_id = of_conversations[n];
    GET DIAGNOSTICS n_changed = ROW_COUNT;
    IF n_changed <> cardinality(taken) THEN
        RAISE EXCEPTION 'two turns of one conversation';
    END IF;
    UPDATE leads l
       SET score = scores[n], score_reason = score_reasons[n], name = lead_names[n],
           service_interest = service_interests[n], urgency = urgencies[n], budget_range = budget_ranges[n],
           timeline = timelines[n], evidence = coalesce(evidences[n], l.evidence),
           email = CASE WHEN emails[n] IS NULL
                          OR EXISTS (SELECT FROM leads o WHERE o.client_id = of_clients[n] AND o.email = emails[n]
                                                           AND o.lead_id <> of_leads[n])
                        THEN l.email ELSE emails[n] END,
           updated_at = now()
      FROM unnest(taken) AS n
     WHERE l.client_id = of_clients[n] AND l.lead_id = of_leads[n];
    GET DIAGNOSTICS n_changed = ROW_COUNT;
    IF n_changed <> cardinality(taken) THEN
        RAISE EXCEPTION 'two turns of one lead';
    END IF;
    IF EXISTS (SELECT FROM unnest(taken, scores_before) AS b (n, score) WHERE b.score <> scores[b.n]) THEN
        INSERT INTO lead_scores (client_id, lead_id, conversation_id, turn_id, score_before, score, reason, evidence, alerted)
        SELECT l.client_id, l.lead_id, of_conversations[b.n], turn_ids[b.n], b.score, l.score, l.score_reason, l.evidence,
               false
          FROM unnest(taken, scores_before) AS b (n, score)
          JOIN leads l ON l.client_id = of_clients[b.n] AND l.lead_id = of_leads[b.n]
         WHERE b.score <> scores[b.n];
    END IF;

    INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, purpose, channel,
                          from_address, to_address, body, segments, state, epoch, turn_id, trace_id, answers_after)
    SELECT of_clients[n], message_ids[n], of_conversations[n], of_leads[n], 'out', 'agent', purposes[n], channels[n],
           from_addresses[n], to_addresses[n], bodies[n], all_segments[n], 'queued', epochs[n], turn_ids[n],
           trace_ids[n], answered_seqs[n]
      FROM unnest(taken) AS n;
    INSERT INTO task_dedupe (client_id, dedupe_key, task_id)
    SELECT of_clients[n], 'send:' || message_ids[n], send_ids[n] FROM unnest(taken) AS n;
    INSERT INTO tasks (client_id, task_id, kind, role, max_attempts, deadline_s, serial_key, lane, lane_units)
    SELECT of_clients[n], send_ids[n], send_kinds[n], 'delivery', send_attempts[n], send_deadlines_s[n], serial_keys[n],
           lanes[n], greatest(all_segments[n], 1)
      FROM unnest(taken) AS n;
    INSERT INTO task_payloads (client_id, task_id, trace_id, payload)
    SELECT of_clients[n], send_ids[n], trace_ids[n], jsonb_build_object('message_id', message_ids[n])
      FROM unnest(taken) AS n;

    INSERT INTO token_usage_pending (client_id, turn_id, model, scripted, fallback, input_tokens, output_tokens,
                                     cache_read_tokens, cache_write_tokens, cost_micro_usd)
    SELECT of_clients[n], turn_ids[n], coalesce(models[n], 'none'), agents[n] = 'scripted', fallbacks[n],
           all_input_tokens[n], all_output_tokens[n], all_cache_read_tokens[n], all_cache_write_tokens[n],
           all_cost_micro_usd[n]
      FROM unnest(taken) AS n;
    INSERT INTO turns (client_id, turn_id, conversation_id, task_id, agent, misses, asked, record, model, input_tokens,
                       output_tokens, cache_read_tokens, cache_write_tokens, cost_micro_usd, exchange, saw_seq,
                       answers_from, answers_to, history_from)
    SELECT of_clients[n], turn_ids[n], of_conversations[n], of_tasks[n], agents[n], all_misses[n], all_asked[n],
           records[n], models[n], all_input_tokens[n], all_output_tokens[n], all_cache_read_tokens[n],
           all_cache_write_tokens[n], all_cost_micro_usd[n], exchanges[n], saw_seqs[n], first_seqs[n], last_seqs[n],
           histories_from[n]
      FROM unnest(taken) AS n;

    -- As task_finish of libshared/tasks.c.
    RETURN QUERY
    WITH g AS (
        DELETE FROM tasks t USING unnest(taken, scores_before) AS b (n, score)
         WHERE t.client_id = of_clients[b.n] AND t.task_id = of_tasks[b.n]
        RETURNING t.*, b.n, b.score
    ), kept AS (
        INSERT INTO finished_tasks (client_id, task_id, kind, role, attempt, serial_key, instance, error, created_at)
        SELECT g.client_id, g.task_id, g.kind, g.role, g.attempt, g.serial_key, g.instance,
               CASE WHEN g.error_kind <> 'postponed' THEN g.error END, g.created_at
          FROM g
    )
    SELECT g.n - 1, g.score <> scores[g.n], g.client_id, next.task_id, next.role
      FROM g
      LEFT JOIN LATERAL (SELECT t.task_id, t.role, t.run_at FROM tasks t
                          WHERE t.client_id = g.client_id AND t.serial_key = g.serial_key AND t.state <> 'dead'
                            AND t.task_id <> g.task_id
                          ORDER BY t.task_id LIMIT 1) next ON next.run_at <= now();
END
$$;

REVOKE ALL ON FUNCTION turns_answered(uuid[], uuid[], uuid[], uuid[], bigint[], bigint[], integer[], bigint[], bigint[], text[],
    text[], text[], text[], text[], text[], text[], jsonb[], text[], uuid[], uuid[], text[], text[], text[], text[], text[],
    integer[], text[], uuid[], text[], integer[], integer[], text[], text[], text[], integer[], text[], json[], text[],
    bigint[], bigint[], bigint[], bigint[], bigint[], boolean[], text[], bigint[], bigint[], bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION turns_answered(uuid[], uuid[], uuid[], uuid[], bigint[], bigint[], integer[], bigint[], bigint[], text[],
    text[], text[], text[], text[], text[], text[], jsonb[], text[], uuid[], uuid[], text[], text[], text[], text[], text[],
    integer[], text[], uuid[], text[], integer[], integer[], text[], text[], text[], integer[], text[], json[], text[],
    bigint[], bigint[], bigint[], bigint[], bigint[], boolean[], text[], bigint[], bigint[], bigint[]) TO leadwire_orchestrator;
