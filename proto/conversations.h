/* conversations.h - conversations and messages as the API shows them. Served by the orchestrator. */
#pragma once

#include "libshared/codec.h"

/* clang-format off */
#define CONVERSATION(S, F, E, M, L)                                                                         \
    F(S, UUID, client_id,       REQUIRED, 0, 0,      "its client")                                          \
    F(S, UUID, conversation_id, REQUIRED, 0, 0,      "its id")                                              \
    F(S, UUID, lead_id,         REQUIRED, 0, 0,      "the lead")                                            \
    E(S, "sms|whatsapp|form",   channel, REQUIRED,   "how they write")                                      \
    F(S, STR,  lead_address,    REQUIRED, 1, 320,    "the lead's number")                                   \
    F(S, STR,  our_address,     REQUIRED, 1, 320,    "the client's number")                                 \
    E(S, "open|escalated|taken_over|closed", state, REQUIRED, "escalated: a person was called; taken_over: a person writes") \
    F(S, STR,  escalation_reason, OPTIONAL, 0, 2000, "why a person was called")                             \
    F(S, STR,  taken_over_by,   OPTIONAL, 0, 800,    "who has taken it over")                               \
    F(S, TIME, taken_over_at,   OPTIONAL, 0, 0,      "when")                                                \
    E(S, "HOT|WARM|COLD",       score, OPTIONAL,     "the lead's score")                                    \
    F(S, STR,  score_reason,    OPTIONAL, 0, 2000,   "why")                                                 \
    F(S, STR,  lead_name,       OPTIONAL, 0, 400,    "the lead's name, if known")                           \
    F(S, STR,  service_interest, OPTIONAL, 0, 2000,  "what the lead wants")                                 \
    F(S, STR,  urgency,         OPTIONAL, 0, 2000,   "how urgent")                                          \
    F(S, STR,  budget_range,    OPTIONAL, 0, 2000,   "what it may cost")                                    \
    F(S, STR,  timeline,        OPTIONAL, 0, 2000,   "when")                                                \
    F(S, TIME, opted_out_at,    OPTIONAL, 0, 0,      "when the lead said STOP; absent: it did not")         \
    F(S, TIME, created_at,      REQUIRED, 0, 0,      "first contact")                                       \
    F(S, TIME, updated_at,      REQUIRED, 0, 0,      "last change")

#define GET_CONVERSATION(S, F, E, M, L) F(S, UUID, conversation_id, REQUIRED, 0, 0, "the conversation")

#define LIST_CONVERSATIONS(S, F, E, M, L)                                                                   \
    F(S, UUID, client_id,       OPTIONAL, 0, 0,      "only this client's")                                  \
    E(S, "open|escalated|taken_over|closed", state, OPTIONAL, "only in this state")                         \
    F(S, STR,  lead_address,    OPTIONAL, 1, 320,    "only with this number, E.164")                        \
    F(S, INT,  limit,           DEFAULT(50), 1, 200, "items a page")                                        \
    F(S, STR,  after,           OPTIONAL, 1, 200,    "next_after of the page before")

#define CONVERSATION_PAGE(S, F, E, M, L)                                                                    \
    L(S, conversation, items,   REQUIRED, 0, 200,    "last changed first")                                  \
    F(S, STR, next_after,       OPTIONAL, 1, 200,    "for the next page; absent: this is the last")

