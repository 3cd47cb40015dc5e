/* Retrieval quality by words alone: two businesses' FAQs and labelled questions of leads. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/uuid.h"
#include "services/knowledge/api/kb_store.h"
#include "services/knowledge/search/copy.h"
#include "services/knowledge/search/score.h"
#include "services/knowledge/search/search_store.h"
#include "tests/unit/copyfix.h"
#include "tests/unit/testdb.h"

enum { PLUMBER, DENTIST, N_BASES };
enum kind { EXACT, PARAPHRASE, MISSPELT, OUTSIDE, N_KINDS };

static const char *const kind_names[] = {"exact", "paraphrase", "misspelt", "out of scope"};

static const struct {
    const char *question, *answer;
} entries[N_BASES][20] = {
    {
        {"What are your opening hours?", "We are open Monday to Friday from 7am to 6pm, and Saturday from 8am to 1pm."},
        {"Do you offer emergency plumbing?", "Yes, a plumber is on call day and night, every day of the year."},
        {"How much do you charge per hour?", "Our hourly rate is $95, with a minimum of one hour."},
        {"Is there a call-out fee?", "The call-out fee is $49. It is waived if you go ahead with the repair."},
        {"Which areas do you serve?", "We serve Springfield, Shelbyville and everything within 20 miles."},
        {"Can you fix a leaking tap?",
         "Yes, most dripping taps are fixed within an hour by replacing the washer or cartridge."},
        {"Do you unblock drains?", "Yes, we clear blocked drains, sinks and toilets with jetting and rods."},
        {"Can you install a water heater?",
         "We install tank and tankless water heaters of all major brands, usually within two days."},
        {"Do you repair boilers?", "Yes, our engineers repair gas and oil boilers and carry common parts."},
        {"Are you licensed and insured?",
         "We hold a state plumbing licence and liability insurance of two million dollars."},
        {"Do you give free quotes?", "Quotes for planned work are free. Send us a photo or book a visit."},
        {"What payment methods do you accept?", "We accept cash, all major credit cards and bank transfer."},
        {"Do you guarantee your work?", "All our work carries a 12 month guarantee on parts and labour."},
        {"How do I book an appointment?", "Reply to this text with a day that suits you, or call the office."},
        {"Can I cancel or reschedule my visit?",
         "You can cancel or move a visit free of charge up to 24 hours before it."},
        {"Do you work at weekends?", "We work Saturday mornings; Sundays are for emergencies alone."},
        {"My toilet keeps running, can you help?",
         "A running toilet is mostly a worn flapper or fill valve, which we replace on the first visit."},
        {"Do you remodel bathrooms?", "We do the plumbing of bathroom renovations: shower, bath, basin and pipework."},
        {"What should I do about a burst pipe?",
         "Turn off the main water valve at once and text us: we treat a burst pipe as an emergency."},
        {"Do you offer discounts for seniors?", "Customers over 65 get 10% off labour."},
    },
    {
        {"What are your opening hours?", "The practice is open Monday to Thursday 8am to 5pm and Friday until noon."},
        {"Are you accepting new patients?", "Yes, new patients are welcome. The first visit takes about an hour."},
        {"How much does a cleaning cost?", "A cleaning with an examination is $120 without insurance."},
        {"Do you take dental insurance?", "We take most PPO plans, among them Delta Dental, Cigna and Aetna."},
        {"Do you offer teeth whitening?",
         "In-office whitening takes 90 minutes and costs $350; take-home kits are $180."},
        {"Can you see me today for a toothache?",
         "We keep two slots a day for emergencies. Tell us where it hurts and we find a time."},
        {"How much is a dental implant?", "A single implant with its crown is between $3,000 and $4,500."},
        {"Do you treat children?",
         "We see children from the age of three. The first visit is to get used to the chair."},
        {"Where are you located?", "We are at 12 Elm Street, opposite the library, on the second floor."},
        {"Is there parking?", "There are free spaces behind the building; the entrance is on Oak Avenue."},
        {"Do you offer payment plans?", "Treatments above $500 can be paid in up to 12 monthly instalments."},
        {"What is your cancellation policy?", "Please tell us 24 hours before; a missed appointment costs $50."},
        {"Do you offer Invisalign?", "Yes, Dr. Lee is a certified Invisalign provider. A consultation is free."},
        {"How often should I have a check-up?", "Every six months for most people; more often with gum disease."},
        {"Do you do root canals?", "Root canals are done here by Dr. Patel, mostly in one visit."},
        {"Is sedation available for nervous patients?", "We offer laughing gas and oral sedation to anxious patients."},
        {"How long does a filling take?", "A filling takes 30 to 45 minutes; the numbness wears off after two hours."},
        {"What should I do if I knock out a tooth?",
         "Keep the tooth in milk, do not touch its root, and come at once."},
        {"Do you make dentures?", "We make full and partial dentures, and repair broken ones the same day."},
        {"Do I need X-rays at my first visit?",
         "We take X-rays at the first visit unless you bring some younger than a year."},
    },
};

static const struct {
    int base;
    enum kind kind;
    int entry; /* -1: nothing that we know answers it */
    const char *query;
} questions[] = {
    {PLUMBER, EXACT, 0, "what are your opening hours"},
    {PLUMBER, EXACT, 5, "Can you fix a leaking tap"},
    {PLUMBER, EXACT, 9, "are you licensed and insured??"},
    {PLUMBER, EXACT, 12, "Do you guarantee your work"},
    {PLUMBER, PARAPHRASE, 0, "hi, when are you open?"},
    {PLUMBER, PARAPHRASE, 0, "What time do you open and close"},
    {PLUMBER, PARAPHRASE, 2, "how much per hour do you guys charge"},
    {PLUMBER, PARAPHRASE, 2, "what's your hourly rate?"},
    {PLUMBER, PARAPHRASE, 4, "what areas do you cover"},
    {PLUMBER, PARAPHRASE, 5, "my kitchen faucet is dripping, can you repair it?"},
    {PLUMBER, PARAPHRASE, 6, "I have a blocked drain"},
    {PLUMBER, PARAPHRASE, 6, "Can you come and unclog my drain please"},
    {PLUMBER, PARAPHRASE, 7, "need a new water heater installed"},
    {PLUMBER, PARAPHRASE, 8, "can you mend my boiler"},
    {PLUMBER, PARAPHRASE, 9, "do you have a plumbing license and insurance"},
    {PLUMBER, PARAPHRASE, 10, "could I get a free quote"},
    {PLUMBER, PARAPHRASE, 11, "do you accept credit cards?"},
    {PLUMBER, PARAPHRASE, 13, "I would like to book an appointment"},
    {PLUMBER, PARAPHRASE, 14, "I need to reschedule my visit"},
    {PLUMBER, PARAPHRASE, 15, "Are you working on Saturday?"},
    {PLUMBER, PARAPHRASE, 18, "Help!! pipe burst"},
    {PLUMBER, PARAPHRASE, 19, "any senior discount?"},
    {PLUMBER, MISSPELT, 0, "what are your openning huors"},
    {PLUMBER, MISSPELT, 1, "do you offer emergancy pluming"},
    {PLUMBER, MISSPELT, 5, "can u fix a leeking tap plz"},
    {PLUMBER, MISSPELT, 7, "can you instal a watter heeter"},
    {PLUMBER, MISSPELT, 12, "do you garantee your work"},
    {PLUMBER, MISSPELT, 13, "how do i book an apointment"},
    {PLUMBER, OUTSIDE, -1, "do you repair cars"},
    {PLUMBER, OUTSIDE, -1, "What is the capital of France?"},
    {PLUMBER, OUTSIDE, -1, "can you paint my house"},
    {PLUMBER, OUTSIDE, -1, "do you sell pizza"},
    {PLUMBER, OUTSIDE, -1, "who won the game last night"},
    {PLUMBER, OUTSIDE, -1, "I am looking for a job, are you hiring?"},
    {PLUMBER, OUTSIDE, -1, "can you install solar panels on my roof"},
    {PLUMBER, OUTSIDE, -1, "do you do electrical wiring"},
    {DENTIST, EXACT, 3, "Do you take dental insurance?"},
    {DENTIST, EXACT, 8, "where are you located"},
    {DENTIST, EXACT, 14, "do you do root canals"},
    {DENTIST, PARAPHRASE, 1, "do you take new patients"},
    {DENTIST, PARAPHRASE, 2, "what is the price of a cleaning?"},
    {DENTIST, PARAPHRASE, 3, "which insurances do you take"},
    {DENTIST, PARAPHRASE, 4, "how much for whitening my teeth"},
    {DENTIST, PARAPHRASE, 5, "I have a terrible toothache, can I come today?"},
    {DENTIST, PARAPHRASE, 6, "what do implants cost"},
    {DENTIST, PARAPHRASE, 7, "do you see kids?"},
    {DENTIST, PARAPHRASE, 8, "what's your address"},
    {DENTIST, PARAPHRASE, 9, "where can I park"},
    {DENTIST, PARAPHRASE, 10, "can I pay in instalments"},
    {DENTIST, PARAPHRASE, 11, "what happens if I miss or cancel an appointment"},
    {DENTIST, PARAPHRASE, 12, "I'm interested in invisalign"},
    {DENTIST, PARAPHRASE, 15, "I'm nervous about the dentist, do you have sedation"},
    {DENTIST, PARAPHRASE, 16, "how long do fillings take"},
    {DENTIST, PARAPHRASE, 18, "can you repair a broken denture"},
    {DENTIST, MISSPELT, 2, "how much dose a clening cost"},
    {DENTIST, MISSPELT, 4, "teeth whitning"},
    {DENTIST, MISSPELT, 12, "do you do invisaline"},
    {DENTIST, MISSPELT, 3, "do you take dental insurence"},
    {DENTIST, MISSPELT, 15, "is sedatoin availble"},
    {DENTIST, OUTSIDE, -1, "do you groom dogs"},
    {DENTIST, OUTSIDE, -1, "can I buy glasses from you"},
    {DENTIST, OUTSIDE, -1, "how do I reset my password"},
    {DENTIST, OUTSIDE, -1, "do you deliver groceries"},
    {DENTIST, OUTSIDE, -1, "what's the weather tomorrow"},
    {DENTIST, OUTSIDE, -1, "how much is a haircut"},
    {DENTIST, OUTSIDE, -1, "can you fix my laptop screen"},
};

