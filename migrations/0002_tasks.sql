-- 0002: tasks, the work that must not be lost
--
-- tasks holds what is alive (ready, running) or dead and waiting for a person: it
-- stays small. A finished task leaves for finished_tasks, whose day partitions are
-- dropped whole. The payload is in a table of its own that is only inserted into,
-- so that the row that changes stays small. There are no foreign keys to busy rows.
--
-- Who holds a task is derived: it is orphaned when its instance's row in mailboxes
-- is gone or older than 6 s, or its own deadline has passed.

CREATE TABLE tasks (
    client_id   uuid NOT NULL,              -- the nil UUID if it belongs to no client
    task_id     uuid NOT NULL,              -- UUIDv7: sorts by time
    kind        text NOT NULL,
    role        text NOT NULL,              -- who does it
    state       text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'running', 'dead')),
    attempt     integer NOT NULL DEFAULT 0, -- claims so far
    max_attempts integer NOT NULL,
    deadline_s  integer NOT NULL,           -- a run may take this long
    run_at      timestamptz NOT NULL DEFAULT now(),
    serial_key  text,
    instance    uuid,                       -- who runs it
    token       bigint NOT NULL DEFAULT 0,  -- fresh with each claim: the fence; 0 while nobody runs it
    deadline_at timestamptz,                -- of this run
    error_kind  text,
    error       text,                       -- of the last failure
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, task_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000);

CREATE INDEX tasks_ready ON tasks (role, run_at, task_id) WHERE state = 'ready';
CREATE INDEX tasks_running ON tasks (instance) WHERE state = 'running';
CREATE INDEX tasks_dead ON tasks (client_id, task_id) WHERE state = 'dead';
CREATE INDEX tasks_serial ON tasks (client_id, serial_key, task_id) WHERE serial_key IS NOT NULL AND state <> 'dead';
CREATE UNIQUE INDEX tasks_one_running_per_key ON tasks (client_id, serial_key)
    WHERE state = 'running' AND serial_key IS NOT NULL;
CREATE UNIQUE INDEX tasks_one_ready_answer ON tasks (client_id, serial_key)
    WHERE state = 'ready' AND kind = 'process_ai_response';

CREATE TABLE task_payloads (
    client_id uuid NOT NULL,
    task_id   uuid NOT NULL,
    trace_id  text NOT NULL DEFAULT '',
    payload   jsonb NOT NULL,  -- the kind's message
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, task_id)
);
CREATE INDEX task_payloads_age ON task_payloads (created_at);

CREATE TABLE task_dedupe (
    client_id  uuid NOT NULL,
    dedupe_key text NOT NULL,
    task_id    uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, dedupe_key)
);
CREATE INDEX task_dedupe_age ON task_dedupe (created_at);

CREATE TABLE finished_tasks (
    client_id   uuid NOT NULL,
    task_id     uuid NOT NULL,
    kind        text NOT NULL,
    role        text NOT NULL,
    attempt     integer NOT NULL,
    serial_key  text,
    instance    uuid,
    error       text,  -- of the last failure before it succeeded
    created_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (finished_at);
CREATE TABLE finished_tasks_default PARTITION OF finished_tasks DEFAULT;
CREATE INDEX finished_tasks_id ON finished_tasks (task_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON tasks, task_payloads, task_dedupe, finished_tasks TO leadwire_service;

-- Makes the day partitions (UTC) of finished_tasks from today on and drops those that are over for more than keep_days
-- days; returns how many came and went. Runs as the owner of the tables. It never holds up who finishes tasks: a lock
-- that is not had within 200 ms is left to the next call. What has come into the default partition in the meantime
-- moves into its day.
CREATE FUNCTION finished_tasks_keep(days_ahead integer, keep_days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    today   date := (now() AT TIME ZONE 'UTC')::date;
    oldest  timestamptz := (today - keep_days)::timestamp AT TIME ZONE 'UTC';
    day     date;
    start   timestamptz;
    part    text;
    changes integer := 0;
BEGIN
    FOR ahead IN 0 .. days_ahead LOOP
        day := today + ahead;
        start := day::timestamp AT TIME ZONE 'UTC';
        part := 'finished_tasks_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE %I (LIKE finished_tasks INCLUDING DEFAULTS)', part);
            EXECUTE format('WITH moved AS (DELETE FROM finished_tasks_default WHERE finished_at >= %L '
                           'AND finished_at < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
                           start, start + interval '24 hours', part);
            EXECUTE format('ALTER TABLE finished_tasks ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                           part, start, start + interval '24 hours');
            changes := changes + 1;
        EXCEPTION WHEN lock_not_available OR deadlock_detected OR check_violation OR duplicate_table THEN
            NULL;  -- a lock, a row that came meanwhile, or another scheduler: the next call
        END;
    END LOOP;

    DELETE FROM finished_tasks_default WHERE finished_at < oldest;
    FOR part IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'finished_tasks'::regclass AND c.relname ~ '^finished_tasks_[0-9]{8}$'
           AND to_date(right(c.relname, 8), 'YYYYMMDD') < today - keep_days
         ORDER BY c.relname
    LOOP
        BEGIN
            EXECUTE format('DROP TABLE %I', part);
            changes := changes + 1;
        EXCEPTION WHEN lock_not_available OR deadlock_detected OR undefined_table THEN
            NULL;
        END;
    END LOOP;
    RETURN changes;
END
$$;
REVOKE ALL ON FUNCTION finished_tasks_keep(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finished_tasks_keep(integer, integer) TO leadwire_scheduler;
