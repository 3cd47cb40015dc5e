/* db_conn.c - one connection: opening it, asking with an end to waiting, prepared statements. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/clock.h"
#include "libshared/db_internal.h"
#include "libshared/log.h"

int db_url_check(const char *url, struct err *err)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    int result = 0;

    if (!options)
        return err_set_field(err, ERR_INVALID, "DATABASE_URL", "DATABASE_URL is not a valid connection string");
    for (const PQconninfoOption *option = options; option->keyword; option++)
        /* An @ of the password that is not written %40 would put the rest of it into messages as a host name. */
        if (strcmp(option->keyword, "host") == 0 && option->val && strchr(option->val, '@'))
            result = err_set_field(err, ERR_INVALID, "DATABASE_URL",
                                   "DATABASE_URL: an @ in the user or password must be written %%40");
    PQconninfoFree(options);
    return result;
}

static void on_notice(void *arg, const char *message)
{
    (void)arg;
    log_debug("database notice", log_str("notice", message));
}

/* ---- asking ---- */

const char db_set_client_sql[] = "SELECT set_config('leadwire.client_id', $1, true)";

static int time_left(int64_t deadline)
{
    int64_t left = deadline - clock_mono_ms();

    return deadline == 0 ? -1 : left > 0 ? (int)left : 0;
}

/* 1 when the socket is ready, 0 when the deadline has passed. */
static int wait_socket(PGconn *pg, short events, int64_t deadline)
{
    for (;;) {
        struct pollfd fd = {.fd = PQsocket(pg), .events = events};
        int n = poll(&fd, 1, time_left(deadline));

        if (n < 0 && errno == EINTR)
            continue;
        return n != 0; /* an error shows itself in the read that follows */
    }
}

/* Libpq sees a closed socket from here on. */
static void give_up(PGconn *pg)
{
    log_warn("database does not answer: connection given up");
    if (PQsocket(pg) >= 0)
        shutdown(PQsocket(pg), SHUT_RDWR);
}

static void send_all(PGconn *pg, int64_t deadline)
{
    int rest;

    while ((rest = PQflush(pg)) == 1) {
        if (!wait_socket(pg, POLLIN | POLLOUT, deadline)) {
            give_up(pg);
            return;
        }
        if (!PQconsumeInput(pg))
            return;
    }
}

/* The answer to what was sent, as PQexec gives it: the first error, or the last result. */
static PGresult *await(PGconn *pg, int timeout_ms)
{
    int64_t deadline = timeout_ms ? clock_mono_ms() + timeout_ms : 0;
    PGresult *answer = NULL, *next;

    send_all(pg, deadline);
    for (;;) {
        while (PQisBusy(pg)) {
            if (!wait_socket(pg, POLLIN, deadline))
                give_up(pg);
            if (!PQconsumeInput(pg))
                break;
        }
        if (!(next = PQgetResult(pg)))
            return answer;
        if (answer && PQresultStatus(answer) == PGRES_FATAL_ERROR) {
            PQclear(next);
        } else {
            PQclear(answer);
            answer = next;
        }
        if (PQstatus(pg) == CONNECTION_BAD)
            return answer;
    }
}

