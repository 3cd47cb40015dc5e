/* copyfix.c - see copyfix.h. */
#include "tests/unit/copyfix.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "services/knowledge/search/copy.h"
#include "services/knowledge/search/copy_large.h"
#include "services/knowledge/search/copy_search.h"
#include "services/knowledge/search/score.h"
#include "tests/unit/kbfix.h"

/* ---- what is known ---- */

static const char *const said[] = {
    "boiler",    "repair",  "repairs",  "price",      "cost",   "open",  "hours",   "Saturday", "emergency",
    "leaking",   "tap",     "drain",    "toilet",     "the",    "is",    "do",      "you",      "what",
    "guarantee", "insured", "booking",  "visit",      "photo",  "valve", "zq17",    "$49",      "24",
    "niño",      "don't",   "call-out", "kitchen",    "quote",  "free",  "weekend", "a@b.co",   "install",
    "heater",    "water",   "saber",    "instalment", "مواعيد", "السعر", "إصلاح",
};
static const char *const slipped[] = {"boilr", "emergncy", "garantee", "wekend",
                                      "heatr", "opne",     "helo",     "instalation"};

const char *copyfix_words(int n, int slips)
{
    char text[400] = "";

    for (int i = 0; i < n; i++) {
        strcat(text, rand() % 100 < slips ? slipped[rand() % COUNT_OF(slipped)] : said[rand() % COUNT_OF(said)]);
        strcat(text, i + 1 < n ? " " : "?");
    }
    return arena_strdup(kbfix_arena, text);
}

void copyfix_embed(const char *client, int dims)
{
    struct err err = {0};

    cr_assert(ge(int,
                 db_run(kbfix_admin, DB_EVERY_CLIENT, NULL, &err,
                        "INSERT INTO embeddings (client_id, model, text_hash, embedding)"
                        " SELECT t.client_id, '" KBFIX_MODEL "', t.text_hash,"
                        "        (SELECT array_agg(random() - 0.5) FROM generate_series(1, $2::int)"
                        "          WHERE t.text_hash IS NOT NULL)::vector::halfvec"
                        "   FROM (SELECT DISTINCT client_id, text_hash FROM chunks WHERE client_id = $1) AS t"
                        "     ON CONFLICT DO NOTHING",
                        db_text(client), db_int(dims)),
                 0),
              "%s", err.text);
}

/* ---- searches ---- */

static struct candidates search(struct db_pool *db, struct copy *copy, const char *kb_id, const char *query,
                                const struct query_vector *vectors, size_t n_vectors, int each, struct arena *arena)
{
    const char *client_id = copy->client_id, **asked;
    struct candidates found;
    struct err err = {0};
    int64_t version;

    asked = arena_calloc(arena, copy->n_bases, sizeof *asked);
    for (size_t i = 0; i < copy->n_bases; i++) {
        cr_assert(eq(int, copy_check(db, client_id, copy->bases[i].language, query, arena, &version, &asked[i], &err),
                     0),
                  "%s", err.text);
        cr_expect(eq(i64, version, copy->version));
    }
    cr_assert(eq(int, copy_candidates(copy, kb_id, asked, vectors, n_vectors, each, arena, &found, &err), 0), "%s",
              err.text);
    return found;
}

struct candidates copyfix_search(struct db_pool *db, const char *client_id, const char *kb_id, const char *query,
                                 const struct query_vector *vectors, size_t n_vectors, int each, struct arena *arena,
                                 struct copy **ret_copy)
{
    struct err err = {0};
    struct copy *copy = copy_read(db, client_id, &err);

    cr_assert(copy && !copy->too_large, "%s", err.text);
    *ret_copy = copy;
    return search(db, copy, kb_id, query, vectors, n_vectors, each, arena);
}

struct candidates copyfix_search_large(struct db_pool *db, const char *client_id, const char *kb_id, const char *query,
                                       const struct query_vector *vectors, size_t n_vectors, int each,
                                       struct arena *arena, struct copy **ret_copy)
{
    struct err err = {0};
    struct copy *copy = copy_read_large(db, client_id, 1 << 26, NULL, &err);

    cr_assert(copy != NULL, "%s", err.text);
    *ret_copy = copy;
    return search(db, copy, kb_id, query, vectors, n_vectors, each, arena);
}

