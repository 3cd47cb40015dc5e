/* copy.c - see copy.h. What is little is read by one statement, so that all of it is of one moment (leadwire_knowledge,
 * migration 0116). */
#include "services/knowledge/search/copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "services/knowledge/embedding/half.h"
#include "services/knowledge/search/copy_internal.h"
#include "services/knowledge/search/fillers.h"
#include "services/knowledge/search/vector_dot.h"

#define SCRATCH_BYTES ((size_t)64 * 1024 * 1024) /* for the lines of a vocabulary */

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

struct copy *copy_hold(struct copy *self)
{
    atomic_fetch_add(&self->holders, 1);
    return self;
}

void copy_release(struct copy **self_p)
{
    struct copy *self = TAKE(*self_p);

    if (!self || atomic_fetch_sub(&self->holders, 1) > 1)
        return;
    arena_destroy(&self->arena);
    free(self);
}

struct copy *copy_new(const char *client_id, size_t max_bytes, struct err *err)
{
    struct copy *self = calloc(1, sizeof *self);

    if (!self || !(self->arena = arena_new(max_bytes))) {
        free(self);
        out_of_memory(err);
        return NULL;
    }
    atomic_init(&self->holders, 1);
    snprintf(self->client_id, sizeof self->client_id, "%s", client_id);
    return self;
}

int copy_ask(struct db_pool *db, struct db_result **ret_rows, const char *sql, const struct db_arg *args, size_t n,
             struct err *err)
{
    struct err problem = {0};

    for (int attempt = 0; attempt < 2; attempt++) {
        if (db_run_args(db, NULL, ret_rows, &problem, sql, args, n) >= 0)
            return 0;
        if (problem.kind != ERR_UNCERTAIN)
            break;
        problem.kind = ERR_UNAVAILABLE;
    }
    if (err)
        *err = problem;
    return -1;
}

/* ---- reading ---- */

/* NULL without memory. */
static const char *text_of(const struct copy *self, const struct db_result *rows, int row, const char *column)
{
    const char *text = db_get(rows, row, column);

    return text && *text ? arena_strdup(self->arena, text) : "";
}

static const char *part_of(const char *part)
{
    return strcmp(part, "text") == 0 ? "text" : strcmp(part, "answer") == 0 ? "answer" : "question";
}

/* The same, to be cut. */
static char *lines_of(const struct copy *self, const struct db_result *rows, int row, const char *column)
{
    const char *text = db_get(rows, row, column);

    return arena_strdup(self->arena, text ? text : "");
}

/* Cuts "one TAB other" lines, of which there are at most max. Returns how many. */
static size_t cut_lines(char *lines, size_t max, const char **ret_one, const char **ret_other)
{
    size_t n = 0;

    for (char *at = lines, *tab, *end; n < max && *at && (tab = strchr(at, '\t')); at = end) {
        *tab = '\0';
        if ((end = strchr(tab + 1, '\n')))
            *end++ = '\0';
        else
            end = tab + 1 + strlen(tab + 1);
        ret_one[n] = at;
        ret_other[n++] = tab + 1;
    }
    return n;
}

static size_t count_lines(const char *lines)
{
    size_t n = *lines != '\0';

    for (; (lines = strchr(lines, '\n')); lines++)
        n++;
    return n;
}

static int read_vocabulary(const struct copy *self, const struct db_result *rows, int row, struct vocabulary *ret,
                           struct err *err)
{
    AUTO(arena_destroy) struct arena *scratch = arena_new(SCRATCH_BYTES);
    char *words = lines_of(self, rows, row, "folded"), *lexemes = lines_of(self, rows, row, "words");
    size_t most = words && lexemes ? count_lines(words) + count_lines(lexemes) : 0, n;
    const char **one = scratch ? arena_calloc(scratch, most, sizeof *one) : NULL;
    const char **other = scratch ? arena_calloc(scratch, most, sizeof *other) : NULL;
    struct vocabulary_word *word_items;
    struct vocabulary_lexeme *lexeme_items;

    if (!words || !lexemes || !one || !other)
        return out_of_memory(err);
    n = cut_lines(words, most, one, other);
    if (!(word_items = arena_calloc(self->arena, n, sizeof *word_items)))
        return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        word_items[i] = (struct vocabulary_word){.lexeme = one[i], .word = other[i]};
    ret->words = word_items;
    ret->n_words = n;
    n = cut_lines(lexemes, most, one, other);
    if (!(lexeme_items = arena_calloc(self->arena, n, sizeof *lexeme_items)))
        return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        lexeme_items[i] = (struct vocabulary_lexeme){.units = strtoll(one[i], NULL, 10), .lexeme = other[i]};
    ret->lexemes = lexeme_items;
    ret->n_lexemes = n;
    ret->units = db_get_int(rows, row, "units");
    return 0;
}

int copy_read_base(struct copy *self, const struct db_result *rows, int row, struct db_pool *db, struct err *err)
{
    struct copy_base *base = &self->bases[self->n_bases++];

    base->kb_id = text_of(self, rows, row, "kb_id");
    base->language = text_of(self, rows, row, "language");
    base->model = text_of(self, rows, row, "model");
    base->threshold = db_get_float(rows, row, "threshold");
    if (!base->kb_id || !base->language || !base->model)
        return out_of_memory(err);
    if (!(base->vocabulary.common = fillers_of(db, base->language, err)))
        return -1;
    return read_vocabulary(self, rows, row, &base->vocabulary, err);
}

