/* tasks.h - the kinds of task: who does them, with what, how often they are tried. */
#pragma once

#include "libshared/codec.h"

#define PROCESS_AI_RESPONSE(S, F, E, M, L) \
    F(S, UUID, conversation_id, REQUIRED, 0, 0, "the conversation whose unanswered messages want a reply")

#define SEND_MESSAGE(S, F, E, M, L) F(S, UUID, message_id, REQUIRED, 0, 0, "the outbound message to send")

#define EMBED_CHUNKS(S, F, E, M, L) F(S, UUID, kb_id, REQUIRED, 0, 0, "the knowledge base whose chunks lack a vector")

#define TASK_MESSAGES(MSG)                                                          \
    MSG(process_ai_response, PROCESS_AI_RESPONSE, "answer what a lead has written") \
    MSG(send_message, SEND_MESSAGE, "send one message through its channel")         \
    MSG(embed_chunks, EMBED_CHUNKS, "give new chunks of a knowledge base their vectors")

TASK_MESSAGES(MESSAGE_STRUCT)

/* KIND(name, role, payload, max_attempts, deadline_s, backoff_s)
 * What a provider is needed for is tried for more than 10 hours, which no outage of one has lasted; an answer needs
 * none in the end. */
#define TASK_KINDS(KIND)                                                       \
    KIND(process_ai_response, "orchestrator", process_ai_response, 20, 120, 2) \
    KIND(send_message_sms, "delivery", send_message, 60, 90, 2)                \
    KIND(bulk_ingest_faqs, "knowledge", embed_chunks, 60, 300, 2)              \
    KIND(cleanup_old_data, "scheduler", empty, 5, 300, 30)

#define TASK_NAME(name, role, payload, max_attempts, deadline_s, backoff_s) \
    static const char TASK_##name[] __attribute__((unused)) = #name;
TASK_KINDS(TASK_NAME)
