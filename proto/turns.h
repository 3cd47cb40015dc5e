/* turns.h - why a message was written, and whether it would be written again. Served by the orchestrator. */
#pragma once

#include "libshared/codec.h"
#include "proto/conversations.h"
#include "proto/knowledge.h"

/* clang-format off */
#define WHY_MOMENT(S, F, E, M, L)                                                                           \
    E(S, "stored|sending|sent|changed", event, REQUIRED, "sending: the last attempt began; changed: into its state of now") \
    F(S, TIME, at,              REQUIRED, 0, 0,      "when")

#define WHY_TEXT(S, F, E, M, L)                                                                             \
    F(S, INT,  seq,             REQUIRED, 0, 1e15,   "order of arrival")                                    \
    F(S, UUID, message_id,      OPTIONAL, 0, 0,      "absent: it is not kept any more")                     \
    E(S, "lead|agent|human|system", author, REQUIRED, "who wrote it")                                       \
    F(S, STR,  body,            REQUIRED, 0, 65536,  "what it says, the first 4,000 bytes of it")           \
    F(S, STR,  note,            OPTIONAL, 0, 400,    "what came with it")                                   \
    F(S, TIME, created_at,      REQUIRED, 0, 0,      "when it was stored")

#define WHY_LEAD(S, F, E, M, L)                                                                             \
    E(S, "HOT|WARM|COLD",       score, REQUIRED,     "of the lead")                                         \
    F(S, STR,  score_reason,    OPTIONAL, 0, 8000,   "why")                                                 \
    F(S, STR,  name,            OPTIONAL, 0, 8000,   "if known")                                            \
    F(S, STR,  service_interest, OPTIONAL, 0, 8000,  "what they want")                                      \
    F(S, STR,  urgency,         OPTIONAL, 0, 8000,   "how urgent")                                          \
    F(S, STR,  budget_range,    OPTIONAL, 0, 8000,   "what it may cost")                                    \
    F(S, STR,  timeline,        OPTIONAL, 0, 8000,   "when")                                                \
    F(S, STR,  email,           OPTIONAL, 0, 1280,   "if known")                                            \
    F(S, JSON, evidence,        OPTIONAL, 2, 131072, "by what is known, the words that told it: {\"urgency\": {\"words\", \"seq\", \"message_id\"}}")

#define WHY_FALLBACK(S, F, E, M, L)                                                                         \
    F(S, STR,  kind,            REQUIRED, 0, 64,     "unavailable, denied, invalid, ...")                   \
    F(S, INT,  provider_code,   DEFAULT(0), 0, 1e9,  "HTTP status of the model's last answer; 0: there was none") \
    F(S, STR,  error,           REQUIRED, 0, 2000,   "what went wrong")

#define WHY_CALL(S, F, E, M, L)                                                                             \
    F(S, INT,  status,          DEFAULT(0), 0, 1e6,  "HTTP; 0: no answer")                                  \
    F(S, INT,  took_us,         DEFAULT(0), 0, 1e15, "microseconds")                                        \
    F(S, STR,  request_id,      OPTIONAL, 0, 400,    "the provider's id of it")                             \
    F(S, STR,  request_sha256,  OPTIONAL, 0, 64,     "of the whole request, byte by byte; absent: it was tried again") \
    F(S, STR,  stop_reason,     OPTIONAL, 0, 400,    "why the model stopped")                               \
    F(S, STR,  error,           OPTIONAL, 0, 2000,   "what went wrong")

#define WHY_RECEIPT(S, F, E, M, L)                                                                          \
    F(S, STR,  tool,            REQUIRED, 0, 4000,   "what the model called")                               \
    F(S, STR,  input,           REQUIRED, 0, 4000,   "with what: JSON text, the first 4,000 bytes of it")   \
    F(S, STR,  result,          REQUIRED, 0, 4000,   "what it was told, the first 4,000 bytes of it")       \
    F(S, BOOL, is_error,        DEFAULT(0), 0, 1,    "the tool refused")

#define WHY_TOKENS(S, F, E, M, L)                                                                           \
    F(S, INT,  input,           DEFAULT(0), 0, 1e12, "read anew")                                           \
    F(S, INT,  cache_read,      DEFAULT(0), 0, 1e12, "read from the provider's cache")                      \
    F(S, INT,  cache_write,     DEFAULT(0), 0, 1e12, "written to it")                                       \
    F(S, INT,  output,          DEFAULT(0), 0, 1e12, "written by the model")

#define WHY_TIMES(S, F, E, M, L)                                                                            \
    F(S, INT,  waited_ms,       DEFAULT(0), 0, 1e12, "milliseconds from the first text that it answers to its start") \
    F(S, INT,  load_us,         DEFAULT(0), 0, 1e15, "microseconds: reading lead and conversation")         \
    F(S, INT,  search_us,       DEFAULT(0), 0, 1e15, "microseconds: asking the knowledge base")             \
    F(S, INT,  agent_us,        DEFAULT(0), 0, 1e15, "microseconds: writing the answer, with all calls of the model") \
    F(S, INT,  guards_us,       DEFAULT(0), 0, 1e15, "microseconds: checking it")

