/* Segments of a text, at the edges that the standard sets. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "libshared/sms_segments.h"

/* n times what, then end. */
static const char *repeat(const char *what, int n, const char *end)
{
    static char text[16384];
    size_t len = 0;

    for (int i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s", what);
    snprintf(text + len, sizeof text - len, "%s", end);
    return text;
}

static void expect(const char *text, int segments, int units, bool ucs2)
{
    struct sms_size size = sms_size(text);

    cr_expect(size.segments == segments && size.units == units && size.ucs2 == ucs2, "%.40s: %d segments, %d units, %s",
              text, size.segments, size.units, size.ucs2 ? "UCS-2" : "GSM-7");
}

Test(sms_segments, gsm_text_has_160_septets_alone_and_153_in_company)
{
    expect(repeat("a", 1, ""), 1, 1, false);
    expect(repeat("a", 160, ""), 1, 160, false);
    expect(repeat("a", 161, ""), 2, 161, false);
    expect(repeat("a", 306, ""), 2, 306, false);
    expect(repeat("a", 307, ""), 3, 307, false);
    expect(repeat("a", 1600, ""), 11, 1600, false);
}

Test(sms_segments, every_character_of_the_basic_table_is_one_septet)
{
    expect("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ", 1, 31, false);
    expect(" !\"#¤%&'()*+,-./0123456789:;<=>?¡", 1, 33, false);
    expect("ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà", 1, 63, false);
}

Test(sms_segments, the_extension_table_takes_two_septets_that_stay_together)
{
    expect("^{}\\[~]|€\f", 1, 20, false);
    expect(repeat("€", 80, ""), 1, 160, false);
    expect(repeat("€", 80, "a"), 2, 161, false);
    /* 153 is odd: 76 pairs fit into each segment, and one septet is left free. */
    expect(repeat("€", 152, ""), 2, 304, false);
    expect(repeat("€", 153, ""), 3, 306, false);
    /* A pair that would begin in the last septet moves on whole: 152 + pair + 152 is one too many for two segments. */
    expect(repeat("a", 152, "€"), 1, 154, false);
    char text[512];
    snprintf(text, sizeof text, "%s", repeat("a", 152, "€"));
    strcat(text, repeat("b", 151, ""));
    expect(text, 2, 305, false);
    strcat(text, "b");
    expect(text, 3, 306, false);
}

Test(sms_segments, one_other_character_makes_the_whole_text_ucs2)
{
    expect("`", 1, 1, true);
    expect("ç", 1, 1, true); /* only Ç is in the table */
    expect("\t", 1, 1, true);
    expect("don’t", 1, 5, true);
    expect(repeat("a", 69, "ж"), 1, 70, true);
    expect(repeat("a", 70, "ж"), 2, 71, true);
    expect(repeat("ж", 134, ""), 2, 134, true);
    expect(repeat("ж", 135, ""), 3, 135, true);
}

Test(sms_segments, a_surrogate_pair_is_two_units_that_stay_together)
{
    expect("😀", 1, 2, true);
    expect(repeat("😀", 35, ""), 1, 70, true);
    expect(repeat("😀", 35, "a"), 2, 71, true);
    /* 67 is odd: 33 pairs fit into each. */
    expect(repeat("😀", 66, ""), 2, 132, true);
    expect(repeat("😀", 67, ""), 3, 134, true);
}

Test(sms_segments, no_text_has_no_segment_but_counts_as_one)
{
    expect("", 0, 0, false);
    cr_expect(eq(int, sms_segments(""), 1));
    cr_expect(eq(int, sms_segments(repeat("a", 161, "")), 2));
}
