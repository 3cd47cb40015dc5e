/* tasks.h - work that must not be lost.
 *
 * A task is a row, inserted in the transaction that makes it necessary, claimed
 * before it is worked on, and completed in the transaction that holds its
 * effects. Whoever claims gets a fresh token; completing or failing changes
 * nothing unless the token is still the row's. See migrations/0002.
 *
 * Live tasks (ready, running, dead) are rows of tasks; finished ones move to
 * finished_tasks, which is partitioned by day. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/uuid.h"

struct arena;
struct bus;
struct db_pool;
struct db_result;
struct db_tx;
struct err;
struct message_type;

/* One row per kind of task, in proto/tasks.h. */
struct task_kind {
    const char *name;
    const char *role; /* who does it: "orchestrator" */
    const struct message_type *payload;
    int max_attempts;
    int deadline_s; /* a run that takes longer is orphaned: another may claim it */
    int backoff_s;  /* before the second attempt; doubles with each, at most 900 s, +-20 % jitter */
};

const struct task_kind *task_kind_find(const char *name); /* NULL if there is none */
const struct task_kind *task_kind_at(size_t i);           /* from 0; NULL behind the last */

struct task {
    char task_id[UUID_SIZE];
    char client_id[UUID_SIZE]; /* the nil UUID if it belongs to no client */
    const struct task_kind *kind;
    char trace_id[65];
    int attempt;      /* 1 for the first */
    int max_attempts; /* this many, and it is dead */
    int64_t token;
    int64_t created_at_us; /* wall time of the database */
    const void *payload;   /* of kind->payload */
    struct arena *arena;   /* holds the payload; the handler may use it too */
    bool settled;          /* task_complete or task_postpone was called and its transaction committed */
};

struct task_spec {
    const char *kind;
    const char *client_id;  /* NULL: none */
    const char *trace_id;   /* NULL: none */
    const void *payload;    /* of the kind's message type */
    const char *serial_key; /* tasks of one key run one at a time, in the order of their ids; NULL: none */
    const char
        *dedupe_key;  /* a second insert with the key does nothing, also after the first has finished; NULL: none */
    bool new_key;     /* nobody else can give dedupe_key: then nothing is asked, and no round trip taken */
    int64_t delay_ms; /* not before this long from now */
    const char *lane; /* whose rate it takes part in, see task_lane; NULL: none */
    int lane_units;   /* how much of the rate it takes: the segments of a text; 0 counts as 1 */
};

/* ---- lanes: tasks that are begun no faster than a provider allows ----
 *
 * A lane is what a provider limits: one sender. Its tasks are begun in the order of (run_at, task_id), lane_units /
 * rate apart, by all processes together; how often is kept in task_lanes and decided in the claim (migrations/0031).
 * The rate is the client's own (twilio_messages_per_second) or the default of the lane's class, LEADWIRE_*_PER_SECOND;
 * 0 is no limit. While the lane's account is paused (provider_accounts) none is begun. A claim has paid, whatever
 * becomes of the task: a retry pays again, an orphan does not.
 *
 * Whoever makes a task that has a lane gives lane and lane_units and no more. Whoever changes what a client's lanes
 * depend on sets task_lanes.stale of that client in the same transaction. Who does such tasks sets service.lanes. */

/* The name of a lane: channel:sender. channel is sms, whatsapp or voice; sender a number (E.164, or a short code's
 * digits) or a messaging service, MG...: "sms:+15550100000". */
#define TASK_LANE_SIZE 64
void task_lane(const char *channel, const char *sender, char ret_lane[TASK_LANE_SIZE]);

/* Inserts a task; after the commit its id is pushed to its role. Returns 1, or 0 if the dedupe key (or, for
 * process_ai_response, a task of the conversation that is still ready) made it unnecessary; -1 on failure. Where
 * neither can be (no dedupe key, or a new_key), it is sent ahead, see db_send. ret_id may be NULL. bus may be NULL:
 * then the sweep finds it. */
int task_insert(struct db_tx *tx, struct bus *bus, const struct task_spec *spec, char ret_id[UUID_SIZE],
                struct err *err);

/* ---- within a handler's transaction ---- */

/* Ends the task with this transaction; task->settled is set when it commits. ERR_CONFLICT if it is no longer ours.
 * The next task of the same serial key is pushed after the commit. */
int task_complete(struct db_tx *tx, struct bus *bus, struct task *task, struct err *err);

