/* bus_links.c - one PUSH socket for each peer that is sent to. Runs in the bus thread alone.
 *
 * A role's load is shared here, in turn, and who does not take a frame is passed
 * over. Nothing blocks: what nobody takes is tried again until its patience ends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/bus_internal.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "proto/envelope.h"

enum {
    PUSH_HIGH_WATER_MARK = 64,
    HINTS_MAX = 1024,  /* of one role, waiting */
    ROLES_MAX = 32,    /* whose hints wait */
    REFUSED_MAX = 100, /* in a row, */
    REFUSED_MS = 2000, /* for that long: the socket is made anew */
};

/* ---- one link ---- */

static void link_close(struct link *link)
{
    if (link->socket)
        zmq_close(link->socket); /* lingers in the background for what it still holds */
    link->socket = NULL;
    link->refused = 0;
}

static int link_open(struct bus *self, struct link *link)
{
    link->socket = zmq_socket(self->context, ZMQ_PUSH);
    if (!link->socket)
        return -1;
    if (bus_socket_setup(link->socket, PUSH_HIGH_WATER_MARK) < 0 ||
        bus_curve_setup_client(self, link->socket, &link->peer) < 0 ||
        zmq_connect(link->socket, link->peer.mailbox) < 0) {
        link_close(link);
        return -1;
    }
    return 0;
}

/* 0, or -1 when the peer does not take it now. */
static int link_send(struct bus *self, struct link *link, const void *frame, size_t len)
{
    if (!link->socket && link_open(self, link) < 0)
        return -1;
    if (zmq_send(link->socket, frame, len, ZMQ_DONTWAIT) >= 0) {
        link->refused = 0;
        self->sent++;
        return 0;
    }
    /* A connection that was refused by its handshake, or is stuck behind a proxy, never comes back by itself. */
    if (link->refused++ == 0)
        link->refused_since_ms = clock_mono_ms();
    if (link->refused >= REFUSED_MAX && clock_mono_ms() - link->refused_since_ms >= REFUSED_MS)
        link_close(link);
    return -1;
}

/* ---- following the registry ---- */

static bool same_peer(const struct bus_peer *a, const struct bus_peer *b)
{
    return strcmp(a->instance, b->instance) == 0 && strcmp(a->mailbox, b->mailbox) == 0 &&
           strcmp(a->public_key, b->public_key) == 0;
}

static void close_links(struct bus *self)
{
    for (size_t i = 0; i < self->n_links; i++)
        link_close(&self->links[i]);
    free(self->links);
    self->links = NULL;
    self->n_links = 0;
}

void bus_links_follow(struct bus *self, const struct bus_peer *peers, size_t n)
{
    struct link *links = calloc(n + 1, sizeof *links);

    if (!links)
        return;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < self->n_links; k++)
            if (self->links[k].socket && same_peer(&self->links[k].peer, &peers[i])) {
                links[i] = self->links[k];
                self->links[k].socket = NULL;
                break;
            }
        links[i].peer = peers[i]; /* its role may have changed */
    }
    close_links(self);
    self->links = links;
    self->n_links = n;
}

/* ---- sending ---- */

static size_t count_role(const struct bus *self, const char *role)
{
    size_t n = 0;

    for (size_t i = 0; i < self->n_links; i++)
        n += strcmp(self->links[i].peer.role, role) == 0;
    return n;
}

static int send_to_role(struct bus *self, const char *role, const void *frame, size_t len)
{
    for (size_t i = 0; i < self->n_links; i++) {
        size_t at = (self->turn + 1 + i) % self->n_links;

        if (strcmp(self->links[at].peer.role, role) == 0 && link_send(self, &self->links[at], frame, len) == 0) {
            self->turn = at;
            return 0;
        }
    }
    return -1;
}

/* Only a known peer's mailbox: a forged reply address makes us connect nowhere. */
static int send_to_address(struct bus *self, const char *address, const void *frame, size_t len)
{
    for (size_t i = 0; i < self->n_links; i++)
        if (strcmp(self->links[i].peer.mailbox, address) == 0)
            return link_send(self, &self->links[i], frame, len);
    return -1;
}

