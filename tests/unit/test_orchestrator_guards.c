/* The guards on drafts: claims and receipts. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/guards/guard_claims.h"
#include "services/orchestrator/guards/guard_receipts.h"

static struct arena *arena;
static const char *const sources[] = {
    "Drain cleaning costs $1,200 and water heaters from 850 dollars. A 15% discount for seniors.",
    "We are open Mon-Fri 8am-6pm, Saturday 9 to 1. Call (555) 123-4567 or write to info@acme.com.",
    "Book at https://www.acme.com/book. The sale ends on March 5. Free estimates. Work takes two hours.",
};

static void open_arena(void)
{
    arena = arena_new(4 * 1024 * 1024);
}

static void close_arena(void)
{
    arena_destroy(&arena);
}

/* All of the texts are the business's. */
static struct guard_sources sources_of(const char *const *texts, size_t n)
{
    struct guard_sources all = {.arena = arena};

    for (size_t i = 0; i < n; i++)
        cr_assert(guard_sources_add(&all, (struct guard_source){.text = texts[i]}));
    return all;
}

/* The sentence that tells a deed without a receipt. */
static const char *deed(const char *draft, const char *const *texts, size_t n, bool called)
{
    struct guard_sources all = sources_of(texts, n);

    return guard_receipts(draft, &all, called);
}

static size_t held(const char *draft, const char *const *texts, size_t n, const char ***ret_found)
{
    struct guard_sources all = sources_of(texts, n);

    return guard_claims(draft, &all, ret_found);
}

static const char *unsupported(const char *draft)
{
    const char **found = NULL;

    return held(draft, sources, COUNT_OF(sources), &found) > 0 ? found[0] : NULL;
}

TestSuite(guards, .init = open_arena, .fini = close_arena, .timeout = 10);

Test(guards, what_stands_in_a_source_passes)
{
    static const char *const drafts[] = {
        "It costs $1200.",
        "It costs 1,200 dollars.",
        "That is $1,200.00 in all.",
        "A water heater starts at $850.",
        "Seniors get 15 % off.",
        "Seniors get 15 percent off.",
        "We open at 8:00 AM and close at 18:00.",
        "We're open from 8am to 6pm on Wednesday.",
        "On Saturdays we are here from 9am to 1pm.",
        "Our number is +1 555 123 4567.",
        "Call 555-123-4567.",
        "Write to Info@Acme.com.",
        "See acme.com/book or www.acme.com.",
        "The sale runs until 5 March.",
        "The sale runs until March 5th.",
        "Estimates are free. Feel free to ask!",
        "It takes about 2 hours.",
        "Thanks! What do you need help with? May I ask your name?",
        "One of our colleagues will write to you.",
    };

    for (size_t i = 0; i < COUNT_OF(drafts); i++)
        cr_expect_null(unsupported(drafts[i]), "%s: %s", drafts[i], unsupported(drafts[i]));
}

