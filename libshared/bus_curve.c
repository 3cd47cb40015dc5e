/* bus_curve.c - beyond loopback: a key pair for the process, and the ZAP handler that lets only the cluster in.
 *
 * CURVE alone lets every key in where no handler answers; ZAP_ENFORCE_DOMAIN
 * makes a missing handler refuse instead. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "libshared/bus_internal.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/log.h"

#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93 /* in the library since 4.3; the header hides it as a draft */
#endif

#define ZAP_DOMAIN "leadwire"

enum {
    ZAP_PARTS_MAX = 16,
    ZAP_PART_SIZE = 256,
    RAW_KEY_SIZE = 32,
    LOOKUPS_PER_S = 20, /* strangers must not keep the database busy */
};

bool bus_address_is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, address, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* ---- the handler ---- */

struct zap {
    struct bus *bus;
    void *socket; /* REP */
    int64_t second;
    int lookups; /* in this second */
};

enum verdict { LET_IN, TRY_LATER, REFUSE };

static bool is_peer(struct bus *bus, const char *key)
{
    bool found = false;

    pthread_mutex_lock(&bus->lock);
    for (size_t i = 0; i < bus->n_peers && !found; i++)
        found = strcmp(bus->peers[i].public_key, key) == 0;
    pthread_mutex_unlock(&bus->lock);
    return found;
}

static enum verdict judge(struct zap *self, const char *key)
{
    int64_t second = clock_mono_ms() / 1000;

    if (strcmp(key, self->bus->me.public_key) == 0 || is_peer(self->bus, key))
        return LET_IN;
    if (!self->bus->key_is_known)
        return REFUSE;
    if (second != self->second) {
        self->second = second;
        self->lookups = 0;
    }
    if (self->lookups++ >= LOOKUPS_PER_S)
        return TRY_LATER;
    return self->bus->key_is_known(self->bus->arg, key) ? LET_IN : REFUSE;
}

/* A request as RFC 27 has it: version, request id, domain, address, routing id, mechanism, credentials. */
struct zap_request {
    char part[ZAP_PARTS_MAX][ZAP_PART_SIZE];
    size_t len[ZAP_PARTS_MAX];
    int n;
};

/* 0; 1 if it is not one to be read; -1 when the context ends. */
static int zap_receive(struct zap *self, struct zap_request *request)
{
    int more = 1;
    size_t size = sizeof more;
    bool bad = false;

    for (request->n = 0; more; request->n++) {
        int at = request->n < ZAP_PARTS_MAX ? request->n : ZAP_PARTS_MAX - 1;
        int len = zmq_recv(self->socket, request->part[at], ZAP_PART_SIZE, 0);

        if (len < 0 && errno == EINTR) {
            request->n--;
            continue;
        }
        if (len < 0)
            return -1;
        bad |= len > ZAP_PART_SIZE;
        request->len[at] = len > ZAP_PART_SIZE ? ZAP_PART_SIZE : (size_t)len;
        if (zmq_getsockopt(self->socket, ZMQ_RCVMORE, &more, &size) < 0)
            return -1;
    }
    return bad || request->n < 7 || request->n > ZAP_PARTS_MAX;
}

static bool part_is(const struct zap_request *request, int at, const char *text)
{
    return request->len[at] == strlen(text) && memcmp(request->part[at], text, request->len[at]) == 0;
}

static int zap_reply(struct zap *self, const struct zap_request *request, enum verdict verdict, const char *user)
{
    const char *status = verdict == LET_IN ? "200" : verdict == TRY_LATER ? "300" : "400";
    const char *text = verdict == LET_IN ? "OK" : "not a key of this cluster";

    if (verdict != LET_IN)
        user = "";
    if (zmq_send(self->socket, "1.0", 3, ZMQ_SNDMORE) < 0 ||
        zmq_send(self->socket, request->part[1], request->n > 1 ? request->len[1] : 0, ZMQ_SNDMORE) < 0 ||
        zmq_send(self->socket, status, 3, ZMQ_SNDMORE) < 0 ||
        zmq_send(self->socket, text, strlen(text), ZMQ_SNDMORE) < 0 ||
        zmq_send(self->socket, user, strlen(user), ZMQ_SNDMORE) < 0)
        return -1;
    return zmq_send(self->socket, "", 0, 0) < 0 ? -1 : 0;
}

static void *zap_thread(void *arg)
{
    struct bus *bus = arg;
    struct zap self = {.bus = bus};
    struct zap_request request;
    char key[BUS_KEY_SIZE];
    int rc;

    self.socket = zmq_socket(bus->context, ZMQ_REP);
    if (!self.socket)
        return NULL; /* nobody comes in: ZAP_ENFORCE_DOMAIN */
    if (zmq_bind(self.socket, "inproc://zeromq.zap.01") == 0) {
        while ((rc = zap_receive(&self, &request)) >= 0) {
            enum verdict verdict = REFUSE;

            key[0] = '\0';
            if (rc == 0 && part_is(&request, 0, "1.0") && part_is(&request, 2, ZAP_DOMAIN) &&
                part_is(&request, 5, "CURVE") && request.len[6] == RAW_KEY_SIZE &&
                zmq_z85_encode(key, (const uint8_t *)request.part[6], RAW_KEY_SIZE))
                verdict = judge(&self, key);
            if (verdict == REFUSE)
                bus->handshakes_denied++;
            if (zap_reply(&self, &request, verdict, key) < 0 && errno == ETERM)
                break;
        }
    }
    zmq_close(self.socket);
    return NULL;
}

/* ---- keys ---- */

int bus_curve_start(struct bus *self, struct err *err)
{
    pthread_attr_t attr;
    int rc;

    if (!zmq_has("curve"))
        return err_set_field(err, ERR_INVALID, "LEADWIRE_BIND_ADDRESS",
                             "bus: this libzmq has no CURVE: only a loopback address can be bound");
    if (zmq_curve_keypair(self->public_key, self->secret_key) < 0)
        return err_set(err, ERR_INTERNAL, "bus: key pair: %s", zmq_strerror(errno));
    memcpy(self->me.public_key, self->public_key, sizeof self->me.public_key);

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 1024 * 1024);
    rc = pthread_create(&self->zap_thread, &attr, zap_thread, self);
    pthread_attr_destroy(&attr);
    if (rc != 0)
        return err_set(err, ERR_INTERNAL, "bus: thread: %s", strerror(rc));
    self->zap_runs = true;
    return 0;
}

int bus_curve_setup_server(struct bus *self, void *socket, struct err *err)
{
    const int one = 1;

    if (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &one, sizeof one) < 0 ||
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, self->secret_key, BUS_KEY_SIZE) < 0 ||
        zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) < 0 ||
        zmq_setsockopt(socket, ZMQ_ZAP_ENFORCE_DOMAIN, &one, sizeof one) < 0)
        return err_set(err, ERR_INTERNAL, "bus: CURVE: %s", zmq_strerror(errno));
    return 0;
}

int bus_curve_setup_client(struct bus *self, void *socket, const struct bus_peer *peer)
{
    if (!peer->public_key[0]) {
        /* Plain only within this machine. */
        return !self->curve || strncmp(peer->mailbox, "tcp://127.", 10) == 0 ||
                       strncmp(peer->mailbox, "tcp://[::1]", 11) == 0
                   ? 0
                   : -1;
    }
    if (!self->curve)
        return -1; /* it would not know our key */
    if (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, peer->public_key, BUS_KEY_SIZE) < 0 ||
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, self->public_key, BUS_KEY_SIZE) < 0 ||
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, self->secret_key, BUS_KEY_SIZE) < 0)
        return -1;
    return 0;
}
