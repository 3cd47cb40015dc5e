/* copyfix.c - see copyfix.h. */
#include "tests/unit/copyfix.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "services/knowledge/search/copy.h"
#include "services/knowledge/search/copy_search.h"
#include "services/knowledge/search/score.h"

struct candidates copyfix_search(struct db_pool *db, const char *client_id, const char *kb_id, const char *query,
                                 const struct query_vector *vectors, size_t n_vectors, int each, struct arena *arena,
                                 struct copy **ret_copy)
{
    struct err err = {0};
    struct copy *copy = copy_read(db, client_id, &err);
    struct candidates found;
    const char **asked;
    int64_t version;

    cr_assert(copy && !copy->too_large, "%s", err.text);
    asked = arena_calloc(arena, copy->n_bases, sizeof *asked);
    for (size_t i = 0; i < copy->n_bases; i++) {
        cr_assert(eq(int, copy_check(db, client_id, copy->bases[i].language, query, arena, &version, &asked[i], &err),
                     0),
                  "%s", err.text);
        cr_expect(eq(i64, version, copy->version));
    }
    cr_assert(eq(int, copy_candidates(copy, kb_id, asked, vectors, n_vectors, each, arena, &found, &err), 0), "%s",
              err.text);
    *ret_copy = copy;
    return found;
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

void copyfix_expect_all(const struct candidates *by_database, const struct candidates *by_copy, int each,
                        const char *query)
{
    for (size_t i = 0; i < by_database->n; i++) {
        const struct candidate *wanted = &by_database->items[i], *found = find(by_copy, wanted);
        if (!found)
            cr_expect(wanted->covered == 0 && !wanted->exact && as_near(by_copy, wanted) > each / 2,
                      "\"%s\": \"%s\" is not found in the copy", query, wanted->title);
        else
            cr_expect(
                is_same(wanted, found),
                "\"%s\": \"%s\" has covered %f about %f alike %f cosine %f words %d exact %d in the database, %f %f"
                " %f %f %d %d in the copy",
                query, wanted->title, wanted->covered, wanted->about, wanted->alike, wanted->cosine, (int)wanted->words,
                wanted->exact, found->covered, found->about, found->alike, found->cosine, (int)found->words,
                found->exact);
    }
    cr_expect(eq(sz, by_database->n_models, by_copy->n_models));
}
