/* search_store.c - see search_store.h. */
#include "services/knowledge/search_store.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

int search_models(struct db_tx *tx, const char *client_id, const char *kb_id, struct arena *arena,
                  const char *const **ret_models, size_t *ret_n, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n = db_query(tx, &rows, err,
                     "SELECT DISTINCT embedding_model FROM knowledge_bases"
                     " WHERE client_id = $1 AND ($2::uuid IS NULL OR kb_id = $2)",
                     db_text(client_id), db_text(kb_id));
    const char **models;
    size_t n_models = 0;

    if (n < 0)
        return -1;
    if (n == 0 && kb_id)
        return err_set_field(err, ERR_NOT_FOUND, "kb_id", "there is no knowledge base %.40s", kb_id);
    if (!(models = arena_calloc(arena, (size_t)n, sizeof *models)))
        return out_of_memory(err);
    for (int i = 0; i < n; i++) {
        const char *model = db_get(rows, i, "embedding_model");
        if (*model && !(models[n_models++] = arena_strdup(arena, model)))
            return out_of_memory(err);
    }
    *ret_models = models;
    *ret_n = n_models;
    return 0;
}

/* From the query's words to the documents that have them.
 *   term       each word of the query that says something, by the language of the base
 *   unknown    those of which neither the base nor the language's own list knows anything: misspelt, or foreign to it
 *   near       what an unknown word was meant to be
 *   alt        the lexemes that stand for a term: itself, words of the same concept, what it was meant to be
 *   touched    the chunks that have any of them
 *   value      what a term is worth: the rarer in the base the more, and most if nobody has it
 * Of a query 64 words are looked at. */
