/* copy_large.c - see copy_large.h; the functions are migration 0129's. The pages are of different moments; but as long
 * as the version is the same, so is all that is read, and a version never comes back: a copy of several is never used,
 * since its own is no more. */
#include "services/knowledge/search/copy_large.h"

#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "services/knowledge/embedding/half.h"
#include "services/knowledge/search/copy.h"
#include "services/knowledge/search/copy_index.h"
#include "services/knowledge/search/copy_internal.h"

#define PAGE_ROWS   250 /* some 2 MB with vectors of 1,536 numbers: 20 ms */
#define CHUNK_BYTES 256 /* that a chunk takes at the least */

static int changed(struct err *err)
{
    return err_set(err, ERR_CONFLICT, "knowledge: it was changed while it was read");
}

static int does_not_fit(struct err *err)
{
    return err_set(err, ERR_INVALID, "knowledge: it does not fit into the copies");
}

/* A chunk, before they are put into the order of their bases. */
struct row {
    size_t base;
    struct copy_chunk chunk;
};

struct reading {
    struct copy *copy;
    struct db_pool *db;
    const atomic_bool *stopping;
    struct row *rows;
    size_t n_rows, max_rows;
};

/* The client is set in the statement that reads it: a transaction of one statement, in one round trip. */
#define BASES_SQL                                                                         \
    "SELECT k.* FROM (SELECT set_config('leadwire.client_id', $1, true) AS client_id) s," \
    " LATERAL leadwire_knowledge_bases(s.client_id::uuid) AS k"
#define PAGE_SQL                                                                          \
    "SELECT k.* FROM (SELECT set_config('leadwire.client_id', $1, true) AS client_id) s," \
    " LATERAL leadwire_knowledge_page(s.client_id::uuid, $2, $3) AS k"

static int read_bases(struct reading *self, size_t max_bytes, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct copy *copy = self->copy;
    int n;

    if (copy_ask(self->db, &rows, BASES_SQL, (struct db_arg[]){db_text(copy->client_id)}, 1, err) < 0)
        return -1;
    n = db_result_count(rows);
    copy->version = db_get_int(rows, 0, "version");
    for (int i = 0; i < n; i++)
        self->max_rows += (size_t)db_get_int(rows, i, "chunks");
    if (self->max_rows > max_bytes / CHUNK_BYTES)
        return does_not_fit(err);
    if (!(copy->bases = arena_calloc(copy->arena, (size_t)n, sizeof *copy->bases)))
        return does_not_fit(err);
    for (int i = 0; i < n; i++)
        if (copy_read_base(copy, rows, i, self->db, err) < 0)
            return -1;
    return 0;
}

static int read_vector(const struct copy *copy, const char *vector, struct copy_chunk *chunk, struct err *err)
{
    uint16_t *halves;

    if (!vector)
        return 0;
    chunk->dims = half_hex_dims(vector);
    if (!(halves = arena_calloc(copy->arena, chunk->dims, sizeof *halves)))
        return does_not_fit(err);
    half_hex_read(vector, chunk->dims, halves);
    chunk->halves = halves;
    return 0;
}

static int read_row(struct reading *self, const struct db_result *rows, int i, struct err *err)
{
    struct row *row = &self->rows[self->n_rows];
    const char *kb_id = db_get(rows, i, "kb_id");

    if (db_get_int(rows, i, "version") != self->copy->version || self->n_rows == self->max_rows)
        return changed(err);
    while (row->base < self->copy->n_bases && strcmp(self->copy->bases[row->base].kb_id, kb_id) != 0)
        row->base++;
    if (row->base == self->copy->n_bases)
        return changed(err);
    if (copy_read_piece(self->copy, rows, i, &row->chunk.piece, err) < 0 ||
        read_vector(self->copy, db_get(rows, i, "vector"), &row->chunk, err) < 0)
        return -1;
    self->n_rows++;
    return 0;
}

/* The pages behind one chunk after the other. */
static int read_pages(struct reading *self, struct err *err)
{
    const char *after = "00000000-0000-0000-0000-000000000000";
    int n;

    do {
        AUTO(db_result_free) struct db_result *rows = NULL;
        const struct db_arg args[] = {db_text(self->copy->client_id), db_text(after), db_int(PAGE_ROWS)};

        if (self->stopping && atomic_load(self->stopping))
            return err_set(err, ERR_CONFLICT, "knowledge: reading was given up");
        if (copy_ask(self->db, &rows, PAGE_SQL, args, 3, err) < 0)
            return -1;
        n = db_result_count(rows);
        for (int i = 0; i < n; i++)
            if (read_row(self, rows, i, err) < 0)
                return -1;
        if (n > 0)
            after = self->rows[self->n_rows - 1].chunk.piece.chunk_id;
    } while (n == PAGE_ROWS);
    return self->n_rows == self->max_rows ? 0 : changed(err);
}

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int order;

    if (x->base != y->base)
        return x->base < y->base ? -1 : 1;
    if ((order = strcmp(x->chunk.piece.document_id, y->chunk.piece.document_id)) != 0 ||
        (order = strcmp(x->chunk.piece.part, y->chunk.piece.part)) != 0)
        return order;
    return (x->chunk.piece.position > y->chunk.piece.position) - (x->chunk.piece.position < y->chunk.piece.position);
}

static int finish(struct reading *self, struct err *err)
{
    struct copy *copy = self->copy;
    struct copy_chunk *chunks = arena_calloc(copy->arena, self->n_rows, sizeof *chunks);

    if (!chunks)
        return does_not_fit(err);
    qsort(self->rows, self->n_rows, sizeof *self->rows, compare_rows);
    for (size_t i = 0; i < self->n_rows; i++) {
        struct copy_base *base = &copy->bases[self->rows[i].base];
        chunks[i] = self->rows[i].chunk;
        if (base->n_chunks++ == 0)
            base->chunks = &chunks[i];
    }
    for (size_t i = 0; i < copy->n_bases; i++)
        if (copy_index_make(&copy->bases[i], copy->arena, &copy->bases[i].index, err) < 0)
            return -1;
    return 0;
}

static int read_all(struct reading *self, size_t max_bytes, struct err *err)
{
    AUTO(arena_destroy) struct arena *scratch = arena_new(max_bytes);

    if (!scratch)
        return does_not_fit(err);
    if (read_bases(self, max_bytes, err) < 0)
        return -1;
    if (!(self->rows = arena_calloc(scratch, self->max_rows + 1, sizeof *self->rows)))
        return does_not_fit(err);
    return read_pages(self, err) < 0 ? -1 : finish(self, err);
}

struct copy *copy_read_large(struct db_pool *db, const char *client_id, size_t max_bytes, const atomic_bool *stopping,
                             struct err *err)
{
    AUTO(copy_release) struct copy *copy = copy_new(client_id, max_bytes, err);
    struct reading reading = {.copy = copy, .db = db, .stopping = stopping};
    struct err problem = {0};

    if (!copy)
        return NULL;
    if (read_all(&reading, max_bytes, &problem) < 0) {
        if (problem.kind == ERR_INTERNAL) /* no memory within max_bytes, or no index can be made */
            problem.kind = ERR_INVALID;
        if (err)
            *err = problem;
        return NULL;
    }
    copy->bytes = sizeof *copy + arena_used(copy->arena);
    return TAKE(copy);
}
