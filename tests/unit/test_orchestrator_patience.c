/* How long a turn may wait for the model. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "libshared/auto.h"
#include "services/orchestrator/turn/patience.h"

TestSuite(patience);

Test(patience, it_is_the_leads_and_ends_well_before_the_task)
{
    static const struct {
        long patience, waited, task_left, left;
    } cases[] = {
        {20000, 0, 120000, 20000},      {20000, 3000, 119000, 17000},  {20000, 60000, 119000, 5000},
        {2000, 60000, 119000, 2000},    {120000, 0, 120000, 90000},    {120000, 50000, 70000, 50000},
        {120000, 10000, 110000, 90000}, {120000, 85000, 35000, 15000}, {20000, 115000, 5000, -15000},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_expect(eq(long, (long)patience_left_ms(cases[i].patience, cases[i].waited, cases[i].task_left),
                     cases[i].left),
                  "case %zu", i);
}