#define WORDS_SQL                                                                                                      \
    "WITH base AS MATERIALIZED ( "                                                                                     \
    "  SELECT kb_id, language, language::regconfig AS config, embedding_model, similarity_threshold AS threshold, "    \
    "         (SELECT count(*) FROM documents d WHERE d.client_id = $1 AND d.kb_id = b.kb_id)::float8 AS documents, "  \
    "         ARRAY(SELECT lexeme FROM search_words w WHERE w.language = b.language AND w.concept = '') AS fillers "   \
    "    FROM knowledge_bases b WHERE client_id = $1 AND ($2::uuid IS NULL OR kb_id = $2) "                            \
    "), term AS MATERIALIZED ( "                                                                                       \
    "  SELECT DISTINCT ON (b.kb_id, l.lexeme) b.kb_id, b.language, q.word, l.lexeme AS term, l.stop, s.concept "       \
    "    FROM base b CROSS JOIN (SELECT word FROM leadwire_words($3) AS word LIMIT 64) AS q "                          \
    "   CROSS JOIN LATERAL (SELECT leadwire_lexeme(b.config, q.word) AS lexeme) AS x "                                 \
    "   CROSS JOIN LATERAL (SELECT coalesce(x.lexeme, q.word) AS lexeme, x.lexeme IS NULL AS stop) AS l "              \
    "    LEFT JOIN LATERAL (SELECT concept FROM search_words w WHERE w.language = b.language "                         \
    "                          AND w.lexeme = l.lexeme LIMIT 1) AS s ON true "                                         \
    "   WHERE s.concept <> '' OR (s.concept IS NULL AND NOT l.stop) "                                                  \
    "), unknown AS MATERIALIZED ( "                                                                                    \
    "  SELECT * FROM term t WHERE concept IS NULL AND length(word) BETWEEN 4 AND 40 "                                  \
    "     AND NOT EXISTS (SELECT FROM kb_words w WHERE w.client_id = $1 AND w.kb_id = t.kb_id AND w.lexeme = t.term) " \
    "), near AS MATERIALIZED ( "                                                                                       \
    "  SELECT DISTINCT ON (n.kb_id, n.term) n.kb_id, n.term, n.language, n.lexeme, s.concept, "                        \
    "         CASE WHEN n.slips = 2 THEN 0.8 WHEN length(n.word) < 6 THEN 0.75 ELSE 0.9 END::float8 AS weight "        \
    "    FROM (SELECT u.kb_id, u.term, u.language, u.word, w.lexeme, leadwire_slips(w.word, u.word) AS slips "         \
    "            FROM unknown u JOIN kb_words w ON w.client_id = $1 AND w.kb_id = u.kb_id AND "                        \
    "            CASE WHEN left(w.word, 1) = left(u.word, 1) THEN levenshtein_less_equal(w.word, u.word, 2) <= 2 END " \
    "           UNION ALL "                                                                                            \
    "          SELECT u.kb_id, u.term, u.language, u.word, w.lexeme, leadwire_slips(w.word, u.word) "                  \
    "            FROM unknown u JOIN search_words w ON w.language = u.language AND "                                   \
    "            CASE WHEN left(w.word, 1) = left(u.word, 1) THEN levenshtein_less_equal(w.word, u.word, 2) <= 2 END " \
    "         ) AS n "                                                                                                 \
    "    LEFT JOIN LATERAL (SELECT concept FROM search_words w WHERE w.language = n.language "                         \
    "                          AND w.lexeme = n.lexeme LIMIT 1) AS s ON true "                                         \
    "   WHERE n.slips IS NOT NULL ORDER BY n.kb_id, n.term, n.slips, n.lexeme "                                        \
    "), alt AS MATERIALIZED ( "                                                                                        \
    "  SELECT kb_id, term, lexeme, max(weight) AS weight, array_to_tsvector(ARRAY[lexeme])::text::tsquery AS query "   \
    "    FROM (SELECT kb_id, term, term AS lexeme, 1.0::float8 AS weight FROM term "                                   \
    "           UNION ALL "                                                                                            \
    "          SELECT t.kb_id, t.term, s.lexeme, 0.9 FROM term t JOIN search_words s USING (language, concept) "       \
    "           UNION ALL "                                                                                            \
    "          SELECT kb_id, term, lexeme, weight FROM near WHERE concept IS DISTINCT FROM '' "                        \
    "           UNION ALL "                                                                                            \
    "          SELECT n.kb_id, n.term, s.lexeme, 0.9 * n.weight FROM near n JOIN search_words s USING (language, "     \
    "concept) "                                                                                                        \
    "           WHERE concept <> '') AS each GROUP BY kb_id, term, lexeme "                                            \
    "), touched AS MATERIALIZED ( "                                                                                    \
    "  SELECT c.kb_id, c.document_id, c.chunk_id, c.words, "                                                           \
    "         CASE c.part WHEN 'answer' THEN 0.85 ELSE 1 END::float8 AS weight "                                       \
    "    FROM (SELECT kb_id, string_agg(query::text, ' | ')::tsquery AS words FROM alt GROUP BY kb_id) AS q "          \
    "    JOIN chunks c ON c.client_id = $1 AND c.kb_id = q.kb_id AND c.words @@ q.words "                              \
    "), hit AS MATERIALIZED ( "                                                                                        \
    "  SELECT DISTINCT ON (t.kb_id, t.document_id, a.term) t.kb_id, t.document_id, t.chunk_id, a.term, "               \
    "         a.weight * t.weight AS weight "                                                                          \
    "    FROM touched t JOIN alt a ON a.kb_id = t.kb_id AND t.words @@ a.query "                                       \
    "   ORDER BY t.kb_id, t.document_id, a.term, a.weight * t.weight DESC "                                            \
    "), value AS MATERIALIZED ( "                                                                                      \
    "  SELECT t.kb_id, t.term, ln(1 + b.documents / (0.5 + coalesce(h.documents, 0))) "                                \
    "         * CASE WHEN t.stop THEN 0.4 ELSE 1 END AS value "                                                        \
    "    FROM term t JOIN base b USING (kb_id) "                                                                       \
    "    LEFT JOIN (SELECT kb_id, term, count(*) AS documents FROM hit GROUP BY kb_id, term) AS h USING (kb_id, "      \
    "term) "                                                                                                           \
    "   WHERE NOT EXISTS (SELECT FROM near n WHERE n.kb_id = t.kb_id AND n.term = t.term AND n.concept = '') "         \
    "), by_words AS MATERIALIZED ( "                                                                                   \
    "  SELECT kb_id, document_id, sum(h.weight * v.value) / min(v.total) AS covered, "                                 \
    "         (array_agg(h.chunk_id ORDER BY h.weight * v.value DESC))[1] AS chunk_id "                                \
    "    FROM hit h JOIN (SELECT *, sum(value) OVER (PARTITION BY kb_id) AS total FROM value) AS v USING (kb_id, "     \
    "term) "                                                                                                           \
    "   GROUP BY kb_id, document_id ORDER BY covered DESC LIMIT $6 "

