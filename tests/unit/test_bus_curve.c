/* Beyond loopback: who is let in. The sockets are bound to 0.0.0.0 and connected to as 127.0.0.1. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <zmq.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/bus_internal.h"
#include "libshared/err.h"
#include "tests/unit/busfix.h"

#define ID "018f0000-0000-7000-8000-000000000001"

static struct inbox inside, member;

static void open_both(void)
{
    inbox_open(&inside, "knowledge", "0.0.0.0");
    inbox_open(&member, "gateway", "0.0.0.0");
    introduce((struct inbox *[]){&inside, &member}, 2);
}

static void close_both(void)
{
    inbox_close(&inside);
    inbox_close(&member);
}

TestSuite(bus_curve, .init = open_both, .fini = close_both, .timeout = 60);

static int member_asks(void)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct empty request = {.ok = true}, reply;
    struct bus_request what = {.role = "knowledge", .timeout_ms = 10000, .type = &empty_type, .msg = &request};
    struct err err = {0};

    inside.answer_after_ms = 0;
    return bus_ask(member.bus, &what, &empty_type, arena, &reply, &err);
}

static void valid_frame(struct buf *frame)
{
    struct envelope env = {.v = 1, .id = ID, .type = "empty", .attempt = 1};

    cr_assert(eq(int, codec_pack(&envelope_type, &env, frame, NULL), 0));
}

enum kind { PLAIN, UNKNOWN_KEY };

/* Tries for a second to get a frame in. */
static void stranger_tries(const char *address, enum kind kind, bool subscribe)
{
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, subscribe ? ZMQ_SUB : ZMQ_PUSH);
    char public_key[41], secret_key[41], byte;
    int linger = 1000, timeout = 1000;
    AUTO(buf_free) struct buf frame = {0};

    valid_frame(&frame);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    if (kind == UNKNOWN_KEY) {
        zmq_curve_keypair(public_key, secret_key);
        zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, bus_self(inside.bus)->public_key, 41);
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public_key, 41);
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key, 41);
    }
    if (subscribe)
        zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    cr_assert(eq(int, zmq_connect(socket, address), 0));
    if (subscribe) {
        for (int i = 0; i < 20; i++) {
            bus_publish(inside.bus, "lead.hot", ID, NULL, NULL);
            sleep_ms(20);
        }
        cr_expect(lt(int, zmq_recv(socket, &byte, 1, 0), 0));
    } else {
        zmq_send(socket, frame.data, frame.len, 0);
    }
    zmq_close(socket);
    zmq_ctx_term(context);
}

Test(bus_curve, processes_beyond_loopback_have_keys)
{
    cr_expect(eq(sz, strlen(bus_self(inside.bus)->public_key), 40));
    cr_expect(ne(str, (char *)bus_self(inside.bus)->public_key, (char *)bus_self(member.bus)->public_key));
}

Test(bus_curve, members_reach_each_other)
{
    cr_expect(eq(int, member_asks(), 0));
}

Test(bus_curve, a_client_without_curve_gets_nothing_in)
{
    stranger_tries(bus_self(inside.bus)->mailbox, PLAIN, false);
    cr_expect(eq(int, member_asks(), 0)); /* behind whatever the stranger had sent */
    cr_expect(eq(int, inbox_count(&inside), 1));
}

Test(bus_curve, an_unknown_key_gets_nothing_in)
{
    stranger_tries(bus_self(inside.bus)->mailbox, UNKNOWN_KEY, false);
    cr_expect(eventually(stats_of(inside.bus).handshakes_denied > 0));
    cr_expect(eq(int, member_asks(), 0));
    cr_expect(eq(int, inbox_count(&inside), 1));
    cr_expect(gt(int, (int)inside.keys_asked, 0));
}

Test(bus_curve, strangers_hear_no_events)
{
    stranger_tries(bus_self(inside.bus)->events, PLAIN, true);
    stranger_tries(bus_self(inside.bus)->events, UNKNOWN_KEY, true);
}

/* This is what the tests above would look like if the door were open. */
Test(bus_curve, a_key_that_the_registry_knows_is_let_in)
{
    inside.key_is_known = true;
    stranger_tries(bus_self(inside.bus)->mailbox, UNKNOWN_KEY, false);
    cr_expect(eventually(inbox_count(&inside) == 1));
    cr_expect(eq(i64, stats_of(inside.bus).handshakes_denied, 0));
}

Test(bus_curve, a_member_that_was_refused_while_unknown_gets_in_later)
{
    struct inbox newcomer;
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct empty request = {.ok = true}, reply;
    struct bus_request what = {.role = "knowledge", .timeout_ms = 20000, .type = &empty_type, .msg = &request};
    struct bus_peer peers[2];
    struct task_ref ref = {.client_id = ID, .task_id = ID};
    struct err err = {0};

    inbox_open(&newcomer, "delivery", "0.0.0.0");
    peers[0] = *bus_self(newcomer.bus);
    peers[1] = *bus_self(inside.bus);
    bus_set_peers(newcomer.bus, peers, 2);
    bus_push_tasks(newcomer.bus, "knowledge", &ref, 1);
    cr_expect(eventually(stats_of(inside.bus).handshakes_denied > 0));

    inside.answer_after_ms = 0;
    bus_set_peers(inside.bus, peers, 2);
    cr_expect(eq(int, bus_ask(newcomer.bus, &what, &empty_type, arena, &reply, &err), 0), "%s", err.text);
    inbox_close(&newcomer);
}

Test(bus_curve, no_plain_connection_leaves_the_machine)
{
    struct bus_peer plain = {.role = "delivery", .mailbox = "tcp://192.0.2.1:1"};
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_PUSH);

    cr_expect(eq(int, bus_curve_setup_client(inside.bus, socket, &plain), -1));
    snprintf(plain.mailbox, sizeof plain.mailbox, "tcp://127.0.0.1:1");
    cr_expect(eq(int, bus_curve_setup_client(inside.bus, socket, &plain), 0));
    zmq_close(socket);
    zmq_ctx_term(context);
}

Test(bus_address, loopback_is_recognised)
{
    cr_expect(bus_address_is_loopback("127.0.0.1"));
    cr_expect(bus_address_is_loopback("127.9.9.9"));
    cr_expect(bus_address_is_loopback("::1"));
    cr_expect(not(bus_address_is_loopback("0.0.0.0")));
    cr_expect(not(bus_address_is_loopback("::")));
    cr_expect(not(bus_address_is_loopback("10.0.0.1")));
    cr_expect(not(bus_address_is_loopback("127.0.0.1.example.com")));
    cr_expect(not(bus_address_is_loopback("")));
}

Test(bus_address, an_address_that_is_not_ours_is_refused_by_name)
{
    struct bus_options options = {.role = "gateway", .bind_address = "192.0.2.1"};
    struct err err = {0};

    cr_expect(eq(ptr, bus_new(&options, &err), NULL));
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(eq(str, err.field, (char *)"LEADWIRE_BIND_ADDRESS"));
}
