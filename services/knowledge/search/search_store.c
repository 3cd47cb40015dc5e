/* search_store.c - see search_store.h. The searching is leadwire_candidates' (migration 0025); here its rows become
 * candidates. */
#include "services/knowledge/search/search_store.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "services/knowledge/embedding/half.h"
#include "services/knowledge/search/asked.h"
#include "services/knowledge/search/fillers.h"
#include "services/knowledge/search/trigram.h"

#define ANSWER_WEIGHT 0.85 /* of a word in an answer; in a question it counts whole */

/* One base that was searched. */
struct base {
    const char *kb_id, *model, *folded;
    double threshold;
    struct trigrams trigrams; /* of folded */
    struct asked asked;
    const struct fillers *fillers;
};

/* A candidate while its chunks are read. */
struct draft {
    struct candidate candidate;
    const struct base *base;
    double *best; /* of each term */
    double best_chunk;
};

struct reading {
    struct arena *arena;
    const struct db_result *rows;
    struct base *bases;
    size_t n_bases;
    struct draft *drafts;
    size_t n_drafts;
};

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

static const char *text_of(const struct reading *self, int row, const char *column)
{
    const char *text = db_get(self->rows, row, column);

    return arena_strdup(self->arena, text ? text : "");
}

static int read_base(struct reading *self, int row, struct db_pool *db, struct err *err)
{
    struct base *base = &self->bases[self->n_bases++];

    *base = (struct base){
        .kb_id = text_of(self, row, "kb_id"),
        .model = text_of(self, row, "model"),
        .folded = text_of(self, row, "folded"),
        .threshold = db_get_float(self->rows, row, "threshold"),
    };
    if (!base->kb_id || !base->model || !base->folded)
        return out_of_memory(err);
    trigrams_read(&base->trigrams, base->folded);
    if (!(base->fillers = fillers_of(db, db_get(self->rows, row, "language"), err)))
        return -1;
    return asked_parse(db_get(self->rows, row, "words"), self->arena, &base->asked, err);
}

static const struct base *find_base(const struct reading *self, const char *kb_id)
{
    for (size_t i = 0; i < self->n_bases; i++)
        if (strcmp(self->bases[i].kb_id, kb_id) == 0)
            return &self->bases[i];
    return NULL;
}

/* The candidate that a chunk speaks for: of an FAQ its document, of a document the chunk itself. */
static struct draft *draft_of(struct reading *self, int row, bool is_faq, struct err *err)
{
    const char *chunk_id = db_get(self->rows, row, "chunk_id"), *document_id = db_get(self->rows, row, "document_id");
    struct draft *draft;

    for (size_t i = 0; i < self->n_drafts; i++) {
        const struct candidate *c = &self->drafts[i].candidate;
        if (is_faq ? strcmp(c->document_id, document_id) == 0 : strcmp(c->chunk_id, chunk_id) == 0)
            return &self->drafts[i];
    }
    draft = &self->drafts[self->n_drafts];
    if (!(draft->base = find_base(self, db_get(self->rows, row, "kb_id")))) {
        err_set(err, ERR_INTERNAL, "knowledge: a chunk of no base was found");
        return NULL;
    }
    draft->candidate = (struct candidate){
        .document_id = arena_strdup(self->arena, document_id),
        .kb_id = draft->base->kb_id,
        .is_faq = is_faq,
        .model = draft->base->model,
        .threshold = draft->base->threshold,
    };
    draft->best = arena_calloc(self->arena, draft->base->asked.n_terms + 1, sizeof *draft->best);
    if (!draft->candidate.document_id || !draft->best) {
        out_of_memory(err);
        return NULL;
    }
    draft->best_chunk = -2;
    self->n_drafts++;
    return draft;
}

/* What a question, or a document's chunk, says of its candidate. */
static int read_head(struct reading *self, int row, bool is_faq, struct draft *draft, struct err *err)
{
    const char *folded = db_get(self->rows, row, "folded"), *words = db_get(self->rows, row, "words");
    const struct fillers *fillers = draft->base->fillers;
    struct candidate *c = &draft->candidate;

    c->title = text_of(self, row, is_faq ? "body" : "title");
    c->heading = text_of(self, row, "heading");
    c->source_url = text_of(self, row, "source_url");
    if (!c->title || !c->heading || !c->source_url)
        return out_of_memory(err);
    c->alike = trigrams_similarity(&draft->base->trigrams, folded ? folded : c->title);
    if (!is_faq)
        return 0;
    c->exact = folded && strcmp(folded, draft->base->folded) == 0;
    c->about = asked_about(&draft->base->asked, words ? words : "", fillers->items, fillers->n, &c->words);
    return 0;
}

/* The chunk with the nearest vector stands for its candidate; without vectors the first. */
static int read_chunk(struct reading *self, int row, struct err *err)
{
    const char *part = db_get(self->rows, row, "part"), *words = db_get(self->rows, row, "words");
    bool is_answer = strcmp(part, "answer") == 0, is_question = strcmp(part, "question") == 0;
    bool has_cosine = db_get(self->rows, row, "cosine") != NULL;
    double cosine = db_get_float(self->rows, row, "cosine");
    struct draft *draft = draft_of(self, row, is_answer || is_question, err);

    if (!draft || (!is_answer && read_head(self, row, is_question, draft, err) < 0))
        return -1;
    if (!is_question && !(draft->candidate.body = text_of(self, row, "body")))
        return out_of_memory(err);
    asked_mark(&draft->base->asked, words ? words : "", is_answer ? ANSWER_WEIGHT : 1, draft->best);
    if (has_cosine && (!draft->candidate.has_cosine || cosine > draft->candidate.cosine)) {
        draft->candidate.has_cosine = true;
        draft->candidate.cosine = cosine;
    }
    if ((has_cosine ? cosine : is_answer ? -1.9 : -1.8) > draft->best_chunk) {
        draft->best_chunk = has_cosine ? cosine : is_answer ? -1.9 : -1.8;
        draft->candidate.position = db_get_int(self->rows, row, "position");
        if (!(draft->candidate.chunk_id = text_of(self, row, "chunk_id")))
            return out_of_memory(err);
    }
    return 0;
}

