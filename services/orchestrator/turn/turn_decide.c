/* turn_decide.c - see turn_decide.h. */
#include "services/orchestrator/turn/turn_decide.h"

#include "libshared/failpoint.h"
#include "services/orchestrator/turn/turn.h"
#include "services/orchestrator/turn/turn_decide_internal.h"

int turn_decide(struct decider *self, struct turn *turn, struct err *err)
{
    struct deciding deciding = {.base = self, .turn = turn, .guards = json_array()};
    const char *wanted = NULL;
    int rc;

    turn->model_err = (struct err){0};
    if ((rc = turn_run_agent(&deciding, &wanted, err)) == 0) {
        failpoint("orchestrator.after_agent");
        if ((rc = turn_guard(&deciding, err)) == 0)
            rc = turn_make_record(&deciding, wanted, err);
    }
    claude_destroy(&deciding.claude);
    json_decref(deciding.guards);
    return rc;
}
