/* patience.c - see patience.h. */
#include "services/orchestrator/turn/patience.h"

#define TRY_MIN_MS     5000
#define TRY_MAX_MS     90000
#define TASK_MARGIN_MS 20000 /* for what comes before and behind the model: searches, the commit */

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t patience_left_ms(int64_t patience_ms, int64_t waited_ms, int64_t task_left_ms)
{
    int64_t left_ms = patience_ms - waited_ms, least_ms = smaller(patience_ms, TRY_MIN_MS);

    if (left_ms < least_ms)
        left_ms = least_ms;
    return smaller(smaller(left_ms, TRY_MAX_MS), task_left_ms - TASK_MARGIN_MS);
}
