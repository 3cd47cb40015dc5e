/* vector_index.c - see vector_index.h; and the task build_vector_index.
 *
 * Indexes are made and dropped CONCURRENTLY, outside of a transaction, by the login, who owns the tables. One process
 * of the cluster does so at a time. A failed build leaves an INVALID index: the next attempt drops it first. */
#include "services/knowledge/embedding/vector_index.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/db_session.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/log.h"
#include "libshared/tasks.h"
#include "proto/messages.h"
#include "services/knowledge/knowledge.h"

#define LOCK_KEY       "7013447209" /* of the advisory lock: any number that nobody else takes */
#define BUILD_MS       1700000      /* below the task's deadline */
#define DIMS_MAX       4000         /* pgvector's limit for an HNSW index of halfvec */
#define OTHER_BUILD_MS 10000        /* between looks while another process builds */

/* m and ef_construction: measured with 10,000 vectors of 1,536 numbers, where recall@3 is 1.0 from ef_search 10 on. */
#define INDEX_OPTIONS "m = 16, ef_construction = 64"

/* What is to be done for a client's vectors of a model. */
struct plan {
    bool wanted;
    const char *name; /* of the index */
    int64_t dims;
};

/* ---- when vectors have come or gone ---- */

static int want(struct worker *self, struct db_tx *tx, const char *client_id, const char *model, const char *state,
                struct err *err)
{
    const struct build_vector_index payload = {.model = model};
    const struct task_spec spec = {
        .kind = TASK_build_vector_index,
        .client_id = client_id,
        .payload = &payload,
        .serial_key = model,
    };

    if (db_query(tx, NULL, err,
                 "INSERT INTO vector_indexes (client_id, model, index_name, state)"
                 " VALUES ($1::uuid, $2::text, 'vectors_' || md5($1::uuid::text || $2::text), $3)"
                 " ON CONFLICT (client_id, model) DO UPDATE SET state = excluded.state, updated_at = now()",
                 db_text(client_id), db_text(model), db_text(state)) < 0)
        return -1;
    return task_insert(tx, self->bus, &spec, NULL, err) < 0 ? -1 : 0;
}

int vector_index_check(struct worker *self, struct db_tx *tx, const char *client_id, const char *model, struct err *err)
{
    const int64_t min = self->config->hnsw_min_vectors;
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *state;
    int64_t n;

    /* A task that was given up leaves its row: after an hour it is tried again. */
    if (db_query(tx, &rows, err,
                 "SELECT (SELECT count(*) FROM (SELECT FROM embeddings WHERE client_id = $1 AND model = $2 LIMIT $3)"
                 "            AS seen) AS n,"
                 "       (SELECT CASE WHEN state <> 'ready' AND updated_at < now() - interval '1 hour' THEN 'stale'"
                 "                    ELSE state END"
                 "          FROM vector_indexes WHERE client_id = $1 AND model = $2) AS state",
                 db_text(client_id), db_text(model), db_int(min > 0 ? min : 1)) < 0)
        return -1;
    n = db_get_int(rows, 0, "n");
    state = db_get(rows, 0, "state");
    if (min > 0 && n >= min && (!state || strcmp(state, "unwanted") == 0 || strcmp(state, "stale") == 0))
        return want(self, tx, client_id, model, "wanted", err);
    if ((min == 0 || n < min / 2) && state && strcmp(state, "unwanted") != 0)
        return want(self, tx, client_id, model, "unwanted", err);
    return 0;
}

int vector_index_check_all(struct worker *self, struct db_tx *tx, const char *client_id, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err, "SELECT model FROM vector_indexes WHERE client_id = $1 ORDER BY model",
                 db_text(client_id)) < 0)
        return -1;
    for (int i = 0; i < db_result_count(rows); i++)
        if (vector_index_check(self, tx, client_id, db_get(rows, i, "model"), err) < 0)
            return -1;
    return 0;
}

/* ---- the task ---- */