/* The same in two steps: sent ahead, see db_send_for, and when rows have been read, what follows from them. */
int task_complete_send(struct db_tx *tx, const struct task *task, struct db_result **ret_rows, struct err *err);
int task_complete_read(struct db_tx *tx, struct bus *bus, struct task *task, const struct db_result *rows,
                       struct err *err);

/* Ends it the same way, without its having been done: why is kept with it. */
int task_skip(struct db_tx *tx, struct bus *bus, struct task *task, const char *why, struct err *err);

/* Leaves the task ready again, to run in delay_ms; this attempt does not count as a failure. */
int task_postpone(struct db_tx *tx, struct task *task, int64_t delay_ms, const char *why, struct err *err);

/* Moves the task to a lane, or out of any with NULL: what sends nothing when it runs next needs no turn, and must not
 * wait behind a backlog. lane_units stay. Before task_postpone, in its transaction. ERR_CONFLICT if it is not ours. */
int task_set_lane(struct db_tx *tx, const struct task *task, const char *lane, struct err *err);

/* Ends the task as dead with this transaction, for a failure that the handler itself records beside it. */
int task_bury(struct db_tx *tx, struct bus *bus, struct task *task, const struct err *why, struct err *err);

/* Ends many with this transaction, of any clients, as task_complete does each; ret_ours[i] tells whether tasks[i] was
 * still ours: the others are left as they are. Where two transactions may hold some of the same tasks, both give them
 * in the same order. */
int tasks_complete_within(struct db_tx *tx, struct bus *bus, struct task *const *tasks, size_t n, bool *ret_ours,
                          struct err *err);

/* ERR_CONFLICT unless the attempt is still ours; locks the row until the transaction ends. To be asked in the
 * transaction that commits the intent of an external effect. */
int task_still_ours(struct db_tx *tx, const struct task *task, struct err *err);

/* ---- for service.c and the scheduler ---- */

/* Claims those of the refs that are ready, due and without a lane, or orphaned, and free by their serial key. Fills at
 * most n tasks, each with an arena of its own; returns how many, or -1: then some may have been claimed all the same,
 * and tasks_give_back_except brings them back. */
struct task_ref;
int tasks_claim(struct db_pool *pool, const char *instance, const char *role, const struct task_ref *refs, size_t n,
                struct task *ret_tasks, struct err *err);

/* Claims up to n that are due and have no lane, without being told their ids: for a backlog. */
int tasks_claim_due(struct db_pool *pool, const char *instance, const char *role, size_t n, struct task *ret_tasks,
                    struct err *err);

struct lane_claim {
    const char *instance, *role;
    const char *rates; /* JSON, a second by class of lane: {"long_code": 1, ...}, see lane_rates; 0: no limit */
    size_t want;       /* 0: only takes notice of the heard ones */
    const struct task_ref *heard; /* ids that were pushed */
    size_t n_heard;
    bool look; /* also for lanes that nobody was told of: as often as the others may be lost, once a second */
};

struct lane_news {
    int next_ms; /* a lane may be ready again then, at most 1000 */
    bool missed; /* a lane that was heard of is in another's hands: look in a moment */
    bool others; /* some that were heard of are for tasks_claim: without a lane, or orphaned */
};

/* Claims up to want ready tasks that have a lane, as their lanes' rates allow now. Returns as tasks_claim does. */
int tasks_claim_lanes(struct db_pool *pool, const struct lane_claim *claim, struct task *ret_tasks,
                      struct lane_news *ret_news, struct err *err);

/* The default rates as lane_claim takes them. */
#define LANE_RATES_SIZE 256
struct config;
void lane_rates(const struct config *config, char ret_rates[LANE_RATES_SIZE]);

/* Completes many plain ones in one statement and sets their settled; returns how many. Those that were no longer ours
 * are left out (another run of them counts). */
int tasks_complete_batch(struct db_pool *pool, struct bus *bus, struct task *const *tasks, size_t n, struct err *err);

/* After a failed attempt: ready again after its backoff (or why->retry_after_s), or dead when it cannot be healed or
 * was the last. Publishes task.dead. */
int task_fail(struct db_pool *pool, struct bus *bus, const struct task *task, const struct err *why, struct err *err);

/* Undoes claims of tasks that nobody has begun: the attempt does not count, and each may be claimed again at once (its
 * run counts as past its deadline). Those named by their tokens, or all of the instance's but those. Returns how many,
 * or -1. */
int tasks_give_back(struct db_pool *pool, const char *instance, const int64_t *tokens, size_t n, struct err *err);
int tasks_give_back_except(struct db_pool *pool, const char *instance, const int64_t *tokens, size_t n,
                           struct err *err);

/* Frees what a claim gave. */
void task_release(struct task *task);
