/* notices.h - what a person must see to: an account that is refused, a number that cannot send. Served by the
 * orchestrator, raised by whoever finds it. */
#pragma once

#include "libshared/codec.h"

/* clang-format off */
#define NOTICE(S, F, E, M, L)                                                                               \
    F(S, UUID, client_id,       OPTIONAL, 0, 0,      "whom it concerns; absent: who operates Leadwire")     \
    F(S, UUID, notice_id,       REQUIRED, 0, 0,      "its id")                                              \
    F(S, STR,  kind,            REQUIRED, 1, 64,     "account_refused, sender_refused, message_failed, budget_warning, ...") \
    F(S, STR,  subject,         REQUIRED, 0, 200,    "what it is about: an account, a number, a template")  \
    F(S, STR,  text,            REQUIRED, 0, 1000,   "what happened")                                       \
    F(S, STR,  remedy,          OPTIONAL, 0, 1000,   "what to look at")                                     \
    F(S, INT,  code,            DEFAULT(0), 0, 1e9,  "the provider's error code; 0: none")                  \
    F(S, INT,  count,           DEFAULT(1), 1, 1e9,  "how often it has happened")                           \
    F(S, TIME, created_at,      REQUIRED, 0, 0,      "first")                                               \
    F(S, TIME, last_at,         REQUIRED, 0, 0,      "last")                                                \
    F(S, TIME, resolved_at,     OPTIONAL, 0, 0,      "when it was over; absent: it is open")

#define LIST_NOTICES(S, F, E, M, L)                                                                         \
    F(S, UUID, client_id,       OPTIONAL, 0, 0,      "only this client's")                                  \
    E(S, "open|resolved",       state, OPTIONAL,     "only in this state")                                  \
    F(S, INT,  limit,           DEFAULT(50), 1, 200, "items a page")                                        \
    F(S, STR,  after,           OPTIONAL, 1, 200,    "next_after of the page before")

#define NOTICE_PAGE(S, F, E, M, L)                                                                          \
    L(S, notice, items,         REQUIRED, 0, 200,    "newest first")                                        \
    F(S, STR,  next_after,      OPTIONAL, 1, 200,    "for the next page; absent: this is the last")

#define RESOLVE_NOTICE(S, F, E, M, L)                                                                       \
    F(S, UUID, notice_id,       REQUIRED, 0, 0,      "the notice that is seen to")

#define NOTICE_MESSAGES(MSG)                                                                                \
    MSG(notice, NOTICE, "what a person must see to")                                                        \
    MSG(list_notices, LIST_NOTICES, "notices")                                                              \
    MSG(notice_page, NOTICE_PAGE, "a page of notices")                                                      \
    MSG(resolve_notice, RESOLVE_NOTICE, "a notice is seen to")
/* clang-format on */

NOTICE_MESSAGES(MESSAGE_STRUCT)
