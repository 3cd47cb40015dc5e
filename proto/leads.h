/* leads.h - the people who contact a client, as the API shows them. Served by the orchestrator. */
#pragma once

#include "libshared/codec.h"

/* clang-format off */
#define LEAD_FIELDS(S, F, E, M, L)                                                                          \
    F(S, UUID, client_id,       REQUIRED, 0, 0,      "its client")                                          \
    F(S, UUID, lead_id,         REQUIRED, 0, 0,      "its id")                                              \
    F(S, STR,  phone,           OPTIONAL, 1, 320,    "E.164")                                               \
    F(S, STR,  email,           OPTIONAL, 1, 320,    "in lower case")                                       \
    F(S, STR,  name,            OPTIONAL, 0, 400,    "its name, if known")                                  \
    F(S, STR,  timezone,        OPTIONAL, 0, 64,     "IANA name; absent: the number's prefix tells")        \
    F(S, STR,  source,          OPTIONAL, 0, 400,    "where it came from; absent: it wrote to us")          \
    E(S, "open|escalated|taken_over|closed|opted_out", status, REQUIRED, "opted_out, else that of its most urgent conversation") \
    E(S, "HOT|WARM|COLD",       score, REQUIRED,     "how likely it buys")                                  \
    F(S, STR,  score_reason,    OPTIONAL, 0, 2000,   "why")                                                 \
    F(S, TIME, hot_at,          OPTIONAL, 0, 0,      "when it first became HOT")                            \
    F(S, STR,  service_interest, OPTIONAL, 0, 2000,  "what it wants")                                       \
    F(S, STR,  urgency,         OPTIONAL, 0, 2000,   "how urgent")                                          \
    F(S, STR,  budget_range,    OPTIONAL, 0, 2000,   "what it may cost")                                    \
    F(S, STR,  timeline,        OPTIONAL, 0, 2000,   "when")                                                \
    F(S, TIME, opted_out_at,    OPTIONAL, 0, 0,      "when it said STOP; absent: it may be written to")     \
    F(S, STR,  opted_out_channel, OPTIONAL, 0, 64,   "where: sms, whatsapp, api")                           \
    F(S, STR,  opted_out_words, OPTIONAL, 0, 2000,   "with which words")                                    \
    E(S, "yes|no",              phone_valid, OPTIONAL, "whether such a number can exist; absent: it was not looked up") \
    F(S, STR,  phone_country,   OPTIONAL, 0, 8,      "ISO 3166-1, two letters")                             \
    F(S, STR,  phone_line_type, OPTIONAL, 0, 64,     "mobile, landline, ...; a landline is not texted")     \
    F(S, TIME, phone_looked_up_at, OPTIONAL, 0, 0,   "when the number was looked up")                       \
    F(S, STRS, conversation_ids, OPTIONAL, 0, 64,    "its conversations, one a channel, newest first")      \
    F(S, TIME, created_at,      REQUIRED, 0, 0,      "first contact")                                       \
    F(S, TIME, updated_at,      REQUIRED, 0, 0,      "last change")

#define LIST_LEADS(S, F, E, M, L)                                                                           \
    F(S, UUID, client_id,       OPTIONAL, 0, 0,      "only this client's")                                  \
    E(S, "HOT|WARM|COLD",       score, OPTIONAL,     "only with this score")                                \
    E(S, "open|escalated|taken_over|closed|opted_out", status, OPTIONAL, "only with this status")           \
    E(S, "sms|whatsapp|form",   channel, OPTIONAL,   "only with a conversation over this channel; form: that came by web form, also where they are texted") \
    F(S, STR,  text,            OPTIONAL, 1, 200,    "only with this in name, phone, email or service_interest, in capitals or not") \
    E(S, "created|updated|score", sort, OPTIONAL,    "newest first (the default), last changed first, or HOT first and within a score newest first") \
    F(S, INT,  limit,           DEFAULT(50), 1, 200, "items a page")                                        \
    F(S, STR,  after,           OPTIONAL, 1, 200,    "next_after of the page before, of the same sort")

#define LEAD_PAGE(S, F, E, M, L)                                                                            \
    L(S, lead, items,           REQUIRED, 0, 200,    "as sort says")                                        \
    F(S, STR,  next_after,      OPTIONAL, 1, 200,    "for the next page; absent: this is the last")

#define GET_LEAD(S, F, E, M, L) F(S, UUID, lead_id, REQUIRED, 0, 0, "the lead")

