#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "libshared/clock.h"

Test(clock, formats_rfc_3339_with_microseconds)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format(0, text);
    cr_expect(eq(str, text, "1970-01-01T00:00:00.000000Z"));
    clock_format(1795341600000001, text);
    cr_expect(eq(str, text, "2026-11-22T10:00:00.000001Z"));
    clock_format(-1, text);
    cr_expect(eq(str, text, "1969-12-31T23:59:59.999999Z"));
}

static int64_t parsed(const char *text)
{
    int64_t us = -42;

    clock_parse(text, &us);
    return us;
}

Test(clock, reads_rfc_3339_and_what_postgresql_prints)
{
    const int64_t ten = 1795341600000000;

    cr_expect(eq(i64, parsed("2026-11-22T10:00:00Z"), ten));
    cr_expect(eq(i64, parsed("2026-11-22T12:00:00+02:00"), ten));
    cr_expect(eq(i64, parsed("2026-11-22T06:30:00-03:30"), ten));
    cr_expect(eq(i64, parsed("2026-11-22 10:00:00+00"), ten));
    cr_expect(eq(i64, parsed("2026-11-22 10:00:00.5+00"), ten + 500000));
    cr_expect(eq(i64, parsed("2026-11-22T10:00:00.000001Z"), ten + 1));
    cr_expect(eq(i64, parsed("2026-11-22T10:00:00.123456789Z"), ten + 123456));
}

Test(clock, reads_what_it_formats)
{
    char text[CLOCK_TEXT_SIZE];
    int64_t now = clock_wall_us();

    clock_format(now, text);
    cr_expect(eq(i64, parsed(text), now));
}

Test(clock, refuses_what_is_no_time)
{
    const char *const wrong[] = {
        "",
        "2026-11-22",
        "2026-11-22T10:00:00",
        "2026-11-22T10:00Z",
        "2026-13-22T10:00:00Z",
        "2026-00-22T10:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T10:60:00Z",
        "2026-11-22T10:00:00.Z",
        "2026-11-22T10:00:00Zx",
        "2026-11-22T10:00:00+2",
        "20261122T100000Z",
        "now",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect(eq(i64, parsed(wrong[i]), -42), "%s", wrong[i]);
}

Test(clock, monotonic_time_does_not_go_back)
{
    int64_t a = clock_mono_us();
    int64_t b = clock_mono_us();

    cr_expect(b >= a);
    cr_expect(clock_mono_ms() >= b / 1000);
}