Test(guards, what_stands_nowhere_is_held)
{
    static const struct {
        const char *draft, *claim;
    } cases[] = {
        {"It costs $99.", "$99"},
        {"It costs $120.", "$120"},
        {"You get 20% off.", "20%"},
        {"You get twenty percent off.", "twenty percent"},
        {"We open at 7am.", "7am"},
        {"We close at 6am.", "6am"},
        {"We are open until 20:00.", "20:00"},
        {"We are open on Sunday.", "Sunday"},
        {"Call 555-999-4567.", "555-999-4567"},
        {"Write to sales@acme.com.", "sales@acme.com"},
        {"See https://evil.com/pay.", "https://evil.com/pay"},
        {"See acme.com/pay.", "acme.com/pay"},
        {"The sale ends on April 5.", "April 5"},
        {"The sale ends on March 6.", "March 6"},
        {"It ends 3/6.", "3/6"},
        {"It takes three hours.", "three"},
        {"We have 25 years of experience.", "25"},
        {"It takes 15 minutes or 1200 and 7 days.", "15"},
        {"That is €2k.", "€2k"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *found = unsupported(cases[i].draft);

        cr_expect(found && strcmp(found, cases[i].claim) == 0, "%s: %s", cases[i].draft, found ? found : "(passed)");
    }
}

Test(guards, a_free_thing_is_a_price)
{
    const char **found = NULL;
    const char *const paid[] = {"An estimate costs $50."};

    cr_expect_eq(held("The estimate is free.", paid, 1, &found), 1);
    cr_expect_eq(held("We'll do it at no charge.", paid, 1, &found), 1);
    cr_expect_eq(held("Feel free to write. Are you free on that day?", paid, 1, &found), 0);
}

Test(guards, a_bare_number_supports_no_percentage_and_no_time)
{
    const char **found = NULL;
    const char *const plain[] = {"We have 30 vans and 9 offices."};

    cr_expect_geq(held("30% off!", plain, 1, &found), 1);
    cr_expect_eq(held("Come at 9am.", plain, 1, &found), 1);
}

Test(guards, a_draft_with_very_many_claims_is_held)
{
    static char draft[4000];
    const char **found = NULL;
    const char *same;

    for (int i = 0; i < 1000; i++)
        snprintf(draft + strlen(draft), sizeof draft - strlen(draft), "8, ");
    same = draft;
    cr_expect_geq(held(draft, &same, 1, &found), 1);
}

Test(guards, deeds_are_not_told_as_done)
{
    static const char *const lies[] = {
        "You're booked for Monday.",      "I've scheduled your visit.",     "Booked! See you then.",
        "Your appointment is confirmed.", "I have cancelled it for you.",   "We've sent you an e-mail.",
        "Great, you are all booked.",     "I just scheduled a technician.",
    };
    static const char *const honest[] = {
        "A colleague will confirm the time.",
        "Would you like to get that scheduled?",
        "It can be booked online.",
        "I have not booked anything yet.",
        "Nothing is booked yet.",
        "Once it is booked you get a text.",
        "Is it booked already?",
        "I've noted your wish.",
        "When would you like it scheduled?",
    };

    for (size_t i = 0; i < COUNT_OF(lies); i++)
        cr_expect(deed(lies[i], NULL, 0, false), "%s", lies[i]);
    for (size_t i = 0; i < COUNT_OF(honest); i++)
        cr_expect_null(deed(honest[i], NULL, 0, false), "%s", honest[i]);
}

Test(guards, that_a_person_was_called_may_be_told_once_it_is_true)
{
    static const char *const called[] = {
        "I've notified the team and somebody will answer you here.",
        "I have let a colleague know.",
        "I've passed this on to our manager.",
        "A colleague has been told and will answer you here.",
        "The team has been informed.",
        "I've flagged this for the owner.",
        "Ya he avisado a un compañero, que le responderá por aquí.",
        "He informado al equipo.",
        "لقد أبلغت الفريق وسيجيبك أحد الزملاء هنا.",
        "تم إبلاغ أحد الزملاء وسيجيبك هنا.",
    };
    /* What is not the call stays a deed without a receipt. */
    static const char *const others[] = {
        "I've informed the police.",
        "I've forwarded you the invoice.",
        "I've notified the team and your visit is booked.",
        "I've let the team know and they are on the way.",
        "تم حجز موعدك وأبلغت الفريق.",
    };
    static const char *const honest[] = {
        "You told the office about the leak, thanks.",
        "Shall I let the team know?",
        "A colleague can be asked if you like.",
        "I'm passing this on to a colleague, who will answer you here.",
        "Our team was asked to keep Fridays free in the past? I don't know that.",
        "Ask for the manager when you come by.",
    };

    for (size_t i = 0; i < COUNT_OF(called); i++) {
        cr_expect_null(deed(called[i], NULL, 0, true), "%s", called[i]);
        cr_expect(deed(called[i], NULL, 0, false), "%s", called[i]);
    }
    for (size_t i = 0; i < COUNT_OF(others); i++)
        cr_expect(deed(others[i], NULL, 0, true), "%s", others[i]);
    for (size_t i = 0; i < COUNT_OF(honest); i++)
        cr_expect_null(deed(honest[i], NULL, 0, false), "%s", honest[i]);
}

Test(guards, a_passage_may_be_quoted_about_deeds)
{
    const char *const policy[] = {"Payment. Visits are confirmed by text the day before. Thanks."};

    cr_expect_null(deed("Visits are confirmed by text the day before.", policy, 1, false));
    cr_expect(deed("Your visit is confirmed.", policy, 1, false));
}
