/* notices.c - leadctl notices, notices resolve: what a person must see to. */
#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "tools/leadctl/ctl.h"

static const struct ctl_column notice_columns[] = {
    {"notice_id", "NOTICE", CTL_TEXT},  {"client", "CLIENT", CTL_TEXT},
    {"kind", "KIND", CTL_TEXT},         {"subject", "ABOUT", CTL_TEXT},
    {"code", "CODE", CTL_NUMBER},       {"count", "TIMES", CTL_NUMBER},
    {"last_at", "LAST", CTL_TEXT},      {"text", "WHAT HAPPENED", CTL_TEXT},
    {"remedy", "WHAT TO DO", CTL_TEXT}, {0},
};

int cmd_notices(struct ctl *ctl, struct err *err)
{
    const char *client_id = ctl_option(ctl, "client"), *limit = ctl_option(ctl, "limit");
    struct ctl_table *table = ctl_table_new(notice_columns, ctl->arena, err);
    AUTO(db_result_free) struct db_result *rows = NULL;
    int64_t wanted = 50;

    if (!table)
        return -1;
    if (limit && !text_to_int(limit, 1, 1000, &wanted))
        return ctl_misuse(ctl, err, "--limit is a number from 1 to 1000");
    if ((client_id && ctl_check_uuid(ctl, client_id, "--client", err) < 0) || !ctl_db(ctl, err) ||
        db_run(ctl->db, DB_EVERY_CLIENT, &rows, err,
               "SELECT notice_id, CASE client_id WHEN '00000000-0000-0000-0000-000000000000' THEN 'operator'"
               "                  ELSE client_id::text END AS client, kind, subject, code, count,"
               "       to_char(last_at" CTL_UTC " AS last_at, text, remedy"
               "  FROM notices"
               " WHERE ($1::uuid IS NULL OR client_id = $1) AND (resolved_at IS NULL OR $2::boolean)"
               " ORDER BY created_at DESC, notice_id DESC LIMIT $3",
               db_text(client_id), db_bool(ctl_option(ctl, "all") != NULL), db_int(wanted)) < 0)
        return -1;
    ctl_table_put_rows(table, rows);
    return ctl_table_print(table, ctl_option(ctl, "json"), err);
}

int cmd_notices_resolve(struct ctl *ctl, struct err *err)
{
    const char *notice_id = ctl->args[0];
    int n;

    if (ctl_check_uuid(ctl, notice_id, "NOTICE_ID", err) < 0 || !ctl_db(ctl, err) ||
        (n = db_run(ctl->db, DB_EVERY_CLIENT, NULL, err,
                    "UPDATE notices SET resolved_at = coalesce(resolved_at, now()) WHERE notice_id = $1",
                    db_text(notice_id))) < 0)
        return -1;
    if (n == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no notice %s", notice_id);
    printf("%s is resolved\n", notice_id);
    return 0;
}