int copy_read_piece(struct copy *self, const struct db_result *rows, int row, struct piece *piece, struct err *err)
{
    *piece = (struct piece){
        .document_id = text_of(self, rows, row, "document_id"),
        .chunk_id = text_of(self, rows, row, "chunk_id"),
        .part = part_of(db_get(rows, row, "part")),
        .heading = text_of(self, rows, row, "heading"),
        .body = text_of(self, rows, row, "body"),
        .words = text_of(self, rows, row, "words"),
        .title = text_of(self, rows, row, "title"),
        .source_url = text_of(self, rows, row, "source_url"),
        .folded = text_of(self, rows, row, "folded"),
        .position = db_get_int(rows, row, "position"),
    };
    if (!piece->document_id || !piece->chunk_id || !piece->heading || !piece->body || !piece->words || !piece->title ||
        !piece->source_url || !piece->folded)
        return out_of_memory(err);
    return 0;
}

static int read_chunk(struct copy *self, const struct db_result *rows, int row, struct copy_chunk *chunk,
                      struct err *err)
{
    const char *vector = db_get(rows, row, "vector");
    float *values;

    if (copy_read_piece(self, rows, row, &chunk->piece, err) < 0)
        return -1;
    if (!vector)
        return 0;
    chunk->dims = half_hex_dims(vector);
    if (!(values = arena_calloc(self->arena, chunk->dims, sizeof *values)))
        return out_of_memory(err);
    half_hex_decode(vector, chunk->dims, values);
    chunk->values = values;
    chunk->length2 = vector_dot(values, values, chunk->dims);
    return 0;
}

static bool is_kind(const struct db_result *rows, int row, const char *kind)
{
    return row < db_result_count(rows) && strcmp(db_get(rows, row, "kind"), kind) == 0;
}

/* Bases come before their chunks, and both are in the order of the bases' ids. */
static int read_rows(struct copy *self, const struct db_result *rows, struct db_pool *db, struct err *err)
{
    struct copy_chunk *chunks;
    size_t n_chunks;
    int row = 1;

    while (is_kind(rows, row, "base"))
        row++;
    n_chunks = (size_t)(db_result_count(rows) - row);
    self->bases = arena_calloc(self->arena, (size_t)row, sizeof *self->bases);
    chunks = arena_calloc(self->arena, n_chunks, sizeof *chunks);
    if (!self->bases || !chunks)
        return out_of_memory(err);
    for (row = 1; is_kind(rows, row, "base"); row++)
        if (copy_read_base(self, rows, row, db, err) < 0)
            return -1;
    for (size_t i = 0, base = 0; i < n_chunks; i++, row++) {
        const char *kb_id = db_get(rows, row, "kb_id");
        while (base < self->n_bases && strcmp(self->bases[base].kb_id, kb_id) != 0)
            base++;
        if (base == self->n_bases)
            return err_set(err, ERR_INTERNAL, "knowledge: a chunk of no base was found");
        if (!self->bases[base].chunks)
            self->bases[base].chunks = &chunks[i];
        self->bases[base].n_chunks++;
        if (read_chunk(self, rows, row, &chunks[i], err) < 0)
            return -1;
    }
    return 0;
}

/* The client is set in the statement that reads it: a transaction of one statement, in one round trip. */
#define READ_SQL                                                                          \
    "SELECT k.* FROM (SELECT set_config('leadwire.client_id', $1, true) AS client_id) s," \
    " LATERAL leadwire_knowledge(s.client_id::uuid, $2) AS k"

struct copy *copy_read(struct db_pool *db, const char *client_id, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    AUTO(copy_release) struct copy *self = copy_new(client_id, COPY_BYTES_MAX, err);
    struct err problem = {0};

    if (!self)
        return NULL;
    if (copy_ask(db, &rows, READ_SQL, (struct db_arg[]){db_text(client_id), db_int(COPY_CHUNKS_MAX)}, 2, err) < 0)
        return NULL;
    self->version = db_get_int(rows, 0, "version");
    self->too_large = db_get_int(rows, 0, "chunks") > COPY_CHUNKS_MAX;
    if (!self->too_large && read_rows(self, rows, db, &problem) < 0) {
        if (problem.kind != ERR_INTERNAL) {
            if (err)
                *err = problem;
            return NULL;
        }
        /* It does not fit. */
        arena_destroy(&self->arena);
        self->bases = NULL;
        self->n_bases = 0;
        self->too_large = true;
    }
    self->bytes = sizeof *self + (self->arena ? arena_used(self->arena) : 0);
    return TAKE(self);
}

/* ---- checking ---- */

/* CASE sees to it that the client is set before its version is read. */
#define VERSION_SQL                                                                 \
    "SELECT CASE WHEN set_config('leadwire.client_id', $1, true) <> ''"             \
    " THEN (SELECT version FROM knowledge_versions WHERE client_id = $1::uuid) END" \
    " AS version"

int copy_check(struct db_pool *db, const char *client_id, const char *language, const char *query, struct arena *arena,
               int64_t *ret_version, const char **ret_asked, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const struct db_arg args[] = {db_text(client_id), db_text(language), db_text(query)};
    const char *asked = NULL;

    if (copy_ask(db, &rows, language ? VERSION_SQL ", leadwire_query_words($2, $3) AS asked" : VERSION_SQL, args,
                 language ? 3 : 1, err) < 0)
        return -1;
    if (language && !(asked = arena_strdup(arena, db_get(rows, 0, "asked"))))
        return out_of_memory(err);
    *ret_version = db_get_int(rows, 0, "version");
    *ret_asked = asked;
    return 0;
}
