/* search_store.c - see search_store.h. The searching is leadwire_candidates' (migration 0025); here its rows become
 * candidates. */
#include "services/knowledge/search/search_store.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "services/knowledge/embedding/half.h"
#include "services/knowledge/search/drafts.h"
#include "services/knowledge/search/fillers.h"

struct reading {
    struct arena *arena;
    const struct db_result *rows;
    struct asked_base *bases;
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
    struct asked_base *base = &self->bases[self->n_bases++];

    *base = (struct asked_base){
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

static const struct asked_base *find_base(const struct reading *self, const char *kb_id)
{
    for (size_t i = 0; i < self->n_bases; i++)
        if (strcmp(self->bases[i].kb_id, kb_id) == 0)
            return &self->bases[i];
    return NULL;
}

/* The candidate that a chunk speaks for: of an FAQ its document, of a document the chunk itself. */
static struct draft *draft_of(struct reading *self, int row, const struct piece *piece, struct err *err)
{
    const struct asked_base *base = find_base(self, db_get(self->rows, row, "kb_id"));
    bool is_faq = piece_is_faq(piece);

    for (size_t i = 0; is_faq && i < self->n_drafts; i++) {
        const struct candidate *c = &self->drafts[i].candidate;
        if (c->is_faq && strcmp(c->document_id, piece->document_id) == 0)
            return &self->drafts[i];
    }
    if (!base) {
        err_set(err, ERR_INTERNAL, "knowledge: a chunk of no base was found");
        return NULL;
    }
    return draft_begin(&self->drafts[self->n_drafts], base, piece, self->arena, err) < 0
               ? NULL
               : &self->drafts[self->n_drafts++];
}

static int read_chunk(struct reading *self, int row, struct err *err)
{
    const char *words = db_get(self->rows, row, "words");
    const struct piece piece = {
        .document_id = text_of(self, row, "document_id"),
        .chunk_id = text_of(self, row, "chunk_id"),
        .part = db_get(self->rows, row, "part"),
        .heading = text_of(self, row, "heading"),
        .body = text_of(self, row, "body"),
        .words = words ? words : "",
        .title = text_of(self, row, "title"),
        .source_url = text_of(self, row, "source_url"),
        .folded = db_get(self->rows, row, "folded"),
        .position = db_get_int(self->rows, row, "position"),
    };
    double cosine = db_get_float(self->rows, row, "cosine");
    struct draft *draft;

    if (!piece.document_id || !piece.chunk_id || !piece.heading || !piece.body || !piece.title || !piece.source_url)
        return out_of_memory(err);
    if (!(draft = draft_of(self, row, &piece, err)))
        return -1;
    draft_add(draft, &piece, db_get(self->rows, row, "cosine") ? &cosine : NULL);
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
    return drafts_finish(reading.drafts, reading.n_drafts, reading.bases, reading.n_bases, arena, ret_candidates, err);
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
