/* embedding_store.c - see embedding_store.h. */
#include "services/knowledge/embedding/embedding_store.h"

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "services/knowledge/api/kb_store.h"

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

int embeddings_missing(struct db_tx *tx, const struct kb *kb, const char *model, size_t limit, struct arena *arena,
                       struct bare_text **ret_texts, size_t *ret_n, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct bare_text *texts;
    int n = db_query(tx, &rows, err,
                     "SELECT DISTINCT ON (c.text_hash) c.text_hash,"
                     "       CASE c.heading WHEN '' THEN c.body ELSE c.heading || E'\\n' || c.body END AS text"
                     "  FROM chunks c"
                     " WHERE c.client_id = $1 AND c.kb_id = $2"
                     "   AND NOT EXISTS (SELECT FROM embeddings e"
                     "                    WHERE e.client_id = $1 AND e.model = $3 AND e.text_hash = c.text_hash)"
                     " ORDER BY c.text_hash LIMIT $4",
                     db_text(kb->client_id), db_text(kb->kb_id), db_text(model), db_int((int64_t)limit));

    if (n < 0)
        return -1;
    if (!(texts = arena_calloc(arena, (size_t)n, sizeof *texts)))
        return out_of_memory(err);
    for (int i = 0; i < n; i++) {
        texts[i].hash = arena_strdup(arena, db_get(rows, i, "text_hash"));
        texts[i].text = arena_strdup(arena, db_get(rows, i, "text"));
        if (!texts[i].hash || !texts[i].text)
            return out_of_memory(err);
    }
    *ret_texts = texts;
    *ret_n = (size_t)n;
    return 0;
}

int embeddings_count(struct db_tx *tx, const char *client_id, const char *kb_id, const char *model, int64_t *ret_total,
                     int64_t *ret_missing, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err,
                 "SELECT count(*) AS total, count(*) FILTER (WHERE e.text_hash IS NULL) AS missing"
                 "  FROM (SELECT DISTINCT text_hash FROM chunks WHERE client_id = $1 AND kb_id = $2) AS c"
                 "  LEFT JOIN embeddings e ON e.client_id = $1 AND e.model = $3 AND e.text_hash = c.text_hash",
                 db_text(client_id), db_text(kb_id), db_text(model)) < 0)
        return -1;
    *ret_total = db_get_int(rows, 0, "total");
    *ret_missing = db_get_int(rows, 0, "missing");
    return 0;
}

int embeddings_absent(struct db_tx *tx, const char *client_id, const char *model, const char *hashes,
                      struct db_result **ret_rows, struct err *err)
{
    return db_query(tx, ret_rows, err,
                    "SELECT text_hash FROM unnest($3::uuid[]) WITH ORDINALITY AS given (text_hash, place)"
                    " WHERE NOT EXISTS (SELECT FROM embeddings e"
                    "                    WHERE e.client_id = $1 AND e.model = $2 AND e.text_hash = given.text_hash)"
                    " ORDER BY place",
                    db_text(client_id), db_text(model), db_text(hashes)) < 0
               ? -1
               : 0;
}

int embeddings_put(struct db_tx *tx, const char *client_id, const char *model, const struct bare_text *texts,
                   const char *const *vectors, size_t n, struct arena *arena, struct err *err)
{
    const char **hashes = arena_calloc(arena, n, sizeof *hashes);
    const char *hash_array, *vector_array;

    if (!hashes)
        return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        hashes[i] = texts[i].hash;
    if (!(hash_array = db_array(arena, hashes, n)) || !(vector_array = db_array(arena, vectors, n)))
        return out_of_memory(err);
    return db_query(tx, NULL, err,
                    "INSERT INTO embeddings (client_id, model, text_hash, embedding)"
                    " SELECT $1, $2, text_hash, made.embedding::halfvec"
                    "   FROM unnest($3::uuid[], $4::text[]) AS made (text_hash, embedding) ORDER BY text_hash"
                    " ON CONFLICT DO NOTHING",
                    db_text(client_id), db_text(model), db_text(hash_array), db_text(vector_array)) < 0
               ? -1
               : 0;
}

const char *embeddings_hashes(const struct db_result *rows, struct arena *arena, struct err *err)
{
    size_t n = (size_t)db_result_count(rows);
    const char **hashes = arena_calloc(arena, n, sizeof *hashes), *array;

    for (size_t i = 0; hashes && i < n; i++)
        hashes[i] = db_get(rows, (int)i, "text_hash");
    if (!hashes || !(array = db_array(arena, hashes, n))) {
        out_of_memory(err);
        return NULL;
    }
    return array;
}

/* Whether no chunk uses the vector e. */
#define UNUSED_SQL                                                                            \
    " NOT EXISTS (SELECT FROM chunks c JOIN knowledge_bases b USING (client_id, kb_id)"       \
    "              WHERE c.client_id = $1 AND b.client_id = $1 AND c.text_hash = e.text_hash" \
    "                AND e.model IN (b.embedding_model, b.next_model))"

int embeddings_drop_unused(struct db_tx *tx, const char *client_id, const char *hashes, struct err *err)
{
    /* The models first, hopping from one to the next, so that each vector is found by its primary key. */
    return db_query(
               tx, NULL, err,
               "WITH RECURSIVE each (model) AS ("
               "  (SELECT model FROM embeddings WHERE client_id = $1 ORDER BY model LIMIT 1)"
               "   UNION ALL"
               "  SELECT (SELECT model FROM embeddings WHERE client_id = $1 AND model > each.model"
               "           ORDER BY model LIMIT 1) FROM each WHERE model IS NOT NULL)"
               " DELETE FROM embeddings e USING each, unnest($2::uuid[]) AS given (text_hash)"
               "  WHERE e.client_id = $1 AND e.model = each.model AND e.text_hash = given.text_hash AND" UNUSED_SQL,
               db_text(client_id), db_text(hashes)) < 0
               ? -1
               : 0;
}

int embeddings_drop_all_unused(struct db_tx *tx, const char *client_id, struct err *err)
{
    return db_query(tx, NULL, err, "DELETE FROM embeddings e WHERE e.client_id = $1 AND" UNUSED_SQL,
                    db_text(client_id)) < 0
               ? -1
               : 0;
}
