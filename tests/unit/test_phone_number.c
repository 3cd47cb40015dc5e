/* test_phone_number.c - phone numbers as people write them. */
#include <criterion/criterion.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/phone_number.h"

static void expect(const char *written, const char *country, const char *wanted)
{
    char out[PHONE_E164_SIZE];
    const char *got = phone_to_e164(written, country, out);

    if (wanted)
        cr_expect(got && strcmp(got, wanted) == 0, "%s (%s) -> %s", written, country ? country : "-",
                  got ? got : "NULL");
    else
        cr_expect_null(got, "%s (%s) -> %s", written, country ? country : "-", got);
}

Test(phone_number, a_number_with_its_country_needs_no_other)
{
    static const char *const codes[] = {NULL, "1", "44", "999"};

    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        expect("+15551234567", codes[i], "+15551234567");
        expect(" +1 (555) 123-4567", codes[i], "+15551234567");
        expect("+44 (0)20 7946 0000", codes[i], "+442079460000");
        expect("+49-89/1234567", codes[i], "+49891234567");
        expect("+\u00a01\u2011555\u2011123\u20114567", codes[i], "+15551234567");
        expect("+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", codes[i], "+966501234567");
    }
}

Test(phone_number, a_national_number_is_that_of_the_country)
{
    expect("(555) 123-4567", "1", "+15551234567");
    expect("555.123.4567", "1", "+15551234567");
    expect("1-555-123-4567", "1", "+15551234567");
    expect("020 7946 0000", "44", "+442079460000");
    expect("07911 123456", "44", "+447911123456");
    expect("447911123456", "44", "+447911123456");
    expect("06 12 34 56 78", "33", "+33612345678");
    expect("612 34 56 78", "34", "+34612345678");
    expect("06 1234 5678", "39", "+390612345678");
    expect("98765 43210", "91", "+919876543210");
    expect("098765 43210", "91", "+919876543210");
    expect("050 123 4567", "966", "+966501234567");
    expect("٠٥٠١٢٣٤٥٦٧", "966", "+966501234567");
    expect("089 1234567", "49", "+49891234567");
}

Test(phone_number, prefixes_of_calls_abroad)
{
    expect("00 44 20 7946 0000", "49", "+442079460000");
    expect("0044 20 7946 0000", NULL, "+442079460000");
    expect("011 44 20 7946 0000", "1", "+442079460000");
}

Test(phone_number, what_could_be_another_is_none)
{
    static const struct {
        const char *written, *country;
    } cases[] = {{"555-1234", "1"},
                 {"(555) 123-4567", NULL},
                 {"(555) 123-4567", "999"},
                 {"055 123 4567", "1"},
                 {"25551234567", "1"},
                 {"7946 0000", "44"},
                 {"89 1234567", "49"},
                 {"+1 555 123", NULL},
                 {"+", NULL},
                 {"", "1"},
                 {"call me", "1"},
                 {"555 123 4567 ext. 8", "1"},
                 {"+1555123456789012345", NULL},
                 {"+0123456789", NULL},
                 {"++15551234567", NULL},
                 {"555+1234567", "1"},
                 {"1234567890123456789012345678", "1"}};

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(cases[i].written, cases[i].country, NULL);
}

Test(phone_number, the_country_of_a_number)
{
    cr_expect_str_eq(phone_country_code("+15551234567"), "1");
    cr_expect_str_eq(phone_country_code("+966501234567"), "966");
    cr_expect_null(phone_country_code("+6821234567"));
    cr_expect_null(phone_country_code("MG00000000000000000000000000000000"));
}
