/* usage.c - the request about what the model has cost a client. */
#include "proto/usage.h"
#include "libshared/day.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "services/orchestrator/api/usage_store.h"
#include "services/orchestrator/handlers.h"

static int check_day(const char *day, const char *field, struct err *err)
{
    if (!day || day_is_valid(day))
        return 0;
    return err_set_field(err, ERR_INVALID, field, "%s must be a day, e.g. 2026-11-01", field);
}

int on_get_usage(struct worker *self, struct call *call, struct err *err)
{
    const struct get_usage *request = call->request;

    (void)self;
    if (check_day(request->from, "from", err) < 0 || check_day(request->to, "to", err) < 0)
        return -1;
    return usage_store_get(call->tx, request, call->arena, call->reply, err);
}
