/* truth_set.h - the labelled sets of tests/bench/truth (README.md there), for scripts/bench and the unit tests. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "services/orchestrator/turn/decision.h"

struct arena;

/* Whether a text is of the half that rules are not made by. */
bool truth_is_held_out(const char *text);

/* The file of that name in the folder; ends the process with a line on stderr if it cannot be read. */
json_t *truth_load(const char *folder, const char *name);

/* What a decision of this context sees. Its texts are in context, which must stay, and in arena. */
struct decision_input truth_input(const json_t *context, struct arena *arena);

/* What its tools have found; *ret_n of them. */
const char *const *truth_receipts(const json_t *context, struct arena *arena, size_t *ret_n);
