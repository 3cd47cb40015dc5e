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
    static const char *const texts[] = {"state", "author", "purpose", "channel", "error_text"};

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (db_get(rows, 0, texts[i]))
            json_object_set_new(message, texts[i], json_string(db_get(rows, 0, texts[i])));
    if (code)
        json_object_set_new(message, "error_code", json_integer(code));
    if (code && twilio_code_text(code))
        json_object_set_new(message, "meaning", json_string(twilio_code_text(code)));
    if (code && twilio_remedy(code))
        json_object_set_new(message, "remedy", json_string(twilio_remedy(code)));
    return message;
}

/* A decision's record as it was kept, with the fate of the message beside it. */
int cmd_why(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *message_id = ctl->args[0];
    json_t *record;
    char *text;

    if (ctl_check_uuid(ctl, message_id, "MESSAGE_ID", err) < 0 || !ctl_db(ctl, err) ||
        db_run(ctl->db, DB_EVERY_CLIENT, &rows, err,
               "SELECT m.direction, m.author, m.purpose, m.channel, m.state, m.error_code, m.error_text, t.record"
               "  FROM messages m"
               "  LEFT JOIN turns t ON t.client_id = m.client_id AND t.turn_id = m.turn_id WHERE m.message_id = $1",
               db_text(message_id)) < 0)
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
