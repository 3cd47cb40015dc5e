/* envelope.h - what travels around every message, and the messages of the bus itself. */
#pragma once

#include "libshared/codec.h"

#define PROTOCOL_VERSION 1

/* A frame on the bus is one msgpack map of this. */
#define ENVELOPE(S, F, E, M, L)                                                                                  \
    F(S, INT, v, REQUIRED, 1, 1000, "protocol version")                                                          \
    F(S, UUID, id, REQUIRED, 0, 0, "id of this message, UUIDv7")                                                 \
    F(S, STR, type, REQUIRED, 1, 64, "name of the message in body, or of the event")                             \
    F(S, UUID, client_id, OPTIONAL, 0, 0, "the client it concerns; absent: none")                                \
    F(S, STR, trace_id, OPTIONAL, 1, 64, "id that follows one webhook or API call through all services")         \
    F(S, STR, reply_to, OPTIONAL, 1, 128, "mailbox address that wants the answer")                               \
    F(S, UUID, correlation_id, OPTIONAL, 0, 0, "of an answer: the id of the message it answers")                 \
    F(S, INT, deadline_ms, OPTIONAL, 0, 3600000, "milliseconds the asker still waits, counted from the sending") \
    F(S, INT, attempt, DEFAULT(1), 1, 1000, "how often this was sent")                                           \
    F(S, STR, idempotency_key, OPTIONAL, 1, 255, "a repeated request with the same key has one effect")          \
    F(S, BIN, body, OPTIONAL, 0, CODEC_FRAME_MAX, "the message, msgpack")

#define TASK_REF(S, F, E, M, L)                                               \
    F(S, UUID, client_id, REQUIRED, 0, 0, "the client; the nil UUID if none") \
    F(S, UUID, task_id, REQUIRED, 0, 0, "the task")

/* A hint, never the only copy: the tasks table is the truth. */
#define TASKS_READY(S, F, E, M, L) L(S, task_ref, refs, REQUIRED, 1, 64, "tasks that may be claimed")

/* The answer to a request that failed. */
#define PROBLEM(S, F, E, M, L)                                                                                  \
    E(S, "invalid|denied|not_found|conflict|unavailable|uncertain|internal", kind, REQUIRED, "what went wrong") \
    F(S, STR, detail, REQUIRED, 0, 512, "for a person")                                                         \
    F(S, STR, field, OPTIONAL, 0, 64, "the input field at fault")                                               \
    F(S, INT, retry_after_s, OPTIONAL, 0, 86400, "seconds to wait before asking again")

/* A request or an answer without content. */
#define EMPTY(S, F, E, M, L) F(S, BOOL, ok, DEFAULT(1), 0, 1, "always true")

#define BUS_MESSAGES(MSG)                                         \
    MSG(envelope, ENVELOPE, "around every message")               \
    MSG(task_ref, TASK_REF, "names one task")                     \
    MSG(tasks_ready, TASKS_READY, "tells a role that tasks wait") \
    MSG(problem, PROBLEM, "why a request failed")                 \
    MSG(empty, EMPTY, "nothing to say")

BUS_MESSAGES(MESSAGE_STRUCT)
