/* usage.c - the request about what the model has cost a client. */
#include <stdio.h>
#include <string.h>

#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "proto/usage.h"
#include "services/orchestrator/handlers.h"
#include "services/orchestrator/usage_store.h"

/* A day that there is, of the years that PostgreSQL and we can name. */
static int check_day(const char *day, const char *field, struct err *err)
{
    char moment[CLOCK_TEXT_SIZE], same[CLOCK_TEXT_SIZE];
    int64_t us;

    if (!day)
        return 0;
    snprintf(moment, sizeof moment, "%.10sT00:00:00Z", day);
    if (strlen(day) == 10 && clock_parse(moment, &us) == 0) {
        clock_format(us, same);
        if (strncmp(same, day, 10) == 0)
            return 0;
    }
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
