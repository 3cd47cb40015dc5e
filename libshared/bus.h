/* bus.h - the process's two network sockets: its mailbox (PULL) and its events (PUB).
 *
 * One thread of the bus owns every ZeroMQ socket; all functions here may be
 * called from any thread and hand their work to it through a locked queue. No
 * send ever blocks: what a full or absent peer does not take is counted and
 * dropped, because a push is a hint and the sweep repairs it.
 *
 * Bound to a loopback address the sockets are plain. Beyond loopback they use
 * CURVE with a key pair made at start; the public keys of the cluster are those
 * in the registry (table mailboxes), and a ZAP handler lets no other in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct bus;
struct envelope;
struct err;
struct message_type;
struct task_ref;

#define BUS_ADDRESS_SIZE 128
#define BUS_KEY_SIZE     41 /* Z85 and the NUL */

/* A process as the registry knows it. */
struct bus_peer {
    char instance[37];
    char role[32];
    char mailbox[BUS_ADDRESS_SIZE]; /* tcp://10.0.0.5:41234 */
    char events[BUS_ADDRESS_SIZE];
    char public_key[BUS_KEY_SIZE]; /* "" when the peer is on loopback */
};

struct bus_options {
    const char *role;
    const char *bind_address;      /* an IP address of this machine; 127.0.0.1 */
    const char *advertise_address; /* what the others connect to; NULL: bind_address */

    /* A frame for this process that is neither an answer nor malformed. Called in the bus thread: must not block.
     * env and all it points to are freed after the call; frame is the whole message for keeping. */
    void (*on_message)(void *arg, const struct envelope *env, const void *frame, size_t len);
    void *arg;

    /* Whether a public key (Z85) belongs to the cluster: asked by the ZAP thread when the known peers do not have it.
     */
    bool (*key_is_known)(void *arg, const char *public_key);
};

/* Binds both sockets to ports of the system's choice and starts the thread. */
struct bus *bus_new(const struct bus_options *options, struct err *err);

/* Sends what is queued for at most 1 s, then closes. */
void bus_destroy(struct bus **self_p);

/* This process as it should be registered. */
const struct bus_peer *bus_self(const struct bus *self);

/* Tells who is alive: connects to the new, disconnects from the gone. Copied. Own instance may be among them. */
void bus_set_peers(struct bus *self, const struct bus_peer *peers, size_t n);

/* Whether any live mailbox of that role is known. */
bool bus_has_role(struct bus *self, const char *role);

/* Tells a role that tasks wait (in envelopes of up to 64). */
void bus_push_tasks(struct bus *self, const char *role, const struct task_ref *refs, size_t n);

/* Publishes an event: ZeroMQ topic = type, then the envelope. msg may be NULL. */
void bus_publish(struct bus *self, const char *type, const char *client_id, const struct message_type *msg_type,
                 const void *msg);

struct bus_request {
    const char *role;                                   /* who shall answer */
    const char *client_id, *trace_id, *idempotency_key; /* each may be NULL */
    int timeout_ms;
    const struct message_type *type; /* of msg */
    const void *msg;
};

/* Asks a role and waits for the answer, which is decoded into arena. 0 and *ret_reply (reply_type->size bytes), or -1:
 * the answerer's problem, or ERR_UNAVAILABLE when nobody of that role is alive or no answer came in time.
 * Not from the bus thread. */
int bus_ask(struct bus *self, const struct bus_request *request, const struct message_type *reply_type,
            struct arena *arena, void *ret_reply, struct err *err);

/* Answers env. msg_type may be &problem_type. Does nothing if env wants no answer. */
void bus_answer(struct bus *self, const struct envelope *env, const struct message_type *msg_type, const void *msg);
/* The same with the body already packed. type is the message's name. */
void bus_answer_packed(struct bus *self, const struct envelope *env, const char *type, const void *body, size_t len);

struct bus_stats {
    int64_t sent, refused, received, malformed, unknown, answers_late, handshakes_denied;
};
void bus_stats(struct bus *self, struct bus_stats *ret_stats);
