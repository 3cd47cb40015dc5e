/* health.c - /healthz, /readyz, /metrics, /openapi.json. */
#include <inttypes.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/bus.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/httpd.h"
#include "libshared/service.h"
#include "services/gateway/accept.h"
#include "services/gateway/gateway.h"
#include "services/gateway/problem.h"

/* Without these a text is stored but not answered. */
static const char *const needed_roles[] = {"orchestrator", "knowledge", "delivery", "scheduler"};

void healthz_page(struct job *job)
{
    static const char alive[] = "{\"status\":\"alive\"}\n";

    job_reply(job, 200, "application/json", alive, strlen(alive));
}

static bool is_registered(const struct db_result *rows, const char *role)
{
    for (int i = 0; i < db_result_count(rows); i++)
        if (strcmp(db_get(rows, i, "role"), role) == 0)
            return true;
    return false;
}

static void add_missing(struct buf *missing, const char *name)
{
    buf_puts(missing, missing->len > 1 ? "," : "");
    buf_json_string(missing, name);
}

/* Alive in the registry, and known to our own bus, so that a question would reach it. */
static void run_readyz(struct worker *worker, void *arg)
{
    struct job *job = arg;
    AUTO(db_result_free) struct db_result *rows = NULL;
    AUTO(buf_free) struct buf missing = {0};
    struct err err = {0};

    buf_puts(&missing, "[");
    if (db_run(worker->db, NULL, &rows, &err,
               "SELECT DISTINCT role FROM mailboxes WHERE refreshed_at > now() - interval '6 seconds'") < 0)
        add_missing(&missing, "database");
    for (size_t i = 0; i < COUNT_OF(needed_roles); i++)
        if ((rows && !is_registered(rows, needed_roles[i])) || !bus_has_role(worker->bus, needed_roles[i]))
            add_missing(&missing, needed_roles[i]);

    if (missing.len == 1) {
        static const char ready[] = "{\"status\":\"ready\"}\n";

        job_reply(job, 200, "application/json", ready, strlen(ready));
        return;
    }
    buf_puts(&missing, "]");
    job_not_ready(job, missing.failed ? "[]" : missing.data);
}

void readyz_page(struct job *job)
{
    job_submit(job, run_readyz);
}

static void counter(struct buf *out, const char *name, const char *labels, int64_t value)
{
    buf_printf(out, "%s%s %" PRId64 "\n", name, labels, value);
}

static void heading(struct buf *out, const char *name, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s counter\n", name, help, name);
}

/* The gateway's own counters, as Prometheus reads them. */
void metrics_page(struct job *job)
{
    struct gateway *gateway = job->gateway;
    AUTO(buf_free) struct buf out = {0};
    struct accept_stats accepted;
    struct bus_stats bus;

    accept_stats(gateway->accept, &accepted);
    bus_stats(gateway->worker->bus, &bus);

    heading(&out, "leadwire_http_requests_total", "Requests answered, by the class of their status.");
    for (int class = 2; class <= 5; class ++) {
        buf_printf(&out, "leadwire_http_requests_total{class=\"%dxx\"} %lld\n", class,
                   gateway->counters.answered[class]);
    }
    heading(&out, "leadwire_webhook_texts_total", "Texts of leads, by what became of them.");
    counter(&out, "leadwire_webhook_texts_total", "{outcome=\"stored\"}", accepted.stored);
    counter(&out, "leadwire_webhook_texts_total", "{outcome=\"duplicate\"}", accepted.duplicates);
    counter(&out, "leadwire_webhook_texts_total", "{outcome=\"unknown_number\"}", accepted.unknown_numbers);
    counter(&out, "leadwire_webhook_texts_total", "{outcome=\"wrong_account\"}", accepted.wrong_accounts);
    counter(&out, "leadwire_webhook_texts_total", "{outcome=\"unavailable\"}", accepted.unavailable);
    counter(&out, "leadwire_webhook_texts_total", "{outcome=\"refused\"}", accepted.refused);
    heading(&out, "leadwire_webhook_batches_total", "Commits that stored texts.");
    counter(&out, "leadwire_webhook_batches_total", "", accepted.batches);
    heading(&out, "leadwire_webhook_wrong_signatures_total", "Webhooks refused for their signature.");
    counter(&out, "leadwire_webhook_wrong_signatures_total", "", gateway->counters.wrong_signatures);
    heading(&out, "leadwire_bus_messages_total", "Messages of the gateway's bus.");
    counter(&out, "leadwire_bus_messages_total", "{what=\"sent\"}", bus.sent);
    counter(&out, "leadwire_bus_messages_total", "{what=\"refused\"}", bus.refused);
    counter(&out, "leadwire_bus_messages_total", "{what=\"received\"}", bus.received);
    counter(&out, "leadwire_bus_messages_total", "{what=\"malformed\"}", bus.malformed);
    if (out.failed)
        job_unavailable(job, "no memory for this request");
    else
        job_reply(job, 200, "text/plain; version=0.0.4; charset=utf-8", out.data, out.len);
}

void openapi_page(struct job *job)
{
    job_reply(job, 200, "application/json", job->gateway->openapi, strlen(job->gateway->openapi));
}
