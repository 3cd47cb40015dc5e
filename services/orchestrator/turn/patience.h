/* patience.h - how long a turn may wait for the model. */
#pragma once

#include <stdint.h>

/* Until the lead's patience ends, counted from its oldest unanswered message, but at least 5 s, or all the patience
 * there is: so long the model is tried, however long the lead has waited. Never past 90 s, nor into the last 20 s of
 * its task, of which task_left_ms are left (it may have been held back until another turn ended): past its deadline
 * another process would ask the model again. 0 or less: no time is left. */
int64_t patience_left_ms(int64_t patience_ms, int64_t waited_ms, int64_t task_left_ms);
