/* "Text me on Tuesday": whether it is asked, and for when. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "services/orchestrator/later/later.h"
#include "services/orchestrator/scripted/templates.h"

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new(64 << 20);
}

static void tear_down(void)
{
    arena_destroy(&arena);
}

TestSuite(later, .init = set_up, .fini = tear_down, .timeout = 60);

static const char *read_at(const char *text, const char *now)
{
    struct later later = later_read(arena, text, now, "08:00", "20:00");

    return later.kind == LATER_NONE ? "" : arena_strdup(arena, later.at);
}

#define EXPECT_AT(text, now, wanted) cr_expect(eq(str, (char *)read_at(text, now), (char *)(wanted)))

/* Wrong ones of the file. */
static size_t wrong_of(const char *file)
{
    static const char *const kinds[] = {[LATER_NONE] = "none", [LATER_WRITE] = "write", [LATER_CALL] = "call"};
    json_t *set = json_load_file(arena_printf(arena, LEADWIRE_SOURCE_DIR "/tests/bench/later/%s", file), 0, NULL);
    json_t *examples = json_object_get(set, "examples"), *example;
    size_t i, wrong = 0;

    cr_assert(gt(sz, json_array_size(examples), 30));
    json_array_foreach (examples, i, example) {
        const char *label = json_string_value(json_array_get(example, 0)),
                   *at = json_string_value(json_array_get(example, 1)),
                   *text = json_string_value(json_array_get(example, 2));
        struct later later = later_read(arena, text, json_string_value(json_object_get(set, "now")), "08:00", "20:00");

        wrong += strcmp(kinds[later.kind], label) != 0 || (later.kind != LATER_NONE && strcmp(later.at, at) != 0);
    }
    json_decref(set);
    return wrong;
}

Test(later, the_labelled_messages_are_read)
{
    cr_expect(eq(sz, wrong_of("examples.json"), 0));
    cr_expect(le(sz, wrong_of("later_ones.json"), 1));
}

Test(later, months_and_years_go_on)
{
    EXPECT_AT("text me tomorrow", "Thursday 2026-12-31 10:00", "2027-01-01 10:00");
    EXPECT_AT("text me in 2 days", "Saturday 2028-02-27 10:00", "2028-02-29 10:00");
    EXPECT_AT("text me on January 5", "Wednesday 2026-12-30 10:00", "2027-01-05 10:00");
    EXPECT_AT("text me on the 31st", "Saturday 2026-02-28 10:00", "2026-03-31 10:00");
    EXPECT_AT("text me on February 30", "Sunday 2026-02-01 10:00", "");
}

Test(later, the_time_is_moved_into_the_hours)
{
    EXPECT_AT("text me in an hour", "Monday 2026-11-23 19:30", "2026-11-24 08:00");
    EXPECT_AT("text me in an hour", "Monday 2026-11-23 23:30", "2026-11-24 08:00");
    EXPECT_AT("text me in an hour", "Monday 2026-11-23 02:00", "2026-11-23 08:00");
    EXPECT_AT("text me at 11 pm", "Monday 2026-11-23 09:00", "2026-11-24 08:00");
    EXPECT_AT("text me tonight", "Monday 2026-11-23 19:30", "2026-11-24 08:00");
}

Test(later, an_hour_that_is_over_today_is_tomorrows)
{
    EXPECT_AT("text me at 9am", "Monday 2026-11-23 14:00", "2026-11-24 09:00");
    EXPECT_AT("text me today at 4", "Monday 2026-11-23 14:00", "2026-11-23 16:00");
    EXPECT_AT("text me on Monday", "Monday 2026-11-23 14:00", "2026-11-30 10:00");
}

Test(later, what_is_too_far_off_or_no_time_is_none)
{
    EXPECT_AT("text me in 5 months", "Monday 2026-11-23 14:00", "");
    EXPECT_AT("text me in 999 years", "Monday 2026-11-23 14:00", "");
    EXPECT_AT("text me at 99", "Monday 2026-11-23 14:00", "");
    EXPECT_AT("text me at 10:75", "Monday 2026-11-23 14:00", "");
    EXPECT_AT("text me", "Monday 2026-11-23 14:00", "");
    EXPECT_AT("text me tomorrow", "no time", "");
}

Test(later, any_bytes_are_read)
{
    char text[400];

    srand(7);
    for (int round = 0; round < 3000; round++) {
        static const char *const parts[] = {"text me ", "on ", "Tuesday", "at 5",        " ",       ",",    ".",
                                            "in ",      "3 ",  "days",    "الساعه ",     "\xd8",    "\xff", ":",
                                            "p.m.",     "’",   "¿",       "99999999999", "the 3rd", "de "};
        size_t len = 0;

        while (len + 20 < sizeof text && rand() % 25 != 0) {
            const char *part = parts[(size_t)rand() % (sizeof parts / sizeof *parts)];

            memcpy(text + len, part, strlen(part));
            len += strlen(part);
        }
        text[len] = '\0';
        read_at(text, "Monday 2026-11-23 14:00");
        if (round % 100 == 0) {
            tear_down();
            set_up();
        }
    }
}

Test(later, a_moment_is_told_in_the_leads_language)
{
    static const struct {
        const char *at, *words[3];
    } cases[] = {
        {"2026-11-25 15:30", {"today at 3:30 pm", "hoy a las 15:30", "اليوم الساعة 15:30"}},
        {"2026-11-26 10:00", {"tomorrow", "mañana", "غدًا"}},
        {"2026-12-01 17:00", {"on Tuesday at 5:00 pm", "el martes a las 17:00", "يوم الثلاثاء الساعة 17:00"}},
        {"2026-12-09 10:00", {"on December 9", "el 9 de diciembre", "في 9 ديسمبر"}},
        {"2026-11-26 12:00", {"tomorrow at 12:00 pm", "mañana a las 12:00", "غدًا الساعة 12:00"}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int language = LANGUAGE_ENGLISH; language <= LANGUAGE_ARABIC; language++)
            cr_expect(
                eq(str,
                   (char *)template_moment(arena, cases[i].at, "Wednesday 2026-11-25 14:30", (enum language)language),
                   (char *)cases[i].words[language]));
}