static struct db_pool *pool;
static char client_id[UUID_SIZE];
static char kb_ids[N_BASES][UUID_SIZE];

static void fill_base(struct db_tx *tx, int base, struct arena *arena)
{
    struct err err = {0};
    struct faq_put faqs[20] = {0};
    struct kb kb;

    uuid_new(kb_ids[base]);
    cr_assert(ge(int,
                 db_query(tx, NULL, &err, "INSERT INTO knowledge_bases (client_id, kb_id, name) VALUES ($1, $2, $3)",
                          db_text(client_id), db_text(kb_ids[base]), db_text(kb_ids[base])),
                 0),
              "%s", err.text);
    for (size_t i = 0; i < 20; i++)
        faqs[i] = (struct faq_put){.question = entries[base][i].question, .answer = entries[base][i].answer};
    cr_assert(eq(int, kb_open(tx, kb_ids[base], arena, &kb, &err), 0), "%s", err.text);
    cr_assert(eq(int, faqs_fold(tx, faqs, 20, arena, &err), 0), "%s", err.text);
    cr_assert(eq(int, faqs_put(tx, &kb, faqs, 20, arena, &err), 0), "%s", err.text);
}

static void open_bases(void)
{
    struct err err = {0};
    AUTO(arena_destroy) struct arena *arena = arena_new(1 << 24);
    AUTO(db_rollback) struct db_tx *tx = NULL;

    pool = db_pool_new(testdb_url(), NULL, 2, &err);
    cr_assert(pool != NULL, "%s", err.text);
    uuid_new(client_id);
    tx = db_begin(pool, client_id, &err);
    cr_assert(tx != NULL, "%s", err.text);
    cr_assert(ge(int,
                 db_query(tx, NULL, &err, "INSERT INTO clients (client_id, name) VALUES ($1, 'Quality')",
                          db_text(client_id)),
                 0),
              "%s", err.text);
    for (int base = 0; base < N_BASES; base++)
        fill_base(tx, base, arena);
    cr_assert(eq(int, db_commit(&tx, &err), 0), "%s", err.text);
}