#define TURN_WHY(S, F, E, M, L)                                                                             \
    F(S, UUID, turn_id,         REQUIRED, 0, 0,      "its id")                                              \
    F(S, TIME, created_at,      REQUIRED, 0, 0,      "when it was decided")                                 \
    F(S, INT,  version,         DEFAULT(0), 0, 1e6,  "of its record; below 2 it cannot be replayed")        \
    F(S, STR,  code,            OPTIONAL, 0, 400,    "version and commit of what decided")                  \
    F(S, STR,  damaged,         OPTIONAL, 0, 600,    "why the record cannot be read: what follows is missing then") \
    E(S, "claude|scripted",     agent, REQUIRED,     "who wrote the reply")                                 \
    F(S, STR,  wanted,          OPTIONAL, 0, 400,    "the client's choice: auto, claude or scripted")       \
    F(S, STR,  model,           OPTIONAL, 0, 400,    "which model might be asked; absent: there was no key") \
    M(S, why_fallback, fallback, OPTIONAL,           "why the model did not answer")                        \
    F(S, INT,  config_version,  DEFAULT(0), 0, 1e9,  "of the client's configuration")                       \
    F(S, JSON, config,          OPTIONAL, 2, 131072, "the configuration, secrets as \"********\"")          \
    F(S, STR,  local_time,      OPTIONAL, 0, 64,     "at the client's")                                     \
    F(S, STR,  state,           OPTIONAL, 0, 64,     "of the conversation before")                          \
    L(S, why_text, history,     OPTIONAL, 0, 20,     "what had been exchanged, oldest first")               \
    L(S, why_text, answers,     OPTIONAL, 0, 50,     "the texts that it answers, oldest first")             \
    L(S, passage, passages,     OPTIONAL, 0, 20,     "what was known about them, best first; of each body the first 4,000 bytes") \
    F(S, STR,  search_error,    OPTIONAL, 0, 600,    "why there are no passages")                           \
    F(S, STR,  intent,          OPTIONAL, 0, 200,    "what the lead wanted, as the scripted agent sees it") \
    F(S, STR,  reply,           OPTIONAL, 0, 4000,   "what was decided to say, the first 4,000 bytes of it") \
    F(S, STR,  asked,           OPTIONAL, 0, 64,     "what the reply asks for")                             \
    F(S, STR,  follow_up,       OPTIONAL, 0, 64,     "what is written next unless the lead answers: silence, after some time; asked, at write_at; kept, what it had asked for before") \
    F(S, STR,  write_at,        OPTIONAL, 0, 32,     "at the lead's own time")                              \
    F(S, BOOL, escalate,        DEFAULT(0), 0, 1,    "a person was called")                                 \
    F(S, STR,  escalation_reason, OPTIONAL, 0, 2000, "why")                                                 \
    M(S, why_lead, before,      OPTIONAL,            "the lead as it was known before")                     \
    M(S, why_lead, after,       OPTIONAL,            "and with what was told")                              \
    F(S, JSON, guards,          OPTIONAL, 2, 131072, "what was held: [{guard, draft, unsupported, outcome, ...}]; []: nothing") \
    L(S, why_receipt, receipts, OPTIONAL, 0, 50,     "what the model's tools did")                          \
    L(S, why_call, calls,       OPTIONAL, 0, 50,     "of the model, each try")                              \
    F(S, STR,  prompt_sha256,   OPTIONAL, 0, 64,     "of the system blocks and tools, which stay from turn to turn") \
    M(S, why_tokens, tokens,    OPTIONAL,            "as the provider counts them")                         \
    F(S, INT,  cost_micro_usd,  DEFAULT(0), 0, 1e15, "millionths of a dollar")                              \
    M(S, why_times, times,      OPTIONAL,            "of each step")

#define MESSAGE_WHY(S, F, E, M, L)                                                                          \
    M(S, message, message,      REQUIRED,            "the message as it is now")                            \
    F(S, STR,  written,         REQUIRED, 1, 200,    "by whom and why, in a sentence")                      \
    L(S, why_moment, moments,   REQUIRED, 0, 4,      "when what became of it, oldest first")                \
    F(S, INT,  attempts,        DEFAULT(0), 0, 1e6,  "to send it")                                          \
    F(S, INT,  looks,           DEFAULT(0), 0, 1e6,  "how often the provider was asked what became of it")  \
    F(S, STR,  remedy,          OPTIONAL, 0, 1000,   "it failed: what a person should look at")             \
    F(S, STR,  waits_for,       OPTIONAL, 0, 2400,   "it is still to be sent: what it waits for")           \
    F(S, TIME, waits_until,     OPTIONAL, 0, 0,      "and until when")                                      \
    M(S, turn_why, turn,        OPTIONAL,            "the decision behind it; absent: there is none")

