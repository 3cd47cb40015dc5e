/* month_budget.c - see month_budget.h. */
#include "services/orchestrator/claude/month_budget.h"

#include <math.h>

#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/turn/decision.h"

bool month_budget_is_spent(const struct decision_input *in)
{
    double usd = client_config_number(in->config, "monthly_budget_usd", -1);

    return usd >= 0 && in->month_spent >= llround(usd * 1e6);
}