static bool is_success(const PGresult *result)
{
    ExecStatusType status = result ? PQresultStatus(result) : PGRES_FATAL_ERROR;

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

int db_conn_exec(struct db_conn *self, const char *sql, int timeout_ms, struct err *err)
{
    PGresult *answer = PQsendQuery(self->pg, sql) ? await(self->pg, timeout_ms) : NULL;
    int result = 0;

    if (!is_success(answer))
        result = db_error(self->pg, answer, err);
    else if (strncmp(sql, "COMMIT", 6) == 0 && strcmp(PQcmdStatus(answer), "ROLLBACK") == 0)
        result = err_set(err, ERR_INTERNAL, "database: the transaction had failed and was rolled back");
    PQclear(answer);
    return result;
}

bool db_conn_is_alive(struct db_conn *self)
{
    struct pollfd fd = {.fd = PQsocket(self->pg), .events = POLLIN};

    if (PQstatus(self->pg) != CONNECTION_OK || fd.fd < 0)
        return false;
    if (poll(&fd, 1, 0) <= 0)
        return true;
    /* A server that ends a connection says so, then closes; notices may wait here too. */
    PQconsumeInput(self->pg);
    if (PQstatus(self->pg) == CONNECTION_OK && poll(&fd, 1, 0) > 0)
        PQconsumeInput(self->pg);
    return PQstatus(self->pg) == CONNECTION_OK;
}

/* ---- prepared statements ---- */

void db_conn_forget(struct db_conn *self)
{
    for (size_t i = 0; i < self->n_statements; i++)
        free(self->statements[i].sql);
    self->n_statements = 0;
}

static struct db_statement *find(struct db_conn *self, const char *sql)
{
    for (size_t i = 0; i < self->n_statements; i++) {
        struct db_statement *statement = &self->statements[i];

        if (statement->address != sql)
            continue;
        if (strcmp(statement->sql, sql) == 0)
            return statement;
        log_error("database: a statement's text is not a literal", log_str("sql", sql));
        statement->address = NULL;
    }
    return NULL;
}

/* NULL and *err when the server refuses it; NULL without *err (kind ERR_NONE) when there is no room. */
static struct db_statement *prepare(struct db_conn *self, const char *sql, struct err *err)
{
    struct db_statement *statement = &self->statements[self->n_statements];
    PGresult *answer;

    *err = (struct err){0};
    if (self->n_statements == DB_STATEMENTS_MAX)
        return NULL;
    snprintf(statement->name, sizeof statement->name, "s%u", ++self->names_given);
    answer = PQsendPrepare(self->pg, statement->name, sql, 0, NULL) ? await(self->pg, DB_ANSWER_MS) : NULL;
    if (!is_success(answer)) {
        db_error(self->pg, answer, err);
        PQclear(answer);
        return NULL;
    }
    PQclear(answer);
    if (!(statement->sql = strdup(sql)))
        return NULL;
    statement->address = sql;
    self->n_statements++;
    return statement;
}

static bool is_stale(const PGresult *answer)
{
    const char *state = answer ? PQresultErrorField(answer, PG_DIAG_SQLSTATE) : NULL;

    /* It does not exist (another session behind a pooler), or: cached plan must not change result type. */
    return state && (strcmp(state, "26000") == 0 || strcmp(state, "0A000") == 0);
}

/* The arguments as libpq takes them. */
struct bound {
    const char *values[DB_ARGS_MAX];
    int n, lengths[DB_ARGS_MAX], formats[DB_ARGS_MAX];
};

static int check_args(size_t n_args, struct err *err)
{
    return n_args > DB_ARGS_MAX ? err_set(err, ERR_INTERNAL, "database: a statement has too many arguments") : 0;
}

static int bind_args(const struct db_arg *args, size_t n_args, struct bound *ret, struct err *err)
{
    if (check_args(n_args, err) < 0)
        return -1;
    ret->n = (int)n_args;
    for (size_t i = 0; i < n_args; i++) {
        ret->values[i] = args[i].text ? args[i].text : *args[i].number ? args[i].number : NULL;
        ret->lengths[i] = args[i].binary_len;
        ret->formats[i] = args[i].binary_len != 0;
    }
    return 0;
}

/* Known or prepared now; NULL in *ret where there is no room: it is run unprepared. */
static int find_or_prepare(struct db_conn *self, const char *sql, const struct db_statement **ret, bool *ret_known,
                           struct err *err)
{
    struct err problem = {0};

    *ret = find(self, sql);
    *ret_known = *ret != NULL;
    if (*ret || (*ret = prepare(self, sql, &problem)) || problem.kind == ERR_NONE)
        return 0;
    if (err)
        *err = problem;
    return -1;
}

static int send_query(struct db_conn *self, const struct db_statement *statement, const char *sql,
                      const struct bound *bound)
{
    if (statement)
        return PQsendQueryPrepared(self->pg, statement->name, bound->n, bound->values, bound->lengths, bound->formats,
                                   0);
    return PQsendQueryParams(self->pg, sql, bound->n, NULL, bound->values, bound->lengths, bound->formats, 0);
}

/* The answer where it tells of success; else NULL and *err, and *ret_stale as db_conn_query tells it. */
static PGresult *judge(struct db_conn *self, PGresult *answer, bool was_prepared, bool *ret_stale, struct err *err)
{
    if (is_success(answer))
        return answer;
    db_error(self->pg, answer, err);
    if (was_prepared && is_stale(answer)) {
        db_conn_forget(self);
        *ret_stale = true;
    }
    PQclear(answer);
    return NULL;
}

PGresult *db_conn_query(struct db_conn *self, const char *sql, const struct db_arg *args, size_t n_args,
                        bool *ret_stale, struct err *err)
{
    const struct db_statement *statement;
    struct bound bound;
    PGresult *answer;
    bool known;

    *ret_stale = false;
    if (bind_args(args, n_args, &bound, err) < 0 || find_or_prepare(self, sql, &statement, &known, err) < 0)
        return NULL;
    answer = send_query(self, statement, sql, &bound) ? await(self->pg, DB_ANSWER_MS) : NULL;
    return judge(self, answer, known, ret_stale, err);
}

/* The next result of a pipeline; NULL between those of two statements, and when the connection has broken. */
static PGresult *next_result(PGconn *pg, int64_t deadline)
{
    while (PQisBusy(pg)) {
        if (!wait_socket(pg, POLLIN, deadline))
            give_up(pg);
        if (!PQconsumeInput(pg))
            break;
    }
    return PQgetResult(pg);
}

static void clear_all(PGresult **answers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        PQclear(answers[i]);
        answers[i] = NULL;
    }
}