static const struct candidate *find(const struct candidates *among, const struct candidate *wanted)
{
    for (size_t i = 0; i < among->n; i++) {
        const struct candidate *c = &among->items[i];
        if (wanted->is_faq ? c->is_faq && strcmp(c->document_id, wanted->document_id) == 0
                           : strcmp(c->chunk_id, wanted->chunk_id) == 0)
            return c;
    }
    return NULL;
}

/* pgvector adds a vector's products in another order. */
static bool is_near(double a, double b)
{
    return fabs(a - b) < 1e-5;
}

static bool is_same(const struct candidate *a, const struct candidate *b)
{
    return strcmp(a->kb_id, b->kb_id) == 0 && strcmp(a->document_id, b->document_id) == 0 &&
           strcmp(a->title, b->title) == 0 && strcmp(a->body, b->body) == 0 && strcmp(a->heading, b->heading) == 0 &&
           strcmp(a->source_url, b->source_url) == 0 && strcmp(a->model, b->model) == 0 &&
           a->threshold == b->threshold && a->exact == b->exact && a->words == b->words && a->is_faq == b->is_faq &&
           a->has_cosine == b->has_cosine && is_near(a->cosine, b->cosine) && is_near(a->covered, b->covered) &&
           is_near(a->about, b->about) && is_near(a->alike, b->alike) && is_near(score_fused(a), score_fused(b));
}

/* How many candidates of its base have a vector that is as near. */
static int as_near(const struct candidates *among, const struct candidate *than)
{
    int n = 0;

    for (size_t i = 0; i < among->n; i++)
        n += strcmp(among->items[i].kb_id, than->kb_id) == 0 && among->items[i].has_cosine &&
             among->items[i].cosine >= than->cosine - 1e-5;
    return n;
}

/* ---- what is expected ---- */

static void expect_same(const struct candidate *wanted, const struct candidate *found, const char *query)
{
    cr_expect(is_same(wanted, found),
              "\"%s\": \"%s\" has covered %f about %f alike %f cosine %f words %d exact %d in the database, %f %f"
              " %f %f %d %d in the copy",
              query, wanted->title, wanted->covered, wanted->about, wanted->alike, wanted->cosine, (int)wanted->words,
              wanted->exact, found->covered, found->about, found->alike, found->cosine, (int)found->words,
              found->exact);
}

void copyfix_expect_all(const struct candidates *by_database, const struct candidates *by_copy, int each,
                        const char *query)
{
    for (size_t i = 0; i < by_database->n; i++) {
        const struct candidate *wanted = &by_database->items[i], *found = find(by_copy, wanted);
        if (found)
            expect_same(wanted, found, query);
        else
            cr_expect(wanted->covered == 0 && !wanted->exact && as_near(by_copy, wanted) > each / 2,
                      "\"%s\": \"%s\" is not found in the copy", query, wanted->title);
    }
    cr_expect(eq(sz, by_database->n_models, by_copy->n_models));
}

/* How many candidates are worth no less. */
static size_t as_good(const struct candidates *among, double score)
{
    size_t n = 0;

    for (size_t i = 0; i < among->n; i++)
        n += score_fused(&among->items[i]) >= score - 1e-5;
    return n;
}

/* Whether enough candidates of its base say as much of the query, and have vectors as near. */
static bool is_behind(const struct candidates *among, const struct candidate *wanted, int each)
{
    int as_much = 0;

    for (size_t i = 0; i < among->n; i++)
        as_much +=
            strcmp(among->items[i].kb_id, wanted->kb_id) == 0 && among->items[i].covered >= wanted->covered - 1e-5;
    return as_much >= each && (!wanted->has_cosine || as_near(among, wanted) > each / 2);
}

void copyfix_expect_best(const struct candidates *by_database, const struct candidates *by_copy, size_t n, int each,
                         const char *query)
{
    for (size_t i = 0; i < by_database->n; i++) {
        const struct candidate *wanted = &by_database->items[i], *found = find(by_copy, wanted);
        double score = score_fused(wanted);
        size_t better = as_good(by_database, score);

        if (found)
            expect_same(wanted, found, query);
        else if (better <= n && !is_behind(by_copy, wanted, each))
            cr_expect(as_good(by_copy, score) >= better, "\"%s\": \"%s\", worth %f, is not found in the copy", query,
                      wanted->title, score);
    }
    cr_expect(eq(sz, by_database->n_models, by_copy->n_models));
}
