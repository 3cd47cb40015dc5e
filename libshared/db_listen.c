/* db_listen.c - waiting for NOTIFY on a connection of its own. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/db_internal.h"

struct db_listener {
    char *url;
    char channel[64];
    struct db_conn *conn; /* NULL while there is none */
};

struct db_listener *db_listener_new(const char *database_url, const char *channel, struct err *err)
{
    AUTO(db_listener_destroy) struct db_listener *self = NULL;

    if (db_url_check(database_url, err) < 0)
        return NULL;
    if (!(self = calloc(1, sizeof *self)) || !(self->url = strdup(database_url))) {
        err_set(err, ERR_INTERNAL, "database: out of memory");
        return NULL;
    }
    snprintf(self->channel, sizeof self->channel, "%s", channel);
    return TAKE(self);
}

void db_listener_destroy(struct db_listener **self_p)
{
    struct db_listener *self = *self_p;

    if (!self)
        return;
    *self_p = NULL;
    db_conn_close(&self->conn);
    free(self->url);
    free(self);
}

static int start_listening(struct db_listener *self, struct err *err)
{
    AUTO(db_conn_close) struct db_conn *conn = db_conn_open(self->url, NULL, err);
    char *name;
    char sql[160];

    if (!conn)
        return -1;
    if (!(name = PQescapeIdentifier(conn->pg, self->channel, strlen(self->channel))))
        return err_set(err, ERR_INTERNAL, "database: out of memory");
    snprintf(sql, sizeof sql, "LISTEN %s", name);
    PQfreemem(name);
    if (db_conn_exec(conn, sql, DB_BEGIN_MS, err) < 0)
        return -1;
    self->conn = TAKE(conn);
    return 0;
}

static void sleep_until(int64_t deadline_ms)
{
    struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

/* Takes all that has arrived; whether there was any. */
static bool drain(PGconn *pg)
{
    bool any = false;

    for (PGnotify *notify; (notify = PQnotifies(pg));) {
        any = true;
        PQfreemem(notify);
    }
    return any;
}

int db_listener_wait(struct db_listener *self, int timeout_ms, struct err *err)
{
    int64_t deadline_ms = clock_mono_ms() + timeout_ms;

    if (!self->conn) {
        if (start_listening(self, err) == 0)
            return 1; /* what was notified before has been missed */
        sleep_until(deadline_ms);
        return -1;
    }
    for (;;) {
        int64_t left_ms = deadline_ms - clock_mono_ms();
        struct pollfd fd = {.fd = PQsocket(self->conn->pg), .events = POLLIN};

        if (drain(self->conn->pg))
            return 1;
        if (left_ms <= 0)
            return 0;
        if (poll(&fd, 1, (int)left_ms) > 0 && !PQconsumeInput(self->conn->pg)) {
            db_error(self->conn->pg, NULL, err);
            db_conn_close(&self->conn);
            sleep_until(deadline_ms);
            return -1;
        }
    }
}
