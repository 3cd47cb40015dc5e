/* test_gateway_words.c - opt-out keywords, and whether a text looks complete. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "services/gateway/burst.h"
#include "services/gateway/optout.h"

Test(gateway_words, a_text_that_is_only_the_keyword_opts_out)
{
    static const char *const out[] = {"STOP",        "stop",     "Stop.",   "  stop \n", "\"STOP\"!", "StopAll",
                                      "UNSUBSCRIBE", "cancel",   "End",     "quit",      "REVOKE",    "optout",
                                      "OPT OUT",     "opt  out", "opt-out", "(stop)"};

    for (size_t i = 0; i < COUNT_OF(out); i++)
        cr_expect_str_eq(optout_keyword(out[i]), "out", "%s", out[i]);
}

Test(gateway_words, the_keywords_of_coming_back_opt_in)
{
    static const char *const in[] = {"START", "start!", "Unstop", " yes ", "YES."};

    for (size_t i = 0; i < COUNT_OF(in); i++)
        cr_expect_str_eq(optout_keyword(in[i]), "in", "%s", in[i]);
}

Test(gateway_words, a_keyword_within_a_sentence_is_only_a_word)
{
    static const char *const neither[] = {
        "",           " ",       "?!",    "don't stop", "stop by tomorrow",       "Can I cancel my appointment?",
        "yes please", "the end", "stopp", "st op",      "UNSUBSCRIBEUNSUBSCRIBE", "توقف",
        "stop🛑"};

    for (size_t i = 0; i < COUNT_OF(neither); i++)
        cr_expect_str_eq(optout_keyword(neither[i]), "", "%s", neither[i]);
}

Test(gateway_words, a_complete_text_is_not_held)
{
    static const char *const complete[] = {
        "What does it cost?",
        "I need a plumber. ",
        "Call me tomorrow!",
        "She said \"please call me.\"",
        "هل أنتم مفتوحون اليوم؟",
        "今日は 営業 していますか？",
        "Please call me…",
        "this has no end mark but it is so long that nobody would expect a second text soon after it",
    };

    for (size_t i = 0; i < COUNT_OF(complete); i++)
        cr_expect_eq(burst_hold_ms(complete[i], 1000), 0, "%s", complete[i]);
}

Test(gateway_words, a_text_that_may_go_on_is_held)
{
    static const char *const open[] = {
        "Hi",      "Hello!",         "hi there.", "I have a question", "my sink is broken and", "",
        "??? !!!", "[1 attachment]", "price?"};

    for (size_t i = 0; i < COUNT_OF(open); i++)
        cr_expect_eq(burst_hold_ms(open[i], 1000), 1000, "%s", open[i]);
}

Test(gateway_words, eighty_characters_are_counted_not_bytes)
{
    char text[2 * 81 + 1] = "";

    for (int i = 0; i < 80; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "ü");
    cr_expect_eq(burst_hold_ms(text, 700), 700);
    snprintf(text + strlen(text), sizeof text - strlen(text), "ü");
    cr_expect_eq(burst_hold_ms(text, 700), 0);
}
