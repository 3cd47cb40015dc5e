/* task_events.c - what is told to others when a task's transaction is through: pushes and task.dead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/tasks_internal.h"
#include "libshared/text.h"
#include "proto/envelope.h"
#include "proto/events.h"

#define PUSH_MAX 64 /* refs in one envelope */

struct push {
    struct bus *bus;
    struct task_sweep_item item;
};

/* Whether an item before i has the same role: then it was pushed with that one. */
static bool role_seen(const struct task_sweep_item *items, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(items[j].role, items[i].role) == 0)
            return true;
    return false;
}

void task_sweep_push(struct bus *bus, const struct task_sweep_item *items, size_t n)
{
    struct task_ref refs[PUSH_MAX];

    if (!bus)
        return;
    for (size_t i = 0; i < n; i++) {
        size_t n_refs = 0;

        if (role_seen(items, i))
            continue;
        for (size_t j = i; j < n; j++) {
            if (strcmp(items[j].role, items[i].role) != 0)
                continue;
            refs[n_refs++] = (struct task_ref){.client_id = items[j].client_id, .task_id = items[j].task_id};
            if (n_refs == PUSH_MAX) {
                bus_push_tasks(bus, items[i].role, refs, n_refs);
                n_refs = 0;
            }
        }
        if (n_refs > 0)
            bus_push_tasks(bus, items[i].role, refs, n_refs);
    }
}

static void push_if_committed(void *arg, bool committed)
{
    struct push *push = arg;

    if (committed)
        task_sweep_push(push->bus, &push->item, 1);
    free(push);
}

int task_push_after(struct db_tx *tx, struct bus *bus, const struct task_sweep_item *item, struct err *err)
{
    struct push *push;

    if (!bus)
        return 0;
    if (!(push = calloc(1, sizeof *push)))
        return err_set(err, ERR_INTERNAL, "tasks: out of memory");
    *push = (struct push){.bus = bus, .item = *item};
    return db_after(tx, push_if_committed, push, err);
}

bool task_next_of_row(const struct db_result *rows, int row, struct task_sweep_item *ret_item)
{
    const char *task_id = db_get(rows, row, "next_id");

    if (!task_id)
        return false;
    *ret_item = (struct task_sweep_item){0};
    snprintf(ret_item->client_id, sizeof ret_item->client_id, "%s", db_get(rows, row, "client_id"));
    snprintf(ret_item->task_id, sizeof ret_item->task_id, "%s", task_id);
    snprintf(ret_item->role, sizeof ret_item->role, "%s", db_get(rows, row, "next_role"));
    return true;
}

void task_announce_dead(struct bus *bus, const char *client_id, const char *task_id, const char *kind, int attempt,
                        const char *error)
{
    log_error("task is dead", log_str("task_id", task_id), log_str("client_id", client_id), log_str("kind", kind),
              log_int("attempt", attempt), log_str("error", error));
    if (bus)
        bus_publish(bus, "task.dead", client_id, &task_event_type,
                    &(struct task_event){.task_id = task_id, .kind = kind, .attempt = attempt, .error = error});
}

void task_error_text(const struct err *why, char out[TASK_ERROR_SIZE])
{
    if (why->provider_code)
        snprintf(out, TASK_ERROR_SIZE, "%s (provider code %d)", why->text, why->provider_code);
    else
        snprintf(out, TASK_ERROR_SIZE, "%s", why->text);
    /* A provider's message need not be UTF-8; PostgreSQL would refuse it, and the failure with it. */
    if (!utf8_valid(out, strlen(out)))
        for (char *c = out; *c; c++)
            if ((unsigned char)*c >= 0x80)
                *c = '?';
}
