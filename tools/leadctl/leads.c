/* leads.c - leadctl lead: list, show, opt-out, opt-in, export, erase. */
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "tools/leadctl/ctl.h"

static const struct ctl_column lead_columns[] = {
    {"lead_id", "LEAD", CTL_TEXT},
    {"client_id", "CLIENT", CTL_TEXT},
    {"created_at", "SINCE", CTL_TEXT},
    {"phone", "PHONE", CTL_TEXT},
    {"email", "EMAIL", CTL_TEXT},
    {"name", "NAME", CTL_TEXT},
    {"status", "STATUS", CTL_TEXT},
    {"score", "SCORE", CTL_TEXT},
    {"service_interest", "WANTS", CTL_TEXT},
    {"updated_at", "LAST", CTL_TEXT},
    {0},
};

static bool is_score(const char *score)
{
    return strcmp(score, "HOT") == 0 || strcmp(score, "WARM") == 0 || strcmp(score, "COLD") == 0;
}

static bool is_status(const char *status)
{
    return strcmp(status, "open") == 0 || strcmp(status, "escalated") == 0 || strcmp(status, "taken_over") == 0 ||
           strcmp(status, "closed") == 0 || strcmp(status, "opted_out") == 0;
}

int cmd_lead_list(struct ctl *ctl, struct err *err)
{
    const char *client_id = ctl_option(ctl, "client"), *limit = ctl_option(ctl, "limit");
    const char *score = ctl_option(ctl, "score"), *status = ctl_option(ctl, "status");
    struct ctl_table *table = ctl_table_new(lead_columns, ctl->arena, err);
    AUTO(db_result_free) struct db_result *rows = NULL;
    int64_t wanted = 50;

    if (!table)
        return -1;
    if (limit && !text_to_int(limit, 1, 1000, &wanted))
        return ctl_misuse(ctl, err, "--limit is a number from 1 to 1000");
    if (score && !is_score(score))
        return ctl_misuse(ctl, err, "--score is one of HOT, WARM, COLD");
    if (status && !is_status(status))
        return ctl_misuse(ctl, err, "--status is one of open, escalated, taken_over, closed, opted_out");
    if ((client_id && ctl_check_uuid(ctl, client_id, "--client", err) < 0) || !ctl_db(ctl, err) ||
        db_run(ctl->db, DB_EVERY_CLIENT, &rows, err,
               "SELECT lead_id, client_id, to_char(created_at" CTL_UTC " AS created_at, phone, email, name,"
               "       lead_status(client_id, lead_id, opted_out_at IS NOT NULL) AS status, score, service_interest,"
               "       to_char(updated_at" CTL_UTC " AS updated_at"
               "  FROM leads"
               " WHERE ($1::uuid IS NULL OR client_id = $1) AND ($2::text IS NULL OR score = $2)"
               "   AND ($3::text IS NULL OR lead_status(client_id, lead_id, opted_out_at IS NOT NULL) = $3)"
               "   AND ($4::text IS NULL OR position(lower($4) IN"
               "        lower(concat_ws(E'\\n', name, phone, email, service_interest))) > 0)"
               " ORDER BY leads.created_at DESC, lead_id DESC LIMIT $5",
               db_text(client_id), db_text(score), db_text(status), db_text(ctl_option(ctl, "text")),
               db_int(wanted)) < 0)
        return -1;
    ctl_table_put_rows(table, rows);
    return ctl_table_print(table, ctl_option(ctl, "json"), err);
}

/* The client of the lead that the command names, in ctl's arena; NULL and *err. */
static const char *client_of(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (ctl_check_uuid(ctl, ctl->args[0], "LEAD_ID", err) < 0 || !ctl_db(ctl, err) ||
        db_run(ctl->db, DB_EVERY_CLIENT, &rows, err, "SELECT client_id FROM leads WHERE lead_id = $1",
               db_text(ctl->args[0])) < 0)
        return NULL;
    if (db_result_count(rows) == 0) {
        err_set(err, ERR_NOT_FOUND, "there is no lead %s", ctl->args[0]);
        return NULL;
    }
    return arena_strdup(ctl->arena, db_get(rows, 0, "client_id"));
}

