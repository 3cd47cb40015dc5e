/* Two buses in one process, and strangers on raw sockets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <zmq.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/uuid.h"
#include "tests/unit/busfix.h"

#define CLIENT_ID "018f0000-0000-7000-8000-000000000001"

static struct inbox asker, answerer;

static void open_both(void)
{
    inbox_open(&asker, "gateway", "127.0.0.1");
    inbox_open(&answerer, "knowledge", "127.0.0.1");
    introduce((struct inbox *[]){&asker, &answerer}, 2);
}

static void close_both(void)
{
    inbox_close(&asker);
    inbox_close(&answerer);
}

TestSuite(bus, .init = open_both, .fini = close_both, .timeout = 60);

static int ask(int timeout_ms, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct empty request = {.ok = true}, reply = {0};
    struct bus_request what = {
        .role = "knowledge", .client_id = CLIENT_ID, .timeout_ms = timeout_ms, .type = &empty_type, .msg = &request};
    int rc = bus_ask(asker.bus, &what, &empty_type, arena, &reply, err);

    if (rc == 0)
        cr_expect(reply.ok);
    return rc;
}

/* Pushes the frame from a socket that is no bus. */
static void push_raw(const char *address, const void *frame, size_t len, int more_parts)
{
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_PUSH);
    int linger = 2000;

    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    cr_assert(eq(int, zmq_connect(socket, address), 0));
    for (int i = 0; i < more_parts; i++)
        zmq_send(socket, frame, len, ZMQ_SNDMORE);
    zmq_send(socket, frame, len, 0);
    zmq_close(socket);
    zmq_ctx_term(context);
}

Test(bus, hints_reach_the_role)
{
    struct task_ref ref = {.client_id = CLIENT_ID, .task_id = "018f0000-0000-7000-8000-0000000000aa"};

    bus_push_tasks(asker.bus, "knowledge", &ref, 1);
    cr_expect(eventually(inbox_count(&answerer) == 1));
    cr_expect(eq(str, answerer.type, (char *)"tasks_ready"));
    cr_expect(eq(str, answerer.first_task, (char *)ref.task_id));
    cr_expect(eq(int, inbox_count(&asker), 0));
}

Test(bus, many_hints_travel_together)
{
    enum { N = 300 };
    char ids[N][UUID_SIZE];
    struct task_ref refs[N];

    for (int i = 0; i < N; i++) {
        uuid_new(ids[i]);
        refs[i] = (struct task_ref){.client_id = CLIENT_ID, .task_id = ids[i]};
    }
    bus_push_tasks(asker.bus, "knowledge", refs, N);
    cr_expect(eventually(inbox_count(&answerer) > 0 && answerer.n_refs == N));
    cr_expect(inbox_count(&answerer) <= 6, "at most 64 in each frame, %d frames", inbox_count(&answerer));
}

Test(bus, hints_are_shared_among_the_processes_of_a_role)
{
    enum { N = 64 };
    char ids[N][UUID_SIZE];
    struct task_ref refs[N], one = {.client_id = CLIENT_ID, .task_id = CLIENT_ID};
    struct inbox second;

    inbox_open(&second, "knowledge", "127.0.0.1");
    introduce((struct inbox *[]){&asker, &answerer, &second}, 3);
    /* Both are connected to. */
    for (int i = 0; i < 2000 && !(inbox_count(&answerer) && inbox_count(&second)); i++) {
        bus_push_tasks(asker.bus, "knowledge", &one, 1);
        sleep_ms(5);
    }
    sleep_ms(50);
    answerer.n_refs = second.n_refs = 0;
    for (int i = 0; i < N; i++) {
        uuid_new(ids[i]);
        refs[i] = (struct task_ref){.client_id = CLIENT_ID, .task_id = ids[i]};
    }
    bus_push_tasks(asker.bus, "knowledge", refs, N);
    cr_expect(eventually(answerer.n_refs + second.n_refs == N));
    cr_expect(eq(int, (int)answerer.n_refs, N / 2));
    inbox_close(&second);
}

