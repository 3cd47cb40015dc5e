/* why.c - leadctl why: what became of a message, and the recorded decision behind it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/twilio_codes.h"
#include "tools/leadctl/ctl.h"

/* How far it came, and where it failed what to look at. */
static json_t *fate(const struct db_result *rows)
{
    int code = (int)db_get_int(rows, 0, "error_code");
    json_t *message = json_object();
    static const char *const texts[] = {"state", "author", "purpose", "follow_up", "channel", "error_text"};

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (db_get(rows, 0, texts[i]))
            json_object_set_new(message, texts[i], json_string(db_get(rows, 0, texts[i])));
    if (code)
        json_object_set_new(message, "error_code", json_integer(code));
    if (code && twilio_code_text(code))
        json_object_set_new(message, "meaning", json_string(twilio_code_text(code)));
    if (code && twilio_remedy(code))
        json_object_set_new(message, "remedy", json_string(twilio_remedy(code)));
    if (db_get_bool(rows, 0, "waits"))
        json_object_set_new(message, "waits_for", json_string(db_get(rows, 0, "waits_for")));
    if (db_get(rows, 0, "waits_until"))
        json_object_set_new(message, "waits_until", json_string(db_get(rows, 0, "waits_until")));
    return message;
}

/* A message of ours, its task while it waits, and its account while that is paused. A task whose hour has come waits
 * for its turn: behind another of its conversation, or in its lane. */
#define QUERY                                                                                                       \
    "SELECT m.direction, m.author, m.purpose, m.follow_up, m.channel, m.state, m.error_code, m.error_text,"         \
    "       t.record,"                                                                                              \
    "       k.task_id IS NOT NULL AS waits,"                                                                        \
    "       CASE WHEN isfinite(u.until) AND u.until > now()"                                                        \
    "            THEN to_char(u.until AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') END AS waits_until,"    \
    "       CASE WHEN a.reason = 'credentials' THEN 'its Twilio account, which refuses our credentials: "           \
    "leadctl notices'"                                                                                              \
    "            WHEN a.reason = 'rate' THEN 'its Twilio account, which limits us'"                                 \
    "            WHEN m.state = 'uncertain' THEN concat_ws(': ', 'Twilio is asked what became of it', k.error)"     \
    "            WHEN k.run_at > now() THEN coalesce(k.error, 'its time')"                                          \
    "            ELSE 'its turn: another message of the conversation or its number goes first' END AS waits_for"    \
    "  FROM messages m"                                                                                             \
    "  LEFT JOIN turns t ON t.client_id = m.client_id AND t.turn_id = m.turn_id"                                    \
    "  LEFT JOIN task_dedupe d ON d.client_id = m.client_id AND d.dedupe_key = 'send:' || m.message_id"             \
    "  LEFT JOIN tasks k ON k.client_id = d.client_id AND k.task_id = d.task_id AND k.state = 'ready'"              \
    "                    AND m.state IN ('queued', 'sending', 'uncertain')"                                         \
    "  LEFT JOIN task_lanes l ON l.lane = k.lane"                                                                   \
    "  LEFT JOIN provider_accounts a ON a.account = l.account AND a.paused_until > now() AND k.task_id IS NOT NULL" \
    "  CROSS JOIN LATERAL (SELECT greatest(k.run_at, a.paused_until) AS until) AS u"                                \
    " WHERE m.message_id = $1"

/* A decision's record as it was kept, with the fate of the message beside it. */
int cmd_why(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *message_id = ctl->args[0];
    json_t *record;
    char *text;

    if (ctl_check_uuid(ctl, message_id, "MESSAGE_ID", err) < 0 || !ctl_db(ctl, err) ||
        db_run(ctl->db, DB_EVERY_CLIENT, &rows, err, QUERY, db_text(message_id)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no message %s", message_id);
    if (*db_get(rows, 0, "direction") == 'i')
        return err_set(err, ERR_NOT_FOUND, "no decision is recorded for message %s: its author is the %s", message_id,
                       db_get(rows, 0, "author"));
    record = db_get(rows, 0, "record") ? json_loads(db_get(rows, 0, "record"), 0, NULL) : json_object();
    text =
        record && json_object_set_new(record, "message", fate(rows)) == 0 ? json_dumps(record, JSON_INDENT(2)) : NULL;
    json_decref(record);
    if (!text)
        return err_set(err, ERR_INTERNAL, "the record cannot be read");
    puts(text);
    free(text);
    return 0;
}
