/* bus.c - the thread that owns every socket: its queue, its loop, what it receives. */
#include "libshared/bus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/bus_internal.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "proto/messages.h"

enum {
    MAILBOX_HIGH_WATER_MARK = 1000,
    EVENTS_HIGH_WATER_MARK = 1000,
    RECEIVE_AT_ONCE = 256, /* frames, before the queue is looked at again */
    THREAD_STACK = 1024 * 1024,
};

/* ---- the queue ---- */

struct outgoing *bus_outgoing_new(enum outgoing_kind kind, const char *to, const void *frame, size_t len)
{
    struct outgoing *out;

    if (len > CODEC_FRAME_MAX || !(out = calloc(1, sizeof *out + len)))
        return NULL;
    out->kind = kind;
    snprintf(out->to, sizeof out->to, "%s", to);
    out->len = len;
    memcpy(out->frame, frame, len);
    return out;
}

static void wake(struct bus *self)
{
    uint64_t one = 1;

    while (write(self->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

int bus_enqueue(struct bus *self, struct outgoing *out)
{
    bool full, first = false;

    pthread_mutex_lock(&self->lock);
    full = self->n_queued >= BUS_QUEUE_MAX || self->queued_bytes + out->len > BUS_QUEUE_BYTES_MAX;
    if (!full) {
        first = !self->queue_head;
        *(first ? &self->queue_head : &self->queue_tail->next) = out;
        self->queue_tail = out;
        self->n_queued++;
        self->queued_bytes += out->len;
    }
    pthread_mutex_unlock(&self->lock);

    if (first)
        wake(self);
    if (!full)
        return 0;
    self->refused++;
    free(out);
    return -1;
}

/* Takes what is queued and what the peers have become. Returns whether the bus is being closed. */
static bool take_commands(struct bus *self)
{
    struct outgoing *out;
    struct bus_peer *peers = NULL;
    size_t n_peers = 0;
    bool changed, stopping;

    pthread_mutex_lock(&self->lock);
    out = self->queue_head;
    self->queue_head = self->queue_tail = NULL;
    self->n_queued = self->queued_bytes = 0;
    stopping = self->stopping;
    changed = self->peers_changed;
    if (changed && self->n_peers && (peers = calloc(self->n_peers, sizeof *peers))) {
        n_peers = self->n_peers;
        memcpy(peers, self->peers, n_peers * sizeof *peers);
    }
    self->peers_changed = false;
    pthread_mutex_unlock(&self->lock);

    if (changed)
        bus_links_follow(self, peers, n_peers);
    free(peers);
    while (out) {
        struct outgoing *next = out->next;

        out->next = NULL;
        bus_links_send(self, out);
        out = next;
    }
    return stopping;
}

/* ---- receiving ---- */

static void drop_malformed(struct bus *self, const char *why, size_t len)
{
    int64_t now = clock_mono_ms();

    self->malformed++;
    if (now < self->quiet_until_ms)
        return;
    self->quiet_until_ms = now + 1000; /* a flood must not fill the log */
    log_warn("malformed frame dropped", log_str("why", why), log_int("bytes", len),
             log_int("malformed_so_far", self->malformed));
}

static void receive_frame(struct bus *self, const void *frame, size_t len)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(2 * CODEC_FRAME_MAX);
    struct envelope env;
    struct err err = {0};

    if (!arena)
        return; /* no memory: as if it had been lost on its way */
    if (codec_unpack(&envelope_type, frame, len, arena, &env, &err) < 0) {
        drop_malformed(self, err.text, len);
        return;
    }
    self->received++;
    if (env.correlation_id) {
        if (!bus_ask_deliver(self, env.correlation_id, frame, len))
            self->answers_late++;
        return;
    }
    if (!message_type_find(env.type))
        self->unknown++;
    if (self->on_message)
        self->on_message(self->arg, &env, frame, len);
}

/* Returns whether there may be more. */
static bool receive(struct bus *self)
{
    for (int i = 0; i < RECEIVE_AT_ONCE; i++) {
        zmq_msg_t msg;
        int rc, parts = 0;

        zmq_msg_init(&msg);
        do
            rc = zmq_msg_recv(&msg, self->mailbox, ZMQ_DONTWAIT);
        while (rc >= 0 && zmq_msg_more(&msg) && ++parts); /* a frame has one part; the rest is read away */
        if (rc >= 0 && parts > 0)
            drop_malformed(self, "more than one part", zmq_msg_size(&msg));
        else if (rc >= 0)
            receive_frame(self, zmq_msg_data(&msg), zmq_msg_size(&msg));
        zmq_msg_close(&msg);
        if (rc < 0 && errno != EINTR)
            return false;
    }
    return true;
}

/* ---- the thread ---- */

/* ZeroMQ's descriptor tells that something has changed since the mailbox was read until it was empty: so it is waited
 * for with one poll, where zmq_poll takes four. */
static void wait_for_work(struct bus *self, int timeout_ms)
{
    struct pollfd items[] = {
        {.fd = self->mailbox_fd, .events = POLLIN},
        {.fd = self->wake_fd, .events = POLLIN},
    };
    uint64_t count;

    if (poll(items, COUNT_OF(items), timeout_ms) > 0 && items[1].revents)
        while (read(self->wake_fd, &count, sizeof count) < 0 && errno == EINTR)
            ;
}

static void *bus_thread(void *arg)
{
    struct bus *self = arg;
    int64_t close_at_ms = 0;
    bool more = true; /* the mailbox was not read until it was empty */

    for (;;) {
        bool stopping = take_commands(self), waiting = bus_links_flush(self);

        if (stopping && !close_at_ms)
            close_at_ms = clock_mono_ms() + BUS_CLOSE_MS;
        if (stopping && (!waiting || clock_mono_ms() >= close_at_ms))
            break;
        wait_for_work(self, more ? 0 : waiting ? BUS_RETRY_MS : -1);
        more = receive(self);
    }
    bus_links_end(self);
    zmq_close(self->mailbox);
    zmq_close(self->events);
    return NULL;
}

/* ---- making and ending ---- */

int bus_socket_setup(void *socket, int high_water_mark)
{
    const int64_t max_size = CODEC_FRAME_MAX + 1024;
    const struct {
        int option, value;
    } options[] = {
        {ZMQ_SNDHWM, high_water_mark},
        {ZMQ_RCVHWM, high_water_mark},
        {ZMQ_SNDTIMEO, 0},
        {ZMQ_LINGER, BUS_CLOSE_MS},
        {ZMQ_IMMEDIATE, 1},
        {ZMQ_HEARTBEAT_IVL, 2000},
        {ZMQ_HEARTBEAT_TIMEOUT, 6000},
        {ZMQ_HEARTBEAT_TTL, 6000},
        {ZMQ_RECONNECT_IVL, 100},
        {ZMQ_RECONNECT_IVL_MAX, 5000},
        {ZMQ_HANDSHAKE_IVL, 3000},
        {ZMQ_TCP_MAXRT, 10000},
        {ZMQ_IPV6, 1},
    };

    for (size_t i = 0; i < COUNT_OF(options); i++)
        if (zmq_setsockopt(socket, options[i].option, &options[i].value, sizeof options[i].value) < 0)
            return -1;
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_size, sizeof max_size);
}

/* Binds to a port of the system's choice and writes what others connect to. */
static int bind_socket(struct bus *self, void *socket, int high_water_mark, const struct bus_options *options,
                       char out[BUS_ADDRESS_SIZE], struct err *err)
{
    const char *advertise = options->advertise_address ? options->advertise_address : options->bind_address;
    char endpoint[BUS_ADDRESS_SIZE];
    size_t size = sizeof endpoint;
    const char *port;

    if (!socket || bus_socket_setup(socket, high_water_mark) < 0)
        return err_set(err, ERR_INTERNAL, "bus: socket: %s", zmq_strerror(errno));
    if (self->curve && bus_curve_setup_server(self, socket, err) < 0)
        return -1;
    snprintf(endpoint, sizeof endpoint, strchr(options->bind_address, ':') ? "tcp://[%s]:*" : "tcp://%s:*",
             options->bind_address);
    if (zmq_bind(socket, endpoint) < 0)
        return err_set_field(err, ERR_INVALID, "LEADWIRE_BIND_ADDRESS", "bus: cannot bind to %s: %s", endpoint,
                             zmq_strerror(errno));
    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) < 0 || !(port = strrchr(endpoint, ':')))
        return err_set(err, ERR_INTERNAL, "bus: endpoint: %s", zmq_strerror(errno));
    if (snprintf(out, BUS_ADDRESS_SIZE, strchr(advertise, ':') ? "tcp://[%s]%s" : "tcp://%s%s", advertise, port) >=
        BUS_ADDRESS_SIZE)
        return err_set_field(err, ERR_INVALID, "LEADWIRE_ADVERTISE_ADDRESS", "bus: advertised address is too long");
    return 0;
}

