/* bus_send.c - what other threads give the bus to send: hints, events, answers. Packed here, sent by the bus thread. */
#include <stdio.h>
#include <stdlib.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/bus_internal.h"
#include "libshared/clock.h"
#include "libshared/codec.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "proto/envelope.h"

void bus_push_tasks(struct bus *self, const char *role, const struct task_ref *refs, size_t n)
{
    while (n > 0) {
        struct hint hints[BUS_HINTS_PER_FRAME];
        size_t some = n < COUNT_OF(hints) ? n : COUNT_OF(hints);
        struct outgoing *out;

        for (size_t i = 0; i < some; i++) {
            snprintf(hints[i].client_id, sizeof hints[i].client_id, "%s", refs[i].client_id);
            snprintf(hints[i].task_id, sizeof hints[i].task_id, "%s", refs[i].task_id);
        }
        if ((out = bus_outgoing_new(TO_ROLE_AS_HINT, role, hints, some * sizeof *hints)))
            bus_enqueue(self, out);
        else
            self->refused++;
        refs += some;
        n -= some;
    }
}

void bus_publish(struct bus *self, const char *type, const char *client_id, const struct message_type *msg_type,
                 const void *msg)
{
    AUTO(buf_free) struct buf body = {0};
    AUTO(buf_free) struct buf frame = {0};
    char id[UUID_SIZE];
    struct err err = {0};
    struct outgoing *out;
    struct envelope env = {.v = PROTOCOL_VERSION, .id = id, .type = type, .client_id = client_id, .attempt = 1};

    uuid_new(id);
    if (msg && codec_pack(msg_type, msg, &body, &err) < 0) {
        log_err(LOG_ERROR, "event not published", &err);
        return;
    }
    env.body = (struct bytes){.data = (const uint8_t *)body.data, .len = body.len};
    if (codec_pack(&envelope_type, &env, &frame, &err) < 0) {
        log_err(LOG_ERROR, "event not published", &err);
        return;
    }
    if (!frame.failed && (out = bus_outgoing_new(TO_SUBSCRIBERS, type, frame.data, frame.len)))
        bus_enqueue(self, out);
    else
        self->refused++;
}

void bus_answer_packed(struct bus *self, const struct envelope *env, const char *type, const void *body, size_t len)
{
    AUTO(buf_free) struct buf frame = {0};
    char id[UUID_SIZE];
    struct err err = {0};
    struct outgoing *out;
    struct envelope answer = {
        .v = PROTOCOL_VERSION,
        .id = id,
        .type = type,
        .client_id = env->client_id,
        .trace_id = env->trace_id,
        .correlation_id = env->id,
        .attempt = 1,
        .body = {.data = body, .len = len},
    };

    if (!env->reply_to)
        return;
    uuid_new(id);
    if (codec_pack(&envelope_type, &answer, &frame, &err) < 0) {
        log_err(LOG_ERROR, "answer not sent", &err);
        return;
    }
    if (frame.failed || !(out = bus_outgoing_new(TO_ADDRESS, env->reply_to, frame.data, frame.len))) {
        self->refused++;
        return;
    }
    out->patience_until_ms = clock_mono_ms() + BUS_ANSWER_PATIENCE_MS;
    bus_enqueue(self, out);
}

void bus_answer(struct bus *self, const struct envelope *env, const struct message_type *msg_type, const void *msg)
{
    AUTO(buf_free) struct buf body = {0};
    struct err err = {0};

    if (!env->reply_to)
        return;
    if (codec_pack(msg_type, msg, &body, &err) < 0) {
        log_err(LOG_ERROR, "answer not sent", &err);
        return;
    }
    if (!body.failed)
        bus_answer_packed(self, env, msg_type->name, body.data, body.len);
}
