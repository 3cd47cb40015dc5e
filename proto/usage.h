/* usage.h - what the model has cost a client. Served by the orchestrator. */
#pragma once

#include "libshared/codec.h"

/* clang-format off */
#define USAGE_COUNTS(S, F)                                                                                  \
    F(S, INT,  turns,           DEFAULT(0), 0, 1e15, "answers")                                             \
    F(S, INT,  scripted_turns,  DEFAULT(0), 0, 1e15, "of turns: the scripted agent wrote them")             \
    F(S, INT,  fallbacks,       DEFAULT(0), 0, 1e15, "of scripted_turns: because the model gave none, or the budget was spent") \
    F(S, INT,  unused,          DEFAULT(0), 0, 1e15, "beside turns: the model was asked, but another turn was first") \
    F(S, INT,  input_tokens,    DEFAULT(0), 0, 1e15, "read, neither from nor into the cache")               \
    F(S, INT,  output_tokens,   DEFAULT(0), 0, 1e15, "written")                                             \
    F(S, INT,  cache_read_tokens, DEFAULT(0), 0, 1e15, "read from the cache")                               \
    F(S, INT,  cache_write_tokens, DEFAULT(0), 0, 1e15, "read, and written into the cache")                 \
    F(S, INT,  cost_micro_usd,  DEFAULT(0), 0, 1e15, "at list prices, or those of ANTHROPIC_PRICES; millionths of a USD")

#define USAGE_TOTALS(S, F, E, M, L) USAGE_COUNTS(S, F)

#define USAGE_DAY(S, F, E, M, L)                                                                            \
    F(S, STR,  day,             REQUIRED, 10, 10,    "of the client's calendar: 2026-11-22")                \
    USAGE_COUNTS(S, F)

#define USAGE_MODEL(S, F, E, M, L)                                                                          \
    F(S, STR,  model,           REQUIRED, 0, 400,    "that was asked; none: none was")                      \
    USAGE_COUNTS(S, F)

#define GET_USAGE(S, F, E, M, L)                                                                            \
    F(S, UUID, client_id,       REQUIRED, 0, 0,      "the client")                                          \
    F(S, STR,  from,            OPTIONAL, 10, 10,    "first day, e.g. 2026-11-01; absent: the first of this month") \
    F(S, STR,  to,              OPTIONAL, 10, 10,    "last day, less than 366 days behind it; absent: today")

#define USAGE(S, F, E, M, L)                                                                                \
    F(S, UUID, client_id,       REQUIRED, 0, 0,      "the client")                                          \
    F(S, STR,  timezone,        REQUIRED, 1, 64,     "whose days these are")                                \
    F(S, STR,  month,           REQUIRED, 7, 7,      "this one: 2026-11")                                   \
    E(S, "none|off|ok|warning|exhausted", state, REQUIRED, "of this month's budget. none: there is none; off: it is 0; warning: 80 % are spent; exhausted: the scripted agent answers") \
    F(S, INT,  budget_micro_usd, DEFAULT(0), 0, 1e15, "of a month, monthly_budget_usd; 0: none, or off")    \
    F(S, INT,  spent_micro_usd, REQUIRED, 0, 1e15,   "in this month, up to now")                            \
    F(S, STR,  from,            REQUIRED, 10, 10,    "first day of what follows")                           \
    F(S, STR,  to,              REQUIRED, 10, 10,    "last day")                                            \
    M(S, usage_totals, totals,  REQUIRED,            "of all days")                                         \
    L(S, usage_day, days,       REQUIRED, 0, 366,    "those on which anything was, oldest first")           \
    L(S, usage_model, models,   REQUIRED, 0, 100,    "of all days by model, the costliest first")

#define USAGE_MESSAGES(MSG)                                                                                 \
    MSG(usage_totals, USAGE_TOTALS, "tokens, cost and turns")                                               \
    MSG(usage_day, USAGE_DAY, "those of a day")                                                             \
    MSG(usage_model, USAGE_MODEL, "those of a model")                                                       \
    MSG(get_usage, GET_USAGE, "what the model has cost a client, by day")                                   \
    MSG(usage, USAGE, "what the model has cost a client")
/* clang-format on */

USAGE_MESSAGES(MESSAGE_STRUCT)
