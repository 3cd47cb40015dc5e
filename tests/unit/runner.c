/* The process that runs the tests holds a little of Criterion's own memory at its end, more or less of it from run to
 * run. That is no leak of ours: LeakSanitizer looks at the processes of the tests alone. */
#include <stdbool.h>

#include <criterion/criterion.h>
#include <criterion/hooks.h>

static bool is_runner;

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    (void)stats;
    is_runner = true;
}

int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return is_runner;
}