/* Reads a pipeline of n statements to its end. NULL when all have succeeded, with their results in ret_answers;
 * otherwise the first that has not, or *ret_broken. What stands behind an error was not run. */
static PGresult *await_pipeline(PGconn *pg, size_t n, PGresult **ret_answers, bool *ret_broken)
{
    int64_t deadline = clock_mono_ms() + DB_ANSWER_MS;
    PGresult *failed = NULL, *next;
    size_t i = 0;

    send_all(pg, deadline);
    while (PQstatus(pg) == CONNECTION_OK) {
        if (!(next = next_result(pg, deadline)))
            continue;
        if (PQresultStatus(next) == PGRES_PIPELINE_SYNC) {
            PQclear(next);
            *ret_broken = false;
            return failed;
        }
        if (is_success(next) && i < n)
            ret_answers[i++] = next;
        else if (!failed)
            failed = next;
        else
            PQclear(next);
    }
    *ret_broken = true; /* of a transaction of which the end was not heard */
    return failed;
}

static int send_pipeline(struct db_conn *self, const struct db_ask *asks, const struct db_statement *const *statements,
                         size_t n)
{
    struct bound bound; /* one at a time: it is 1 KB of every worker's stack */

    if (!PQenterPipelineMode(self->pg))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (bind_args(asks[i].args, asks[i].n_args, &bound, NULL) < 0 ||
            !send_query(self, statements[i], asks[i].sql, &bound))
            return -1;
    return PQpipelineSync(self->pg) ? 0 : -1;
}

static void leave_pipeline(PGconn *pg)
{
    if (!PQexitPipelineMode(pg) && PQsocket(pg) >= 0) /* something is left over: not to be used again */
        shutdown(PQsocket(pg), SHUT_RDWR);
}

/* Between two syncs a pipeline is one transaction: what is set locally holds for the statements behind it. */
int db_conn_query_as(struct db_conn *self, const char *client_id, const struct db_ask *asks, size_t n,
                     PGresult **ret_answers, bool *ret_stale, struct err *err)
{
    const struct db_arg client = db_text(client_id);
    struct db_ask all[DB_ASK_MAX + 1] = {{.sql = db_set_client_sql, .args = &client, .n_args = 1}};
    PGresult *answers[DB_ASK_MAX + 1] = {NULL}, *failed;
    const struct db_statement *statements[DB_ASK_MAX + 1];
    bool any_known = false, known, broken = true;

    *ret_stale = false;
    memcpy(all + 1, asks, n * sizeof *asks);
    for (size_t i = 0; i <= n; i++) {
        if (check_args(all[i].n_args, err) < 0 || find_or_prepare(self, all[i].sql, &statements[i], &known, err) < 0)
            return -1;
        any_known |= known;
    }
    failed =
        send_pipeline(self, all, statements, n + 1) == 0 ? await_pipeline(self->pg, n + 1, answers, &broken) : NULL;
    leave_pipeline(self->pg);
    if (!failed && !broken) {
        PQclear(answers[0]);
        memcpy(ret_answers, answers + 1, n * sizeof(PGresult *));
        return 0;
    }
    clear_all(answers, n + 1);
    judge(self, failed, any_known, ret_stale, err);
    return -1;
}

