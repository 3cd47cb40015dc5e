/* service.c - service_main: what happens between the start of a service and its end. */
#include "libshared/service.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/http.h"
#include "libshared/log.h"
#include "libshared/registry.h"
#include "libshared/service_internal.h"
#include "proto/envelope.h"

enum {
    EXIT_CONFIG = 2,
    DATABASE_WAIT_MS = 30000,
    DATABASE_RETRY_MS = 100,
    STATS_S = 10,
    WORKERS_DEFAULT = 4,
    KEY_LIFE_S = 60, /* a process whose row is that old may still be let in */
    FRUGAL_FROM_THREADS = 32,
};

/* ---- the bus's questions ---- */

static void on_message(void *arg, const struct envelope *env, const void *frame, size_t len)
{
    struct process *self = arg;

    if (strcmp(env->type, tasks_ready_type.name) == 0)
        dispatcher_hear(self, env);
    else if (env->reply_to)
        request_receive(self, env, frame, len);
}

static bool key_is_known(void *arg, const char *public_key)
{
    struct process *self = arg;

    return db_run(self->db, NULL, NULL, NULL,
                  "SELECT FROM mailboxes WHERE public_key = $1 AND refreshed_at > now() - make_interval(secs => $2)",
                  db_text(public_key), db_int(KEY_LIFE_S)) > 0;
}

/* ---- signals ---- */

static sigset_t ending_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

/* In every thread: they are waited for, by the first thread alone. */
static void block_signals(void)
{
    sigset_t set = ending_signals();

    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* A second one ends the process at once. */
static void unblock_signals(void)
{
    sigset_t set = ending_signals();

    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Whether the process shall end; waits for it up to timeout_ms. */
static bool told_to_end(int64_t timeout_ms)
{
    sigset_t set = ending_signals();
    struct timespec timeout = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000};
    int64_t end_ms = clock_mono_ms() + timeout_ms;
    int rc;

    while ((rc = sigtimedwait(&set, NULL, &timeout)) < 0 && errno == EINTR) {
        int64_t left_ms = end_ms - clock_mono_ms();

        if (left_ms <= 0)
            return false;
        timeout = (struct timespec){.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000};
    }
    return rc > 0;
}

/* ---- starting ---- */

static int complain(const struct process *self, const struct err *err)
{
    fprintf(stderr, "leadwire-%s: %s\n", self->service->role, err->text);
    return -1;
}

/* 1 when the tables are there; 0 when told to end; -1 when they will not be. */
static int wait_for_database(struct process *self, struct err *err)
{
    int64_t begin_ms = clock_mono_ms();
    bool said = false;

    for (;;) {
        AUTO(db_result_free) struct db_result *rows = NULL;

        if (db_run(self->db_alive, NULL, &rows, err, "SELECT to_regclass('mailboxes') IS NOT NULL AS migrated") > 0)
            return db_get_bool(rows, 0, "migrated")
                       ? 1
                       : err_set(err, ERR_INVALID, "the database has no Leadwire tables: run leadctl migrate first");
        if ((err->kind != ERR_UNAVAILABLE && err->kind != ERR_UNCERTAIN) ||
            clock_mono_ms() - begin_ms > DATABASE_WAIT_MS)
            return -1;
        if (!said)
            log_err(LOG_WARN, "waiting for the database", err);
        said = true;
        if (told_to_end(DATABASE_RETRY_MS))
            return 0;
    }
}

static int start_bus(struct process *self, struct err *err)
{
    const struct config *config = &self->config;
    char host[BUS_ADDRESS_SIZE / 2] = "";
    struct bus_options options = {
        .role = self->service->role,
        .bind_address = config->bind_address,
        .advertise_address = config->advertise_address,
        .on_message = on_message,
        .arg = self,
        .key_is_known = key_is_known,
    };

    if (!options.advertise_address &&
        (strcmp(config->bind_address, "0.0.0.0") == 0 || strcmp(config->bind_address, "::") == 0)) {
        if (gethostname(host, sizeof host - 1) < 0)
            return err_set_field(err, ERR_INVALID, "LEADWIRE_ADVERTISE_ADDRESS",
                                 "LEADWIRE_ADVERTISE_ADDRESS must be set: this host has no name");
        options.advertise_address = host;
    }
    if (!(self->bus = bus_new(&options, err)))
        return -1;
    self->main_slot.worker.bus = self->bus;
    self->main_slot.worker.instance = bus_self(self->bus)->instance;
    return 0;
}

static int start(struct process *self, struct err *err)
{
    const struct service *service = self->service;

    if (start_bus(self, err) < 0)
        return -1;
    self->registry =
        registry_new(self->config.database_url, self->db_alive, self->bus, DATABASE_WAIT_MS, stats_json, self, err);
    if (!self->registry)
        return -1;
    if (service->start && service->start(&self->main_slot.worker, &self->service_state, err) < 0)
        return -1;
    self->service_runs = true;
    if (workers_start(self, err) < 0 || dispatcher_start(self, err) < 0)
        return -1;
    log_info("ready", log_str("instance", self->main_slot.worker.instance), log_int("workers", self->n_workers),
             log_int("ms", clock_mono_ms() - self->started_ms));
    return 0;
}

static int worker_threads(const struct process *self)
{
    int n = self->config.workers ? (int)self->config.workers : self->service->workers;

    return n > 0 ? n : WORKERS_DEFAULT;
}

static int prepare(struct process *self, struct err *err)
{
    const struct service *service = self->service;
    pthread_condattr_t monotonic;
    char role[64];

    snprintf(role, sizeof role, "leadwire_%s", service->role);
    if (http_global_init(err) < 0)
        return -1;
    self->db_alive = db_pool_new(self->config.database_url, NULL, 1, err);
    if (!self->db_alive)
        return -1;
    self->db = db_pool_new(self->config.database_url, role, (int)self->config.db_connections, err);
    if (!self->db)
        return -1;
    if (!(self->refs = ref_set_new()))
        return err_set(err, ERR_INTERNAL, "out of memory");
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->dispatch, &monotonic);
    pthread_condattr_destroy(&monotonic);

    self->n_workers = worker_threads(self);
    self->task_workers = self->n_workers;
    if (service->tasks && service->requests && self->n_workers > 1)
        self->task_workers -= self->n_workers < 32 ? 1 + (self->n_workers - 1) / 8 : 4;
    self->places = service->waits;
    if (self->places > self->task_workers - (self->task_workers + 19) / 20)
        self->places = self->task_workers - (self->task_workers + 19) / 20;
    if (service->waits && self->places < 1)
        self->places = 1;
    lane_rates(&self->config, self->lane_rates);
    self->task_us = 1000000; /* until we know better: no prefetch beyond the least */
    self->main_slot.worker.process = self;
    self->main_slot.worker.config = &self->config;
    self->main_slot.worker.db = self->db;
    return 0;
}

