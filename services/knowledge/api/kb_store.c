/* kb_store.c - see kb_store.h. */
#include "services/knowledge/api/kb_store.h"

#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "services/knowledge/embedding/embedding_store.h"
#include "services/knowledge/ingest/chunker.h"

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

int kb_open(struct db_tx *tx, const char *kb_id, struct arena *arena, struct kb *ret_kb, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct kb kb = {0};

    if (db_query(tx, &rows, err,
                 "SELECT client_id, kb_id, language, embedding_model, next_model, next_language, words_document,"
                 "       words_position FROM knowledge_bases WHERE kb_id = $1",
                 db_text(kb_id)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set_field(err, ERR_NOT_FOUND, "kb_id", "there is no knowledge base %.40s", kb_id);
    snprintf(kb.client_id, sizeof kb.client_id, "%s", db_get(rows, 0, "client_id"));
    snprintf(kb.kb_id, sizeof kb.kb_id, "%s", db_get(rows, 0, "kb_id"));
    kb.language = arena_strdup(arena, db_get(rows, 0, "language"));
    kb.embedding_model = arena_strdup(arena, db_get(rows, 0, "embedding_model"));
    kb.next_model = arena_strdup(arena, db_get(rows, 0, "next_model"));
    kb.next_language = arena_strdup(arena, db_get(rows, 0, "next_language"));
    kb.words_document = arena_strdup(arena, db_get(rows, 0, "words_document"));
    kb.words_position = db_get_int(rows, 0, "words_position");
    if (!kb.language || !kb.embedding_model)
        return out_of_memory(err);
    if (db_set_client(tx, kb.client_id, err) < 0)
        return -1;
    *ret_kb = kb;
    return 0;
}

int kb_open_to_change(struct db_tx *tx, const char *kb_id, struct arena *arena, struct kb *ret_kb, struct err *err)
{
    struct kb kb;

    if (kb_open(tx, kb_id, arena, &kb, err) < 0 ||
        db_query(tx, NULL, err, "SELECT pg_advisory_xact_lock(hashtextextended('leadwire.knowledge.' || $1, 0))",
                 db_text(kb.client_id)) < 0)
        return -1;
    /* Whoever held the lock may have changed the base, or deleted it. */
    return kb_open(tx, kb_id, arena, ret_kb, err);
}

int kb_switch_model(struct db_tx *tx, const struct kb *kb, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE knowledge_bases SET embedding_model = next_model, next_model = NULL, updated_at = now()"
                    " WHERE client_id = $1 AND kb_id = $2 AND next_model IS NOT NULL",
                    db_text(kb->client_id), db_text(kb->kb_id)) < 0
               ? -1
               : 0;
}

/* Words are added in their order, so that two transactions never wait for each other in a circle. */
int kb_add_words(struct db_tx *tx, const struct kb *kb, const char *texts, struct err *err)
{
    return db_query(tx, NULL, err,
                    "INSERT INTO kb_words (client_id, kb_id, word, lexeme)"
                    " SELECT $1, $2, word, lexeme"
                    "   FROM leadwire_vocabulary($3::text[]) AS word,"
                    "        leadwire_lexeme($4::text::regconfig, $5::text::regconfig, word) AS lexeme"
                    "  WHERE length(word) BETWEEN 3 AND 40 AND lexeme IS NOT NULL ORDER BY word"
                    " ON CONFLICT DO NOTHING",
                    db_text(kb->client_id), db_text(kb->kb_id), db_text(texts), db_text(kb->language),
                    db_text(kb->next_language)) < 0
               ? -1
               : 0;
}

/* One column of the FAQs as an array literal. */
enum column { QUESTION, ANSWER, KEY, QUESTION_TOKENS, ANSWER_TOKENS };

static const char *token_count(struct arena *arena, const char *text)
{
    return arena_printf(arena, "%lld", (long long)token_estimate(text, strlen(text)));
}

static const char *faq_column(struct arena *arena, const struct faq_put *faq, enum column column)
{
    switch (column) {
    case QUESTION:
        return faq->question;
    case ANSWER:
        return faq->answer;
    case KEY:
        return faq->key;
    case QUESTION_TOKENS:
        return token_count(arena, faq->question);
    default:
        return token_count(arena, faq->answer);
    }
}

static const char *faq_array(struct arena *arena, const struct faq_put *faqs, size_t n, enum column column)
{
    const char **items = arena_calloc(arena, n, sizeof *items);

    for (size_t i = 0; items && i < n; i++)
        if (!(items[i] = faq_column(arena, &faqs[i], column)))
            return NULL;
    return items ? db_array(arena, items, n) : NULL;
}

static const char *fresh_ids(struct arena *arena, size_t n)
{
    const char **items = arena_calloc(arena, n, sizeof *items);

    for (size_t i = 0; items && i < n; i++) {
        char *id = arena_alloc(arena, UUID_SIZE);
        if (!id)
            return NULL;
        uuid_new(id);
        items[i] = id;
    }
    return items ? db_array(arena, items, n) : NULL;
}

int faqs_fold(struct db_tx *tx, struct faq_put *faqs, size_t n, struct arena *arena, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *questions = faq_array(arena, faqs, n, QUESTION);

    if (!questions)
        return out_of_memory(err);
    if (db_query(tx, &rows, err,
                 "SELECT leadwire_fold(question) AS key"
                 "  FROM unnest($1::text[]) WITH ORDINALITY AS given (question, place) ORDER BY place",
                 db_text(questions)) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (!(faqs[i].key = arena_strdup(arena, db_get(rows, (int)i, "key"))))
            return out_of_memory(err);
    return 0;
}

/* The texts of those of the FAQs that are there already. */
static const char *old_hashes(struct db_tx *tx, const struct kb *kb, const char *keys, struct arena *arena,
                              struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err,
                 "SELECT DISTINCT c.text_hash FROM documents d JOIN chunks c USING (client_id, document_id)"
                 " WHERE d.client_id = $1 AND d.kb_id = $2 AND d.kind = 'faq' AND d.title_key = ANY ($3::text[])",
                 db_text(kb->client_id), db_text(kb->kb_id), db_text(keys)) < 0)
        return NULL;
    return embeddings_hashes(rows, arena, err);
}

