/* service_internal.h - what the files of service_main share; its face is service.h.
 *
 * service.c          start, signals, draining
 * service_stats.c    the counters, as they are published
 * service_worker.c   the worker threads and what they take next
 * service_waits.c    places for tasks that wait long
 * service_request.c  one request: decoding, transaction, idempotency, answer
 * service_dispatch.c the dispatcher: claims tasks and settles finished ones
 * service_claim.c    what it claims
 * service_lanes.c    when it asks for tasks that have a lane
 * service_refs.c     the ids of tasks that were heard of */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "libshared/tasks.h"

#define JOBS_MAX       1024 /* requests and submitted functions that wait */
#define REFS_MAX       1024 /* tasks that were heard of and not yet claimed */
#define CLAIM_MAX      256  /* tasks in one claim */
#define SETTLE_MAX     128  /* tasks in one statement */
#define PREFETCH_MIN   2
#define PREFETCH_MS    20 /* more is prefetched only if the workers get to it within that time */
#define REQUEST_MEMORY (8 * 1024 * 1024)
#define PARKED_MAX     256 /* tasks that are held without a thread, because they would wait long; then none is claimed */
#define WORKERS_FIRST  4   /* threads that are there from the start; the others are made when they are needed */
#define RETRY_MS       250 /* while the database is away */

/* Sanitizers need several times the stack. Untouched pages of a stack cost nothing. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WORKER_STACK (4 * 1024 * 1024)
#else
#define WORKER_STACK (1024 * 1024)
#endif

struct process;
struct envelope;
struct registry;
struct task_ref;

/* ---- service_refs.c: a set in the order of arrival, without repeats, of at most REFS_MAX ---- */

struct ref {
    char client_id[UUID_SIZE];
    char task_id[UUID_SIZE];
};

struct ref_set;
struct ref_set *ref_set_new(void);
void ref_set_destroy(struct ref_set **self_p);
size_t ref_set_count(const struct ref_set *self);
/* False if it is full; true also if it was there already. */
bool ref_set_add(struct ref_set *self, const char *client_id, const char *task_id);
/* Takes the n oldest at most; returns how many. */
size_t ref_set_take(struct ref_set *self, struct ref *ret_refs, size_t n);

/* ---- jobs and tasks on their way through the process ---- */

/* A request, or a function that the service submitted. */
struct job {
    struct job *next;
    void (*fn)(struct worker *worker, void *arg); /* NULL: a request */
    void *arg;
    const struct request_handler *handler;
    int64_t deadline_ms; /* monotonic; 0: none */
    size_t len;
    unsigned char frame[];
};

/* A task that this process has claimed and not yet settled. */
struct held {
    struct held *next;          /* in the list it is in: waiting or finished */
    struct held *older, *newer; /* all that are held */
    struct task task;
    int64_t claimed_ms; /* monotonic */
    bool has_place;     /* it may wait long */
    bool parked;        /* it may not yet: it is to be run again */
    bool failed;
    struct err why; /* if it failed */
};

struct held_list {
    struct held *head, *tail;
    size_t n;
};

void held_append(struct held_list *list, struct held *held);
struct held *held_pop(struct held_list *list);

/* ---- threads ---- */

struct worker_slot {
    struct worker worker; /* what the service's functions see */
    pthread_t thread;
    pthread_cond_t woken;
    bool asleep;              /* there is nothing to do for it */
    struct worker_slot *next; /* then: who fell asleep before it */
};

struct process {
    const struct service *service;
    struct config config;
    struct db_pool *db;
    struct db_pool *db_alive; /* the registry's, so that being alive never waits for work */
    struct bus *bus;
    struct registry *registry;
    char lane_rates[LANE_RATES_SIZE];
    void *service_state;
    bool service_runs; /* start has returned */
    int64_t started_ms;

    struct worker_slot main_slot, *slots;
    int n_workers;    /* threads at most */
    int places;       /* tasks that may wait long at a time; 0: any number */
    int task_workers; /* so many may work on tasks at a time: the rest answers requests */

    pthread_mutex_t lock;       /* of all that follows */
    struct worker_slot *asleep; /* the one that fell asleep last: its memory and its connections are warm still */
    struct job *jobs_head, *jobs_tail;
    size_t n_jobs;
    struct held_list waiting; /* claimed, for the workers */
    struct held_list parked;  /* claimed, until there is a place for them to wait */
    int n_places_used;
    int n_busy, n_tasks_running;
    bool task_was_last; /* tasks and jobs take turns */
    bool ending;        /* workers end when there is nothing left */
    int n_slots_used;   /* threads that were made */
    int n_idle; /* of them, those that work on nothing; one that was woken, or made, and has taken nothing yet counts */
    bool no_more_threads; /* the system gives none */
    int n_workers_started, n_workers_failed;

