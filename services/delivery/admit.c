/* admit.c - see admit.h. */
#include "services/delivery/admit.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/service.h"
#include "libshared/tasks.h"

#define BATCH_MAX 32

static const char *const decisions[] = {
    [ADMIT_SEND] = "send",     [ADMIT_LOOK] = "look", [ADMIT_SETTLED] = "settled", [ADMIT_DROP] = "drop",
    [ADMIT_REFUSE] = "refuse", [ADMIT_WAIT] = "wait", [ADMIT_LOST] = "lost",
};

static int read_decision(const char *name, enum decision *ret_decision, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(decisions); i++)
        if (strcmp(name, decisions[i]) == 0) {
            *ret_decision = (enum decision)i;
            return 0;
        }
    return err_set(err, ERR_INTERNAL, "delivery: admit_sends decided \"%s\"", name);
}

/* In the arena of the item's own task, whose thread waits for us. */
static int fill(struct admission *admission, const struct db_result *rows, int row, struct err *err)
{
    struct arena *arena = admission->task->arena;

    admission->code = (int)db_get_int(rows, row, "code");
    admission->wait_ms = db_get_int(rows, row, "wait_ms");
    admission->lookup = db_get_bool(rows, row, "lookup");
    admission->reason = arena_strdup(arena, db_get(rows, row, "reason"));
    admission->client_account_sid = arena_strdup(arena, db_get(rows, row, "client_account_sid"));
    admission->client_auth_token = arena_strdup(arena, db_get(rows, row, "client_auth_token"));
    admission->call_twiml = arena_strdup(arena, db_get(rows, row, "call_twiml"));
    if (!admission->call_twiml || (db_get(rows, row, "client_account_sid") && !admission->client_account_sid) ||
        (db_get(rows, row, "client_auth_token") && !admission->client_auth_token))
        return err_set(err, ERR_INTERNAL, "delivery: out of memory");
    if (read_decision(db_get(rows, row, "decision"), &admission->decision, err) < 0)
        return -1;
    return message_from_row(rows, row, arena, &admission->message, err);
}

static int query(struct worker *self, struct group_item *const *items, size_t n, struct db_result **ret_rows,
                 struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(8192 + n * 400);
    const char *clients[BATCH_MAX], *tasks[BATCH_MAX], *tokens[BATCH_MAX], *messages[BATCH_MAX];
    const char *client_array, *task_array, *token_array, *message_array;

    for (size_t i = 0; i < n && arena; i++) {
        const struct admission *admission = (const struct admission *)items[i];

        clients[i] = admission->task->client_id;
        tasks[i] = admission->task->task_id;
        tokens[i] = arena_printf(arena, "%lld", (long long)admission->task->token);
        messages[i] = admission->wanted_id;
    }
    if (!arena || !(client_array = db_array(arena, clients, n)) || !(task_array = db_array(arena, tasks, n)) ||
        !(token_array = db_array(arena, tokens, n)) || !(message_array = db_array(arena, messages, n)))
        return err_set(err, ERR_INTERNAL, "delivery: out of memory");
    return db_run(self->db, NULL, ret_rows, err,
                  "SELECT * FROM admit_sends($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5)",
                  db_text(client_array), db_text(task_array), db_text(token_array), db_text(message_array),
                  db_text(self->config->twilio_account_sid ? self->config->twilio_account_sid : ""));
}

static int admit_many(void *arg, struct group_item *const *items, size_t n, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    failpoint("delivery.before_intent");
    if (query(arg, items, n, &rows, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        items[i]->rc = err_set(&items[i]->err, ERR_NOT_FOUND, "there is no outbound message %s",
                               ((struct admission *)items[i])->wanted_id);
    for (int row = 0; row < db_result_count(rows); row++) {
        struct group_item *item = items[db_get_int(rows, row, "item")];

        item->rc = fill((struct admission *)item, rows, row, &item->err);
    }
    return 0;
}

/* Of the process. */
static struct group admissions = GROUP_INIT(admit_many, BATCH_MAX);

int admit(struct worker *self, struct task *task, const char *message_id, struct admission *ret_admission,
          struct err *err)
{
    *ret_admission = (struct admission){.task = task, .wanted_id = message_id};
    return group_do(&admissions, self, &ret_admission->item, err);
}