int faqs_put(struct db_tx *tx, const struct kb *kb, struct faq_put *faqs, size_t n, struct arena *arena,
             struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *replaced;
    const char *questions = faq_array(arena, faqs, n, QUESTION), *answers = faq_array(arena, faqs, n, ANSWER);
    const char *keys = faq_array(arena, faqs, n, KEY), *document_ids = fresh_ids(arena, n);
    const char *question_ids = fresh_ids(arena, n), *answer_ids = fresh_ids(arena, n);
    const char *question_tokens = faq_array(arena, faqs, n, QUESTION_TOKENS);
    const char *answer_tokens = faq_array(arena, faqs, n, ANSWER_TOKENS);

    if (!questions || !answers || !keys || !document_ids || !question_ids || !answer_ids || !question_tokens ||
        !answer_tokens)
        return out_of_memory(err);
    if (!(replaced = old_hashes(tx, kb, keys, arena, err)))
        return -1;
    if (db_query(
            tx, &rows, err,
            "WITH given AS ("
            "  SELECT * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::uuid[],"
            "                       $10::integer[], $11::integer[])"
            "    WITH ORDINALITY AS g (document_id, question, answer, key, question_id, answer_id, question_tokens,"
            "                          answer_tokens, place)"
            "), put AS ("
            "  INSERT INTO documents (client_id, document_id, kb_id, kind, title, content, title_key, ingested_at)"
            "  SELECT $1, document_id, $2, 'faq', question, answer, key, now() FROM given ORDER BY key"
            "  ON CONFLICT ON CONSTRAINT documents_title DO UPDATE"
            "    SET title = excluded.title, content = excluded.content, updated_at = now(), ingested_at = now()"
            "  RETURNING document_id, title_key, xmax <> 0 AS replaced"
            "), parts AS ("
            "  INSERT INTO chunks (client_id, chunk_id, kb_id, document_id, part, body, tokens, words)"
            "  SELECT $1, part.chunk_id, $2, put.document_id, part.part, part.body, part.tokens,"
            "         leadwire_tsvector($9::text::regconfig, $12::text::regconfig, part.body)"
            "    FROM put JOIN given ON given.key = put.title_key"
            "   CROSS JOIN LATERAL (VALUES ('question', given.question_id, given.question, given.question_tokens),"
            "                              ('answer', given.answer_id, given.answer, given.answer_tokens))"
            "         AS part (part, chunk_id, body, tokens)"
            "  ON CONFLICT ON CONSTRAINT chunks_place DO UPDATE"
            "    SET body = excluded.body, tokens = excluded.tokens, words = excluded.words"
            ") SELECT put.document_id, replaced FROM put JOIN given ON given.key = put.title_key ORDER BY place",
            db_text(kb->client_id), db_text(kb->kb_id), db_text(document_ids), db_text(questions), db_text(answers),
            db_text(keys), db_text(question_ids), db_text(answer_ids), db_text(kb->language), db_text(question_tokens),
            db_text(answer_tokens), db_text(kb->next_language)) < 0 ||
        embeddings_drop_unused(tx, kb->client_id, replaced, err) < 0 || kb_add_words(tx, kb, questions, err) < 0 ||
        kb_add_words(tx, kb, answers, err) < 0)
        return -1;
    if ((size_t)db_result_count(rows) != n)
        return err_set(err, ERR_INTERNAL, "knowledge: %d of %zu FAQs were stored", db_result_count(rows), n);
    for (size_t i = 0; i < n; i++) {
        snprintf(faqs[i].document_id, sizeof faqs[i].document_id, "%s", db_get(rows, (int)i, "document_id"));
        faqs[i].replaced = db_get_bool(rows, (int)i, "replaced");
    }
    return 0;
}