/* ---- ending ---- */

/* How much of it is under way or waits for a worker. */
static size_t work_left(struct process *self)
{
    size_t n;

    pthread_mutex_lock(&self->lock);
    n = (size_t)self->n_busy + self->n_jobs + self->waiting.n + self->parked.n;
    pthread_mutex_unlock(&self->lock);
    return n;
}

static void sleep_ms(int ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    nanosleep(&pause, NULL);
}

/* Takes no new work and lets the work under way end. If it does not in time, its tasks are orphaned by the end of the
 * process, and another one takes them. */
static void drain(struct process *self)
{
    int64_t end_ms = clock_mono_ms() + self->config.drain_s * 1000;
    size_t left;

    log_info("draining", log_int("seconds_at_most", self->config.drain_s));
    dispatcher_drain(self);
    if (self->service_runs && self->service->stop)
        self->service->stop(self->service_state);
    self->service_runs = false;
    while ((left = work_left(self)) > 0 && clock_mono_ms() < end_ms)
        sleep_ms(5);
    if (left > 0) {
        log_warn("ended with work under way", log_int("jobs", left));
        registry_destroy(&self->registry);
        _exit(EXIT_SUCCESS);
    }
    dispatcher_end(self, end_ms > clock_mono_ms() + RETRY_MS ? end_ms : clock_mono_ms() + RETRY_MS);
}

static void finish(struct process *self)
{
    if (self->service_runs && self->service->stop)
        self->service->stop(self->service_state);
    dispatcher_end(self, 0);
    workers_end(self);
    registry_destroy(&self->registry);
    bus_destroy(&self->bus);
    workers_free(self);
    ref_set_destroy(&self->refs);
    db_pool_destroy(&self->db);
    db_pool_destroy(&self->db_alive);
}

static int run(struct process *self)
{
    struct err err = {0};
    int rc = prepare(self, &err);

    if (rc == 0)
        rc = wait_for_database(self, &err);
    if (rc > 0 && start(self, &err) == 0) {
        while (!told_to_end(STATS_S * 1000))
            stats_publish(self);
        unblock_signals();
        drain(self);
        rc = 0;
    } else if (rc != 0) {
        rc = complain(self, &err);
    }
    finish(self);
    log_info("ended");
    return rc == 0 ? EXIT_SUCCESS : err.kind == ERR_INVALID ? EXIT_CONFIG : EXIT_FAILURE;
}

static int load_config(struct process *self, struct err *err)
{
    const char *const *name = self->service->required;

    if (config_load(&self->config, err) < 0 || config_require(&self->config, "DATABASE_URL", err) < 0)
        return -1;
    for (; name && *name; name++)
        if (config_require(&self->config, *name, err) < 0)
            return -1;
    return self->service->check ? self->service->check(&self->config, err) : 0;
}

static void print_help(const struct service *service)
{
    printf("leadwire-%s - %s\n\nUsage: leadwire-%s [--help | --version]\n\nSettings, from the environment:\n",
           service->role, service->doc ? service->doc : "", service->role);
    config_print_help(stdout);
}

/* glibc keeps what a thread frees for that thread, tens of KB each: with a hundred threads more than all else that a
 * process holds. That can be turned off only before a program starts, so it starts once more. Where that fails, or the
 * operator has tunables of his own, it takes more memory and nothing else changes. */
static void start_frugal(int threads, char **argv)
{
    if (threads < FRUGAL_FROM_THREADS || getenv("GLIBC_TUNABLES"))
        return;
    if (setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1) == 0)
        execv("/proc/self/exe", argv);
}

int service_main(const struct service *service, int argc, char **argv)
{
    static struct process self; /* too large for the stack, and there is only one */
    struct err err = {0};
    int rc;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        print_help(service);
        return EXIT_SUCCESS;
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        printf("leadwire-%s %s\n", service->role, LEADWIRE_VERSION);
        return EXIT_SUCCESS;
    }
    self.service = service;
    self.started_ms = clock_mono_ms();
    if (argc > 1)
        err_set(&err, ERR_INVALID, "unknown argument %s; --help lists what there is", argv[1]);
    else
        load_config(&self, &err);
    if (err.kind != ERR_NONE) {
        complain(&self, &err);
        config_free(&self.config);
        return EXIT_CONFIG;
    }
    start_frugal(worker_threads(&self), argv);
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, 1024 * 1024); /* fixed: what a large body took goes back to the system */
    log_init(service->role, self.config.log_level);
    block_signals();
    rc = run(&self);
    config_free(&self.config);
    return rc;
}