    pthread_cond_t dispatch; /* for the dispatcher */
    pthread_t dispatcher;
    bool dispatcher_runs;
    struct ref_set *refs;
    bool look;             /* tasks are due whose ids were not heard: ask the table */
    bool dispatcher_full;  /* it sleeps until there is room for another task */
    int64_t lanes_at_ms;   /* monotonic: when a lane may be ready */
    int64_t lanes_look_ms; /* monotonic: when all lanes are looked through */
    bool claims_lost;      /* a claim failed without a clear answer: rows may be ours that we do not know */
    bool draining;         /* no more claims */
    bool dispatcher_busy;  /* with a round: a claim may be under way */
    bool dispatcher_ending;
    int64_t dispatcher_end_ms; /* then also if something could not be settled */
    struct held_list finished; /* to be settled */
    struct held *newest;       /* all held */
    int64_t task_us;           /* how long a task takes, averaged */

    atomic_int_fast64_t tasks_done, tasks_failed, requests, requests_failed, requests_dropped, claims;
};

/* ---- service_worker.c ---- */

int workers_start(struct process *self, struct err *err);
/* Work was added: makes threads for it while all others are busy. */
void workers_grow_locked(struct process *self);
/* Where there is work and a worker sleeps: that worker, no longer taken to be asleep, for workers_signal; else NULL.
 * One is enough: who takes work wakes the next where there is more. */
struct worker_slot *workers_rouse_locked(struct process *self);
/* Without the lock, for which it would have to sleep again. Does nothing without slot. */
void workers_signal(struct worker_slot *slot);
/* Ends them once nothing waits. They must not be handed anything any more. */
void workers_end(struct process *self);
/* After that, when no thread is left that could wake one. */
void workers_free(struct process *self);
/* False if too many wait. Owns job unless false. */
bool worker_add_job(struct process *self, struct job *job);
const struct task_handler *task_handler_find(const struct service *service, const char *kind);
const struct request_handler *request_handler_find(const struct service *service, const char *type);

/* ---- service_waits.c ---- */

/* A task's handler has returned. True: it was turned away and will be run again; the caller forgets it. */
bool waits_after_run(struct process *self, struct held *held);

/* ---- service_request.c ---- */

/* From the bus thread. */
void request_receive(struct process *self, const struct envelope *env, const void *frame, size_t len);
void request_run(struct worker_slot *slot, const struct job *job);

/* ---- service_dispatch.c ---- */

int dispatcher_start(struct process *self, struct err *err);
/* From the bus thread. */
void dispatcher_hear(struct process *self, const struct envelope *env);
/* Stops claiming; gives back what no worker has begun, and tells the role of it. */
void dispatcher_drain(struct process *self);
/* Settles what is finished, but not beyond end_ms, then ends the thread. */
void dispatcher_end(struct process *self, int64_t end_ms);
/* From a worker: its task is over. */
void dispatcher_finish(struct process *self, struct held *held);

/* A place of the dispatcher where a test may stop the process: the failpoint <role>.<where>. */
void dispatcher_pass(const struct process *self, const char *where);
/* From now on the process holds it. */
void held_link_locked(struct process *self, struct held *held);

/* ---- service_claim.c: for the dispatcher ---- */

/* What is to be claimed; taken under the lock, done without it. */
struct claim_plan {
    size_t want;
    bool look;      /* for what is due, without ids */
    bool lanes;     /* what the lanes allow */
    bool find_lost; /* rows may be ours that we do not know */
    struct ref refs[CLAIM_MAX];
    size_t n_refs;
};

/* Whether the workers could begin another task soon. */
bool claims_wanted_locked(const struct process *self);
/* A task was finished or put aside: whether the dispatcher, where it sleeps, has something to do because of that. */
bool claims_room_locked(const struct process *self);
/* Tasks are ready whose ids are not known. */
void claims_look_locked(struct process *self);
bool claims_due_locked(const struct process *self, int64_t now_ms);
/* When there will be something to claim though nobody tells; monotonic, 0: never. */
int64_t claims_wake_locked(const struct process *self);
void claims_plan_locked(struct process *self, struct claim_plan *ret_plan);
/* Claims; the workers find it in waiting. -1 when the database is away. */
int claims_run(struct process *self, const struct claim_plan *plan);

/* ---- service_lanes.c: for service_claim.c ---- */

/* When the lanes are to be asked although nothing was heard; monotonic. */
int64_t lanes_wake_locked(const struct process *self);
/* A task's attempt has failed: it may be ready again soon, and nobody will tell. */
void lanes_failed(struct process *self);
/* As tasks_claim_lanes; ret_others as in lane_news. */
int lanes_claim(struct process *self, const struct task_ref *heard, size_t n_heard, size_t want, struct task *ret_tasks,
                bool *ret_others, struct err *err);

/* ---- service_stats.c ---- */

/* The counters as a JSON object; NULL without memory. The caller frees it. */
char *stats_json(void *process);
void stats_publish(struct process *self);
