-- 0031: claiming tasks that have a lane
--
-- The rate limit sits in the claim: who wants tasks locks the lanes whose time has
-- come, takes from each what its rate allows, and moves its next_at on. Nothing is
-- reserved and nobody waits for anybody: a lane that another process has is passed
-- over.
--
-- A claim must not look through backlogs, nor ask a thousand lanes whether they
-- have something. So a lane knows when it is worth a look: ready_at. Who inserts a
-- task does not touch the lane (it would hold up the claims until its commit); the
-- push of the task's id tells. A push may be lost: about once a second each
-- process looks through all lanes that have ready tasks (one step in the index for
-- each) for those whose ready_at is too late.

ALTER TABLE task_lanes
    ADD COLUMN ready_at timestamptz NOT NULL DEFAULT 'infinity'; -- when its next task may begin; infinity: none is known
CREATE INDEX task_lanes_ready ON task_lanes (role, ready_at);
ALTER TABLE task_lanes SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
                            autovacuum_vacuum_cost_delay = 0);

-- Tasks with a lane are found by tasks_lane alone: a backlog of them must not be in the way of others.
DROP INDEX tasks_ready;
CREATE INDEX tasks_ready ON tasks (role, run_at, task_id) WHERE state = 'ready' AND lane IS NULL;

