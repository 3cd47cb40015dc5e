/* decision.h - what deciding sees and what comes of it.
 *
 * Deciding is a function of its recorded input: it reads no clock, no random
 * number and no table beside it, so that a turn can be explained and decided
 * again from its record. Declared like the messages, for the JSON of the record. */
#pragma once

#include "libshared/codec.h"
#include "proto/knowledge.h"

#define DECISION_HISTORY_MAX    60 /* and within the window, see turn_history.h */
#define DECISION_EXCHANGES_MAX  30
#define DECISION_EXCHANGE_MAX   (128 * 1024) /* bytes; of a longer one later turns see its messages alone */
#define DECISION_UNANSWERED_MAX 50
#define DECISION_PASSAGES_MAX   20

/* clang-format off */
#define DECISION_MESSAGE(S, F, E, M, L)                                                                     \
    F(S, INT,  seq,             REQUIRED, 0, 1e15,  "order of arrival")                                     \
    E(S, "lead|agent|human|system", author, REQUIRED, "who wrote it")                                       \
    F(S, STR,  body,            REQUIRED, 0, 65536, "what it says")                                         \
    F(S, STR,  note,            OPTIONAL, 0, 400,   "what came with it: [the lead sent a photo]")           \
    F(S, TIME, created_at,      REQUIRED, 0, 0,     "when it was stored")                                   \
    F(S, STR,  turn_id,         OPTIONAL, 0, 36,    "of the turn that wrote it")

#define DECISION_EXCHANGE(S, F, E, M, L)                                                                    \
    F(S, STR,  turn_id,         REQUIRED, 0, 36,    "the turn that asked the model")                        \
    F(S, INT,  saw_seq,         REQUIRED, 0, 1e15,  "the newest message that it saw")                       \
    F(S, INT,  answers_from,    REQUIRED, 0, 1e15,  "the first of the lead's texts that it answered")       \
    F(S, INT,  answers_to,      REQUIRED, 0, 1e15,  "the last of them")                                     \
    F(S, STR,  messages,        OPTIONAL, 0, DECISION_EXCHANGE_MAX,                                         \
      "what it added to the model's messages, up to its reply: JSON, byte for byte; not in the record, turns.exchange has it")

#define DECISION_LEAD(S, F, E, M, L)                                                                        \
    E(S, "HOT|WARM|COLD",       score, REQUIRED,    "as it was before")                                     \
    F(S, STR,  score_reason,    OPTIONAL, 0, 8000,  "why")                                                  \
    F(S, STR,  name,            OPTIONAL, 0, 8000,  "if known")                                             \
    F(S, STR,  service_interest, OPTIONAL, 0, 8000, "what they want")                                       \
    F(S, STR,  urgency,         OPTIONAL, 0, 8000,  "how urgent")                                           \
    F(S, STR,  budget_range,    OPTIONAL, 0, 8000,  "what it may cost")                                     \
    F(S, STR,  timeline,        OPTIONAL, 0, 8000,  "when")                                                 \
    F(S, STR,  email,           OPTIONAL, 0, 1280,  "if known")                                             \
    F(S, JSON, evidence,        OPTIONAL, 2, 65536, "by what is known: the words that told it, and the text's seq") \
    F(S, BOOL, was_hot,         DEFAULT(0), 0, 1,   "has been HOT at some time")

#define DECISION_INPUT(S, F, E, M, L)                                                                       \
    F(S, TIME, now,             REQUIRED, 0, 0,     "the database's clock")                                 \
    F(S, STR,  local_time,      REQUIRED, 0, 64,    "now at the client's: Monday 2026-11-23 09:30")         \
    F(S, STR,  client_name,     REQUIRED, 1, 800,   "the business")                                         \
    F(S, STR,  timezone,        REQUIRED, 1, 64,    "its IANA name")                                        \
    F(S, STR,  model,           OPTIONAL, 1, 400,   "which model may be asked; absent: there is no key")    \
    F(S, INT,  month_spent,     DEFAULT(0), 0, 1e15, "what the model has cost in the client's month, micro-USD; counted where there is a budget") \
    F(S, JSON, config,          REQUIRED, 2, 131072, "the client's configuration as it is shown")           \
    F(S, INT,  config_version,  REQUIRED, 0, 1e9,   "its version")                                          \
    E(S, "open|escalated|taken_over|closed", state, REQUIRED, "of the conversation")                        \
    E(S, "sms|whatsapp|form",   channel, OPTIONAL,  "how the lead writes")                                  \
    F(S, STR,  lead_timezone,   OPTIONAL, 1, 64,    "IANA name; absent: not known, the client's counts")    \
    F(S, STR,  lead_local_time, OPTIONAL, 0, 64,    "now at the lead's, where that zone is known")          \
    F(S, STR,  write_at,        OPTIONAL, 1, 32,    "the lead has asked to be written to then, at its own time: 2026-11-24 10:00") \
    M(S, decision_lead, lead,   REQUIRED,           "what is known of the lead")                            \
    L(S, decision_message, history, OPTIONAL, 0, DECISION_HISTORY_MAX, "oldest first, all answered")        \
    L(S, decision_exchange, exchanges, OPTIONAL, 0, DECISION_EXCHANGES_MAX, "with the model, oldest first")  \
    L(S, decision_message, unanswered, REQUIRED, 1, DECISION_UNANSWERED_MAX, "oldest first")                \
    L(S, passage, passages,     OPTIONAL, 0, DECISION_PASSAGES_MAX, "what is known about it, best first")   \
    F(S, STR,  search_error,    OPTIONAL, 0, 600,   "why there are no passages")                            \
    F(S, INT,  misses,          DEFAULT(0), 0, 1e6, "answers in a row that knew nothing")                   \
    E(S, "service|urgency|budget|timeline|handover", asked, OPTIONAL, "what our last answer asked for")     \
    F(S, BOOL, first_message,   DEFAULT(0), 0, 1,   "nothing has been written to this lead before")         \
    F(S, INT,  read_seq,        DEFAULT(0), 0, 1e15, "of the history, up to where a decision has read it: what the lead wrote behind it a person has answered") \
    F(S, INT,  recent_answers,  DEFAULT(0), 0, 1e6, "of the agent's within the last 10 minutes; 0: few, see loop.h") \
    F(S, STRS, escalations,     OPTIONAL, 0, 32,    "causes for which a person was called since the last release, within the client's alert_again_after_hours") \
    F(S, STR,  handover_note,   OPTIONAL, 0, 2000,  "what a person who had taken over left for the agent") \
    F(S, BOOL, greet,           DEFAULT(0), 0, 1,   "the lead came by web form or API and asked nothing: it is greeted") \
    F(S, STR,  form_language,   OPTIONAL, 2, 35,    "of the web form: language tag")

