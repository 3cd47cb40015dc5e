/* budget.h - the sum of money that a sentence offers. */
#pragma once

#include <stdbool.h>

struct arena;
struct sentence;

/* "$300-$500", "up to $1000", "about 800 EUR"; NULL if the sentence offers none. asked: our last message asked for
 * the budget, so a bare number is one. In arena. */
const char *budget_find(struct arena *arena, const struct sentence *sentence, bool asked);