#define CREATE_LEAD(S, F, E, M, L)                                                                          \
    F(S, UUID, client_id,       OPTIONAL, 0, 0,      "whose lead it is; absent: the key's client")          \
    F(S, STR,  phone,           OPTIONAL, 1, 32,     "E.164, e.g. +15551234567; phone, email or both")      \
    F(S, STR,  email,           OPTIONAL, 1, 254,    "its address")                                         \
    F(S, STR,  name,            OPTIONAL, 1, 400,    "its name")                                            \
    F(S, STR,  timezone,        OPTIONAL, 1, 64,     "IANA name, e.g. America/New_York")                    \
    F(S, STR,  source,          OPTIONAL, 1, 400,    "where it came from, e.g. \"open house, 3 May\"") \
    F(S, BOOL, greet,           DEFAULT(0), 0, 1,    "write to it first; needs consent_text")               \
    E(S, "sms|whatsapp",        channel, OPTIONAL,   "on which it is greeted; sms by default")              \
    F(S, STR,  message,         OPTIONAL, 1, 16000,  "what it wants, in its own words: it is answered")     \
    F(S, STR,  consent_text,    OPTIONAL, 1, 2000,   "what it agreed to; without it nothing is sent")       \
    F(S, TIME, consent_at,      OPTIONAL, 0, 0,      "when; absent: now")

#define CREATED_LEAD(S, F, E, M, L)                                                                         \
    F(S, BOOL, created,         REQUIRED, 0, 0,      "false: there was a lead with this phone or email; what it lacked is filled in") \
    M(S, lead, lead,            REQUIRED,            "the lead")                                            \
    E(S, "queued|none",         greeting, REQUIRED,  "queued: it is written to, at once or in its allowed hours") \
    F(S, STR,  greeting_why,    OPTIONAL, 0, 200,    "none: why not")

#define UPDATE_LEAD(S, F, E, M, L)                                                                          \
    F(S, UUID, lead_id,         REQUIRED, 0, 0,      "the lead")                                            \
    F(S, STR,  phone,           OPTIONAL, 1, 32,     "E.164; what was looked up of the one before is forgotten") \
    F(S, STR,  email,           OPTIONAL, 0, 254,    "its address; empty: none")                            \
    F(S, STR,  name,            OPTIONAL, 0, 400,    "its name; empty: not known")                          \
    F(S, STR,  timezone,        OPTIONAL, 0, 64,     "IANA name; empty: the number's prefix tells")         \
    F(S, STR,  service_interest, OPTIONAL, 0, 2000,  "what it wants; empty: not known")                     \
    F(S, STR,  urgency,         OPTIONAL, 0, 2000,   "how urgent; empty: not known")                        \
    F(S, STR,  budget_range,    OPTIONAL, 0, 2000,   "what it may cost; empty: not known")                  \
    F(S, STR,  timeline,        OPTIONAL, 0, 2000,   "when; empty: not known")

#define OPT_OUT_LEAD(S, F, E, M, L)                                                                         \
    F(S, UUID, lead_id,         REQUIRED, 0, 0,      "the lead")                                            \
    F(S, STR,  reason,          OPTIONAL, 1, 500,    "how it asked for it")

#define OPT_IN_LEAD(S, F, E, M, L)                                                                          \
    F(S, UUID, lead_id,         REQUIRED, 0, 0,      "the lead")                                            \
    F(S, STR,  reason,          REQUIRED, 1, 500,    "how it agreed: the proof that it may be written to again")

/* Everything about one person, kind after kind; a turn's record is what the decision saw and did. */
#define EXPORT_LEAD(S, F, E, M, L)                                                                          \
    F(S, UUID, lead_id,         REQUIRED, 0, 0,      "the lead")                                            \
    F(S, INT,  limit,           DEFAULT(50), 1, 200, "items a page; fewer where they are large")            \
    F(S, STR,  after,           OPTIONAL, 1, 200,    "next_after of the page before")

#define EXPORT_ITEM(S, F, E, M, L)                                                                          \
    E(S, "lead|consent|conversation|message|turn|task|event", kind, REQUIRED, "what it is")                       \
    F(S, UUID, id,              REQUIRED, 0, 0,      "its id")                                              \
    F(S, JSON, data,            REQUIRED, 2, 900000, "all that is stored of it")                            \
    F(S, STR,  record,          OPTIONAL, 0, 700000, "of a turn: what it was decided from, as JSON text; absent: larger than 700,000 bytes")

#define EXPORT_PAGE(S, F, E, M, L)                                                                          \
    L(S, export_item, items,    REQUIRED, 0, 200,    "the lead, its consents, conversations, messages, turns, tasks and events of the conversations, in this order") \
    F(S, STR,  next_after,      OPTIONAL, 1, 200,    "for the next page; absent: this is the last")

