/* test_orchestrator_quote.c - of a document's passage that is said which answers. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "libshared/arena.h"
#include "services/orchestrator/scripted/quote.h"
#include "services/orchestrator/turn/reply.h"

static const char handbook[] =
    "Customer handbook\n"
    "Water heaters\n"
    "Tank replacement\n"
    "A standard gas water heater costs $1,450 installed, with the permit. Tankless units start "
    "at $3,200 because the vent has to be enlarged. A report is sent by e-mail.\n\n"
    "Payment and financing\n"
    "Jobs above $2,000 can be paid in twelve monthly instalments. A report is sent by e-mail.\n\n"
    "Cancellation\n"
    "Appointments can be moved until 24 hours before. Later ones cost $60.\n";
static const char practice[] =
    "Welcome to our practice.\n\n## Insurance\n\nWe accept:\n\n- Delta Dental\n- Cigna\n- Aetna\n\n"
    "We do not accept Medicaid.\n\n## Prices\n\n| Treatment | Price |\n|---|---|\n"
    "| Crown | $1,100 |\n| Root canal | $950 |\n\n## FAQ\n\nDo you see children?\n: Yes, from the age of three.\n";
static struct arena *arena;

static void set_up(void)
{
    arena = arena_new(4 * 1024 * 1024);
}

static void tear_down(void)
{
    arena_destroy(&arena);
}

static void expect(const char *body, const char *question, const char *quote)
{
    cr_expect(eq(str, (char *)quote_answer(arena, body, question, REPLY_MAX), (char *)quote), "%s", question);
}

TestSuite(quote, .init = set_up, .fini = tear_down, .timeout = 10);

Test(quote, the_sentence_that_answers_is_said_wherever_it_stands)
{
    expect(handbook, "How much is a tankless water heater?",
           "Tankless units start at $3,200 because the vent has to be enlarged.");
    expect(handbook, "Can I pay in instalments?", "Jobs above $2,000 can be paid in twelve monthly instalments.");
}

Test(quote, a_heading_speaks_for_what_stands_below_it)
{
    expect(handbook, "what is your cancellation policy",
           "Appointments can be moved until 24 hours before. Later ones cost $60.");
}

Test(quote, a_row_of_a_table_and_a_whole_list_are_said_without_their_marks)
{
    expect(practice, "price of a root canal", "Root canal, $950");
    expect(practice, "what does a crown cost?", "Crown, $1,100");
    expect(practice, "do you take cigna?", "We accept: Delta Dental, Cigna, Aetna");
}

Test(quote, what_is_no_sentence_is_said_with_what_stands_above_it)
{
    expect("We install all of these. Price list\n\nToilet installation\n\n$310\n\n2 hours\n\nSump pump\n\n$620\n\n3 "
           "hours\n",
           "how much does a new toilet cost", "Toilet installation: $310");
    expect("# Shop\n\n## Parking\n\nBehind the house", "where is parking", "Parking: Behind the house");
}

Test(quote, a_question_in_the_text_is_answered_with_what_follows_it)
{
    expect(practice, "do you see children", "Yes, from the age of three.");
}

Test(quote, arabic_words_are_found_with_their_article)
{
    expect("نعمل في كل المدن. سعر تنظيف السجاد 200 درهم. نفتح يوم الجمعة.", "كم سعر تنظيف سجاد؟",
           "سعر تنظيف السجاد 200 درهم.");
}

Test(quote, without_any_of_the_words_it_is_the_first_sentence)
{
    expect(practice, "xyzzy?", "Welcome to our practice.");
    expect("Open daily", "xyzzy?", "Open daily");
    expect("# Title", "xyzzy?", "# Title");
    expect("", "xyzzy?", "");
    expect("Open daily", "", "Open daily");
}

Test(quote, it_is_cut_at_a_word)
{
    const char *quote = quote_answer(arena, handbook, "tankless", 30);

    cr_expect(eq(str, (char *)quote, "Tankless units start at..."));
}