#define DECISION_OUTPUT(S, F, E, M, L)                                                                      \
    E(S, "claude|scripted",     agent, REQUIRED,    "who wrote the reply")                                  \
    F(S, STR,  reply,           REQUIRED, 1, 8000,  "what the lead is told")                                \
    F(S, STR,  intent,          OPTIONAL, 0, 200,   "what the lead wanted, as the scripted agent sees it")  \
    E(S, "HOT|WARM|COLD",       score, REQUIRED,    "of the lead")                                          \
    F(S, STR,  score_reason,    REQUIRED, 0, 8000,  "why")                                                  \
    F(S, STR,  name,            OPTIONAL, 0, 8000,  "of the lead; absent: still unknown")                   \
    F(S, STR,  service_interest, OPTIONAL, 0, 8000, "what they want")                                       \
    F(S, STR,  urgency,         OPTIONAL, 0, 8000,  "how urgent")                                           \
    F(S, STR,  budget_range,    OPTIONAL, 0, 8000,  "what it may cost")                                     \
    F(S, STR,  timeline,        OPTIONAL, 0, 8000,  "when")                                                 \
    F(S, STR,  email,           OPTIONAL, 0, 1280,  "of the lead")                                          \
    F(S, JSON, evidence,        OPTIONAL, 2, 65536, "by what is known: the words that told it, and the text's seq") \
    F(S, BOOL, escalate,        DEFAULT(0), 0, 1,   "a person is called")                                   \
    F(S, STR,  escalation_reason, OPTIONAL, 0, 2000, "why")                                                 \
    E(S, "legal|anger|human|loop|claim|unknown|appointment|model", cause, OPTIONAL, "of the call, see escalation.h") \
    F(S, INT,  misses,          DEFAULT(0), 0, 1e6, "answers in a row that knew nothing, with this one")    \
    E(S, "service|urgency|budget|timeline|handover", asked, OPTIONAL, "what the reply asks for")            \
    E(S, "en|es|ar",            language, OPTIONAL, "of what is written next")                              \
    E(S, "silence|asked|kept",  follow_up, OPTIONAL, "what is written next unless the lead answers: some time after this reply; at write_at; or what it had asked for before. Absent: nothing") \
    F(S, STR,  write_at,        OPTIONAL, 1, 32,    "asked: when, at the lead's own time: 2026-11-24 10:00") \
    F(S, STR,  write_words,     OPTIONAL, 0, 2000,  "asked: in the lead's words")

#define DECISION_MESSAGES(MSG)                                                                              \
    MSG(decision_message, DECISION_MESSAGE, "one text of the conversation")                                 \
    MSG(decision_exchange, DECISION_EXCHANGE, "what a turn before has said to the model and heard of it")  \
    MSG(decision_lead, DECISION_LEAD, "the lead as known before")                                           \
    MSG(decision_input, DECISION_INPUT, "all that deciding sees")                                           \
    MSG(decision_output, DECISION_OUTPUT, "what was decided")
/* clang-format on */

DECISION_MESSAGES(MESSAGE_STRUCT)

/* An output that changes nothing of what is known about the lead; without a reply. */
struct decision_output decision_start(const struct decision_input *in, const char *agent);

/* Whether it came by web form: who has filled that in is not known. */
bool decision_by_form(const struct decision_message *message);

/* The unanswered texts, one a line, cut to max bytes. In arena, NULL when out of memory. */
const char *decision_unanswered_text(const struct decision_input *in, size_t max, struct arena *arena);

/* What a lead is told when a person is called: the client's own words where configured, else in the lead's
 * language. In arena or static. */
const char *decision_escalation_text(const struct decision_input *in, struct arena *arena);