#define MESSAGE(S, F, E, M, L)                                                                              \
    F(S, UUID, client_id,       REQUIRED, 0, 0,      "its client")                                          \
    F(S, UUID, message_id,      REQUIRED, 0, 0,      "its id")                                              \
    F(S, INT,  seq,             REQUIRED, 0, 1e15,   "order of arrival")                                    \
    F(S, UUID, conversation_id, REQUIRED, 0, 0,      "its conversation")                                    \
    E(S, "in|out",              direction, REQUIRED, "in: from the lead")                                   \
    E(S, "lead|agent|human|system", author, REQUIRED, "who wrote it")                                       \
    E(S, "sms|whatsapp|form|voice", channel, REQUIRED, "how it travels; voice: a call, body is what is said")\
    F(S, STR,  from_address,    REQUIRED, 1, 320,    "sender")                                              \
    F(S, STR,  to_address,      REQUIRED, 1, 320,    "receiver")                                            \
    F(S, STR,  body,            REQUIRED, 0, 65536,  "what it says")                                        \
    E(S, "received|queued|sending|uncertain|sent|delivered|undelivered|read|failed|dropped", state, REQUIRED, \
      "how far it came")                                                                                    \
    F(S, STR,  provider_sid,    OPTIONAL, 1, 64,     "the provider's id")                                   \
    F(S, INT,  error_code,      DEFAULT(0), 0, 1e9,  "the provider's error code; 0: none")                  \
    F(S, STR,  error_text,      OPTIONAL, 0, 2000,   "what went wrong")                                     \
    E(S, "reply|started|consent|alert", purpose, OPTIONAL, "out: reply, at once; started by us, within the lead's hours; consent, confirms STOP, START or HELP; alert, to the client's people") \
    F(S, STR,  follow_up,       OPTIONAL, 1, 16,     "of a message that the lead did not just ask for: silence:2, the second after it did not answer; asked, it had asked to be written to then") \
    F(S, STR,  content_sid,     OPTIONAL, 1, 64,     "of a WhatsApp template")                               \
    F(S, JSON, content_variables, OPTIONAL, 2, 8192, "what its placeholders stand for")                      \
    F(S, JSON, media,           OPTIONAL, 2, 65536,  "attachments of the lead: [{url, content_type}]")       \
    F(S, JSON, form,            OPTIONAL, 2, 65536,  "what came by web form or API beside the body: name, email, service, fields; email_known: the address is another lead's, email_unproven: it is not known to be this lead's, which keeps what it had") \
    F(S, INT,  segments,        DEFAULT(0), 0, 1000, "of a text, as it is billed; 0: not known yet")         \
    F(S, UUID, turn_id,         OPTIONAL, 0, 0,      "the decision that made it")                           \
    F(S, TIME, created_at,      REQUIRED, 0, 0,      "when it was stored")                                  \
    F(S, TIME, sent_at,         OPTIONAL, 0, 0,      "when the provider took it")

#define GET_MESSAGE(S, F, E, M, L) F(S, UUID, message_id, REQUIRED, 0, 0, "the message")

#define LIST_MESSAGES(S, F, E, M, L)                                                                        \
    F(S, UUID, conversation_id, REQUIRED, 0, 0,      "the conversation")                                    \
    F(S, INT,  limit,           DEFAULT(50), 1, 200, "items a page")                                        \
    F(S, STR,  after,           OPTIONAL, 1, 200,    "next_after of the page before")

#define MESSAGE_PAGE(S, F, E, M, L)                                                                         \
    L(S, message, items,        REQUIRED, 0, 200,    "oldest first")                                        \
    F(S, STR, next_after,       OPTIONAL, 1, 200,    "for the next page; absent: this is the last")

/* A person writes. Raises the conversation's epoch: what the agent drafted before is not sent any more. */
#define CREATE_MESSAGE(S, F, E, M, L)                                                                       \
    F(S, UUID, client_id,       OPTIONAL, 0, 0,      "the client that writes; absent: the conversation's")   \
    F(S, UUID, conversation_id, OPTIONAL, 0, 0,      "where; absent: to and channel tell")                  \
    F(S, STR,  to,              OPTIONAL, 1, 32,     "a number, E.164; the lead and the conversation are made if there are none") \
    E(S, "sms|whatsapp",        channel, OPTIONAL,   "how; absent: the conversation's, else sms")           \
    F(S, STR,  body,            OPTIONAL, 1, 6400,   "the text, 1600 characters at most; absent with content_sid") \
    F(S, STR,  content_sid,     OPTIONAL, 34, 34,    "WhatsApp template, HX...: the only thing that may be sent 24 hours after the lead's last message") \
    F(S, JSON, content_variables, OPTIONAL, 2, 8192, "object with a text for each placeholder of the template: {\"1\": \"Ada\"}")

#define CREATED_MESSAGE(S, F, E, M, L)                                                                      \
    F(S, UUID, message_id,      REQUIRED, 0, 0,      "the message; GET /api/v1/messages/{message_id} has its state") \
    F(S, UUID, conversation_id, REQUIRED, 0, 0,      "its conversation")                                    \
    F(S, UUID, lead_id,         REQUIRED, 0, 0,      "to whom")                                             \
    F(S, UUID, task_id,         REQUIRED, 0, 0,      "the task that sends it")

/* Until it is released the agent is silent in it: nothing is answered, no follow-up goes out, and what the agent was
 * about to say is dropped. */
