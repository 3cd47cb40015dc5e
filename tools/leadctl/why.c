/* why.c - leadctl why: the recorded decision behind a message. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "tools/leadctl/ctl.h"

int cmd_why(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *message_id = ctl->args[0];
    json_t *record;
    char *text;

    if (ctl_check_uuid(ctl, message_id, "MESSAGE_ID", err) < 0 || !ctl_db(ctl, err) ||
        db_run(ctl->db, DB_EVERY_CLIENT, &rows, err,
               "SELECT m.direction, m.author, t.record FROM messages m"
               "  LEFT JOIN turns t ON t.client_id = m.client_id AND t.turn_id = m.turn_id WHERE m.message_id = $1",
               db_text(message_id)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no message %s", message_id);
    if (!db_get(rows, 0, "record"))
        return err_set(err, ERR_NOT_FOUND, "no decision is recorded for message %s: its author is the %s", message_id,
                       db_get(rows, 0, "author"));
    record = json_loads(db_get(rows, 0, "record"), JSON_DECODE_ANY, NULL);
    text = record ? json_dumps(record, JSON_INDENT(2)) : NULL;
    json_decref(record);
    if (!text)
        return err_set(err, ERR_INTERNAL, "the record cannot be read");
    puts(text);
    free(text);
    return 0;
}
