/* tap.c - leadctl tap: every event of every live process, one JSON object a line.
 *
 * Events are for listening: what is published while nobody is connected is not kept. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/bus.h"
#include "libshared/clock.h"
#include "libshared/codec.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/registry.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "tools/leadctl/ctl.h"

#define PEERS_MAX   256
#define LOOK_MS     1000 /* between looks at the registry: for new processes, and to stay registered */
#define EVENT_BYTES (8 * 1024 * 1024)

struct tap {
    void *context, *socket; /* SUB */
    char instance[UUID_SIZE];
    char public_key[BUS_KEY_SIZE], secret_key[BUS_KEY_SIZE];
    bool registered; /* our key is in the registry: some process speaks CURVE */
    char connected[PEERS_MAX][BUS_ADDRESS_SIZE];
    size_t n_connected;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static int zmq_failed(struct err *err, const char *what)
{
    return err_set(err, ERR_INTERNAL, "%s: %s", what, zmq_strerror(errno));
}

static int tap_open(struct tap *tap, const char *prefix, struct err *err)
{
    const int linger = 0, heartbeat_ms = 2000, timeout_ms = 6000, max_queued = 10000;
    const int64_t max_bytes = CODEC_FRAME_MAX;

    uuid_new(tap->instance);
    if (!(tap->context = zmq_ctx_new()) || !(tap->socket = zmq_socket(tap->context, ZMQ_SUB)))
        return zmq_failed(err, "no socket");
    zmq_setsockopt(tap->socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(tap->socket, ZMQ_HEARTBEAT_IVL, &heartbeat_ms, sizeof heartbeat_ms);
    zmq_setsockopt(tap->socket, ZMQ_HEARTBEAT_TIMEOUT, &timeout_ms, sizeof timeout_ms);
    zmq_setsockopt(tap->socket, ZMQ_RCVHWM, &max_queued, sizeof max_queued);
    zmq_setsockopt(tap->socket, ZMQ_MAXMSGSIZE, &max_bytes, sizeof max_bytes);
    if (zmq_setsockopt(tap->socket, ZMQ_SUBSCRIBE, prefix, strlen(prefix)) < 0)
        return zmq_failed(err, "no subscription");
    return 0;
}

static void tap_close(struct tap *tap, struct db_pool *db)
{
    if (tap->socket)
        zmq_close(tap->socket);
    if (tap->context)
        zmq_ctx_term(tap->context);
    if (tap->registered)
        db_run(db, NULL, NULL, NULL, "DELETE FROM mailboxes WHERE instance = $1", db_text(tap->instance));
}

/* Only keys of the registry are let in: a tap is in it under its own role, with nothing to connect to. */
static int tap_register(struct tap *tap, struct db_pool *db, struct err *err)
{
    if (!*tap->public_key && zmq_curve_keypair(tap->public_key, tap->secret_key) < 0)
        return zmq_failed(err, "no CURVE key");
    tap->registered = true;
    return db_run(db, NULL, NULL, err,
                  "INSERT INTO mailboxes (instance, role, mailbox, events, public_key, pid, version)"
                  " VALUES ($1, 'leadctl', '', '', $2, $3, $4)"
                  " ON CONFLICT (instance) DO UPDATE SET refreshed_at = now()",
                  db_text(tap->instance), db_text(tap->public_key), db_int(getpid()), db_text(LEADWIRE_VERSION)) < 0
               ? -1
               : 0;
}

static bool is_connected(const struct tap *tap, const char *address)
{
    for (size_t i = 0; i < tap->n_connected; i++)
        if (strcmp(tap->connected[i], address) == 0)
            return true;
    return false;
}

static int tap_connect(struct tap *tap, const char *address, const char *key, struct err *err)
{
    /* A server's key is that of the connections made after it was set. */
    if (*key && (zmq_setsockopt(tap->socket, ZMQ_CURVE_SERVERKEY, key, strlen(key) + 1) < 0 ||
                 zmq_setsockopt(tap->socket, ZMQ_CURVE_PUBLICKEY, tap->public_key, BUS_KEY_SIZE) < 0 ||
                 zmq_setsockopt(tap->socket, ZMQ_CURVE_SECRETKEY, tap->secret_key, BUS_KEY_SIZE) < 0))
        return zmq_failed(err, "the CURVE keys are not taken");
    if (zmq_connect(tap->socket, address) < 0)
        return zmq_failed(err, address);
    snprintf(tap->connected[tap->n_connected++], BUS_ADDRESS_SIZE, "%s", address);
    return 0;
}

/* Connects to those that are new and lets go of those that are gone. */
static int tap_look(struct tap *tap, struct db_pool *db, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    bool fresh = false; /* our row is, where one is needed */

    if (db_run(db, NULL, &rows, err,
               "SELECT events, public_key FROM mailboxes WHERE events <> ''"
               "   AND refreshed_at > now() - make_interval(secs => $1) ORDER BY public_key LIMIT $2",
               db_int(REGISTRY_STALE_S), db_int(PEERS_MAX)) < 0)
        return -1;
    for (size_t i = tap->n_connected; i-- > 0;) {
        bool alive = false;
        for (int row = 0; row < db_result_count(rows) && !alive; row++)
            alive = strcmp(db_get(rows, row, "events"), tap->connected[i]) == 0;
        if (!alive) {
            zmq_disconnect(tap->socket, tap->connected[i]);
            memmove(tap->connected[i], tap->connected[--tap->n_connected], BUS_ADDRESS_SIZE);
        }
    }
    for (int row = 0; row < db_result_count(rows); row++) {
        const char *address = db_get(rows, row, "events"), *key = db_get(rows, row, "public_key");
        if (*key && !fresh && tap_register(tap, db, err) < 0)
            return -1;
        fresh = fresh || *key;
        if (!is_connected(tap, address) && tap->n_connected < PEERS_MAX && tap_connect(tap, address, key, err) < 0)
            return -1;
    }
    return 0;
}

/* The message that an event's body is. */
static const struct message_type *event_type(const char *name)
{
    static const struct {
        const char *prefix;
        const struct message_type *type;
    } types[] = {
        {"message.", &message_event_type}, {"lead.", &lead_event_type},     {"conversation.", &lead_event_type},
        {"task.", &task_event_type},       {"service.", &stats_event_type}, {"knowledge.", &knowledge_event_type},
        {"notice.", &notice_event_type},   {"budget.", &budget_event_type},
    };

    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (strncmp(name, types[i].prefix, strlen(types[i].prefix)) == 0)
            return types[i].type;
    return NULL;
}

static void put_body(struct buf *out, const struct envelope *env, struct arena *arena)
{
    const struct message_type *type = event_type(env->type);
    void *body = type ? arena_alloc(arena, type->size) : NULL;

    if (!body || codec_unpack(type, env->body.data, env->body.len, arena, body, NULL) < 0)
        return;
    buf_puts(out, ",\"body\":");
    codec_to_json(type, body, out, NULL);
}

static void print_event(const void *frame, size_t len)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(EVENT_BYTES);
    AUTO(buf_free) struct buf out = {0};
    struct envelope env;
    char now[CLOCK_TEXT_SIZE];

    if (!arena || codec_unpack(&envelope_type, frame, len, arena, &env, NULL) < 0)
        return;
    clock_format(clock_wall_us(), now);
    buf_printf(&out, "{\"at\":\"%s\",\"event\":", now);
    buf_json_string(&out, env.type);
    buf_puts(&out, ",\"client_id\":");
    buf_json_string(&out, env.client_id);
    buf_puts(&out, ",\"trace_id\":");
    buf_json_string(&out, env.trace_id);
    put_body(&out, &env, arena);
    buf_puts(&out, "}");
    if (out.failed)
        return;
    puts(out.data);
    fflush(stdout);
}

/* An event is two frames, its name and the envelope. 1: one was printed; 0: none waits. */
static int receive(struct tap *tap)
{
    zmq_msg_t part;
    int parts = 0, more = 1;

    while (more) {
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, tap->socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&part);
            return 0;
        }
        more = zmq_msg_more(&part);
        if (++parts == 2 && !more)
            print_event(zmq_msg_data(&part), zmq_msg_size(&part));
        zmq_msg_close(&part);
    }
    return 1;
}

/* The database may go away and come back: what is connected stays. */
static int tap_run(struct tap *tap, struct db_pool *db, struct err *err)
{
    int64_t look_ms = 0;

    while (!interrupted && !ferror(stdout)) {
        zmq_pollitem_t item = {.socket = tap->socket, .events = ZMQ_POLLIN};

        if (clock_mono_ms() >= look_ms) {
            if (tap_look(tap, db, err) < 0 && (look_ms == 0 || err->kind != ERR_UNAVAILABLE))
                return -1;
            look_ms = clock_mono_ms() + LOOK_MS;
        }
        if (zmq_poll(&item, 1, 200) < 0 && errno != EINTR)
            return zmq_failed(err, "waiting for events");
        for (int i = 0; i < 1000 && receive(tap); i++)
            ;
    }
    return 0;
}

int cmd_tap(struct ctl *ctl, struct err *err)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct tap *tap = arena_alloc(ctl->arena, sizeof *tap);
    int rc;

    if (!tap)
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (!ctl_db(ctl, err))
        return -1;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    rc = tap_open(tap, ctl->n_args ? ctl->args[0] : "", err);
    if (rc == 0)
        rc = tap_run(tap, ctl->db, err);
    tap_close(tap, ctl->db);
    return rc;
}
