/* document_store.c - see document_store.h. */
#include "services/knowledge/api/document_store.h"

#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "services/knowledge/api/kb_store.h"
#include "services/knowledge/embedding/embedding_store.h"
#include "services/knowledge/ingest/chunker.h"

#define CHUNKS_A_STATEMENT 500 /* some 1 MB of text, and as much again as an array */

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

/* ---- a version that waits ---- */

/* The same source, or without one the same title, is the same document; of a file without either the same name, since
 * what is written in it as a title is that of many ("Document1", a shop's name on each of its pages). While nothing of
 * it is searched, it is shown as what is on its way. */
static int put_document(struct db_tx *tx, const struct kb *kb, struct revision *revision, bool *ret_updating,
                        struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    char fresh[UUID_SIZE];

    uuid_new(fresh);
    if (db_query(tx, &rows, err,
                 "INSERT INTO documents AS d (client_id, document_id, kb_id, kind, title, content, title_key, state,"
                 "                            source_url, content_type, metadata, bytes)"
                 " VALUES ($1, $2, $3, 'document', $4::text, '',"
                 "         CASE WHEN $5::text <> '' THEN 'url:' || $5 WHEN $9::text <> '' THEN 'file:' || $9"
                 "              ELSE 'title:' || leadwire_fold($4) END,"
                 "         'ingesting', $5, $6, $7::jsonb, $8)"
                 " ON CONFLICT ON CONSTRAINT documents_title DO UPDATE SET"
                 "   state = CASE WHEN d.ingested_at IS NULL THEN 'ingesting' ELSE 'updating' END,"
                 "   title = CASE WHEN d.ingested_at IS NULL THEN excluded.title ELSE d.title END,"
                 "   content_type = CASE WHEN d.ingested_at IS NULL THEN excluded.content_type ELSE d.content_type END,"
                 "   metadata = CASE WHEN d.ingested_at IS NULL THEN excluded.metadata ELSE d.metadata END,"
                 "   bytes = CASE WHEN d.ingested_at IS NULL THEN excluded.bytes ELSE d.bytes END,"
                 "   error = NULL, updated_at = now()"
                 " RETURNING document_id, state = 'updating' AS updating",
                 db_text(kb->client_id), db_text(fresh), db_text(kb->kb_id), db_text(revision->title),
                 db_text(revision->source_url), db_text(revision->content_type), db_text(revision->metadata),
                 db_int(revision->bytes), db_text(revision->filename)) < 0)
        return -1;
    snprintf(revision->document_id, sizeof revision->document_id, "%s", db_get(rows, 0, "document_id"));
    *ret_updating = db_get_bool(rows, 0, "updating");
    return 0;
}

int revision_put(struct db_tx *tx, const struct kb *kb, struct revision *revision, bool *ret_updating, struct err *err)
{
    int replaced;

    if (put_document(tx, kb, revision, ret_updating, err) < 0 ||
        (replaced = db_query(tx, NULL, err, "DELETE FROM pending_documents WHERE client_id = $1 AND document_id = $2",
                             db_text(kb->client_id), db_text(revision->document_id))) < 0)
        return -1;
    uuid_new(revision->revision_id);
    if (db_query(tx, NULL, err,
                 "INSERT INTO pending_documents (client_id, document_id, revision_id, title, content, is_markdown,"
                 "                               source_url, content_type, metadata, bytes)"
                 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10)",
                 db_text(kb->client_id), db_text(revision->document_id), db_text(revision->revision_id),
                 db_text(revision->title), db_text(revision->content), db_bool(revision->is_markdown),
                 db_text(revision->source_url), db_text(revision->content_type), db_text(revision->metadata),
                 db_int(revision->bytes)) < 0)
        return -1;
    /* The one that it replaces may have left vectors that are of no use now. */
    return replaced > 0 ? embeddings_drop_all_unused(tx, kb->client_id, err) : 0;
}

int revision_set_task(struct db_tx *tx, const struct kb *kb, const struct revision *revision, const char *task_id,
                      struct err *err)
{
    return db_query(tx, NULL, err, "UPDATE documents SET task_id = $3 WHERE client_id = $1 AND document_id = $2",
                    db_text(kb->client_id), db_text(revision->document_id), db_text(task_id)) < 0
               ? -1
               : 0;
}

int revision_read(struct db_tx *tx, const char *client_id, const char *document_id, const char *revision_id,
                  struct arena *arena, struct revision *ret_revision, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct revision r = {0};
    int n = db_query(tx, &rows, err,
                     "SELECT p.*, d.kb_id FROM pending_documents p JOIN documents d USING (client_id, document_id)"
                     " WHERE p.client_id = $1 AND p.document_id = $2 AND p.revision_id = $3",
                     db_text(client_id), db_text(document_id), db_text(revision_id));

    if (n <= 0)
        return n < 0 ? -1 : 1;
    snprintf(r.document_id, sizeof r.document_id, "%s", db_get(rows, 0, "document_id"));
    snprintf(r.revision_id, sizeof r.revision_id, "%s", db_get(rows, 0, "revision_id"));
    r.kb_id = arena_strdup(arena, db_get(rows, 0, "kb_id"));
    r.title = arena_strdup(arena, db_get(rows, 0, "title"));
    r.content = arena_strdup(arena, db_get(rows, 0, "content"));
    r.is_markdown = db_get_bool(rows, 0, "is_markdown");
    r.source_url = arena_strdup(arena, db_get(rows, 0, "source_url"));
    r.content_type = arena_strdup(arena, db_get(rows, 0, "content_type"));
    r.metadata = arena_strdup(arena, db_get(rows, 0, "metadata"));
    r.bytes = db_get_int(rows, 0, "bytes");
    if (!r.kb_id || !r.title || !r.content || !r.source_url || !r.content_type || !r.metadata)
        return out_of_memory(err);
    *ret_revision = r;
    return 0;
}