static void print_rows(const struct db_result *rows)
{
    for (int i = 0; i < db_result_count(rows); i++)
        puts(db_get(rows, i, "line"));
}

int cmd_lead_show(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *client_id = client_of(ctl, err);

    if (!client_id ||
        db_run(
            ctl->db, client_id, &rows, err,
            "SELECT jsonb_pretty(jsonb_strip_nulls(to_jsonb(l)) || jsonb_build_object("
            "           'status', lead_status(l.client_id, l.lead_id, l.opted_out_at IS NOT NULL),"
            "           'conversations', coalesce((SELECT jsonb_agg(jsonb_build_object('conversation_id',"
            "                    c.conversation_id, 'channel', c.channel, 'state', c.state)) FROM conversations c"
            "                     WHERE c.client_id = l.client_id AND c.lead_id = l.lead_id), '[]'),"
            "           'consents', coalesce((SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(s)) - 'client_id' - 'lead_id'"
            "                                         ORDER BY s.created_at) FROM consents s"
            "                     WHERE s.client_id = l.client_id AND s.lead_id = l.lead_id), '[]'))) AS line"
            "  FROM leads l WHERE l.client_id = $1 AND l.lead_id = $2",
            db_text(client_id), db_text(ctl->args[0])) < 0)
        return -1;
    print_rows(rows);
    return 0;
}

static int opt(struct ctl *ctl, const char *wanted, const char *reason, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *client_id = client_of(ctl, err);

    if (!client_id ||
        db_run(ctl->db, client_id, &rows, err, "SELECT set_lead_opt_out($1, $2, $3, $4, 'operator') AS changed",
               db_text(client_id), db_text(ctl->args[0]), db_text(wanted), db_text(reason)) < 0)
        return -1;
    printf("%s %s opted %s\n", ctl->args[0], db_get_bool(rows, 0, "changed") ? "is" : "was already", wanted);
    return 0;
}

int cmd_lead_opt_out(struct ctl *ctl, struct err *err)
{
    const char *reason = ctl_option(ctl, "reason");

    return opt(ctl, "out", reason && *reason ? reason : "asked for by leadctl", err);
}

int cmd_lead_opt_in(struct ctl *ctl, struct err *err)
{
    const char *reason = ctl_option(ctl, "reason");

    if (!reason || !text_has_word(reason))
        return ctl_misuse(ctl, err, "--reason must say how the lead agreed");
    return opt(ctl, "in", reason, err);
}

int cmd_lead_export(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *client_id = client_of(ctl, err);

    if (!client_id || db_run(ctl->db, client_id, &rows, err,
                             "SELECT jsonb_strip_nulls(jsonb_build_object('kind', kind, 'id', id, 'data', CASE rank "
                             "WHEN 0 THEN data || jsonb_build_object('scores', ARRAY(SELECT to_jsonb(s)"
                             "  FROM lead_scores s WHERE s.client_id = $1 AND s.lead_id = $2 ORDER BY s.change DESC "
                             "LIMIT 200)) ELSE data END, 'record',"
                             "       record::jsonb)) AS line FROM lead_export($1, $2) ORDER BY rank, id",
                             db_text(client_id), db_text(ctl->args[0])) < 0)
        return -1;
    print_rows(rows);
    return 0;
}

int cmd_lead_erase(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *client_id, *outcome;

    if (!ctl_option(ctl, "yes"))
        return ctl_misuse(ctl, err, "nothing brings an erased lead back: say --yes");
    if (!(client_id = client_of(ctl, err)) ||
        db_run(ctl->db, client_id, &rows, err, "SELECT outcome, messages, opt_out_kept FROM erase_lead($1, $2)",
               db_text(client_id), db_text(ctl->args[0])) < 0)
        return -1;
    outcome = db_get(rows, 0, "outcome");
    if (strcmp(outcome, "erased") != 0)
        return err_set(err, ERR_CONFLICT,
                       strcmp(outcome, "sending") == 0 ? "a message to lead %s is being sent: try again in a minute"
                                                       : "there is no lead %s",
                       ctl->args[0]);
    printf("%s is erased, with %s messages%s\n", ctl->args[0], db_get(rows, 0, "messages"),
           db_get_bool(rows, 0, "opt_out_kept") ? "; that its number is not to be texted is kept, as a hash" : "");
    return 0;
}
