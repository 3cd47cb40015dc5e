#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "libshared/text.h"

static bool valid(const char *text)
{
    return utf8_valid(text, strlen(text));
}

Test(text, utf8_of_every_length_is_valid)
{
    cr_expect(valid(""));
    cr_expect(valid("plain"));
    cr_expect(valid("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"));
    cr_expect(valid("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"));
}

Test(text, broken_utf8_is_refused)
{
    cr_expect(not(valid("\x80")));
    cr_expect(not(valid("\xc3")));
    cr_expect(not(valid("\xc0\xaf")), "overlong");
    cr_expect(not(valid("\xe0\x80\xaf")), "overlong");
    cr_expect(not(valid("\xf0\x80\x80\xaf")), "overlong");
    cr_expect(not(valid("\xed\xa0\x80")), "surrogate");
    cr_expect(not(valid("\xf4\x90\x80\x80")), "above U+10FFFF");
    cr_expect(not(valid("\xf5\x80\x80\x80")));
    cr_expect(not(valid("\xe2\x82")));
    cr_expect(not(valid("\xe2\x28\xa1")));
    cr_expect(not(utf8_valid("a\0b", 3)), "NUL");
}

Test(text, a_cut_never_splits_a_character)
{
    const char *text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"; /* 1 + 2 + 3 + 4 bytes */
    const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};

    for (size_t max = 0; max < sizeof expected / sizeof expected[0]; max++)
        cr_expect(eq(sz, utf8_cut(text, strlen(text), max), expected[max]));
}

Test(text, a_cut_drops_the_incomplete_end_of_the_text_itself)
{
    cr_expect(eq(sz, utf8_cut("ab\xe2\x82", 4, 100), 2));
    cr_expect(eq(sz, utf8_cut("ab\xc3", 3, 3), 2));
}

Test(text, characters_are_counted)
{
    cr_expect(eq(sz, utf8_count(""), 0));
    cr_expect(eq(sz, utf8_count("a\xc3\xa4\xe2\x82\xac"), 3));
}

Test(text, e164_is_a_plus_and_7_to_15_digits)
{
    cr_expect(phone_is_e164("+15551234567"));
    cr_expect(phone_is_e164("+1234567"));
    cr_expect(phone_is_e164("+123456789012345"));
    cr_expect(not(phone_is_e164("+1234567890123456")));
    cr_expect(not(phone_is_e164("+123456")));
    cr_expect(not(phone_is_e164("15551234567")));
    cr_expect(not(phone_is_e164("+05551234567")));
    cr_expect(not(phone_is_e164("+1555 1234567")));
    cr_expect(not(phone_is_e164("+15551234567\n")));
    cr_expect(not(phone_is_e164("")));
}

static const char *masked(const char *phone)
{
    static char out[PHONE_MASK_SIZE];

    phone_mask(phone, out);
    return out;
}

Test(text, phones_are_masked)
{
    cr_expect(eq(str, (char *)masked("+15551234567"), "+1555***4567"));
    cr_expect(eq(str, (char *)masked("whatsapp:+15551234567"), "whats***4567"));
    cr_expect(eq(str, (char *)masked("+1555123"), "***"));
    cr_expect(eq(str, (char *)masked("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"), "***"));
    cr_expect(eq(str, (char *)masked(NULL), "***"));
}

Test(text, integers_are_whole_and_bounded)
{
    int64_t value = 7;

    cr_expect(text_to_int("0", 0, 10, &value) && value == 0);
    cr_expect(text_to_int("-12", -20, 10, &value) && value == -12);
    cr_expect(text_to_int("9223372036854775807", 0, INT64_MAX, &value) && value == INT64_MAX);
    value = 7;
    cr_expect(not(text_to_int("9223372036854775808", 0, INT64_MAX, &value)));
    cr_expect(not(text_to_int("11", 0, 10, &value)));
    cr_expect(not(text_to_int("-1", 0, 10, &value)));
    cr_expect(not(text_to_int("", 0, 10, &value)));
    cr_expect(not(text_to_int("-", -10, 10, &value)));
    cr_expect(not(text_to_int("+5", 0, 10, &value)));
    cr_expect(not(text_to_int(" 5", 0, 10, &value)));
    cr_expect(not(text_to_int("5 ", 0, 10, &value)));
    cr_expect(not(text_to_int("5x", 0, 10, &value)));
    cr_expect(eq(i64, value, 7), "untouched on failure");
}

Test(text, control_bytes_are_seen)
{
    cr_expect(text_has_control("a\r\nb"));
    cr_expect(text_has_control("a\x7f"));
    cr_expect(not(text_has_control("a b \xc3\xa4")));
}

Test(text, hex_is_lower_case)
{
    char out[9];

    hex_encode("\x00\x9f\xff\x10", 4, out);
    cr_expect(eq(str, out, "009fff10"));
}

Test(text, a_word_is_a_letter_a_digit_or_anything_beyond_ascii)
{
    cr_expect(text_has_word("?! a"));
    cr_expect(text_has_word("...7"));
    cr_expect(text_has_word("\u0645"));
    cr_expect(not(text_has_word("")));
    cr_expect(not(text_has_word(" \t\n-_?!@[`{~\x7f")));
}