#define TAKE_OVER_CONVERSATION(S, F, E, M, L)                                                               \
    F(S, UUID, conversation_id, REQUIRED, 0, 0,      "the conversation")                                    \
    F(S, STR,  who,             OPTIONAL, 1, 200,    "who takes it over, e.g. a name; absent: whose key this is") \
    F(S, STR,  reason,          OPTIONAL, 1, 500,    "why, for the record")

/* The agent answers again, first what the lead has written meanwhile and nobody has answered. */
#define RELEASE_CONVERSATION(S, F, E, M, L)                                                                 \
    F(S, UUID, conversation_id, REQUIRED, 0, 0,      "the conversation")                                    \
    F(S, STR,  who,             OPTIONAL, 1, 200,    "who hands it back; absent: whose key this is")        \
    F(S, STR,  note,            OPTIONAL, 1, 500,    "what the agent is to know, beside what was written: it may tell the lead of it")

#define CLOSE_CONVERSATION(S, F, E, M, L)                                                                   \
    F(S, UUID, conversation_id, REQUIRED, 0, 0,      "the conversation")                                    \
    F(S, STR,  who,             OPTIONAL, 1, 200,    "who closes it; absent: whose key this is")            \
    F(S, STR,  reason,          OPTIONAL, 1, 500,    "why, for the record")

#define LIST_TIMELINE(S, F, E, M, L)                                                                        \
    F(S, UUID, conversation_id, REQUIRED, 0, 0,      "the conversation")                                    \
    E(S, "message|turn|task|score|consent|event|notice", kind, OPTIONAL, "only of this kind")               \
    F(S, INT,  limit,           DEFAULT(50), 1, 200, "items a page")                                        \
    F(S, STR,  after,           OPTIONAL, 1, 200,    "next_after of the page before")

#define TIMELINE_ITEM(S, F, E, M, L)                                                                        \
    F(S, TIME, at,              REQUIRED, 0, 0,      "when")                                                \
    E(S, "message|turn|task|score|consent|event|notice", kind, REQUIRED, "turn: a decision of the agent; event: escalated, taken_over, released, closed") \
    F(S, UUID, id,              REQUIRED, 0, 0,      "of the message, turn, task, consent, event or notice; of a score that of the turn that changed it") \
    F(S, STR,  text,            OPTIONAL, 0, 65536,  "what was said, why, or what went wrong")              \
    F(S, JSON, data,            REQUIRED, 2, 65536,  "what else is known, by kind")

#define TIMELINE_PAGE(S, F, E, M, L)                                                                        \
    L(S, timeline_item, items,  REQUIRED, 0, 200,    "oldest first")                                        \
    F(S, STR, next_after,       OPTIONAL, 1, 200,    "for the next page; absent: this is the last")

#define CONVERSATION_MESSAGES(MSG)                                                                          \
    MSG(conversation, CONVERSATION, "the exchange between a lead and a client over one channel")            \
    MSG(get_conversation, GET_CONVERSATION, "one conversation")                                             \
    MSG(list_conversations, LIST_CONVERSATIONS, "conversations")                                            \
    MSG(conversation_page, CONVERSATION_PAGE, "a page of conversations")                                    \
    MSG(message, MESSAGE, "one text")                                                                       \
    MSG(get_message, GET_MESSAGE, "one message")                                                            \
    MSG(create_message, CREATE_MESSAGE, "a person writes to a lead")                                        \
    MSG(created_message, CREATED_MESSAGE, "the message that will be sent")                                  \
    MSG(take_over_conversation, TAKE_OVER_CONVERSATION, "a person takes a conversation over")               \
    MSG(release_conversation, RELEASE_CONVERSATION, "a person hands a conversation back to the agent")      \
    MSG(close_conversation, CLOSE_CONVERSATION, "nothing is left to be said in a conversation")             \
    MSG(list_timeline, LIST_TIMELINE, "what has happened in a conversation")                                \
    MSG(timeline_item, TIMELINE_ITEM, "one thing that has happened in a conversation")                      \
    MSG(timeline_page, TIMELINE_PAGE, "a page of what has happened in a conversation")                      \
    MSG(list_messages, LIST_MESSAGES, "a conversation's messages")                                          \
    MSG(message_page, MESSAGE_PAGE, "a page of messages")
/* clang-format on */

CONVERSATION_MESSAGES(MESSAGE_STRUCT)