static void close_bases(void)
{
    db_pool_destroy(&pool);
}

TestSuite(knowledge_quality, .init = open_bases, .fini = close_bases, .timeout = 60);

static const struct candidate *best_candidate(const struct candidates *found)
{
    const struct candidate *best = NULL;

    for (size_t i = 0; i < found->n; i++)
        if (score_fused(&found->items[i]) > (best ? score_fused(best) : 0))
            best = &found->items[i];
    return best;
}

static const char *best_title(const struct candidates *found)
{
    const struct candidate *best = best_candidate(found);

    return best ? best->title : "";
}

/* The best candidate of a query: its score, and whether it is the given entry. */
static double best_of(int base, const char *query, const char **ret_title, const struct candidate **ret_best,
                      struct arena *arena)
{
    static const struct search_options options = {.each = 20, .hnsw_from = INT64_MAX};
    struct err err = {0};
    struct candidates found;

    cr_assert(eq(int, search_candidates(pool, client_id, kb_ids[base], query, NULL, 0, &options, arena, &found, &err),
                 0),
              "%s", err.text);
    *ret_title = best_title(&found);
    *ret_best = best_candidate(&found);
    return *ret_best ? score_fused(*ret_best) : 0;
}

/* All candidates of the database's are in the copy, which has the same best one. */
Test(knowledge_quality, a_copy_answers_as_the_database_does)
{
    static const struct search_options options = {.each = 9, .hnsw_from = INT64_MAX};

    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        AUTO(arena_destroy) struct arena *arena = arena_new(1 << 24);
        AUTO(copy_release) struct copy *copy = NULL;
        const char *kb_id = kb_ids[questions[i].base], *query = questions[i].query;
        struct candidates found, copied;
        struct err err = {0};

        cr_assert(eq(int, search_candidates(pool, client_id, kb_id, query, NULL, 0, &options, arena, &found, &err), 0),
                  "%s", err.text);
        copied = copyfix_search(pool, client_id, kb_id, query, NULL, 0, options.each, arena, &copy);
        copyfix_expect_all(&found, &copied, options.each, query);
        cr_expect(eq(str, (char *)best_title(&copied), (char *)best_title(&found)), "%s", query);
    }
}

