/* month_budget.h - whether the client's month has money left for the model. */
#pragma once

#include <stdbool.h>

struct decision_input;

/* Whether what the month has cost is all that monthly_budget_usd allows. Without that key it never is. */
bool month_budget_is_spent(const struct decision_input *in);
