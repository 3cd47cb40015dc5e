/* service.h - what every service is made of.
 *
 * main() hands service_main a table: role, task handlers, request handlers. It
 * does the rest: configuration (--help prints it), log, database pool, bus,
 * registration, worker threads, draining on SIGTERM, statistics.
 *
 * A handler is a straight-line function that may block. Nothing but its
 * transaction is the outcome: what is not committed did not happen. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct bus;
struct config;
struct db_pool;
struct db_tx;
struct envelope;
struct err;
struct message_type;
struct process;
struct task;

/* What a handler works with; one per worker thread. */
struct worker {
    const struct config *config;
    struct db_pool *db;
    struct bus *bus;
    const char *instance;    /* this process's id in the registry */
    void *state;             /* what worker_new made */
    struct process *process; /* service.c's */
};

/* Does one task. 0: it is done; if the handler has not called task_complete itself, the task is completed now.
 * -1 with *err: it is tried again or buried, as err->kind says. A second run must not repeat what the first did. */
typedef int task_fn(struct worker *self, struct task *task, struct err *err);

/* To be asked by a task that is about to wait long, for a model: so many as service.waits tell may do so at a time.
 * True: it may, until service_waited or the handler's return. False: the handler is to return 0 at once, having changed
 * nothing; it is run again from its start when there is a place, and holds no thread meanwhile. */
bool service_wait(struct worker *self, struct task *task);

/* To be asked by a task that will likely ask service_wait, before it begins what it would have to repeat. True: there
 * is no place now, and the handler is to return 0 at once, as there. False: it may begin; it has no place yet. */
bool service_put_off(struct worker *self, struct task *task);

/* It waits no more: its place is another's. What is left to do of it is as short as what never waits. */
void service_waited(struct worker *self, struct task *task);

/* Milliseconds until the deadline of the run of a task that is being handled: then another may claim it. */
int64_t service_task_left_ms(const struct worker *self, const struct task *task);

struct task_handler {
    const char *kind;
    task_fn *run;
};

/* A request on its way through a handler. */
struct call {
    const struct envelope *env;
    const char *client_id; /* NULL: the asker may see every client (an administrator) */
    const void *request;   /* of the handler's request type */
    void *reply;           /* of the handler's reply type, zeroed: to be filled */
    struct arena *arena;   /* for whatever the reply points to */
    struct db_tx *tx;      /* open, for client_id (or DB_EVERY_CLIENT); committed when the handler returns 0.
                              NULL where the handler asked for none, and before call_begin */
    struct stored *stored; /* service_request.c's: what a repeated request is answered with */
};

/* Answers one request. -1 with *err: the asker gets it as a problem and the transaction is rolled back. */
typedef int request_fn(struct worker *self, struct call *call, struct err *err);

enum {
    CALL_NO_TX = 1,   /* the handler waits for a provider, or takes its transactions itself: a repeated request with the
                         same Idempotency-Key is run again */
    CALL_LATE_TX = 2, /* the handler does what takes long first, then opens call->tx itself with call_begin */
};

/* Opens call->tx for a CALL_LATE_TX handler, once; it is committed when the handler returns 0. Returns 0, or 1 if a
 * request with this Idempotency-Key has been answered already: the handler is to return 0 at once, its reply is not
 * used. -1 with *err. */
int call_begin(struct worker *self, struct call *call, struct err *err);

struct request_handler {
    const struct message_type *request;
    const struct message_type *reply;
    request_fn *run;
    int flags;
};

struct service {
    const char *role;
    const char *doc; /* one line for --help */
    int workers;     /* threads at most; LEADWIRE_WORKERS overrides */
    int waits; /* tasks that may wait at a time, see service_wait; 0: all. One worker in 20 is left to the others */
    const struct task_handler *tasks;       /* ends with {0}; NULL: none */
    const struct request_handler *requests; /* ends with {0}; NULL: none */
    bool lanes;                             /* there are tasks with lanes among its own, see tasks.h */

    /* Names of the settings without which it does not start, beside DATABASE_URL; ends with NULL. May be NULL. */
    const char *const *required;
    /* Looks at the settings before anything is started: what it refuses ends the process at once. May be NULL. */
    int (*check)(const struct config *config, struct err *err);

    /* Once per worker, in its thread. May be NULL. */
    int (*worker_new)(struct worker *self, struct err *err);
    void (*worker_destroy)(struct worker *self);

    /* Once per process: after the bus and before the workers; and before they end. worker here has no state and may be
     * used from threads that start makes. ready() of /readyz is true after start has returned. May be NULL. */
    int (*start)(struct worker *self, void **ret_service_state, struct err *err);
    void (*stop)(void *service_state);
};

/* Returns the exit code: 0 after SIGTERM or SIGINT, 2 for a wrong configuration (one line on stderr names it). */
int service_main(const struct service *service, int argc, char **argv);

/* Queues fn(worker, arg) for a worker thread. false if the queue is full (its bound is 1024): fn is not called. */
bool service_submit(struct worker *self, void (*fn)(struct worker *self, void *arg), void *arg);
