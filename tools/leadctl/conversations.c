/* conversations.c - leadctl conversation: show, takeover, release, close. */
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/tasks.h"
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "proto/tasks.h"
#include "tools/leadctl/ctl.h"

/* The client of the conversation that the command names, in ctl's arena; NULL and *err. */
static const char *client_of(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (ctl_check_uuid(ctl, ctl->args[0], "CONVERSATION_ID", err) < 0 || !ctl_db(ctl, err) ||
        db_run(ctl->db, DB_EVERY_CLIENT, &rows, err, "SELECT client_id FROM conversations WHERE conversation_id = $1",
               db_text(ctl->args[0])) < 0)
        return NULL;
    if (db_result_count(rows) == 0) {
        err_set(err, ERR_NOT_FOUND, "there is no conversation %s", ctl->args[0]);
        return NULL;
    }
    return arena_strdup(ctl->arena, db_get(rows, 0, "client_id"));
}

int cmd_conversation_show(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *client_id = client_of(ctl, err);

    if (!client_id ||
        db_run(ctl->db, client_id, &rows, err,
               "SELECT jsonb_pretty(jsonb_strip_nulls(to_jsonb(c)) || jsonb_build_object("
               "    'lead', (SELECT jsonb_strip_nulls(jsonb_build_object('name', l.name, 'phone', l.phone,"
               "                    'score', l.score, 'score_reason', l.score_reason)) FROM leads l"
               "              WHERE l.client_id = c.client_id AND l.lead_id = c.lead_id),"
               "    'unanswered', (SELECT count(*) FROM messages m WHERE m.client_id = c.client_id"
               "              AND m.conversation_id = c.conversation_id AND m.direction = 'in'"
               "              AND m.seq > c.answered_seq),"
               "    'events', coalesce((SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(e)) - 'client_id'"
               "                                         - 'conversation_id' ORDER BY e.created_at, e.event_id)"
               "              FROM conversation_events e WHERE e.client_id = c.client_id"
               "               AND e.conversation_id = c.conversation_id), '[]'))) AS line"
               "  FROM conversations c WHERE c.client_id = $1 AND c.conversation_id = $2",
               db_text(client_id), db_text(ctl->args[0])) < 0)
        return -1;
    puts(db_get(rows, 0, "line"));
    return 0;
}

static const char *who_of(struct ctl *ctl)
{
    const char *who = ctl_option(ctl, "who");

    return who && text_has_word(who) ? who : "operator";
}

/* Runs the function of migrations/0061; the command's option word is what it is told in words. */
static int change(struct ctl *ctl, struct db_tx *tx, const char *client_id, const char *sql, const char *option,
                  struct db_result **ret_rows, struct err *err)
{
    char event_id[UUID_SIZE];

    uuid_new(event_id);
    return db_query(tx, ret_rows, err, sql, db_text(client_id), db_text(ctl->args[0]), db_text(event_id),
                    db_text(who_of(ctl)), db_text(ctl_option(ctl, option)));
}

int cmd_conversation_takeover(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *client_id = client_of(ctl, err);
    AUTO(db_rollback) struct db_tx *tx = client_id ? db_begin(ctl->db, client_id, err) : NULL;

    if (!tx ||
        change(ctl, tx, client_id, "SELECT take_over_conversation($1, $2, $3, $4, $5) AS changed", "reason", &rows,
               err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    printf(db_get_bool(rows, 0, "changed") ? "%s is taken over: the agent is silent until it is released\n"
                                           : "%s was taken over already\n",
           ctl->args[0]);
    return 0;
}

/* The task is found by the sweep. */
static int answer_the_rest(struct ctl *ctl, struct db_tx *tx, const char *client_id, struct err *err)
{
    struct task_spec spec = {.kind = TASK_process_ai_response,
                             .client_id = client_id,
                             .payload = &(struct process_ai_response){.conversation_id = ctl->args[0]},
                             .serial_key = ctl->args[0]};

    return task_insert(tx, NULL, &spec, NULL, err) < 0 ? -1 : 0;
}

int cmd_conversation_release(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *client_id = client_of(ctl, err);
    AUTO(db_rollback) struct db_tx *tx = client_id ? db_begin(ctl->db, client_id, err) : NULL;
    bool unanswered;

    if (!tx || change(ctl, tx, client_id, "SELECT changed, unanswered FROM release_conversation($1, $2, $3, $4, $5)",
                      "note", &rows, err) < 0)
        return -1;
    unanswered = db_get_bool(rows, 0, "unanswered");
    if ((unanswered && answer_the_rest(ctl, tx, client_id, err) < 0) || db_commit(&tx, err) < 0)
        return -1;
    if (!db_get_bool(rows, 0, "changed"))
        printf("%s was not taken over\n", ctl->args[0]);
    else
        printf("%s is the agent's again%s\n", ctl->args[0],
               unanswered ? ", which answers what the lead has written" : "");
    return 0;
}

int cmd_conversation_close(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *client_id = client_of(ctl, err);
    AUTO(db_rollback) struct db_tx *tx = client_id ? db_begin(ctl->db, client_id, err) : NULL;

    if (!tx ||
        change(ctl, tx, client_id, "SELECT close_conversation($1, $2, $3, $4, $5) AS changed", "reason", &rows, err) <
            0 ||
        db_commit(&tx, err) < 0)
        return -1;
    printf(db_get_bool(rows, 0, "changed") ? "%s is closed until somebody writes\n" : "%s was closed already\n",
           ctl->args[0]);
    return 0;
}
