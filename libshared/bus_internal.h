/* bus_internal.h - what the files of the bus share; its face is bus.h.
 *
 * bus.c        the thread, its queue, what is received
 * bus_send.c   what other threads give it to send
 * bus_links.c  the PUSH sockets towards the peers
 * bus_ask.c    requests that wait for their answer
 * bus_curve.c  keys, and the ZAP handler that knows who may come in */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/bus.h"
#include "libshared/uuid.h"

#define BUS_QUEUE_MAX          8192
#define BUS_QUEUE_BYTES_MAX    (32 * 1024 * 1024)
#define BUS_DEFERRED_MAX       1024
#define BUS_RETRY_MS           5    /* between attempts for what no peer took yet */
#define BUS_HINT_PATIENCE_MS   100  /* then the sweep is faster */
#define BUS_ANSWER_PATIENCE_MS 1000 /* the asker may be so new that the registry has not told of it yet */
#define BUS_CLOSE_MS           1000
#define BUS_PEERS_MAX          512
#define BUS_HINTS_PER_FRAME    64

enum outgoing_kind { TO_ROLE, TO_ADDRESS, TO_SUBSCRIBERS, TO_ROLE_AS_HINT };

/* What another thread gives to the bus thread. */
struct outgoing {
    struct outgoing *next;
    enum outgoing_kind kind;
    char to[BUS_ADDRESS_SIZE]; /* role, mailbox address or topic, by kind */
    char ask_id[UUID_SIZE];    /* the ask that fails when this cannot be sent; "" if none waits for it */
    int64_t patience_until_ms; /* until then it is tried again; 0: once */
    size_t len;                /* bytes of frame */
    unsigned char frame[];     /* TO_ROLE_AS_HINT: an array of struct hint */
};

struct hint {
    char client_id[UUID_SIZE];
    char task_id[UUID_SIZE];
};

/* Hints of one role that wait to be sent together. */
struct hints {
    char role[32];
    struct hint *refs;
    size_t n, cap;
    int64_t patience_until_ms;
};

/* The way to one peer's mailbox. */
struct link {
    struct bus_peer peer;
    void *socket; /* PUSH; NULL until first used */
    int refused;  /* sends in a row that it did not take */
    int64_t refused_since_ms;
};

struct ask;
struct bell;

struct bus {
    struct bus_peer me;
    void (*on_message)(void *arg, const struct envelope *env, const void *frame, size_t len);
    bool (*key_is_known)(void *arg, const char *public_key);
    void *arg;
    bool curve;
    char public_key[BUS_KEY_SIZE], secret_key[BUS_KEY_SIZE];
    void *context;
    pthread_t thread, zap_thread;
    bool thread_runs, zap_runs;
    int wake_fd;    /* an eventfd: the queue or the peers have changed */
    int mailbox_fd; /* ZeroMQ's: see wait_for_work */

    pthread_mutex_t lock; /* of what follows, to the next comment */
    struct outgoing *queue_head, *queue_tail;
    size_t n_queued, queued_bytes;
    struct bus_peer *peers;
    size_t n_peers;
    bool peers_changed, stopping;

    pthread_mutex_t asks_lock;
    struct ask *asks;
    struct bell *free_bells;

    /* the bus thread's own */
    void *mailbox, *events;
    struct link *links;
    size_t n_links, turn;
    struct hints *hints;
    size_t n_hints;
    struct outgoing *deferred;
    size_t n_deferred;
    int64_t quiet_until_ms; /* no line about a malformed frame before then */

    atomic_int_fast64_t sent, refused, received, malformed, unknown, answers_late, handshakes_denied;
};

/* ---- bus.c ---- */

/* A frame around the body; NULL if out of memory or too large. Its to, ask_id and patience are to be filled. */
struct outgoing *bus_outgoing_new(enum outgoing_kind kind, const char *to, const void *frame, size_t len);

/* Hands it to the bus thread and owns it from here on. -1 if the queue is full: it is freed and counted as refused. */
int bus_enqueue(struct bus *self, struct outgoing *out);

/* The options that every socket of the bus has. 0, or -1 with errno. */
int bus_socket_setup(void *socket, int high_water_mark);

/* ---- bus_links.c: the bus thread only ---- */

/* Follows bus_set_peers. */
void bus_links_follow(struct bus *self, const struct bus_peer *peers, size_t n);
/* Sends it, keeps it for another try, or gives it up. Owns out. */
void bus_links_send(struct bus *self, struct outgoing *out);
void bus_links_add_hints(struct bus *self, const char *role, const struct hint *refs, size_t n);
/* Tries what waits. True if something still does. */
bool bus_links_flush(struct bus *self);
/* Closes the sockets and forgets what still waits. */
void bus_links_end(struct bus *self);

/* ---- bus_ask.c ---- */

/* Gives an answer to who waits for it; false if nobody does (any more). */
bool bus_ask_deliver(struct bus *self, const char *id, const void *frame, size_t len);
/* Tells who waits that nobody could be asked. */
void bus_ask_give_up(struct bus *self, const char *id);

/* When nobody asks any more: releases what askers slept on. */
void bus_asks_end(struct bus *self);

/* ---- bus_curve.c ---- */

bool bus_address_is_loopback(const char *address);
/* Makes the key pair and starts the ZAP handler; to be called before any socket is bound. */
int bus_curve_start(struct bus *self, struct err *err);
int bus_curve_setup_server(struct bus *self, void *socket, struct err *err);
/* 0, or -1 when this peer must not be connected to. */
int bus_curve_setup_client(struct bus *self, void *socket, const struct bus_peer *peer);
