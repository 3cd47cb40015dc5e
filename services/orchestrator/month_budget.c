/* month_budget.c - see month_budget.h. */
#include "services/orchestrator/month_budget.h"

#include <math.h>

#include "services/orchestrator/client_config.h"
#include "services/orchestrator/decision.h"

bool month_budget_is_spent(const struct decision_input *in)
{
    double usd = client_config_number(in->config, "monthly_budget_usd", -1);

    return usd >= 0 && in->month_spent >= llround(usd * 1e6);
}