#define ERASE_LEAD(S, F, E, M, L) F(S, UUID, lead_id, REQUIRED, 0, 0, "the lead")

#define ERASED_LEAD(S, F, E, M, L)                                                                          \
    F(S, UUID, lead_id,         REQUIRED, 0, 0,      "who was erased")                                      \
    F(S, INT,  conversations,   REQUIRED, 0, 1e9,    "with so many conversations")                          \
    F(S, INT,  messages,        REQUIRED, 0, 1e9,    "messages")                                            \
    F(S, INT,  turns,           REQUIRED, 0, 1e9,    "decisions of the agent")                              \
    F(S, INT,  tasks,           REQUIRED, 0, 1e9,    "and tasks")                                           \
    F(S, BOOL, opt_out_kept,    REQUIRED, 0, 0,      "the lead had opted out: a hash of its number stays, so that it is not written to if it comes back")

#define LIST_SCORES(S, F, E, M, L)                                                                          \
    F(S, UUID, lead_id,         REQUIRED, 0, 0,      "the lead")                                            \
    F(S, INT,  limit,           DEFAULT(50), 1, 200, "items a page")                                        \
    F(S, STR,  after,           OPTIONAL, 1, 200,    "next_after of the page before")

#define SCORE_CHANGE(S, F, E, M, L)                                                                         \
    F(S, INT,  change,          REQUIRED, 0, 1e15,   "its number, later ones are higher")                   \
    F(S, UUID, conversation_id, REQUIRED, 0, 0,      "where it happened")                                   \
    F(S, UUID, turn_id,         REQUIRED, 0, 0,      "the decision that changed it")                        \
    E(S, "HOT|WARM|COLD",       score_before, REQUIRED, "from")                                             \
    E(S, "HOT|WARM|COLD",       score, REQUIRED,     "to")                                                  \
    F(S, STR,  reason,          REQUIRED, 0, 8000,   "why")                                                 \
    F(S, JSON, evidence,        REQUIRED, 2, 65536,  "what was known, by slot: {words, message_id, seq} of the text that told it") \
    F(S, BOOL, alerted,         REQUIRED, 0, 0,      "the client's people were to be told")                 \
    F(S, TIME, created_at,      REQUIRED, 0, 0,      "when")

#define SCORE_PAGE(S, F, E, M, L)                                                                           \
    E(S, "HOT|WARM|COLD",       score, REQUIRED,     "the lead's now")                                      \
    F(S, JSON, evidence,        REQUIRED, 2, 65536,  "what is known now, by slot: {words, message_id, seq} of the text that told it") \
    L(S, score_change, items,   REQUIRED, 0, 200,    "its changes, newest first")                           \
    F(S, STR,  next_after,      OPTIONAL, 1, 200,    "for the next page; absent: this is the last")

#define LEAD_MESSAGES(MSG)                                                                                  \
    MSG(lead, LEAD_FIELDS, "a person who contacts a client: one however many channels")                            \
    MSG(list_leads, LIST_LEADS, "leads")                                                                    \
    MSG(lead_page, LEAD_PAGE, "a page of leads")                                                            \
    MSG(get_lead, GET_LEAD, "one lead")                                                                     \
    MSG(create_lead, CREATE_LEAD, "a lead that did not write itself")                                       \
    MSG(created_lead, CREATED_LEAD, "the lead, new or known")                                               \
    MSG(update_lead, UPDATE_LEAD, "change what is known of a lead")                                         \
    MSG(opt_out_lead, OPT_OUT_LEAD, "a lead wants no more messages")                                        \
    MSG(opt_in_lead, OPT_IN_LEAD, "a lead wants messages again")                                            \
    MSG(list_scores, LIST_SCORES, "how a lead's score has changed")                                         \
    MSG(score_change, SCORE_CHANGE, "one change of a lead's score")                                         \
    MSG(score_page, SCORE_PAGE, "a lead's score, and a page of its changes")                                \
    MSG(export_lead, EXPORT_LEAD, "everything about one person")                                            \
    MSG(export_item, EXPORT_ITEM, "one thing that is stored about a person")                                \
    MSG(export_page, EXPORT_PAGE, "a page of what is stored about a person")                                \
    MSG(erase_lead, ERASE_LEAD, "forget one person")                                                        \
    MSG(erased_lead, ERASED_LEAD, "what was erased")
/* clang-format on */

LEAD_MESSAGES(MESSAGE_STRUCT)
