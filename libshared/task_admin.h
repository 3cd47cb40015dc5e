/* task_admin.h - looking at tasks and trying dead ones again: for leadctl and the API. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena;
struct bus;
struct db_pool;
struct err;

/* A task as a person sees it. Strings belong to the arena; an absent one is NULL. */
struct task_info {
    const char *task_id, *client_id, *kind, *role;
    const char *state; /* ready, running, dead; finished when it lives no more */
    int attempt, max_attempts;
    int64_t run_at_us, created_at_us, updated_at_us; /* updated: of a finished one when it finished */
    const char *serial_key, *instance, *trace_id;
    const char *error_kind, *error; /* of the last failure */
    const char *payload;            /* JSON; from task_get alone */
};

struct task_filter {
    const char *client_id; /* NULL: every client */
    const char *state;     /* NULL: all that are alive or dead; "finished" reads finished_tasks */
    const char *kind;      /* NULL: every kind */
    const char *after;     /* task_id of the last one of the page before; NULL: the first page */
    int limit;             /* 1 to 1000 */
};

/* Newest first. Returns how many and *ret_items (in arena), or -1. */
int task_list(struct db_pool *pool, const struct task_filter *filter, struct arena *arena, struct task_info **ret_items,
              struct err *err);

/* One task, alive, dead or finished. client_id NULL: whose ever it is. ERR_NOT_FOUND. */
int task_get(struct db_pool *pool, const char *client_id, const char *task_id, struct arena *arena,
             struct task_info *ret_item, struct err *err);

/* Makes a dead task ready again with all its attempts. bus may be NULL: then the sweep finds it within about 2 s.
 * ERR_NOT_FOUND, or ERR_CONFLICT if it is not dead or another answer of its conversation waits already. */
int task_retry(struct db_pool *pool, struct bus *bus, const char *client_id, const char *task_id, struct err *err);