#define EXPLAIN_MESSAGE(S, F, E, M, L) F(S, UUID, message_id, REQUIRED, 0, 0, "the message")
#define GET_TURN(S, F, E, M, L) F(S, UUID, turn_id, REQUIRED, 0, 0, "the decision")
#define REPLAY_TURN(S, F, E, M, L) F(S, UUID, turn_id, REQUIRED, 0, 0, "the decision")

#define TURN_RECORD(S, F, E, M, L)                                                                          \
    F(S, UUID, client_id,       REQUIRED, 0, 0,      "its client")                                          \
    F(S, UUID, turn_id,         REQUIRED, 0, 0,      "its id")                                              \
    F(S, UUID, conversation_id, REQUIRED, 0, 0,      "its conversation")                                    \
    F(S, UUID, message_id,      OPTIONAL, 0, 0,      "the reply")                                           \
    E(S, "claude|scripted",     agent, REQUIRED,     "who wrote it")                                        \
    F(S, TIME, created_at,      REQUIRED, 0, 0,      "when it was decided")                                 \
    F(S, STR,  record,          OPTIONAL, 0, 700000, "all that deciding saw, and what was decided, as JSON text; absent: larger than 700,000 bytes")

#define REPLAY_DIFFERENCE(S, F, E, M, L)                                                                    \
    F(S, STR,  field,           REQUIRED, 1, 400,    "of the record: output.score, guards[0].draft, ...")   \
    F(S, STR,  before,          OPTIONAL, 0, 2000,   "as recorded; texts as they are, else JSON; absent: it was not there") \
    F(S, STR,  now,             OPTIONAL, 0, 2000,   "as decided now")

#define REPLAYED_TURN(S, F, E, M, L)                                                                        \
    F(S, UUID, turn_id,         REQUIRED, 0, 0,      "its id")                                              \
    F(S, UUID, conversation_id, REQUIRED, 0, 0,      "its conversation")                                    \
    F(S, UUID, lead_id,         REQUIRED, 0, 0,      "the lead")                                            \
    F(S, TIME, created_at,      REQUIRED, 0, 0,      "when it was decided")                                 \
    E(S, "same|different|cannot", outcome, REQUIRED, "cannot: the record is of an old version, or damaged") \
    F(S, STR,  reason,          OPTIONAL, 0, 600,    "why it cannot")                                       \
    E(S, "claude|scripted",     agent, REQUIRED,     "who wrote the reply; the model's answers are the recorded ones") \
    F(S, STR,  code_before,     OPTIONAL, 0, 400,    "version and commit of what decided")                  \
    F(S, STR,  code_now,        REQUIRED, 1, 400,    "and of what decides now")                             \
    F(S, STR,  prompt_sha256_before, OPTIONAL, 0, 64, "of what the model was told to be; absent: none was asked") \
    F(S, STR,  prompt_sha256_now, OPTIONAL, 0, 64,   "of what it would be told now")                        \
    F(S, INT,  requests_changed, DEFAULT(0), 0, 1e6, "requests to the model that would not be the same, byte for byte") \
    L(S, replay_difference, differences, OPTIONAL, 0, 100, "what comes out differently; the first 100")

#define TURN_MESSAGES(MSG)                                                                                  \
    MSG(why_moment, WHY_MOMENT, "something that became of a message")                                       \
    MSG(why_text, WHY_TEXT, "a text that a decision saw")                                                   \
    MSG(why_lead, WHY_LEAD, "what is known of a lead")                                                      \
    MSG(why_fallback, WHY_FALLBACK, "why a model did not answer")                                           \
    MSG(why_call, WHY_CALL, "one try of asking the model")                                                  \
    MSG(why_receipt, WHY_RECEIPT, "one call of a tool by the model")                                        \
    MSG(why_tokens, WHY_TOKENS, "tokens of a decision")                                                     \
    MSG(why_times, WHY_TIMES, "how long a decision took")                                                   \
    MSG(turn_why, TURN_WHY, "a decision: what it saw and what came of it")                                  \
    MSG(message_why, MESSAGE_WHY, "why a message was written, and what became of it")                       \
    MSG(explain_message, EXPLAIN_MESSAGE, "which message")                                                  \
    MSG(get_turn, GET_TURN, "which decision")                                                               \
    MSG(turn_record, TURN_RECORD, "a decision as it is kept")                                               \
    MSG(replay_turn, REPLAY_TURN, "which decision")                                                         \
    MSG(replay_difference, REPLAY_DIFFERENCE, "what comes out differently")                                 \
    MSG(replayed_turn, REPLAYED_TURN, "a decision that was taken again from its record")
/* clang-format on */

TURN_MESSAGES(MESSAGE_STRUCT)
