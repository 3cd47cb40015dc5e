/* Answers in the form of their channel. */
#include <criterion/criterion.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/sms_segments.h"
#include "libshared/text.h"
#include "services/orchestrator/turn/decision.h"
#include "services/orchestrator/turn/reply_channel.h"

static struct arena *arena;
static struct decision_input in;

static void set_up(void)
{
    arena = arena_new(1 << 20);
    in = (struct decision_input){.config = "{}", .channel = "sms"};
}

static void tear_down(void)
{
    arena_destroy(&arena);
}

TestSuite(reply, .init = set_up, .fini = tear_down, .timeout = 10);

static const char *plain(const char *text)
{
    struct reply_limit limit = reply_limit(&in);

    return reply_plain(arena, text, &limit);
}

Test(reply, marks_that_make_a_text_ucs2_give_way)
{
    cr_expect_str_eq(plain("We\u2019re open \u2013 \u201call day\u201d\u2026 \U0001F600"),
                     "We're open - \"all day\"...");
    cr_expect_str_eq(plain("S\u00ed, a las 5 \u2013 \u00a1claro!"), "S\u00ed, a las 5 \u2013 \u00a1claro!",
                     "letters decide, so the marks may stay");
    cr_expect_str_eq(plain("\U0001F44D"), "\U0001F44D", "nothing would be left");
    in.channel = "whatsapp";
    cr_expect_str_eq(plain("We\u2019re open \U0001F600"), "We\u2019re open \U0001F600");
}

Test(reply, markdown_is_taken_out)
{
    cr_expect_str_eq(plain(
                         "# Prices\n\n***Very*** _good_: **$149**\n---\n* one\n1. two\n![map](https://a.io/m_1_.png)"),
                     "Prices\nVery good: $149\none\n1. two\nmap https://a.io/m_1_.png");
    cr_expect_str_eq(plain("Mail joe_b@a_c.io, see https://a.io/_x_/y"), "Mail joe_b@a_c.io, see https://a.io/_x_/y");
}

Test(reply, a_text_takes_no_more_segments_than_its_limit_in_gsm)
{
    struct reply_limit limit = reply_limit(&in);
    char arabic[2000] = "", english[2000] = "";
    const char *cut;

    for (int i = 0; i < 30; i++) {
        strcat(arabic, "نحن مفتوحون كل يوم. ");
        strcat(english, "We are open each day. ");
    }
    cut = reply_within(arena, english, &limit);
    cr_expect_leq(utf8_count(cut), 320);
    cr_expect_gt(utf8_count(cut), 280);
    cr_expect_leq(sms_size(cut).segments, 3);
    cut = reply_within(arena, arabic, &limit);
    cr_expect_leq(sms_size(cut).segments, 3);
    cr_expect_leq(utf8_count(cut), 201);
    cr_expect_gt(utf8_count(cut), 160);
    cr_expect_str_eq(cut + strlen(cut) - 1, ".");

    in.config = "{\"reply_max_chars\": 160}";
    limit = reply_limit(&in);
    cr_expect_eq(sms_size(reply_within(arena, arabic, &limit)).segments, 1);
    cr_expect_leq(utf8_count(reply_within(arena, english, &limit)), 160);

    in.channel = "whatsapp";
    in.config = "{}";
    limit = reply_limit(&in);
    cr_expect_gt(utf8_count(reply_within(arena, arabic, &limit)), 201);
    cr_expect_leq(utf8_count(reply_within(arena, arabic, &limit)), 320);
}
