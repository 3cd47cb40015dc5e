/* tasks_internal.h - what tasks.c and task_*.c share: pieces of SQL, and what happens after a commit. */
#pragma once

#include <stdbool.h>

#include "libshared/db.h"
#include "libshared/task_sweep.h"
#include "libshared/tasks.h"

/* Pieces of SQL over tasks t. Compared in the database's clock only. */

/* Its holder is gone, or it has taken too long. 6 s: REGISTRY_STALE_S. */
#define TASK_ORPHANED                                                 \
    "(t.state = 'running' AND (t.deadline_at < now() OR NOT EXISTS (" \
    "     SELECT FROM mailboxes m WHERE m.instance = t.instance"      \
    "        AND m.refreshed_at >= now() - interval '6 seconds')))"

/* No other of its serial key comes first: none that runs and, unless it runs itself (an orphan), none that is older and
 * alive. Ids are made by many processes: their order is not always that in which they were claimed. */
#define TASK_FIRST_OF_KEY                                                                      \
    "(t.serial_key IS NULL OR NOT EXISTS ("                                                    \
    "     SELECT FROM tasks e WHERE e.client_id = t.client_id AND e.serial_key = t.serial_key" \
    "        AND e.state <> 'dead' AND e.task_id <> t.task_id"                                 \
    "        AND (e.state = 'running' OR (e.task_id < t.task_id AND t.state <> 'running'))))"

/* Joins to g (client_id, task_id, serial_key) the task that may run when g has ended, as next_id and next_role. */
#define TASK_NEXT_OF_KEY                                                           \
    " LEFT JOIN LATERAL ("                                                         \
    "     SELECT n.task_id AS next_id, n.role AS next_role, n.run_at FROM tasks n" \
    "      WHERE n.client_id = g.client_id AND n.serial_key = g.serial_key"        \
    "        AND n.state <> 'dead' AND n.task_id <> g.task_id"                     \
    "      ORDER BY n.task_id LIMIT 1) next ON next.run_at <= now()"

struct arena;
struct task_ref;

/* The kinds of a role that this build knows, as an array; a newer neighbour's stay for the newer. NULL without memory.
 */
const char *task_kinds_of(const char *role, struct arena *arena);

/* The ids of refs as two arrays in arena. */
int task_refs_arrays(const struct task_ref *refs, size_t n, struct arena *arena, const char **ret_clients,
                     const char **ret_tasks, struct err *err);

/* Fills ret_tasks from the first n_rows rows of a claim; returns how many. One whose payload cannot be read is buried.
 */
int task_take_rows(struct db_pool *pool, const struct db_result *rows, int n_rows, struct task *ret_tasks);

/* What to push, from the columns client_id, next_id and next_role of a row; false if there is nothing. */
bool task_next_of_row(const struct db_result *rows, int row, struct task_sweep_item *ret_item);

/* Pushes the task after the commit. bus may be NULL. */
int task_push_after(struct db_tx *tx, struct bus *bus, const struct task_sweep_item *item, struct err *err);

/* Publishes task.dead now, and logs it. bus may be NULL. */
void task_announce_dead(struct bus *bus, const char *client_id, const char *task_id, const char *kind, int attempt,
                        const char *error);

/* The text of an error as it is kept with the task: with the provider's code, valid UTF-8. */
#define TASK_ERROR_SIZE 300
void task_error_text(const struct err *why, char out[TASK_ERROR_SIZE]);

/* Ends the task within tx, as finished. superseded: why it did not run; NULL if it did. ERR_CONFLICT if it is no longer
 * ours. */
int task_finish(struct db_tx *tx, struct bus *bus, const struct task *task, const char *superseded, struct err *err);

/* Sets the task's settled when tx commits. */
int task_settled_after(struct db_tx *tx, struct task *task, struct err *err);

/* ERR_CONFLICT: the attempt is no longer ours. Always returns -1. */
int task_not_ours(const struct task *task, struct err *err);

/* Whether err tells that another answer of the conversation is ready already. */
bool task_is_superseded(const struct err *err);
