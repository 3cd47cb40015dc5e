/* budget.h - the sum of money that a sentence offers.
 *
 * A budget has one form in all languages: "$300-$500", "up to $1000", "under €50", "about AED 800", "at least £2000";
 * without a currency where none is named. */
#pragma once

#include <stdbool.h>

struct arena;
struct clause;

/* NULL if the sentence offers none. asked: our last message asked for the budget, so a bare number is one. In arena. */
const char *budget_find(struct arena *arena, const struct clause *clause, bool asked);

/* The highest sum that a budget allows, 0 for NULL or where it names none. */
double budget_highest(const char *budget);
