/* budgets.c - who is told that a client's month comes to its budget: an event, once a month each, and a notice as long
 * as it is so. What a turn does about it it decides itself, see services/orchestrator/claude/month_budget.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/notices.h"
#include "libshared/service.h"
#include "libshared/uuid.h"
#include "proto/events.h"
#include "services/scheduler/scheduler.h"

#define CLIENTS_AT_ONCE 500

/* A row of the clients whose state is another than was told. */
struct change {
    const char *client_id;
    const char *month, *month_name; /* "2026-11-01", "November 2026" */
    int64_t budget, spent;          /* micro-USD */
    const char *state;              /* ok, warning, exhausted */
    const char *told_month, *told_state;
    bool warned, exhausted; /* the event has been published in this month */
};

static struct change read_change(const struct db_result *rows, int row)
{
    return (struct change){
        .client_id = db_get(rows, row, "client_id"),
        .month = db_get(rows, row, "month"),
        .month_name = db_get(rows, row, "month_name"),
        .budget = db_get_int(rows, row, "budget"),
        .spent = db_get_int(rows, row, "spent"),
        .state = db_get(rows, row, "state"),
        .told_month = db_get(rows, row, "told_month"),
        .told_state = db_get(rows, row, "told_state"),
        .warned = db_get_bool(rows, row, "warned"),
        .exhausted = db_get_bool(rows, row, "exhausted"),
    };
}

/* ---- the events ---- */

struct published {
    struct bus *bus;
    const char *type;
    char client_id[UUID_SIZE], month[8];
    int64_t budget, spent;
};

static void publish(void *arg, bool committed)
{
    struct published *self = arg;

    if (committed && self->bus)
        bus_publish(self->bus, self->type, self->client_id, &budget_event_type,
                    &(struct budget_event){.month = self->month,
                                           .budget_micro_usd = self->budget,
                                           .spent_micro_usd = self->spent});
    free(self);
}

static int publish_after(struct db_tx *tx, struct bus *bus, const char *type, const struct change *change,
                         struct err *err)
{
    struct published *event = calloc(1, sizeof *event);

    if (!event)
        return err_set(err, ERR_INTERNAL, "budgets: out of memory");
    *event = (struct published){.bus = bus, .type = type, .budget = change->budget, .spent = change->spent};
    snprintf(event->client_id, sizeof event->client_id, "%s", change->client_id);
    snprintf(event->month, sizeof event->month, "%.7s", change->month);
    return db_after(tx, publish, event, err);
}

/* ---- the notices ---- */

static int raise_notice(struct db_tx *tx, struct bus *bus, const struct change *change, struct err *err)
{
    bool exhausted = strcmp(change->state, "exhausted") == 0;
    char subject[8], text[200];

    snprintf(subject, sizeof subject, "%.7s", change->month);
    snprintf(text, sizeof text, "The model has cost USD %.2f of the %.2f that monthly_budget_usd allows in %s.%s",
             (double)change->spent / 1e6, (double)change->budget / 1e6, change->month_name,
             exhausted ? " The scripted agent answers." : "");
    return notice_raise(tx, bus,
                        &(struct notice_spec){
                            .client_id = change->client_id,
                            .kind = exhausted ? "budget_exhausted" : "budget_warning",
                            .subject = subject,
                            .text = text,
                            .remedy = exhausted ? "Raise monthly_budget_usd, and the model answers again at once; else "
                                                  "with the next month"
                                                : "With nothing left the scripted agent answers until the month ends: "
                                                  "raise monthly_budget_usd if the model shall",
                        },
                        err);
}

static int change_notices(struct db_tx *tx, struct bus *bus, const struct change *change, struct err *err)
{
    if (notice_resolve(tx, bus, change->client_id, "budget_exhausted", NULL, err) < 0 ||
        notice_resolve(tx, bus, change->client_id, "budget_warning", NULL, err) < 0)
        return -1;
    return strcmp(change->state, "ok") == 0 || raise_notice(tx, bus, change, err) >= 0 ? 0 : -1;
}

/* ---- all of it ---- */

/* Another who was told to do the same and was first has told it. */
static int tell(struct worker *self, const struct change *change, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, change->client_id, err);
    bool warn = strcmp(change->state, "ok") != 0, exhausted = strcmp(change->state, "exhausted") == 0;
    int n = !tx ? -1
                : db_query(tx, NULL, err,
                           "INSERT INTO budget_states AS t (client_id, month, state, warned, exhausted)"
                           "VALUES ($1, $2, $3, $4, $5)"
                           "    ON CONFLICT ON CONSTRAINT budget_states_pkey DO UPDATE"
                           "        SET month = excluded.month, state = excluded.state, warned = excluded.warned,"
                           "            exhausted = excluded.exhausted"
                           "      WHERE t.month = $6 AND t.state = $7",
                           db_text(change->client_id), db_text(change->month), db_text(change->state),
                           db_bool(change->warned || warn), db_bool(change->exhausted || exhausted),
                           db_text(change->told_month), db_text(change->told_state));

    if (n <= 0)
        return n;
    if (change_notices(tx, self->bus, change, err) < 0 ||
        (warn && !change->warned && publish_after(tx, self->bus, "budget.warning", change, err) < 0) ||
        (exhausted && !change->exhausted && publish_after(tx, self->bus, "budget.exhausted", change, err) < 0))
        return -1;
    failpoint("scheduler.budget_told");
    return db_commit(&tx, err);
}

int budgets_tell(struct worker *self, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n = db_run(self->db, DB_EVERY_CLIENT, &rows, err,
                   "SELECT c.client_id, b.month, to_char(b.month, 'FMMonth YYYY') AS month_name, b.budget, b.spent,"
                   "       n.state, t.month AS told_month, t.state AS told_state,"
                   "       t.month = b.month AND t.warned AS warned, t.month = b.month AND t.exhausted AS exhausted"
                   "  FROM clients c"
                   "  LEFT JOIN budget_states t USING (client_id)"
                   " CROSS JOIN LATERAL client_budget(c.client_id) b"
                   " CROSS JOIN LATERAL (SELECT CASE WHEN b.state IN ('warning', 'exhausted') THEN b.state"
                   "                                 ELSE 'ok' END AS state) n"
                   " WHERE (c.config ? 'monthly_budget_usd' OR t.state <> 'ok')"
                   "   AND (n.state <> coalesce(t.state, 'ok') OR (n.state <> 'ok' AND b.month <> t.month))"
                   " ORDER BY c.client_id"
                   " LIMIT $1",
                   db_int(CLIENTS_AT_ONCE));

    for (int i = 0; i < n; i++) {
        struct change change = read_change(rows, i);

        if (tell(self, &change, err) < 0)
            return -1;
    }
    return n < 0 ? -1 : 0;
}
