/* Each code that Twilio is known to answer with, and what it means for us. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/twilio_codes.h"

static void expect_all(const int *codes, size_t n, enum twilio_meaning meaning, enum err_kind kind, bool for_a_person)
{
    for (size_t i = 0; i < n; i++) {
        cr_expect(eq(int, twilio_meaning(codes[i]), meaning), "%d", codes[i]);
        cr_expect(eq(int, twilio_meaning_kind(meaning), kind), "%d", codes[i]);
        cr_expect(eq(int, twilio_remedy(codes[i]) != NULL, for_a_person), "%d", codes[i]);
        cr_expect(twilio_code_text(codes[i]) != NULL, "%d", codes[i]);
    }
}
#define EXPECT(meaning, kind, for_a_person, ...) \
    expect_all((const int[]){__VA_ARGS__}, COUNT_OF(((const int[]){__VA_ARGS__})), meaning, kind, for_a_person)

Test(twilio_codes, some_end_every_text_to_a_recipient)
{
    EXPECT(TWILIO_MEANS_RECIPIENT_IS_OVER, ERR_INVALID, false, 21211, 21214, 21217, 21612, 21614, 30004, 30005, 63003,
           63024, 63033);
    EXPECT(TWILIO_MEANS_OPTED_OUT, ERR_INVALID, false, 21610);
    EXPECT(TWILIO_MEANS_LANDLINE, ERR_INVALID, false, 30006);
}

Test(twilio_codes, some_end_this_message)
{
    EXPECT(TWILIO_MEANS_MESSAGE_IS_OVER, ERR_INVALID, false, 30003, 30007, 30008, 30410, 63005, 63013, 63021, 63032,
           21617);
    EXPECT(TWILIO_MEANS_WINDOW_CLOSED, ERR_INVALID, false, 63016);
}

Test(twilio_codes, templates_and_loops_end_the_message_and_want_a_person)
{
    EXPECT(TWILIO_MEANS_MESSAGE_IS_OVER, ERR_INVALID, true, 14107, 63027, 63028, 63040, 63041);
}

Test(twilio_codes, what_is_set_up_wrongly_wants_a_person)
{
    EXPECT(TWILIO_MEANS_CREDENTIALS, ERR_DENIED, true, 20003);
    EXPECT(TWILIO_MEANS_CONFIGURATION, ERR_DENIED, true, 20404, 21408, 21601, 21603, 21606, 21703, 21604, 21602, 21608,
           21219, 21609, 21654, 21655, 21656, 30002, 30034, 63001, 63007, 63008);
}

Test(twilio_codes, some_pass)
{
    EXPECT(TWILIO_MEANS_LATER, ERR_UNAVAILABLE, false, 20429, 20500, 20503, 21611, 30001, 30022, 63018, 63009, 63010,
           63012);
    EXPECT(TWILIO_MEANS_NEXT_DAY, ERR_UNAVAILABLE, false, 30023, 63038);
}

Test(twilio_codes, of_others_nothing_is_known)
{
    static const int others[] = {0, -1, 1, 20002, 21212, 63042, 99999999};

    for (size_t i = 0; i < COUNT_OF(others); i++) {
        cr_expect(eq(int, twilio_meaning(others[i]), TWILIO_MEANS_NOTHING_KNOWN), "%d", others[i]);
        cr_expect(twilio_remedy(others[i]) == NULL && twilio_code_text(others[i]) == NULL, "%d", others[i]);
    }
    cr_expect(eq(int, twilio_meaning_kind(TWILIO_MEANS_NOTHING_KNOWN), ERR_NONE));
}

Test(twilio_codes, a_code_is_found_wherever_it_stands_in_the_table)
{
    int found = 0;

    for (int code = 1; code < 100000; code++)
        found += twilio_meaning(code) != TWILIO_MEANS_NOTHING_KNOWN;
    cr_expect(eq(int, found, 10 + 1 + 1 + 9 + 1 + 5 + 1 + 19 + 10 + 2), "the table is in ascending order");
}
