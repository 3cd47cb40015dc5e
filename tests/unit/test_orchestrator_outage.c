/* When the model is asked, and when it is known to be away. */
#include <criterion/criterion.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "services/orchestrator/claude/outage.h"

static struct outage *outage;

static void set_up(void)
{
    struct err err;

    outage = outage_new(&err);
    cr_assert_not_null(outage);
}

static void tear_down(void)
{
    outage_destroy(&outage);
}

TestSuite(outage, .init = set_up, .fini = tear_down, .timeout = 10);

static void fail(int turns)
{
    for (int i = 0; i < turns; i++)
        outage_note(outage, false);
}

Test(outage, a_few_failures_are_no_outage)
{
    cr_expect(outage_may_ask(outage, 1000));
    fail(4);
    for (int i = 0; i < 3; i++)
        cr_expect(outage_may_ask(outage, 1000));
    outage_note(outage, true);
    fail(4);
    cr_expect(outage_may_ask(outage, 1000));
}

Test(outage, in_an_outage_one_turn_in_a_while_asks)
{
    fail(5);
    cr_expect(outage_may_ask(outage, 10000));
    for (int i = 0; i < 10; i++)
        cr_expect_not(outage_may_ask(outage, 10000 + i * 400));
    fail(1);
    cr_expect_not(outage_may_ask(outage, 14999));
    cr_expect(outage_may_ask(outage, 15000));
    cr_expect_not(outage_may_ask(outage, 15001));
}

Test(outage, an_answer_ends_it)
{
    fail(20);
    cr_expect(outage_may_ask(outage, 10000));
    outage_note(outage, true);
    for (int i = 0; i < 10; i++)
        cr_expect(outage_may_ask(outage, 10001));
}

Test(outage, without_a_watch_every_turn_asks)
{
    outage_note(NULL, false);
    cr_expect(outage_may_ask(NULL, 0));
}