/* Looks at the vectors again, since what was true when the task was inserted need not be so now. */
static int make_plan(struct worker *self, const struct task *task, const char *model, struct plan *ret_plan,
                     struct err *err)
{
    const int64_t min = self->config->hnsw_min_vectors;
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, task->client_id, err);
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct plan plan = {0};
    const char *state;

    if (!tx || db_query(tx, &rows, err,
                        "SELECT i.index_name, i.state,"
                        "       (SELECT count(*) FROM embeddings WHERE client_id = $1 AND model = $2) AS n,"
                        "       (SELECT vector_dims(embedding) FROM embeddings"
                        "         WHERE client_id = $1 AND model = $2 AND embedding IS NOT NULL LIMIT 1) AS dims"
                        "  FROM vector_indexes i WHERE i.client_id = $1 AND i.model = $2",
                        db_text(task->client_id), db_text(model)) < 0)
        return -1;
    if (db_result_count(rows) == 0) { /* the client was deleted: its index goes with the other leftovers */
        *ret_plan = plan;
        return 0;
    }
    state = db_get(rows, 0, "state");
    plan.dims = db_get_int(rows, 0, "dims");
    plan.wanted = min > 0 && plan.dims > 0 && plan.dims <= DIMS_MAX &&
                  db_get_int(rows, 0, "n") >= (strcmp(state, "ready") == 0 ? min / 2 : min);
    if (!(plan.name = arena_strdup(task->arena, db_get(rows, 0, "index_name"))))
        return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
    if (db_query(tx, NULL, err,
                 "UPDATE vector_indexes SET state = $3, dimensions = $4, updated_at = now()"
                 " WHERE client_id = $1 AND model = $2 AND NOT (state = 'ready' AND dimensions = $4 AND $3 <> "
                 "'unwanted')",
                 db_text(task->client_id), db_text(model), db_text(plan.wanted ? "building" : "unwanted"),
                 db_int(plan.dims)) < 0)
        return -1;
    *ret_plan = plan;
    return db_commit(&tx, err);
}

/* Runs the statement that a query makes. */
static int run_made(struct db_session *session, struct err *err, const char *sql, const struct db_arg *args,
                    size_t n_args)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_session_query(session, &rows, err, sql, args, n_args) < 0)
        return -1;
    for (int i = 0; i < db_result_count(rows); i++)
        if (db_session_run(session, db_get(rows, i, "statement"), BUILD_MS, err) < 0)
            return -1;
    return 0;
}

/* The index of that name if it is broken or of another width; and indexes that belong to no row any more, with their
 * functions: a search that is under way may still call the function of an index that has just gone, and finds the same
 * by comparing one by one. */
static int drop_leftovers(struct db_session *session, const struct plan *plan, struct err *err)
{
    if (run_made(session, err,
                 "SELECT format('DROP FUNCTION IF EXISTS %s', p.oid::regprocedure) AS statement"
                 "  FROM pg_proc p JOIN pg_class c ON c.relnamespace = p.pronamespace"
                 " WHERE c.oid = 'embeddings'::regclass AND p.proname LIKE 'vectors\\_%'"
                 "   AND NOT EXISTS (SELECT FROM vector_indexes v WHERE v.index_name = p.proname)",
                 NULL, 0) < 0)
        return -1;
    return run_made(session, err,
                    "SELECT format('DROP INDEX CONCURRENTLY IF EXISTS %I', c.relname) AS statement"
                    "  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
                    " WHERE i.indrelid = 'embeddings'::regclass AND c.relname LIKE 'vectors\\_%'"
                    "   AND (NOT EXISTS (SELECT FROM vector_indexes v WHERE v.index_name = c.relname)"
                    "        OR (c.relname = $1 AND (NOT $2::boolean OR NOT i.indisvalid"
                    "            OR pg_get_indexdef(i.indexrelid) NOT LIKE '%::halfvec(' || $3 || ')%')))",
                    (struct db_arg[]){db_text(plan->name), db_bool(plan->wanted), db_int(plan->dims)}, 3);
}

/* The index, and the function that searches by it. */
static int build(struct db_session *session, const struct task *task, const char *model, const struct plan *plan,
                 struct err *err)
{
    const struct db_arg whose[] = {db_text(task->client_id), db_text(model)};
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (run_made(session, err,
                 "SELECT format('CREATE INDEX CONCURRENTLY IF NOT EXISTS %I ON embeddings"
                 " USING hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops) WITH (" INDEX_OPTIONS ")"
                 " WHERE client_id = %L AND model = %L AND vector_dims(embedding) = %s', $1::text, $4::text,"
                 " $2::text, $3::text, $4::text) AS statement",
                 (struct db_arg[]){db_text(plan->name), db_text(task->client_id), db_text(model), db_int(plan->dims)},
                 4) < 0)
        return -1;
    failpoint("knowledge.index_made");
    return db_session_query(session, &rows, err, "SELECT leadwire_make_nearest($1, $2)", whose, 2) < 0 ? -1 : 0;
}