int db_conn_prepare(struct db_conn *self, const char *sql, struct err *err)
{
    const struct db_statement *statement;
    bool known;

    return find_or_prepare(self, sql, &statement, &known, err) < 0 ? -1 : statement != NULL;
}

int db_conn_send(struct db_conn *self, const char *sql, const struct db_arg *args, size_t n_args, struct err *err)
{
    const struct db_statement *statement = find(self, sql);
    struct bound bound;

    if (!statement) /* to prepare it takes an answer */
        return 0;
    if (bind_args(args, n_args, &bound, err) < 0)
        return -1;
    if (!PQenterPipelineMode(self->pg) || !send_query(self, statement, sql, &bound))
        return db_error(self->pg, NULL, err);
    return 1;
}

int db_conn_read_sent(struct db_conn *self, size_t n, PGresult **ret_answers, bool *ret_stale, struct err *err)
{
    PGresult *failed;
    bool broken = true;

    *ret_stale = false;
    memset(ret_answers, 0, n * sizeof *ret_answers);
    failed = PQpipelineSync(self->pg) ? await_pipeline(self->pg, n, ret_answers, &broken) : NULL;
    leave_pipeline(self->pg);
    if (!failed && !broken)
        return 0;
    clear_all(ret_answers, n);
    judge(self, failed, true, ret_stale, err);
    return -1;
}

/* ---- opening ---- */

/* What each session is set to. The server ends what hangs; a client that vanished is noticed by keepalives. */
static int set_up(struct db_conn *self, const char *set_role, struct err *err)
{
    AUTO(buf_free) struct buf sql = {0};

    /* Who is stopped within a transaction loses it before others give up waiting for its locks. */
    buf_puts(&sql, "SET statement_timeout = '15s'; SET idle_in_transaction_session_timeout = '2s';"
                   "SET lock_timeout = '5s'; SET timezone = 'UTC'; SET datestyle = 'ISO'; SET jit = off;");
    if (PQserverVersion(self->pg) >= 170000)
        buf_puts(&sql, "SET transaction_timeout = '30s';");
    if (set_role) {
        char *role = PQescapeIdentifier(self->pg, set_role, strlen(set_role));

        buf_printf(&sql, "SET ROLE %s", role ? role : "");
        PQfreemem(role);
    }
    if (sql.failed)
        return err_set(err, ERR_INTERNAL, "database: out of memory");
    return db_conn_exec(self, sql.data, DB_BEGIN_MS, err);
}

static PGconn *connect_to(const char *url, const char *set_role)
{
    char application[64] = "leadwire";
    /* What stands before dbname may be overridden by the connection string, what stands behind it may not. */
    const char *keys[] = {"connect_timeout",  "keepalives",
                          "keepalives_idle",  "keepalives_interval",
                          "keepalives_count", "tcp_user_timeout",
                          "dbname",           "application_name",
                          "client_encoding",  NULL};
    const char *values[] = {"5", "1", "10", "5", "3", "15000", url, application, "UTF8", NULL};

    if (set_role) /* leadwire_gateway is shown as leadwire-gateway */
        snprintf(application, sizeof application, "leadwire-%s",
                 strncmp(set_role, "leadwire_", 9) == 0 ? set_role + 9 : set_role);
    return PQconnectdbParams(keys, values, 1);
}

struct db_conn *db_conn_open(const char *url, const char *set_role, struct err *err)
{
    AUTO(db_conn_close) struct db_conn *self = calloc(1, sizeof *self);

    if (!self || !(self->pg = connect_to(url, set_role))) {
        err_set(err, ERR_INTERNAL, "database: out of memory");
        return NULL;
    }
    if (PQstatus(self->pg) != CONNECTION_OK) {
        db_error(self->pg, NULL, err);
        return NULL;
    }
    PQsetNoticeProcessor(self->pg, on_notice, NULL);
    PQsetnonblocking(self->pg, 1);
    if (set_up(self, set_role, err) < 0) {
        if (err)
            err->kind = ERR_UNAVAILABLE; /* whatever the server objects to: there is no database to work with */
        return NULL;
    }
    return TAKE(self);
}

void db_conn_close(struct db_conn **self_p)
{
    struct db_conn *self = *self_p;

    if (!self)
        return;
    *self_p = NULL;
    db_conn_forget(self);
    PQfinish(self->pg);
    free(self);
}