#define THRESHOLD 0.75

Test(knowledge_quality, leads_questions_find_their_answers_and_others_find_none)
{
    int right[N_KINDS] = {0}, passed[N_KINDS] = {0}, all[N_KINDS] = {0};

    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        AUTO(arena_destroy) struct arena *arena = arena_new(1 << 24);
        int base = questions[i].base, entry = questions[i].entry;
        enum kind kind = questions[i].kind;
        const struct candidate *best;
        const char *title;
        double score = best_of(base, questions[i].query, &title, &best, arena);
        bool is_right = entry >= 0 && strcmp(title, entries[base][entry].question) == 0;
        bool is_passed = entry >= 0 ? is_right && score >= THRESHOLD : score < THRESHOLD;

        all[kind]++;
        right[kind] += is_right;
        passed[kind] += is_passed;
        if (getenv("KNOWLEDGE_QUALITY_VERBOSE"))
            fprintf(stderr, "%s %.2f cov %.2f about %.2f words %d alike %.2f %-12s \"%s\" -> \"%s\"\n",
                    is_passed  ? "  "
                    : is_right ? "- "
                               : "X ",
                    score, best ? best->covered : 0, best ? best->about : 0, best ? (int)best->words : 0,
                    best ? best->alike : 0, kind_names[kind], questions[i].query, title);
        if (kind == EXACT)
            cr_expect(is_right && score > 0.9, "%s: %.2f", questions[i].query, score);
        if (kind == OUTSIDE)
            cr_expect(score < THRESHOLD, "%s: %.2f, %s", questions[i].query, score, title);
    }
    for (int kind = 0; kind < N_KINDS; kind++)
        fprintf(stderr, "knowledge quality, words alone: %-12s %2d questions, right first %2d, right at %.2f %2d\n",
                kind_names[kind], all[kind], right[kind], THRESHOLD, passed[kind]);
    cr_expect(ge(int, right[PARAPHRASE], all[PARAPHRASE] * 9 / 10));
    cr_expect(ge(int, passed[PARAPHRASE], all[PARAPHRASE] * 8 / 10));
    cr_expect(ge(int, right[MISSPELT], all[MISSPELT] * 9 / 10));
    cr_expect(ge(int, passed[MISSPELT], all[MISSPELT] * 8 / 10));
    cr_expect(eq(int, passed[OUTSIDE], all[OUTSIDE]));
}