/* 1 if this session may change indexes, 0 if another does. */
static int lock(struct db_session *session, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_session_query(session, &rows, err, "SELECT pg_try_advisory_lock(" LOCK_KEY ") AS mine", NULL, 0) < 0)
        return -1;
    return db_get_bool(rows, 0, "mine");
}

/* Below 0.8.6 a parallel build may write beyond its memory (CVE-2026-3172). The graph is built in memory while it fits:
 * 256 MB hold some 70,000 vectors of 1,536 numbers. */
static int set_up(struct db_session *session, struct err *err)
{
    return run_made(session, err,
                    "SELECT statement FROM (VALUES ('SET maintenance_work_mem = ''256MB'''),"
                    "  (CASE WHEN (SELECT string_to_array(extversion, '.')::int[] FROM pg_extension"
                    "               WHERE extname = 'vector') < ARRAY[0, 8, 6]"
                    "        THEN 'SET max_parallel_maintenance_workers = 0' END)) AS s (statement)"
                    " WHERE statement IS NOT NULL",
                    NULL, 0);
}

/* What was done becomes what searches use. */
static int finish(struct worker *self, const struct task *task, const char *model, const struct plan *plan,
                  struct err *err)
{
    if (plan->wanted)
        return db_run(self->db, task->client_id, NULL, err,
                      "UPDATE vector_indexes SET state = 'ready', updated_at = now()"
                      " WHERE client_id = $1 AND model = $2 AND state = 'building'",
                      db_text(task->client_id), db_text(model)) < 0
                   ? -1
                   : 0;
    return db_run(self->db, task->client_id, NULL, err,
                  "DELETE FROM vector_indexes WHERE client_id = $1 AND model = $2 AND state = 'unwanted'",
                  db_text(task->client_id), db_text(model)) < 0
               ? -1
               : 0;
}

static int wait_for_other(struct worker *self, struct task *task, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, task->client_id, err);

    if (!tx || task_postpone(tx, task, OTHER_BUILD_MS, "another index is being built", err) < 0)
        return -1;
    return db_commit(&tx, err);
}

int on_build_vector_index(struct worker *self, struct task *task, struct err *err)
{
    const struct build_vector_index *in = task->payload;
    AUTO(db_session_close) struct db_session *session = db_session_open(self->config->database_url, err);
    struct plan plan = {0};
    int mine;

    if (!session || (mine = lock(session, err)) < 0)
        return -1;
    if (!mine)
        return wait_for_other(self, task, err);
    if (make_plan(self, task, in->model, &plan, err) < 0)
        return -1;
    failpoint("knowledge.index_planned");
    if (set_up(session, err) < 0 || drop_leftovers(session, &plan, err) < 0 ||
        (plan.wanted && build(session, task, in->model, &plan, err) < 0))
        return -1;
    failpoint("knowledge.index_built");
    if (plan.name && finish(self, task, in->model, &plan, err) < 0)
        return -1;
    log_info(plan.wanted ? "a client's vectors have an index" : "a client's vectors are searched without an index",
             log_str("client_id", task->client_id), log_str("model", in->model));
    return 0;
}

int vector_index_check_version(struct worker *self, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err problem = {0};

    if (db_run(self->db, NULL, &rows, &problem,
               "SELECT extversion, string_to_array(extversion, '.')::int[] < ARRAY[0, 8] AS too_old,"
               "       string_to_array(extversion, '.')::int[] < ARRAY[0, 8, 6] AS serial"
               "  FROM pg_extension WHERE extname = 'vector'") < 0) {
        log_err(LOG_WARN, "the version of pgvector cannot be asked", &problem);
        return 0;
    }
    if (db_result_count(rows) == 0 || db_get_bool(rows, 0, "too_old"))
        return err_set(err, ERR_INVALID, "pgvector 0.8 or later is needed, the database has %s",
                       db_result_count(rows) ? db_get(rows, 0, "extversion") : "none");
    if (db_get_bool(rows, 0, "serial"))
        log_info("pgvector before 0.8.6 builds indexes with one process: its parallel build is not safe",
                 log_str("pgvector", db_get(rows, 0, "extversion")), log_str("because", "CVE-2026-3172"));
    return 0;
}