/* Vectors of the same model alone are compared; the question's and the answer's each stand for the document. */
#define VECTORS_SQL                                                                                           \
    "), by_vector AS MATERIALIZED ( "                                                                         \
    "  SELECT * FROM (SELECT DISTINCT ON (document_id) kb_id, document_id, chunk_id, cosine FROM ( "          \
    "           SELECT c.kb_id, c.document_id, c.chunk_id, 1 - (e.embedding <=> v.vector) AS cosine "         \
    "             FROM unnest($4::text[], $5::halfvec[]) AS v (model, vector) "                               \
    "             JOIN base b ON b.embedding_model = v.model "                                                \
    "             JOIN chunks c ON c.client_id = $1 AND c.kb_id = b.kb_id "                                   \
    "             JOIN embeddings e ON e.client_id = $1 AND e.model = v.model AND e.text_hash = c.text_hash " \
    "              AND vector_dims(e.embedding) = vector_dims(v.vector)) AS each "                            \
    "          ORDER BY document_id, cosine DESC) AS best ORDER BY cosine DESC LIMIT $6 "

#define FOUND_SQL                                                                                                     \
    "), found AS MATERIALIZED ( "                                                                                     \
    "  SELECT document_id, kb_id, max(covered) AS covered, max(cosine) AS cosine, bool_or(exact) AS exact, "          \
    "         (array_agg(chunk_id ORDER BY exact DESC, cosine NULLS LAST))[1] AS chunk_id "                           \
    "    FROM (SELECT document_id, kb_id, chunk_id, covered, NULL::float8 AS cosine, false AS exact FROM by_words "   \
    "           UNION ALL "                                                                                           \
    "          SELECT document_id, kb_id, chunk_id, NULL, cosine, false FROM by_vector "                              \
    "           UNION ALL "                                                                                           \
    "          SELECT d.document_id, d.kb_id, c.chunk_id, NULL, NULL, true "                                          \
    "            FROM base b JOIN documents d ON d.client_id = $1 AND d.kb_id = b.kb_id AND d.kind = 'faq' "          \
    "             AND d.title_key = leadwire_fold($3) "                                                               \
    "            JOIN chunks c ON c.client_id = $1 AND c.document_id = d.document_id AND c.part = 'question') AS "    \
    "views "                                                                                                          \
    "   GROUP BY document_id, kb_id "                                                                                 \
    ") "                                                                                                              \
    "SELECT f.document_id, f.kb_id, f.chunk_id, c.position, d.title, d.kind, d.source_url, c.heading, "               \
    "       CASE d.kind WHEN 'faq' THEN d.content ELSE c.body END AS body, b.embedding_model AS model, b.threshold, " \
    "       f.exact, coalesce(f.covered, 0) AS covered, f.cosine, similarity(lower($3), lower(d.title)) AS alike, "   \
    "       coalesce(asked.weight / nullif(length(ts_delete(q.words, b.fillers)), 0), 0) AS about, asked.words "      \
    "  FROM found f JOIN base b USING (kb_id) "                                                                       \
    "  JOIN documents d ON d.client_id = $1 AND d.document_id = f.document_id "                                       \
    "  JOIN chunks c ON c.client_id = $1 AND c.chunk_id = f.chunk_id "                                                \
    "  LEFT JOIN chunks q ON q.client_id = $1 AND q.document_id = f.document_id AND q.part = 'question' "             \
    " CROSS JOIN LATERAL ( "                                                                                          \
    "    SELECT sum(weight) AS weight, count(*) AS words FROM ( "                                                     \
    "      SELECT DISTINCT ON (a.lexeme) a.weight FROM alt a WHERE a.kb_id = f.kb_id AND q.words @@ a.query "         \
    "       ORDER BY a.lexeme, a.weight DESC) AS own) AS asked "

