/* test_gateway_burst.c - opt-out keywords, and whether a text looks complete. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "services/gateway/burst.h"

Test(gateway_burst, a_complete_text_is_not_held)
{
    static const char *const complete[] = {
        "What does it cost?",
        "I need a plumber. ",
        "Call me tomorrow!",
        "She said \"please call me.\"",
        "هل أنتم مفتوحون اليوم؟",
        "今日は 営業 していますか？",
        "Please call me now.",
        "this has no end mark but it is so long that nobody would expect a second text soon after it",
    };

    for (size_t i = 0; i < COUNT_OF(complete); i++)
        cr_expect_eq(burst_hold_ms(complete[i], 1000), 0, "%s", complete[i]);
}

Test(gateway_burst, a_text_that_may_go_on_is_held)
{
    static const char *const open[] = {"I need a plumber", "my sink is broken", "necesito un fontanero ya",
                                       "how much does a drain cleaning cost"};

    for (size_t i = 0; i < COUNT_OF(open); i++)
        cr_expect_eq(burst_hold_ms(open[i], 1000), 1000, "%s", open[i]);
}

Test(gateway_burst, a_text_that_announces_more_is_held_for_longer)
{
    static const char *const open[] = {
        "Hi",
        "Hello!",
        "hi there.",
        "I have a question",
        "",
        "??? !!!",
        "[1 attachment]",
        "price?",
        "quick question",
        "Hola,",
        "my sink is broken and",
        "I need help with two things: ",
        "so the thing is...",
        "Tengo una pregunta",
        "لدي سؤال",
        "مرحبا،",
        "we have a leak under the kitchen sink and it gets worse every day, the floor is wet and"};

    for (size_t i = 0; i < COUNT_OF(open); i++)
        cr_expect_eq(burst_hold_ms(open[i], 1000), 2000, "%s", open[i]);
    cr_expect_eq(burst_hold_ms("Hi", 3000), BURST_MAX_MS);
    cr_expect_eq(burst_hold_ms("Hi", 0), 0);
}

Test(gateway_burst, eighty_characters_are_counted_not_bytes)
{
    char text[2 * 81 + 1] = "";

    for (int i = 0; i < 80; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "ü");
    cr_expect_eq(burst_hold_ms(text, 700), 1400);
    snprintf(text + strlen(text), sizeof text - strlen(text), "ü");
    cr_expect_eq(burst_hold_ms(text, 700), 0);
}