-- Which default rate a lane has.
CREATE FUNCTION task_lane_class(lane text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT CASE WHEN lane LIKE 'whatsapp:%' THEN 'whatsapp'
                   WHEN lane LIKE 'voice:%' THEN 'voice'
                   WHEN lane LIKE '%:MG%' THEN 'service'
                   WHEN lane ~ ':\+1(800|833|844|855|866|877|888)[0-9]{7}$' THEN 'toll_free'
                   WHEN lane ~ ':[0-9]{5,6}$' THEN 'short_code'
                   ELSE 'long_code' END $$;

-- Reads the settings of those lanes that are stale: they are their first task's client's.
CREATE FUNCTION task_lanes_refresh(of_lanes text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE task_lanes l
       SET client_id = first.client_id, class = task_lane_class(l.lane), stale = false,
           account = CASE WHEN c.config->>'twilio_account_sid' <> '' THEN 'twilio:' || c.client_id ELSE 'twilio' END,
           per_second = CASE WHEN l.lane NOT LIKE 'voice:%'
                              AND jsonb_typeof(c.config->'twilio_messages_per_second') = 'number'
                             THEN (c.config->>'twilio_messages_per_second')::real END
      FROM unnest(of_lanes) AS s (lane)
     CROSS JOIN LATERAL (SELECT t.client_id FROM tasks t
                          WHERE t.state = 'ready' AND t.lane = s.lane
                          ORDER BY t.run_at, t.task_id LIMIT 1) first
      LEFT JOIN clients c ON c.client_id = first.client_id
     WHERE l.lane = s.lane AND l.stale
$$;

-- Lanes of of_role that have ready tasks and are not known to: ready_at is missing or too late. One step in tasks_lane
-- for each lane with ready tasks.
CREATE FUNCTION task_lanes_overlooked(of_role text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE waiting AS (
        (SELECT t.lane, t.role, t.run_at FROM tasks t WHERE t.state = 'ready' AND t.lane IS NOT NULL
          ORDER BY t.lane, t.run_at, t.task_id LIMIT 1)
        UNION ALL
        SELECT n.* FROM waiting w CROSS JOIN LATERAL (
            SELECT t.lane, t.role, t.run_at FROM tasks t WHERE t.state = 'ready' AND t.lane > w.lane
             ORDER BY t.lane, t.run_at, t.task_id LIMIT 1) n
    )
    SELECT w.lane FROM waiting w
      LEFT JOIN task_lanes l ON l.lane = w.lane
      LEFT JOIN provider_accounts a ON a.account = l.account
     WHERE w.role = of_role
       AND (l.lane IS NULL OR l.ready_at > greatest(l.next_at, a.paused_until, w.run_at, now()))
     LIMIT 1000
$$;

-- Claims up to want ready tasks of of_role that have a lane, in each lane in the order of (run_at, task_id), as many as
-- the lane's rate allows now. A row for each, with the columns of tasks_claim (libshared/task_claim.c); then one without
-- a task that tells how to go on:
--   next_ms  in so many milliseconds a lane may be ready again, at most 1000
--   missed   a lane that was heard of (or overlooked) was in another's hands: look again soon
--   others   among the tasks heard of are some that are not to be claimed through a lane: without one, or orphaned
--
-- rates: a second, by class; 0: no limit. The heard ones are the tasks whose ids were pushed. look: find overlooked
-- lanes too. A lane keeps its average if it is asked up to 100 ms late: so much of its time may be made up for.
--
-- A task that has been claimed has paid, whatever becomes of it; an orphan does not pay again. Like any claim it need
-- not be on disk before it counts (see task_claim.c): if the server loses it in a crash, it loses the token too.
CREATE FUNCTION tasks_claim_lanes(of_instance uuid, of_role text, of_kinds text[], want integer, rates jsonb,
                                  heard_clients uuid[], heard_tasks uuid[], look boolean)
RETURNS TABLE (client_id uuid, task_id uuid, kind text, attempt integer, max_attempts integer, token bigint,
               trace_id text, payload jsonb, created_at_us bigint, next_ms integer, missed boolean, others boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
-- Planning costs several times as much as running it. And a plan that was made while the tables were empty must not
-- search them whole when they are not.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    slack CONSTANT interval := '100 milliseconds';
    no_id CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    heard   text[];  -- lanes that may have become ready
    mine    text[];  -- lanes whose rows are locked here
    soonest timestamptz;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);

    -- By primary key alone: with a condition on state beside it the planner may take an index over all that is ready.
    SELECT array_agg(DISTINCT t.lane) FILTER (WHERE t.state = 'ready' AND t.lane IS NOT NULL AND t.role = of_role),
           coalesce(bool_or(t.state = 'running' OR t.lane IS NULL), false)
      INTO heard, others
      FROM unnest(heard_clients, heard_tasks) AS h (client_id, task_id) JOIN tasks t USING (client_id, task_id);
    IF look THEN
        heard := heard || ARRAY(SELECT task_lanes_overlooked(of_role));
    END IF;
    IF heard IS NOT NULL THEN
        INSERT INTO task_lanes (lane, role, client_id, account, class, stale)
        SELECT h.lane, of_role, no_id, '', '', true FROM unnest(heard) AS h (lane)
         WHERE NOT EXISTS (SELECT FROM task_lanes l WHERE l.lane = h.lane)
        ON CONFLICT DO NOTHING;
        -- Of one that only waits for its rate it is known already when it will be ready.
        heard := ARRAY(SELECT l.lane FROM task_lanes l
                        WHERE l.lane = ANY (heard) AND NOT (l.ready_at > now() AND l.ready_at <= l.next_at));
    END IF;

    WITH told AS (
        SELECT l.lane, l.stale FROM task_lanes l WHERE l.lane = ANY (heard) FOR UPDATE SKIP LOCKED
    ), due AS (
        SELECT l.lane, l.stale FROM task_lanes l WHERE l.role = of_role AND l.ready_at <= now()
         ORDER BY l.ready_at LIMIT want FOR UPDATE SKIP LOCKED
    )
    SELECT array_agg(DISTINCT lane), coalesce(cardinality(heard), 0) > (SELECT count(*) FROM told)
      INTO mine, missed
      FROM (SELECT * FROM told UNION ALL SELECT * FROM due) locked;
    PERFORM task_lanes_refresh(mine) WHERE EXISTS (SELECT FROM task_lanes l WHERE l.lane = ANY (mine) AND l.stale);

    -- What was committed before the locks were had is seen from here on.
    RETURN QUERY
    WITH lane AS MATERIALIZED (
        SELECT l.lane, l.ready_at, coalesce(l.per_second, (rates->>l.class)::float8) AS rate,
               greatest(l.next_at, now() - slack) AS base, greatest(l.next_at, a.paused_until) AS open_at
          FROM task_lanes l LEFT JOIN provider_accounts a ON a.account = l.account
         WHERE l.lane = ANY (mine)
    ), free AS MATERIALIZED (
        SELECT l.lane, f.* FROM lane l CROSS JOIN LATERAL (
            SELECT t.*, sum(t.lane_units) OVER (ORDER BY t.run_at, t.task_id) - t.lane_units AS units_before FROM (
                SELECT t.client_id, t.task_id, t.run_at, t.lane_units FROM tasks t
                 WHERE t.state = 'ready' AND t.lane = l.lane AND t.run_at <= now() AND t.kind = ANY (of_kinds)
                   AND t.role = of_role AND t.attempt < t.max_attempts
                   -- TASK_FIRST_OF_KEY of libshared/tasks_internal.h
                   AND (t.serial_key IS NULL OR NOT EXISTS (
                        SELECT FROM tasks e WHERE e.client_id = t.client_id AND e.serial_key = t.serial_key
                           AND e.state <> 'dead' AND (e.state = 'running' OR e.task_id < t.task_id)))
                 ORDER BY t.run_at, t.task_id
                 LIMIT CASE WHEN l.rate > 0
                            THEN least(want, greatest(1 + floor(extract(epoch FROM now() - l.base) * l.rate), 0))
                            ELSE want END
                   FOR UPDATE OF t SKIP LOCKED) t) f
         WHERE l.open_at <= now()
           AND (l.rate = 0 OR l.base + f.units_before / l.rate * interval '1 second' <= now())
         ORDER BY l.ready_at, l.lane, f.run_at, f.task_id LIMIT want
    ), taken AS (
        UPDATE tasks t SET state = 'running', instance = of_instance, attempt = t.attempt + 1,
               token = 1 + floor(random() * 9007199254740990)::bigint,
               deadline_at = now() + make_interval(secs => t.deadline_s), updated_at = now()
          FROM free WHERE t.client_id = free.client_id AND t.task_id = free.task_id
        RETURNING t.*
    ), paid AS (
        SELECT f.lane, sum(f.lane_units) AS units, max(f.run_at) AS run_at,
               (array_agg(f.task_id ORDER BY f.run_at DESC, f.task_id DESC))[1] AS task_id
          FROM free f GROUP BY f.lane
    ), next AS (
        -- One that is ready but was not reached goes behind the other lanes that are.
        SELECT l.lane, p.next_at, greatest(l.open_at, p.next_at, coalesce(first.run_at, 'infinity'), now()) AS ready_at
          FROM lane l LEFT JOIN paid ON paid.lane = l.lane
         CROSS JOIN LATERAL (
               SELECT CASE WHEN l.rate > 0 THEN l.base + paid.units / l.rate * interval '1 second' END AS next_at) p
          LEFT JOIN LATERAL (
               SELECT t.run_at FROM tasks t
                WHERE t.state = 'ready' AND t.lane = l.lane AND t.kind = ANY (of_kinds) AND t.role = of_role
                  AND t.attempt < t.max_attempts
                  AND (t.run_at, t.task_id) > (coalesce(paid.run_at, '-infinity'), coalesce(paid.task_id, no_id))
                  AND (t.serial_key IS NULL OR NOT EXISTS (
                       SELECT FROM tasks e WHERE e.client_id = t.client_id AND e.serial_key = t.serial_key
                          AND e.state <> 'dead' AND (e.state = 'running' OR e.task_id < t.task_id)))
                ORDER BY t.run_at, t.task_id LIMIT 1) first ON true
    ), moved AS (
        UPDATE task_lanes l SET next_at = coalesce(next.next_at, l.next_at), ready_at = next.ready_at
          FROM next
         WHERE l.lane = next.lane AND (next.next_at IS NOT NULL OR l.ready_at <> next.ready_at)
    )
    SELECT t.client_id, t.task_id, t.kind, t.attempt, t.max_attempts, t.token, p.trace_id, p.payload,
           (extract(epoch FROM t.created_at) * 1000000)::bigint, NULL::integer, NULL::boolean, NULL::boolean
      FROM taken t LEFT JOIN task_payloads p ON p.client_id = t.client_id AND p.task_id = t.task_id
     ORDER BY t.run_at, t.task_id;

    SELECT min(l.ready_at) INTO soonest FROM task_lanes l
     WHERE l.role = of_role AND l.ready_at < now() + interval '1 second';
    next_ms := greatest(coalesce(ceil(extract(epoch FROM soonest - now()) * 1000), 1000), 0);
    RETURN NEXT;
END
$$;

REVOKE ALL ON FUNCTION task_lanes_refresh(text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION task_lanes_overlooked(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION tasks_claim_lanes(uuid, text, text[], integer, jsonb, uuid[], uuid[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tasks_claim_lanes(uuid, text, text[], integer, jsonb, uuid[], uuid[], boolean)
    TO leadwire_service;
