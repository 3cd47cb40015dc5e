/* base_stats.c - what a knowledge base holds.
 *
 * Chunks and vectors are counted in their indexes and not read: 100,000 vectors may have 600 MB. All vectors of a model
 * have the same dimensions, so their size follows from one. */
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "proto/messages.h"
#include "services/knowledge/api/kb_store.h"
#include "services/knowledge/knowledge.h"
#include "services/knowledge/search/copy.h"
#include "services/knowledge/search/copy_cache.h"

/* Bytes of a halfvec: 8 of its header, 2 a number. */
#define STATS_SQL                                                                                                  \
    "WITH base AS ("                                                                                               \
    "  SELECT kb_id, embedding_model, next_model FROM knowledge_bases WHERE client_id = $1 AND kb_id = $2"         \
    "),"                                                                                                           \
    " text AS MATERIALIZED ("                                                                                      \
    "  SELECT text_hash, count(*) AS chunks, sum(tokens) AS tokens, sum(bytes) AS bytes"                           \
    "    FROM chunks WHERE client_id = $1 AND kb_id = $2 GROUP BY text_hash"                                       \
    "), made AS MATERIALIZED ("                                                                                    \
    "  SELECT text_hash FROM embeddings WHERE client_id = $1 AND model = $3"                                       \
    "), refused AS MATERIALIZED ("                                                                                 \
    "  SELECT text_hash FROM embeddings WHERE client_id = $1 AND model = $3 AND embedding IS NULL"                 \
    "), making AS MATERIALIZED ("                                                                                  \
    "  SELECT text_hash FROM embeddings WHERE client_id = $1 AND model = $4"                                       \
    "), counted AS ("                                                                                              \
    "  SELECT coalesce(sum(t.chunks), 0) AS chunks, coalesce(sum(t.tokens), 0) AS tokens,"                         \
    "         coalesce(sum(t.bytes), 0) AS bytes,"                                                                 \
    "         coalesce(sum(t.chunks) FILTER (WHERE m.text_hash IS NOT NULL AND r.text_hash IS NULL), 0)"           \
    "           AS chunks_embedded,"                                                                               \
    "         coalesce(sum(t.chunks) FILTER (WHERE r.text_hash IS NOT NULL), 0) AS chunks_refused,"                \
    "         coalesce(sum(t.chunks) FILTER (WHERE CASE WHEN $4 <> '' THEN n.text_hash IS NULL"                    \
    "                                                   ELSE $3 <> '' AND m.text_hash IS NULL END), 0)"            \
    "           AS chunks_waiting,"                                                                                \
    "         count(*) FILTER (WHERE m.text_hash IS NOT NULL AND r.text_hash IS NULL) AS vectors"                  \
    "    FROM text t LEFT JOIN made m USING (text_hash) LEFT JOIN refused r USING (text_hash)"                     \
    "    LEFT JOIN making n USING (text_hash)"                                                                     \
    "), listed AS ("                                                                                               \
    "  SELECT count(*) FILTER (WHERE kind = 'document') AS documents,"                                             \
    "         count(*) FILTER (WHERE kind = 'document' AND state = 'ingesting') AS documents_ingesting,"           \
    "         count(*) FILTER (WHERE kind = 'document' AND state = 'updating') AS documents_updating,"             \
    "         count(*) FILTER (WHERE kind = 'document' AND state = 'failed') AS documents_failed,"                 \
    "         count(*) FILTER (WHERE kind = 'faq') AS faqs, max(ingested_at) AS last_ingested_at"                  \
    "    FROM documents WHERE client_id = $1 AND kb_id = $2"                                                       \
    "), client AS ("                                                                                               \
    "  SELECT (SELECT count(*) FROM made) - (SELECT count(*) FROM refused) AS client_vectors,"                     \
    "         coalesce((SELECT vector_dims(embedding) FROM embeddings"                                             \
    "                    WHERE client_id = $1 AND model = $3 AND embedding IS NOT NULL LIMIT 1), 0) AS dimensions" \
    ") SELECT base.*, counted.*, listed.*, client.*, vectors * (8 + 2 * dimensions) AS vector_bytes,"              \
    "         CASE WHEN client_vectors = 0 THEN 'none' WHEN EXISTS (SELECT FROM vector_indexes"                    \
    "              WHERE client_id = $1 AND model = $3 AND state = 'ready') THEN 'hnsw' ELSE 'exact' END"          \
    "         AS search, false AS in_memory,"                                                                      \
    "         (SELECT version FROM knowledge_versions WHERE client_id = $1) AS version"                            \
    "    FROM base, counted, listed, client"

static bool is_in_memory(const struct knowledge *state, const char *client_id, int64_t version)
{
    AUTO(copy_release)
    struct copy *copy = state->copies ? copy_cache_get(state->copies, client_id, clock_mono_ms()) : NULL;

    return copy && !copy->too_large && copy->version == version;
}

int on_get_knowledge_stats(struct worker *self, struct call *call, struct err *err)
{
    const struct get_knowledge_stats *in = call->request;
    struct knowledge_stats *reply = call->reply;
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct kb kb;

    if (kb_open(call->tx, in->kb_id, call->arena, &kb, err) < 0 ||
        db_query(call->tx, &rows, err, STATS_SQL, db_text(kb.client_id), db_text(kb.kb_id), db_text(kb.embedding_model),
                 db_text(kb.next_model ? kb.next_model : "")) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set_field(err, ERR_NOT_FOUND, "kb_id", "there is no knowledge base %.40s", in->kb_id);
    if (codec_from_row(&knowledge_stats_type, rows, 0, call->arena, reply, err) < 0)
        return -1;
    reply->in_memory = is_in_memory(self->state, kb.client_id, db_get_int(rows, 0, "version"));
    return 0;
}