static int start_thread(struct bus *self, struct err *err)
{
    pthread_attr_t attr;
    int rc;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    rc = pthread_create(&self->thread, &attr, bus_thread, self);
    pthread_attr_destroy(&attr);
    if (rc != 0)
        return err_set(err, ERR_INTERNAL, "bus: thread: %s", strerror(rc));
    self->thread_runs = true;
    return 0;
}

struct bus *bus_new(const struct bus_options *options, struct err *err)
{
    AUTO(bus_destroy) struct bus *self = calloc(1, sizeof *self);
    size_t fd_size = sizeof self->mailbox_fd;

    if (!self) {
        err_set(err, ERR_INTERNAL, "bus: out of memory");
        return NULL;
    }
    pthread_mutex_init(&self->lock, NULL);
    pthread_mutex_init(&self->asks_lock, NULL);
    self->on_message = options->on_message;
    self->key_is_known = options->key_is_known;
    self->arg = options->arg;
    self->curve = !bus_address_is_loopback(options->bind_address);
    uuid_new(self->me.instance);
    snprintf(self->me.role, sizeof self->me.role, "%s", options->role);
    self->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->context = zmq_ctx_new();
    if (self->wake_fd < 0 || !self->context) {
        err_set(err, ERR_INTERNAL, "bus: %s", strerror(errno));
        return NULL;
    }
    zmq_ctx_set(self->context, ZMQ_MAX_SOCKETS, BUS_PEERS_MAX + 16);
    if (self->curve && bus_curve_start(self, err) < 0)
        return NULL;
    self->mailbox = zmq_socket(self->context, ZMQ_PULL);
    self->events = zmq_socket(self->context, ZMQ_PUB);
    if (bind_socket(self, self->mailbox, MAILBOX_HIGH_WATER_MARK, options, self->me.mailbox, err) < 0 ||
        bind_socket(self, self->events, EVENTS_HIGH_WATER_MARK, options, self->me.events, err) < 0)
        return NULL;
    if (zmq_getsockopt(self->mailbox, ZMQ_FD, &self->mailbox_fd, &fd_size) < 0) {
        err_set(err, ERR_INTERNAL, "bus: %s", zmq_strerror(errno));
        return NULL;
    }
    if (start_thread(self, err) < 0)
        return NULL;
    return TAKE(self);
}