Test(bus, a_hint_for_nobody_is_counted)
{
    struct task_ref ref = {.client_id = CLIENT_ID, .task_id = CLIENT_ID};

    bus_push_tasks(asker.bus, "delivery", &ref, 1);
    cr_expect(eventually(stats_of(asker.bus).refused == 1));
}

Test(bus, a_request_is_answered)
{
    struct err err = {0};

    answerer.answer_after_ms = 0;
    cr_expect(eq(int, ask(5000, &err), 0), "%s", err.text);
    cr_expect(eq(int, inbox_count(&answerer), 1));
    cr_expect(eq(str, answerer.client_id, (char *)CLIENT_ID));
    cr_expect(eq(int, (int)answerer.deadline_ms, 5000));
}

Test(bus, a_problem_travels_back)
{
    struct err err = {0};

    answerer.answer_after_ms = 0;
    answerer.answer_problem = true;
    cr_expect(eq(int, ask(5000, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
    cr_expect(eq(str, err.text, (char *)"no such thing"));
    cr_expect(eq(str, err.field, (char *)"name"));
    cr_expect(eq(int, err.retry_after_s, 7));
}

Test(bus, an_answer_of_another_type_is_refused)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct empty request = {.ok = true};
    struct task_ref reply;
    struct bus_request what = {.role = "knowledge", .timeout_ms = 5000, .type = &empty_type, .msg = &request};
    struct err err = {0};

    answerer.answer_after_ms = 0;
    cr_expect(eq(int, bus_ask(asker.bus, &what, &task_ref_type, arena, &reply, &err), -1));
    cr_expect(eq(int, err.kind, ERR_INTERNAL));
}

Test(bus, an_answer_that_comes_too_late_is_counted)
{
    struct err err = {0};

    answerer.answer_after_ms = 0;
    cr_assert(eq(int, ask(5000, &err), 0)); /* the ways there and back are open */
    answerer.answer_after_ms = 300;
    cr_expect(eq(int, ask(50, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(eventually(stats_of(asker.bus).answers_late == 1));
}

Test(bus, asking_an_absent_role_fails_at_once)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct empty request = {.ok = true}, reply;
    struct bus_request what = {.role = "delivery", .timeout_ms = 3600000, .type = &empty_type, .msg = &request};
    struct err err = {0};

    cr_expect(not(bus_has_role(asker.bus, "delivery")));
    cr_expect(eq(int, bus_ask(asker.bus, &what, &empty_type, arena, &reply, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
}

struct leaver {
    struct bus *bus;
    struct bus_peer only;
};

static void *leave_soon(void *arg)
{
    struct leaver *leaver = arg;

    sleep_ms(100);
    bus_set_peers(leaver->bus, &leaver->only, 1);
    return NULL;
}

Test(bus, asking_a_role_that_leaves_before_it_can_be_reached_fails)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct bus_peer peers[2] = {*bus_self(asker.bus), *bus_self(answerer.bus)};
    struct leaver leaver = {.bus = asker.bus, .only = peers[0]};
    struct empty request = {.ok = true}, reply;
    struct bus_request what = {.role = "delivery", .timeout_ms = 3600000, .type = &empty_type, .msg = &request};
    struct err err = {0};
    pthread_t thread;

    snprintf(peers[1].role, sizeof peers[1].role, "delivery");
    snprintf(peers[1].mailbox, sizeof peers[1].mailbox, "tcp://127.0.0.1:1"); /* nobody listens there */
    bus_set_peers(asker.bus, peers, 2);
    pthread_create(&thread, NULL, leave_soon, &leaver);
    cr_expect(eq(int, bus_ask(asker.bus, &what, &empty_type, arena, &reply, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    pthread_join(thread, NULL);
}

Test(bus, an_answer_goes_only_to_a_known_mailbox)
{
    void *context = zmq_ctx_new(), *trap = zmq_socket(context, ZMQ_PULL);
    char address[128], byte;
    size_t size = sizeof address;
    int timeout = 1500;
    struct empty ok = {.ok = true};
    struct envelope env = {.v = 1, .id = CLIENT_ID, .type = "empty", .reply_to = address};

    cr_assert(eq(int, zmq_bind(trap, "tcp://127.0.0.1:*"), 0));
    zmq_getsockopt(trap, ZMQ_LAST_ENDPOINT, address, &size);
    zmq_setsockopt(trap, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    bus_answer(asker.bus, &env, &empty_type, &ok);
    cr_expect(eventually(stats_of(asker.bus).refused == 1));
    cr_expect(lt(int, zmq_recv(trap, &byte, 1, 0), 0));
    zmq_close(trap);
    zmq_ctx_term(context);
}

Test(bus, an_asker_that_is_not_known_yet_gets_its_answer_once_it_is)
{
    struct bus_peer me = *bus_self(answerer.bus);
    struct err err = {0};

    answerer.answer_after_ms = 100; /* while it sleeps the asker becomes known */
    bus_set_peers(answerer.bus, &me, 1);
    introduce((struct inbox *[]){&asker, &answerer}, 2);
    cr_expect(eq(int, ask(5000, &err), 0), "%s", err.text);
}

Test(bus, an_event_reaches_its_subscribers)
{
    void *context = zmq_ctx_new(), *sub = zmq_socket(context, ZMQ_SUB);
    int timeout = 20;
    char topic[64] = "", frame[4096];
    int n = -1, len = -1;
    struct lead_event event = {.lead_id = CLIENT_ID, .score = "HOT"};
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct envelope env;
    struct lead_event got;
    struct err err = {0};

    zmq_setsockopt(sub, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "lead.", 5);
    cr_assert(eq(int, zmq_connect(sub, bus_self(asker.bus)->events), 0));
    for (int i = 0; i < 500 && n < 0; i++) { /* until the subscription has arrived */
        bus_publish(asker.bus, "message.sent", CLIENT_ID, NULL, NULL);
        bus_publish(asker.bus, "lead.hot", CLIENT_ID, &lead_event_type, &event);
        n = zmq_recv(sub, topic, sizeof topic - 1, 0);
    }
    cr_assert(gt(int, n, 0));
    topic[n] = '\0';
    cr_expect(eq(str, topic, (char *)"lead.hot"));
    len = zmq_recv(sub, frame, sizeof frame, 0);
    cr_assert(gt(int, len, 0));
    cr_assert(eq(int, codec_unpack(&envelope_type, frame, (size_t)len, arena, &env, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)env.type, (char *)"lead.hot"));
    cr_expect(eq(str, (char *)env.client_id, (char *)CLIENT_ID));
    cr_assert(eq(int, codec_unpack(&lead_event_type, env.body.data, env.body.len, arena, &got, &err), 0));
    cr_expect(eq(str, (char *)got.score, (char *)"HOT"));
    zmq_close(sub);
    zmq_ctx_term(context);
}

/* ---- garbage ---- */

static int still_answers(void)
{
    struct err err = {0};

    answerer.answer_after_ms = 0;
    return ask(10000, &err);
}

Test(bus, random_bytes_are_counted_and_harmless)
{
    unsigned char bytes[512];
    int malformed = 0;

    srand(1);
    for (int i = 0; i < 50; i++) {
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (unsigned char)rand();
        bytes[0] = 0xc1; /* never valid msgpack, so that each counts */
        push_raw(bus_self(answerer.bus)->mailbox, bytes, (size_t)(1 + rand() % 512), 0);
        malformed++;
    }
    cr_expect(eventually(stats_of(answerer.bus).malformed == malformed));
    cr_expect(eq(int, inbox_count(&answerer), 0));
    cr_expect(eq(int, still_answers(), 0));
}

Test(bus, an_empty_frame_and_a_frame_of_two_parts_are_counted)
{
    push_raw(bus_self(answerer.bus)->mailbox, "", 0, 0);
    push_raw(bus_self(answerer.bus)->mailbox, "\x80", 1, 1);
    cr_expect(eventually(stats_of(answerer.bus).malformed == 2));
    cr_expect(eq(int, still_answers(), 0));
}

Test(bus, a_frame_of_two_megabytes_does_not_come_in)
{
    size_t len = 2 * 1024 * 1024;
    char *large = calloc(1, len);

    push_raw(bus_self(answerer.bus)->mailbox, large, len, 0);
    cr_expect(eq(int, still_answers(), 0));
    cr_expect(eq(int, inbox_count(&answerer), 1));
    free(large);
}

Test(bus, deep_nesting_is_counted_and_harmless)
{
    char deep[200000];

    memset(deep, (char)0x91, sizeof deep); /* arrays of one element */
    push_raw(bus_self(answerer.bus)->mailbox, deep, sizeof deep, 0);
    cr_expect(eventually(stats_of(answerer.bus).malformed == 1));
    cr_expect(eq(int, still_answers(), 0));
}

Test(bus, an_array_header_that_promises_billions_is_counted_and_harmless)
{
    push_raw(bus_self(answerer.bus)->mailbox, "\xdd\xff\xff\xff\xff", 5, 0);
    cr_expect(eventually(stats_of(answerer.bus).malformed == 1));
    cr_expect(eq(int, still_answers(), 0));
}

Test(bus, a_truncated_envelope_is_counted_at_every_length)
{
    struct envelope env = {.v = 1, .id = CLIENT_ID, .type = "empty", .trace_id = "trace", .attempt = 1};
    AUTO(buf_free) struct buf frame = {0};
    struct err err = {0};

    cr_assert(eq(int, codec_pack(&envelope_type, &env, &frame, &err), 0));
    for (size_t len = 0; len < frame.len; len += 7)
        push_raw(bus_self(answerer.bus)->mailbox, frame.data, len, 0);
    cr_expect(eventually(stats_of(answerer.bus).malformed == (int64_t)(frame.len + 6) / 7));
    cr_expect(eq(int, inbox_count(&answerer), 0));
    cr_expect(eq(int, still_answers(), 0));
}

Test(bus, a_later_protocol_version_is_read_as_far_as_it_is_known)
{
    struct envelope env = {.v = 2, .id = CLIENT_ID, .type = "something.new", .attempt = 1};
    AUTO(buf_free) struct buf frame = {0};
    struct err err = {0};

    cr_assert(eq(int, codec_pack(&envelope_type, &env, &frame, &err), 0));
    push_raw(bus_self(answerer.bus)->mailbox, frame.data, frame.len, 0);
    cr_expect(eventually(inbox_count(&answerer) == 1));
    cr_expect(eq(i64, stats_of(answerer.bus).unknown, 1));
    cr_expect(eq(i64, stats_of(answerer.bus).malformed, 0));
}

Test(bus, closing_sends_what_is_queued)
{
    struct task_ref ref = {.client_id = CLIENT_ID, .task_id = CLIENT_ID};

    bus_push_tasks(asker.bus, "knowledge", &ref, 1);
    bus_destroy(&asker.bus);
    cr_expect(eventually(inbox_count(&answerer) == 1));
}

Test(bus, a_process_that_came_back_under_another_address_is_reached)
{
    struct err err = {0};

    answerer.answer_after_ms = 0;
    cr_assert(eq(int, ask(5000, &err), 0));
    inbox_close(&answerer);
    inbox_open(&answerer, "knowledge", "127.0.0.1");
    answerer.answer_after_ms = 0;
    introduce((struct inbox *[]){&asker, &answerer}, 2);
    cr_expect(eq(int, ask(5000, &err), 0), "%s", err.text);
}

/* ---- from many threads ---- */

static void *ask_often(void *arg)
{
    struct err err = {0};
    intptr_t failed = 0;

    (void)arg;
    for (int i = 0; i < 100; i++)
        failed += ask(10000, &err) < 0;
    return (void *)failed;
}

Test(bus, many_threads_ask_at_once)
{
    pthread_t threads[8];

    answerer.answer_after_ms = 0;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_create(&threads[i], NULL, ask_often, NULL);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        cr_expect(eq(ptr, failed, NULL));
    }
}
