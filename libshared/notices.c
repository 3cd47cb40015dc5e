/* notices.c - see notices.h. */
#include "libshared/notices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "proto/events.h"

/* What is published after the commit: a notice as it is stored. */
struct told {
    struct bus *bus;
    const char *type;
    char client_id[UUID_SIZE]; /* "": who operates Leadwire */
    char kind[65], subject[201], text[1001], remedy[1001];
    int code;
};

/* Cut between characters. A provider's words need not be UTF-8: PostgreSQL would refuse them, and the notice with them.
 */
static void copy_text(const char *text, char *out, size_t size)
{
    size_t len = text ? strlen(text) : 0;
    bool valid = utf8_valid(text ? text : "", len);

    snprintf(out, size, "%s", text ? text : "");
    if (len >= size && valid)
        out[utf8_cut(out, size - 1, size - 1)] = '\0';
    for (char *p = out; *p && !valid; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
}

/* One that is raised says what happened; that it is over is good news. */
static void log_told(const struct told *told)
{
    struct log_field client = log_str("client_id", told->client_id), kind = log_str("kind", told->kind);
    struct log_field subject =
        *told->subject == '+' ? log_phone("subject", told->subject) : log_str("subject", told->subject);

    if (*told->text)
        log_warn(told->type, client, kind, subject, log_str("text", told->text), log_str("remedy", told->remedy),
                 log_int("code", told->code));
    else
        log_info(told->type, client, kind, subject);
}

static void publish(void *arg, bool committed)
{
    struct told *told = arg;
    struct notice_event event = {
        .kind = told->kind,
        .subject = told->subject,
        .text = *told->text ? told->text : NULL,
        .remedy = *told->remedy ? told->remedy : NULL,
        .code = told->code,
    };

    if (committed) {
        log_told(told);
        if (told->bus)
            bus_publish(told->bus, told->type, *told->client_id ? told->client_id : NULL, &notice_event_type, &event);
    }
    free(told);
}

static struct told *told_new(struct bus *bus, const char *type, const struct notice_spec *spec)
{
    struct told *told = calloc(1, sizeof *told);

    if (!told)
        return NULL;
    told->bus = bus;
    told->type = type;
    if (spec->client_id && strcmp(spec->client_id, UUID_NIL) != 0)
        snprintf(told->client_id, sizeof told->client_id, "%s", spec->client_id);
    copy_text(spec->kind, told->kind, sizeof told->kind);
    copy_text(spec->subject, told->subject, sizeof told->subject);
    copy_text(spec->text, told->text, sizeof told->text);
    copy_text(spec->remedy, told->remedy, sizeof told->remedy);
    told->code = spec->code;
    return told;
}

int notice_raise(struct db_tx *tx, struct bus *bus, const struct notice_spec *spec, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct told *told = told_new(bus, "notice.raised", spec);
    char notice_id[UUID_SIZE];
    bool is_new;

    if (!told)
        return err_set(err, ERR_INTERNAL, "notices: out of memory");
    uuid_new(notice_id);
    if (db_query(tx, &rows, err, "SELECT raise_notice($1, $2, $3, $4, $5, $6, $7) AS is_new",
                 db_text(*told->client_id ? told->client_id : NULL), db_text(notice_id), db_text(told->kind),
                 db_text(told->subject), db_text(told->text), db_text(*told->remedy ? told->remedy : NULL),
                 db_int(told->code)) < 0) {
        free(told);
        return -1;
    }
    is_new = db_get_bool(rows, 0, "is_new");
    if (!is_new) {
        free(told);
        return 0;
    }
    return db_after(tx, publish, told, err) < 0 ? -1 : 1;
}

int notice_resolve(struct db_tx *tx, struct bus *bus, const char *client_id, const char *kind, const char *subject,
                   struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    bool is_client = client_id && strcmp(client_id, UUID_NIL) != 0;
    int n = db_query(tx, &rows, err, "SELECT resolve_notice($1, $2, $3) AS subject",
                     db_text(is_client ? client_id : NULL), db_text(kind), db_text(subject));

    for (int i = 0; i < n; i++) {
        struct told *told = told_new(bus, "notice.resolved",
                                     &(struct notice_spec){.client_id = client_id,
                                                           .kind = kind,
                                                           .subject = db_get(rows, i, "subject")});

        if (!told)
            return err_set(err, ERR_INTERNAL, "notices: out of memory");
        if (db_after(tx, publish, told, err) < 0)
            return -1;
    }
    return n;
}
