/* tasks.h - the kinds of task: who does them, with what, how often they are tried. */
#pragma once

#include "libshared/codec.h"

#define PROCESS_AI_RESPONSE(S, F, E, M, L) \
    F(S, UUID, conversation_id, REQUIRED, 0, 0, "the conversation whose unanswered messages want a reply")

#define GENERATE_GREETING(S, F, E, M, L) \
    F(S, UUID, conversation_id, REQUIRED, 0, 0, "the conversation of a lead that came by web form or API")

#define SEND_MESSAGE(S, F, E, M, L) F(S, UUID, message_id, REQUIRED, 0, 0, "the outbound message to send")

#define FOLLOW_UP(S, F, E, M, L)                                                                                \
    F(S, UUID, conversation_id, REQUIRED, 0, 0, "where the lead is written to")                                 \
    E(S, "silence|asked", reason, REQUIRED, "why: it has not answered, or it had asked for it")                 \
    E(S, "en|es|ar", language, REQUIRED, "of the conversation")                                                 \
    F(S, INT, epoch, REQUIRED, 0, 1e9, "of the conversation; a newer one makes this task void")                 \
    F(S, INT, step, DEFAULT(1), 1, 5, "silence: the first time, the second, ...")                               \
    F(S, INT, after_seq, DEFAULT(0), 0, 1e15, "silence: the lead's last message; one after it makes this void") \
    F(S, UUID, answer_id, OPTIONAL, 0, 0, "silence: our answer, from which the time counts")                    \
    F(S, UUID, previous_id, OPTIONAL, 0, 0, "silence: the message of the step before; absent: there was none")  \
    F(S, STR, write_at, OPTIONAL, 1, 32, "asked: when, in the lead's time: 2026-11-24 10:00")                   \
    F(S, STR, words, OPTIONAL, 0, 2000, "asked: in the lead's words")

#define PROBE_ACCOUNT(S, F, E, M, L)    \
    F(S, STR, account, REQUIRED, 1, 64, \
      "the provider's account whose credentials were refused: 'twilio', or 'twilio:' and a client's id")

#define EMBED_CHUNKS(S, F, E, M, L) F(S, UUID, kb_id, REQUIRED, 0, 0, "the knowledge base whose chunks lack a vector")

#define INGEST_REVISION(S, F, E, M, L)                      \
    F(S, UUID, document_id, REQUIRED, 0, 0, "the document") \
    F(S, UUID, revision_id, REQUIRED, 0, 0, "the version to be taken in; a newer one makes this task void")

#define BUILD_VECTOR_INDEX(S, F, E, M, L) \
    F(S, STR, model, REQUIRED, 1, 128, "whose vectors of the task's client want an index, or want none any more")

/* What a client may ask about a task: GET /api/v1/tasks/{task_id}. */
#define GET_TASK(S, F, E, M, L) F(S, UUID, task_id, REQUIRED, 0, 0, "the task")

#define TASK_STATUS(S, F, E, M, L)                                                                                  \
    F(S, UUID, task_id, REQUIRED, 0, 0, "its id")                                                                   \
    F(S, STR, kind, REQUIRED, 1, 64, "what it does")                                                                \
    E(S, "ready|running|finished|dead", state, REQUIRED, "ready: it waits for its turn; dead: given up, see error") \
    F(S, INT, done, DEFAULT(0), 0, 1e9, "chunks done")                                                              \
    F(S, INT, total, DEFAULT(0), 0, 1e9, "chunks of all; 0: not counted yet, or not that kind of task")             \
    F(S, INT, attempt, DEFAULT(0), 0, 1e6, "how often it was started")                                              \
    F(S, INT, max_attempts, DEFAULT(0), 0, 1e6, "as often as it may be")                                            \
    F(S, STR, error, OPTIONAL, 0, 1000, "of the last failure")                                                      \
    F(S, TIME, run_at, OPTIONAL, 0, 0, "ready: not before")                                                         \
    F(S, TIME, created_at, REQUIRED, 0, 0, "when it was inserted")                                                  \
    F(S, TIME, updated_at, OPTIONAL, 0, 0, "when its state changed last")

#define TASK_MESSAGES(MSG)                                                                       \
    MSG(process_ai_response, PROCESS_AI_RESPONSE, "answer what a lead has written")              \
    MSG(generate_greeting, GENERATE_GREETING, "write to a lead that has not written to us")      \
    MSG(send_message, SEND_MESSAGE, "send one message through its channel")                      \
    MSG(follow_up, FOLLOW_UP, "write to a lead that has not answered, or that has asked for it") \
    MSG(probe_account, PROBE_ACCOUNT, "ask whether a provider's account takes calls again")      \
    MSG(embed_chunks, EMBED_CHUNKS, "give new chunks of a knowledge base their vectors")         \
    MSG(ingest_revision, INGEST_REVISION, "take in a version of a document")                     \
    MSG(build_vector_index, BUILD_VECTOR_INDEX, "choose how a client's vectors are searched")    \
    MSG(get_task, GET_TASK, "how far a task is")                                                 \
    MSG(task_status, TASK_STATUS, "how far a task is, and what became of it")

TASK_MESSAGES(MESSAGE_STRUCT)

/* KIND(name, role, payload, max_attempts, deadline_s, backoff_s)
 * What a provider is needed for is tried for more than 10 hours, which no outage of one has lasted; an answer needs
 * none in the end. */
#define TASK_KINDS(KIND)                                                       \
    KIND(process_ai_response, "orchestrator", process_ai_response, 20, 120, 2) \
    KIND(follow_up, "orchestrator", follow_up, 60, 60, 30)                     \
    KIND(generate_greeting, "orchestrator", generate_greeting, 20, 120, 2)     \
    KIND(send_message_sms, "delivery", send_message, 60, 90, 2)                \
    KIND(send_message_whatsapp, "delivery", send_message, 60, 90, 2)           \
    KIND(send_sms_alert, "delivery", send_message, 60, 90, 2)                  \
    KIND(make_alert_call, "delivery", send_message, 20, 90, 5)                 \
    KIND(probe_account, "delivery", probe_account, 1000, 60, 30)               \
    KIND(bulk_ingest_faqs, "knowledge", embed_chunks, 60, 300, 2)              \
    KIND(ingest_document, "knowledge", ingest_revision, 60, 300, 2)            \
    KIND(build_vector_index, "knowledge", build_vector_index, 10, 1800, 30)    \
    KIND(cleanup_old_data, "scheduler", empty, 5, 300, 30)                     \
    KIND(update_token_usage, "scheduler", empty, 5, 60, 5)

#define TASK_NAME(name, role, payload, max_attempts, deadline_s, backoff_s) \
    static const char TASK_##name[] __attribute__((unused)) = #name;
TASK_KINDS(TASK_NAME)