void bus_destroy(struct bus **self_p)
{
    struct bus *self = *self_p;

    if (!self)
        return;
    if (self->thread_runs) {
        pthread_mutex_lock(&self->lock);
        self->stopping = true;
        pthread_mutex_unlock(&self->lock);
        wake(self);
        pthread_join(self->thread, NULL);
    } else {
        if (self->mailbox)
            zmq_close(self->mailbox);
        if (self->events)
            zmq_close(self->events);
    }
    if (self->context) {
        zmq_ctx_shutdown(self->context); /* ends the ZAP handler */
        if (self->zap_runs)
            pthread_join(self->zap_thread, NULL);
        while (zmq_ctx_term(self->context) < 0 && errno == EINTR)
            ;
    }
    if (self->wake_fd >= 0)
        close(self->wake_fd);
    for (struct outgoing *out = self->queue_head, *next; out; out = next) {
        next = out->next;
        free(out);
    }
    free(self->peers);
    bus_asks_end(self);
    pthread_mutex_destroy(&self->lock);
    pthread_mutex_destroy(&self->asks_lock);
    explicit_bzero(self->secret_key, sizeof self->secret_key);
    free(self);
    *self_p = NULL; /* not before the threads have ended: on_message may use it */
}

const struct bus_peer *bus_self(const struct bus *self)
{
    return &self->me;
}

/* ---- what other threads ask for ---- */

void bus_set_peers(struct bus *self, const struct bus_peer *peers, size_t n)
{
    struct bus_peer *copy;

    if (n > BUS_PEERS_MAX) {
        log_warn("too many peers: the rest is not connected to", log_int("peers", n), log_int("limit", BUS_PEERS_MAX));
        n = BUS_PEERS_MAX;
    }
    if (!(copy = calloc(n + 1, sizeof *copy)))
        return; /* the registry tells again in a few seconds */
    if (n)
        memcpy(copy, peers, n * sizeof *copy);
    pthread_mutex_lock(&self->lock);
    free(self->peers);
    self->peers = copy;
    self->n_peers = n;
    self->peers_changed = true;
    pthread_mutex_unlock(&self->lock);
    wake(self);
}

bool bus_has_role(struct bus *self, const char *role)
{
    bool found = false;

    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->n_peers && !found; i++)
        found = strcmp(self->peers[i].role, role) == 0;
    pthread_mutex_unlock(&self->lock);
    return found;
}

void bus_stats(struct bus *self, struct bus_stats *ret_stats)
{
    *ret_stats = (struct bus_stats){
        .sent = self->sent,
        .refused = self->refused,
        .received = self->received,
        .malformed = self->malformed,
        .unknown = self->unknown,
        .answers_late = self->answers_late,
        .handshakes_denied = self->handshakes_denied,
    };
}