static void publish(struct bus *self, const struct outgoing *out)
{
    if (zmq_send(self->events, out->to, strlen(out->to), ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0 &&
        zmq_send(self->events, out->frame, out->len, ZMQ_DONTWAIT) >= 0)
        self->sent++;
    else
        self->refused++;
}

/* True once it needs no further try. */
static bool try_send(struct bus *self, struct outgoing *out)
{
    int rc = out->kind == TO_ROLE ? send_to_role(self, out->to, out->frame, out->len)
                                  : send_to_address(self, out->to, out->frame, out->len);

    if (rc == 0)
        return true;
    if (clock_mono_ms() < out->patience_until_ms && !(out->kind == TO_ROLE && count_role(self, out->to) == 0))
        return false;
    self->refused++;
    if (out->ask_id[0])
        bus_ask_give_up(self, out->ask_id);
    return true;
}

void bus_links_send(struct bus *self, struct outgoing *out)
{
    switch (out->kind) {
    case TO_SUBSCRIBERS:
        publish(self, out);
        break;
    case TO_ROLE_AS_HINT:
        bus_links_add_hints(self, out->to, (const struct hint *)out->frame, out->len / sizeof(struct hint));
        break;
    case TO_ROLE:
    case TO_ADDRESS:
        if (try_send(self, out))
            break;
        if (self->n_deferred < BUS_DEFERRED_MAX) {
            out->next = self->deferred;
            self->deferred = out;
            self->n_deferred++;
            return;
        }
        self->refused++;
        if (out->ask_id[0])
            bus_ask_give_up(self, out->ask_id);
        break;
    }
    free(out);
}

/* ---- hints ---- */

static struct hints *hints_of(struct bus *self, const char *role)
{
    struct hints *grown;

    for (size_t i = 0; i < self->n_hints; i++)
        if (strcmp(self->hints[i].role, role) == 0)
            return &self->hints[i];
    if (self->n_hints == ROLES_MAX || !(grown = realloc(self->hints, (self->n_hints + 1) * sizeof *grown)))
        return NULL;
    self->hints = grown;
    grown[self->n_hints] = (struct hints){0};
    snprintf(grown[self->n_hints].role, sizeof grown->role, "%s", role);
    return &grown[self->n_hints++];
}

void bus_links_add_hints(struct bus *self, const char *role, const struct hint *refs, size_t n)
{
    struct hints *hints = hints_of(self, role);
    struct hint *grown;

    if (!hints || hints->n + n > HINTS_MAX) {
        self->refused++;
        return;
    }
    if (hints->n + n > hints->cap) {
        size_t cap = hints->n + n < BUS_HINTS_PER_FRAME ? BUS_HINTS_PER_FRAME : HINTS_MAX;

        if (!(grown = realloc(hints->refs, cap * sizeof *grown))) {
            self->refused++;
            return;
        }
        hints->refs = grown;
        hints->cap = cap;
    }
    if (hints->n == 0)
        hints->patience_until_ms = clock_mono_ms() + BUS_HINT_PATIENCE_MS;
    memcpy(hints->refs + hints->n, refs, n * sizeof *refs);
    hints->n += n;
}

static int send_some_hints(struct bus *self, const struct hints *hints, size_t n)
{
    struct task_ref refs[BUS_HINTS_PER_FRAME];
    struct tasks_ready ready = {.refs = refs, .n_refs = n};
    AUTO(buf_free) struct buf body = {0};
    AUTO(buf_free) struct buf frame = {0};
    char id[UUID_SIZE];
    struct envelope env = {.v = PROTOCOL_VERSION, .id = id, .type = tasks_ready_type.name, .attempt = 1};
    struct err err = {0};

    for (size_t i = 0; i < n; i++)
        refs[i] = (struct task_ref){.client_id = hints->refs[i].client_id, .task_id = hints->refs[i].task_id};
    uuid_new(id);
    if (codec_pack(&tasks_ready_type, &ready, &body, &err) < 0)
        return -1;
    env.body = (struct bytes){.data = (const uint8_t *)body.data, .len = body.len};
    if (codec_pack(&envelope_type, &env, &frame, &err) < 0 || body.failed || frame.failed)
        return -1;
    return send_to_role(self, hints->role, frame.data, frame.len);
}

/* Shares what waits evenly among the role's processes. True if something is left to try again. */
static bool flush_hints(struct bus *self, struct hints *hints)
{
    size_t peers = count_role(self, hints->role), share;

    if (hints->n == 0)
        return false;
    share = peers ? (hints->n + peers - 1) / peers : 0;
    if (share > BUS_HINTS_PER_FRAME)
        share = BUS_HINTS_PER_FRAME;
    while (peers && hints->n > 0) {
        size_t n = hints->n < share ? hints->n : share;

        if (send_some_hints(self, hints, n) < 0)
            break;
        hints->n -= n;
        memmove(hints->refs, hints->refs + n, hints->n * sizeof *hints->refs);
    }
    if (hints->n > 0 && (!peers || clock_mono_ms() >= hints->patience_until_ms)) {
        self->refused++;
        hints->n = 0; /* the sweep repeats them */
    }
    return hints->n > 0;
}

bool bus_links_flush(struct bus *self)
{
    bool waiting = false;

    for (struct outgoing **at = &self->deferred; *at;) {
        struct outgoing *out = *at;

        if (!try_send(self, out)) {
            at = &out->next;
            continue;
        }
        *at = out->next;
        self->n_deferred--;
        free(out);
    }
    for (size_t i = 0; i < self->n_hints; i++)
        waiting |= flush_hints(self, &self->hints[i]);
    return waiting || self->deferred;
}

void bus_links_end(struct bus *self)
{
    close_links(self);
    for (size_t i = 0; i < self->n_hints; i++)
        free(self->hints[i].refs);
    free(self->hints);
    self->hints = NULL;
    self->n_hints = 0;
    for (struct outgoing *out = self->deferred, *next; out; out = next) {
        next = out->next;
        free(out);
    }
    self->deferred = NULL;
}