static const char *vector_array(const struct query_vector *vectors, size_t n, bool models, struct arena *arena)
{
    const char **items = arena_calloc(arena, n, sizeof *items);

    for (size_t i = 0; items && i < n; i++)
        items[i] = models ? vectors[i].model : vectors[i].vector;
    return items ? db_array(arena, items, n) : NULL;
}

static int read_candidate(const struct db_result *rows, int row, struct arena *arena, struct candidate *ret_candidate,
                          struct err *err)
{
    struct candidate c = {
        .document_id = arena_strdup(arena, db_get(rows, row, "document_id")),
        .kb_id = arena_strdup(arena, db_get(rows, row, "kb_id")),
        .chunk_id = arena_strdup(arena, db_get(rows, row, "chunk_id")),
        .position = db_get_int(rows, row, "position"),
        .is_faq = strcmp(db_get(rows, row, "kind"), "faq") == 0,
        .title = arena_strdup(arena, db_get(rows, row, "title")),
        .heading = arena_strdup(arena, db_get(rows, row, "heading")),
        .source_url = arena_strdup(arena, db_get(rows, row, "source_url")),
        .body = arena_strdup(arena, db_get(rows, row, "body")),
        .model = arena_strdup(arena, db_get(rows, row, "model")),
        .threshold = db_get_float(rows, row, "threshold"),
        .exact = db_get_bool(rows, row, "exact"),
        .covered = db_get_float(rows, row, "covered"),
        .about = db_get_float(rows, row, "about"),
        .words = db_get_int(rows, row, "words"),
        .alike = db_get_float(rows, row, "alike"),
        .has_cosine = db_get(rows, row, "cosine") != NULL,
        .cosine = db_get_float(rows, row, "cosine"),
    };

    if (!c.document_id || !c.kb_id || !c.chunk_id || !c.title || !c.heading || !c.source_url || !c.body || !c.model)
        return out_of_memory(err);
    *ret_candidate = c;
    return 0;
}

int search_candidates(struct db_tx *tx, const char *client_id, const char *kb_id, const char *query,
                      const struct query_vector *vectors, size_t n_vectors, int each, struct arena *arena,
                      struct candidate **ret_candidates, size_t *ret_n, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *models = vector_array(vectors, n_vectors, true, arena);
    const char *texts = vector_array(vectors, n_vectors, false, arena);
    struct candidate *candidates;
    int n;

    if (!models || !texts)
        return out_of_memory(err);
    n = db_query(tx, &rows, err, WORDS_SQL VECTORS_SQL FOUND_SQL, db_text(client_id), db_text(kb_id), db_text(query),
                 db_text(models), db_text(texts), db_int(each));
    if (n < 0)
        return -1;
    if (!(candidates = arena_calloc(arena, (size_t)n, sizeof *candidates)))
        return out_of_memory(err);
    for (int i = 0; i < n; i++)
        if (read_candidate(rows, i, arena, &candidates[i], err) < 0)
            return -1;
    *ret_candidates = candidates;
    *ret_n = (size_t)n;
    return 0;
}
