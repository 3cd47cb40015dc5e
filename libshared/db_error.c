/* db_error.c - SQLSTATEs as the kinds of error that callers decide by. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/db_internal.h"

static bool state_is(const char *state, const char *const *states, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(state, states[i], strlen(states[i])) == 0)
            return true;
    return false;
}

static enum err_kind kind_of(const char *state)
{
    static const char *const later[] = {
        "08",    /* connection */
        "40",    /* deadlock, serialization */
        "53",    /* resources: disk, memory, connections */
        "57",    /* cancelled by a timeout, shutting down, starting up */
        "58",    /* system */
        "55P03", /* lock_timeout */
        "25P03", /* idle_in_transaction_session_timeout */
        "25P04", /* transaction_timeout */
        "25006", /* read only: a standby, until the failover is through */
    };
    static const char *const conflict[] = {"23505", "23P01"};
    static const char *const invalid[] = {"22", "23"};

    if (state_is(state, later, COUNT_OF(later)))
        return ERR_UNAVAILABLE;
    if (state_is(state, conflict, COUNT_OF(conflict)))
        return ERR_CONFLICT;
    if (state_is(state, invalid, COUNT_OF(invalid)))
        return ERR_INVALID;
    return ERR_INTERNAL;
}

/* The first line, without control characters. */
static void copy_line(char *out, size_t size, const char *text)
{
    size_t n = 0;

    for (; *text && *text != '\n' && n + 1 < size; text++)
        out[n++] = iscntrl((unsigned char)*text) ? ' ' : *text;
    out[n] = '\0';
}

/* Data errors quote the value that was refused: invalid input syntax for type uuid: "...". */
static void hide_quoted(char *text)
{
    char *first = strchr(text, '"'), *last = strrchr(text, '"');

    if (!first)
        return;
    if (last == first)
        last = text + strlen(text) - 1; /* cut within the value */
    memmove(first, last + 1, strlen(last + 1) + 1);
}

static void hide_password(PGconn *pg, char *text)
{
    const char *password = PQpass(pg);

    if (password && *password && strstr(text, password))
        snprintf(text, 32, "cannot connect");
}

int db_error(PGconn *pg, const PGresult *result, struct err *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *constraint = result ? PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) : NULL;
    enum err_kind kind;
    char text[200];

    copy_line(text, sizeof text, message ? message : PQerrorMessage(pg));
    hide_password(pg, text);
    if (!state || !*state)
        return err_set(err, ERR_UNAVAILABLE, "database: %s", *text ? text : "no answer");
    if (strncmp(state, "22", 2) == 0)
        hide_quoted(text);
    kind = kind_of(state);
    if (kind == ERR_CONFLICT && constraint)
        return err_set_field(err, kind, constraint, "database: %s (%s)", text, state);
    return err_set(err, kind, "database: %s (%s)", text, state);
}
