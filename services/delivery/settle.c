/* settle.c - see settle.h. */
#include "services/delivery/settle.h"

#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "libshared/tasks.h"

#define BATCH_MAX 32

/* In the order of their tasks, as everybody locks them. */
static int by_task(const void *a, const void *b)
{
    const struct task *one = (*(const struct settlement *const *)a)->task;
    const struct task *other = (*(const struct settlement *const *)b)->task;
    int order = strcmp(one->client_id, other->client_id);

    return order ? order : strcmp(one->task_id, other->task_id);
}

static int mark_sent(struct db_tx *tx, struct settlement *const *sorted, size_t n, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(8192 + n * 500);
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *clients[BATCH_MAX], *messages[BATCH_MAX], *sids[BATCH_MAX], *segments[BATCH_MAX];
    const char *client_array, *message_array, *sid_array, *segment_array;
    int changed;

    for (size_t i = 0; i < n && arena; i++) {
        clients[i] = sorted[i]->task->client_id;
        messages[i] = sorted[i]->message_id;
        sids[i] = sorted[i]->sid;
        segments[i] = arena_printf(arena, "%d", sorted[i]->segments);
    }
    if (!arena || !(client_array = db_array(arena, clients, n)) || !(message_array = db_array(arena, messages, n)) ||
        !(sid_array = db_array(arena, sids, n)) || !(segment_array = db_array(arena, segments, n)))
        return err_set(err, ERR_INTERNAL, "delivery: out of memory");
    changed = db_query(tx, &rows, err,
                       "SELECT item FROM messages_sent($1::uuid[], $2::uuid[], $3::text[], $4::integer[]) AS item",
                       db_text(client_array), db_text(message_array), db_text(sid_array), db_text(segment_array));
    for (int row = 0; row < changed; row++)
        sorted[db_get_int(rows, row, "item")]->changed = true;
    return changed < 0 ? -1 : 0;
}

static int settle_many(void *arg, struct group_item *const *items, size_t n, struct err *err)
{
    struct worker *self = arg;
    struct settlement *sorted[BATCH_MAX];
    struct task *tasks[BATCH_MAX];
    bool ours[BATCH_MAX];
    AUTO(db_rollback) struct db_tx *tx = NULL;

    for (size_t i = 0; i < n; i++)
        sorted[i] = (struct settlement *)items[i];
    qsort(sorted, n, sizeof *sorted, by_task);
    for (size_t i = 0; i < n; i++) {
        tasks[i] = sorted[i]->task;
        sorted[i]->changed = false;
    }
    if (!(tx = db_begin(self->db, NULL, err)) || tasks_complete_within(tx, self->bus, tasks, n, ours, err) < 0 ||
        mark_sent(tx, sorted, n, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        sorted[i]->ours = ours[i];
    return 0;
}

/* Of the process. */
static struct group settlements = GROUP_INIT(settle_many, BATCH_MAX);

int settle_sent(struct worker *self, struct settlement *settlement, struct err *err)
{
    return group_do(&settlements, self, &settlement->item, err);
}