static int finish(struct reading *self, struct candidates *ret_candidates, struct err *err)
{
    struct candidates found = {0};

    found.items = arena_calloc(self->arena, self->n_drafts, sizeof *found.items);
    found.models = arena_calloc(self->arena, self->n_bases, sizeof *found.models);
    if (!found.items || !found.models)
        return out_of_memory(err);
    for (size_t i = 0; i < self->n_drafts; i++) {
        struct draft *draft = &self->drafts[i];
        draft->candidate.covered = asked_covered(&draft->base->asked, draft->best);
        if (draft->candidate.title && draft->candidate.body)
            found.items[found.n++] = draft->candidate;
    }
    for (size_t i = 0; i < self->n_bases; i++) {
        bool known = *self->bases[i].model == '\0';
        for (size_t j = 0; !known && j < found.n_models; j++)
            known = strcmp(found.models[j], self->bases[i].model) == 0;
        if (!known)
            found.models[found.n_models++] = self->bases[i].model;
    }
    *ret_candidates = found;
    return 0;
}

static int read_rows(struct db_pool *db, const struct db_result *rows, const char *kb_id, struct arena *arena,
                     struct candidates *ret_candidates, struct err *err)
{
    int n = db_result_count(rows), n_bases = 0;
    struct reading reading = {.arena = arena, .rows = rows};

    if (n == 0 && kb_id)
        return err_set_field(err, ERR_NOT_FOUND, "kb_id", "there is no knowledge base %.40s", kb_id);
    while (n_bases < n && strcmp(db_get(rows, n_bases, "kind"), "base") == 0)
        n_bases++;
    reading.bases = arena_calloc(arena, (size_t)n_bases, sizeof *reading.bases);
    reading.drafts = arena_calloc(arena, (size_t)n, sizeof *reading.drafts);
    if (!reading.bases || !reading.drafts)
        return out_of_memory(err);
    for (int i = 0; i < n; i++) /* all bases come before their chunks */
        if ((i < n_bases ? read_base(&reading, i, db, err) : read_chunk(&reading, i, err)) < 0)
            return -1;
    return finish(&reading, ret_candidates, err);
}

/* The client is set in the statement that reads it: a transaction of one statement, in one round trip. */
#define SEARCH_SQL(models, vectors)                                                          \
    "SELECT f.* FROM (SELECT set_config('leadwire.client_id', $1, true) AS client_id) AS s," \
    " LATERAL leadwire_candidates(s.client_id::uuid, $2, $3, $4, " models ", " vectors ", $5) AS f"
#define MODELS(...)  "ARRAY[" __VA_ARGS__ "]::text[]"
#define VECTORS(...) "ARRAY[" __VA_ARGS__ "]::halfvec[]"

static const char *const search_sql[SEARCH_MODELS_MAX + 1] = {
    SEARCH_SQL(MODELS(), VECTORS()),
    SEARCH_SQL(MODELS("$6"), VECTORS("$7")),
    SEARCH_SQL(MODELS("$6, $8"), VECTORS("$7, $9")),
    SEARCH_SQL(MODELS("$6, $8, $10"), VECTORS("$7, $9, $11")),
};

int search_candidates(struct db_pool *db, const char *client_id, const char *kb_id, const char *query,
                      const struct query_vector *vectors, size_t n_vectors, const struct search_options *options,
                      struct arena *arena, struct candidates *ret_candidates, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err problem = {0};
    struct db_arg args[5 + 2 * SEARCH_MODELS_MAX] = {
        db_text(client_id), db_text(kb_id), db_text(query), db_int(options->each), db_int(options->hnsw_from),
    };

    if (n_vectors > SEARCH_MODELS_MAX)
        n_vectors = SEARCH_MODELS_MAX;
    for (size_t i = 0; i < n_vectors; i++) {
        size_t len = HALF_BYTES(vectors[i].dims);
        unsigned char *binary = arena_alloc(arena, len);

        if (!binary)
            return out_of_memory(err);
        half_encode(vectors[i].values, vectors[i].dims, binary);
        args[5 + 2 * i] = db_text(vectors[i].model);
        args[6 + 2 * i] = db_binary(binary, len);
    }
    /* It only reads: a lost answer is asked for again. */
    for (int attempt = 0;; attempt++) {
        if (db_run_args(db, NULL, &rows, &problem, search_sql[n_vectors], args, 5 + 2 * n_vectors) >= 0)
            break;
        if (problem.kind == ERR_UNCERTAIN && attempt == 0)
            continue;
        if (problem.kind == ERR_UNCERTAIN)
            problem.kind = ERR_UNAVAILABLE;
        if (err)
            *err = problem;
        return -1;
    }
    return read_rows(db, rows, kb_id, arena, ret_candidates, err);
}