/* ---- a version becomes what is searched ---- */

struct chunk_arrays {
    const char *ids, *bodies, *headings, *tokens;
};

static int make_arrays(const struct piece *pieces, size_t n, struct arena *arena, struct chunk_arrays *ret_arrays,
                       struct err *err)
{
    const char **items = arena_calloc(arena, n, sizeof *items);
    struct chunk_arrays arrays = {0};

    if (!items)
        return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        items[i] = pieces[i].body;
    arrays.bodies = db_array(arena, items, n);
    for (size_t i = 0; i < n; i++)
        items[i] = pieces[i].heading;
    arrays.headings = db_array(arena, items, n);
    for (size_t i = 0; i < n; i++)
        if (!(items[i] = arena_printf(arena, "%lld", (long long)pieces[i].tokens)))
            return out_of_memory(err);
    arrays.tokens = db_array(arena, items, n);
    for (size_t i = 0; i < n; i++) {
        char id[UUID_SIZE];
        uuid_new(id);
        if (!(items[i] = arena_strdup(arena, id)))
            return out_of_memory(err);
    }
    arrays.ids = db_array(arena, items, n);
    if (!arrays.bodies || !arrays.headings || !arrays.tokens || !arrays.ids)
        return out_of_memory(err);
    *ret_arrays = arrays;
    return 0;
}

static int insert_chunks(struct db_tx *tx, const struct kb *kb, const char *document_id, const struct piece *pieces,
                         size_t n, size_t position, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(64 * 1024 * 1024);
    struct chunk_arrays arrays = {0};

    if (!arena)
        return out_of_memory(err);
    if (make_arrays(pieces, n, arena, &arrays, err) < 0 ||
        db_query(tx, NULL, err,
                 "INSERT INTO chunks (client_id, chunk_id, kb_id, document_id, part, position, heading, body, tokens,"
                 "                    words)"
                 " SELECT $1, chunk_id, $2, $3, 'text', $4 + place - 1, heading, body, tokens,"
                 "        leadwire_tsvector($5::text::regconfig, $10::text::regconfig, heading || E'\\n' || body)"
                 "   FROM unnest($6::uuid[], $7::text[], $8::text[], $9::integer[])"
                 "        WITH ORDINALITY AS given (chunk_id, heading, body, tokens, place)",
                 db_text(kb->client_id), db_text(kb->kb_id), db_text(document_id), db_int((int64_t)position),
                 db_text(kb->language), db_text(arrays.ids), db_text(arrays.headings), db_text(arrays.bodies),
                 db_text(arrays.tokens), db_text(kb->next_language)) < 0)
        return -1;
    return kb_add_words(tx, kb, arrays.bodies, err) < 0 ? -1 : kb_add_words(tx, kb, arrays.headings, err);
}

static int update_document(struct db_tx *tx, const struct kb *kb, const struct revision *revision, const char *error,
                           struct err *err)
{
    return db_query(tx, NULL, err,
                    "WITH taken AS ("
                    "  DELETE FROM pending_documents WHERE client_id = $1 AND document_id = $2 AND revision_id = $3"
                    "  RETURNING *"
                    ") UPDATE documents d SET title = taken.title, content = taken.content, state = 'ready',"
                    "         source_url = taken.source_url, content_type = taken.content_type,"
                    "         metadata = taken.metadata, bytes = taken.bytes, error = $4, ingested_at = now(),"
                    "         updated_at = now()"
                    "    FROM taken WHERE d.client_id = $1 AND d.document_id = $2",
                    db_text(kb->client_id), db_text(revision->document_id), db_text(revision->revision_id),
                    db_text(error));
}

int revision_publish(struct db_tx *tx, const struct kb *kb, const struct revision *revision, const struct piece *pieces,
                     size_t n, const char *error, struct arena *arena, struct err *err)
{
    AUTO(db_result_free) struct db_result *old = NULL;
    const char *hashes;
    int taken = update_document(tx, kb, revision, error, err);

    if (taken <= 0)
        return taken < 0 ? -1 : 1;
    if (db_query(tx, &old, err,
                 "WITH old AS (DELETE FROM chunks WHERE client_id = $1 AND kb_id = $2 AND document_id = $3"
                 "             RETURNING text_hash) SELECT DISTINCT text_hash FROM old",
                 db_text(kb->client_id), db_text(kb->kb_id), db_text(revision->document_id)) < 0 ||
        !(hashes = embeddings_hashes(old, arena, err)))
        return -1;
    for (size_t at = 0; at < n; at += CHUNKS_A_STATEMENT)
        if (insert_chunks(tx, kb, revision->document_id, pieces + at,
                          n - at < CHUNKS_A_STATEMENT ? n - at : CHUNKS_A_STATEMENT, at, err) < 0)
            return -1;
    return db_result_count(old) > 0 ? embeddings_drop_unused(tx, kb->client_id, hashes, err) : 0;
}

/* Where a version waits, its task has died: the error is that one's. */
int documents_clear_errors(struct db_tx *tx, const struct kb *kb, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE documents d SET error = NULL"
                    " WHERE client_id = $1 AND kb_id = $2 AND state = 'ready' AND error IS NOT NULL"
                    "   AND NOT EXISTS (SELECT FROM pending_documents p"
                    "                    WHERE p.client_id = d.client_id AND p.document_id = d.document_id)",
                    db_text(kb->client_id), db_text(kb->kb_id)) < 0
               ? -1
               : 0;
}
