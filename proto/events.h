/* events.h - facts that have happened, published after the commit that made them true.
 *
 * The event's name is the envelope's type: message.received, message.sent, message.failed, lead.qualified, lead.hot,
 * lead.opted_out, lead.opted_in, conversation.escalated, conversation.taken_over, conversation.released,
 * conversation.closed, knowledge.progress, knowledge.ingested, knowledge.failed,
 * notice.raised, notice.resolved, budget.warning, budget.exhausted, task.dead, service.stats. */
#pragma once

#include "libshared/codec.h"

/* clang-format off */
#define MESSAGE_EVENT(S, F, E, M, L)                                                       \
    F(S, UUID, message_id,      REQUIRED, 0, 0,     "the message")                         \
    F(S, UUID, conversation_id, OPTIONAL, 0, 0,     "its conversation")                    \
    F(S, UUID, lead_id,         OPTIONAL, 0, 0,     "its lead")                            \
    F(S, STR,  channel,         OPTIONAL, 1, 16,    "sms, ...")                            \
    F(S, STR,  state,           OPTIONAL, 1, 16,    "the state it has come to")            \
    F(S, STR,  provider_sid,    OPTIONAL, 1, 64,    "the provider's id")                   \
    F(S, INT,  error_code,      DEFAULT(0), 0, 1e9, "the provider's error code; 0: none")

#define LEAD_EVENT(S, F, E, M, L)                                                          \
    F(S, UUID, lead_id,         REQUIRED, 0, 0,     "the lead")                            \
    F(S, UUID, conversation_id, OPTIONAL, 0, 0,     "where it happened")                   \
    F(S, STR,  score,           OPTIONAL, 1, 8,     "HOT, WARM or COLD")                   \
    F(S, STR,  reason,          OPTIONAL, 0, 2000,  "why")

#define TASK_EVENT(S, F, E, M, L)                                                          \
    F(S, UUID, task_id,         REQUIRED, 0, 0,     "the task")                            \
    F(S, STR,  kind,            REQUIRED, 1, 64,    "its kind")                            \
    F(S, INT,  attempt,         DEFAULT(0), 0, 1e6, "how often it was tried")              \
    F(S, STR,  error,           OPTIONAL, 0, 1000,  "its last error")

/* knowledge.progress while a task works; knowledge.ingested and knowledge.failed when it is over. Where the process of
 * each attempt died, it is the scheduler that gives the task up, who knows of no documents: then task.dead alone tells,
 * and GET of the document has its state and error. */
#define KNOWLEDGE_EVENT(S, F, E, M, L)                                                     \
    F(S, UUID, kb_id,           REQUIRED, 0, 0,     "the knowledge base")                  \
    F(S, UUID, document_id,     OPTIONAL, 0, 0,     "the document; absent: FAQs, or all of the base") \
    F(S, UUID, task_id,         OPTIONAL, 0, 0,     "the task at work")                    \
    F(S, INT,  done,            DEFAULT(0), 0, 1e9, "chunks done")                         \
    F(S, INT,  total,           DEFAULT(0), 0, 1e9, "chunks of all")                       \
    F(S, STR,  error,           OPTIONAL, 0, 1000,  "of knowledge.failed: why")

/* notice.raised, once while it is open, and notice.resolved. */
#define NOTICE_EVENT(S, F, E, M, L)                                                        \
    F(S, STR,  kind,            REQUIRED, 1, 64,    "as of the notice")                    \
    F(S, STR,  subject,         REQUIRED, 0, 200,   "what it is about")                    \
    F(S, STR,  text,            OPTIONAL, 0, 1000,  "what happened")                       \
    F(S, STR,  remedy,          OPTIONAL, 0, 1000,  "what to look at")                     \
    F(S, INT,  code,            DEFAULT(0), 0, 1e9, "the provider's error code; 0: none")

/* budget.warning at 80 % of a client's monthly_budget_usd, budget.exhausted at all of it: once a month each, within a
 * minute. (The model is asked no more at once.) */
#define BUDGET_EVENT(S, F, E, M, L)                                                        \
    F(S, STR,  month,           REQUIRED, 7, 7,     "of the client's calendar: 2026-11")   \
    F(S, INT,  budget_micro_usd, REQUIRED, 0, 1e15, "what the month may cost")             \
    F(S, INT,  spent_micro_usd, REQUIRED, 0, 1e15,  "what it has cost")

#define STATS_EVENT(S, F, E, M, L)                                                         \
    F(S, UUID, instance,        REQUIRED, 0, 0,     "the process")                         \
    F(S, STR,  role,            REQUIRED, 1, 32,    "its role")                            \
    F(S, JSON, stats,           REQUIRED, 2, 16384, "its counters, as in mailboxes.stats")

#define EVENT_MESSAGES(MSG)                                                                \
    MSG(message_event, MESSAGE_EVENT, "body of message.*")                                 \
    MSG(lead_event, LEAD_EVENT, "body of lead.* and conversation.*")                       \
    MSG(task_event, TASK_EVENT, "body of task.*")                                          \
    MSG(knowledge_event, KNOWLEDGE_EVENT, "body of knowledge.*")                           \
    MSG(notice_event, NOTICE_EVENT, "body of notice.*")                                    \
    MSG(budget_event, BUDGET_EVENT, "body of budget.*")                                    \
    MSG(stats_event, STATS_EVENT, "body of service.stats")
/* clang-format on */

EVENT_MESSAGES(MESSAGE_STRUCT)
