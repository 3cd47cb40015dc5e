/* kbfix.c - see kbfix.h. */
#include "tests/unit/kbfix.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "proto/messages.h"
#include "services/knowledge/embedding/embed.h"
#include "services/knowledge/embedding/query_cache.h"
#include "services/knowledge/knowledge.h"
#include "services/knowledge/search/copy_cache.h"
#include "tests/unit/testdb.h"

struct worker kbfix_worker;
struct db_pool *kbfix_admin;
struct arena *kbfix_arena;
char kbfix_a[UUID_SIZE], kbfix_b[UUID_SIZE];

static struct config config;
static struct knowledge state;

void kbfix_open(void)
{
    struct err err = {0};
    const char *database = testdb_url();

    log_init("test", "error");
    kbfix_admin = db_pool_new(database, NULL, 2, &err);
    cr_assert(kbfix_admin != NULL, "%s", err.text);
    config = (struct config){.openai_api_key = "sk-test",
                             .openai_base_url = "http://127.0.0.1:1/v1",
                             .openai_embedding_model = KBFIX_MODEL};
    state.embedder = embedder_new(&config, NULL, &err);
    state.cache = query_cache_new(8, 1 << 20);
    kbfix_worker = (struct worker){.config = &config, .state = &state};
    kbfix_worker.db = db_pool_new(database, "leadwire_knowledge", 4, &err);
    kbfix_arena = arena_new(1 << 28);
    state.copies = copy_cache_new(16 << 20);
    cr_assert(state.embedder && state.cache && state.copies && kbfix_worker.db && kbfix_arena, "%s", err.text);
    uuid_new(kbfix_a);
    uuid_new(kbfix_b);
    kbfix_run("INSERT INTO clients (client_id, name) VALUES ($1, 'A')", kbfix_a);
    kbfix_run("INSERT INTO clients (client_id, name) VALUES ($1, 'B')", kbfix_b);
}

void kbfix_close(void)
{
    embedder_destroy(&state.embedder);
    query_cache_destroy(&state.cache);
    copy_cache_destroy(&state.copies);
    db_pool_destroy(&kbfix_worker.db);
    db_pool_destroy(&kbfix_admin);
    arena_destroy(&kbfix_arena);
}

int kbfix_call(request_fn *fn, const char *client, const void *request, void *reply, struct err *err)
{
    static const struct envelope env;
    struct call c = {.env = &env, .client_id = client, .request = request, .reply = reply, .arena = kbfix_arena};
    AUTO(db_rollback) struct db_tx *tx = db_begin(kbfix_worker.db, client ? client : DB_EVERY_CLIENT, err);

    if (!(c.tx = tx) || fn(&kbfix_worker, &c, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

const char *kbfix_base(const char *client, const char *name, const char *model)
{
    struct create_knowledge_base in = {.name = name, .embedding_model = model, .similarity_threshold = 0.75};
    struct knowledge_base base = {0};
    struct err err = {0};

    cr_assert(eq(int, kbfix_call(on_create_knowledge_base, client, &in, &base, &err), 0), "%s", err.text);
    return base.kb_id;
}

const char *kbfix_faq(const char *client, const char *kb_id, const char *question, const char *answer)
{
    struct add_faq in = {.kb_id = kb_id, .question = question, .answer = answer};
    struct faq faq = {0};
    struct err err = {0};

    cr_assert(eq(int, kbfix_call(on_add_faq, client, &in, &faq, &err), 0), "%s", err.text);
    return faq.document_id;
}

const char *kbfix_document(const char *client, const char *kb_id, const char *title, int n)
{
    AUTO(db_rollback) struct db_tx *tx = NULL;
    char id[UUID_SIZE];
    struct err err = {0};

    uuid_new(id);
    tx = db_begin(kbfix_worker.db, client, &err);
    cr_assert(tx != NULL, "%s", err.text);
    cr_assert(eq(int,
                 db_query(tx, NULL, &err,
                          "INSERT INTO documents (client_id, document_id, kb_id, kind, title, content, title_key,"
                          " bytes, ingested_at)"
                          " VALUES ($1, $2, $3, 'document', $4, $4, 'title:' || leadwire_fold($4), 1000, now())",
                          db_text(client), db_text(id), db_text(kb_id), db_text(title)),
                 1),
              "%s", err.text);
    cr_assert(eq(int,
                 db_query(tx, NULL, &err,
                          "INSERT INTO chunks (client_id, chunk_id, kb_id, document_id, part, position, body, words,"
                          " heading, tokens)"
                          " SELECT $1, gen_random_uuid(), $3, $2, 'text', i, $4 || ' ' || i,"
                          "        to_tsvector('english', $4 || ' ' || i), 'Chapter', 3"
                          "   FROM generate_series(0, $5::int - 1) AS i",
                          db_text(client), db_text(id), db_text(kb_id), db_text(title), db_int(n)),
                 n),
              "%s", err.text);
    cr_assert(eq(int, db_commit(&tx, &err), 0), "%s", err.text);
    return arena_strdup(kbfix_arena, id);
}

void kbfix_embed(const char *client, const char *model)
{
    AUTO(db_rollback) struct db_tx *tx = NULL;
    struct err err = {0};

    tx = db_begin(kbfix_admin, DB_EVERY_CLIENT, &err);
    cr_assert(tx != NULL, "%s", err.text);
    cr_assert(ge(int,
                 db_query(tx, NULL, &err,
                          "INSERT INTO embeddings (client_id, model, text_hash, embedding)"
                          " SELECT DISTINCT client_id, $2, text_hash, array_fill(0.1::real, "
                          "ARRAY[100])::vector::halfvec FROM chunks"
                          "  WHERE client_id = $1 ON CONFLICT DO NOTHING",
                          db_text(client), db_text(model)),
                 0),
              "%s", err.text);
    cr_assert(eq(int, db_commit(&tx, &err), 0), "%s", err.text);
}

int64_t kbfix_count(const char *sql, const char *arg)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert(ge(int, db_run(kbfix_admin, DB_EVERY_CLIENT, &rows, &err, sql, db_text(arg)), 1), "%s", err.text);
    return db_get_int(rows, 0, "n");
}

void kbfix_run(const char *sql, const char *arg)
{
    struct err err = {0};

    int rc = arg ? db_run(kbfix_admin, DB_EVERY_CLIENT, NULL, &err, sql, db_text(arg))
                 : db_run(kbfix_admin, DB_EVERY_CLIENT, NULL, &err, sql);

    cr_assert(ge(int, rc, 0), "%s", err.text);
}

int64_t kbfix_vocabulary_faults(void)
{
    return kbfix_count(
        "WITH said AS ("
        "  SELECT kb_id, leadwire_unit(part, document_id, chunk_id) AS unit, unnest(tsvector_to_array(words)) AS lexeme"
        "    FROM chunks WHERE client_id = $1"
        "), terms AS (SELECT kb_id, lexeme, count(DISTINCT unit) AS units FROM said GROUP BY kb_id, lexeme"
        "), words AS ("
        "  SELECT DISTINCT kb_id, word, leadwire_lexeme(language::regconfig, word) AS lexeme"
        "    FROM chunks JOIN knowledge_bases USING (client_id, kb_id), leadwire_words(heading || E'\\n' || body) AS "
        "word"
        "   WHERE client_id = $1 AND length(word) BETWEEN 3 AND 40"
        "     AND leadwire_lexeme(language::regconfig, word) IS NOT NULL"
        "), had_terms AS (SELECT kb_id, lexeme, units FROM kb_terms WHERE client_id = $1"
        "), had_words AS (SELECT kb_id, word, lexeme FROM kb_words WHERE client_id = $1"
        ") SELECT (SELECT count(*) FROM (SELECT * FROM terms EXCEPT SELECT * FROM had_terms) AS a)"
        "       + (SELECT count(*) FROM (SELECT * FROM had_terms EXCEPT SELECT * FROM terms) AS b)"
        "       + (SELECT count(*) FROM (SELECT * FROM words EXCEPT SELECT * FROM had_words) AS c)"
        "       + (SELECT count(*) FROM (SELECT * FROM had_words EXCEPT SELECT * FROM words) AS d) AS n",
        kbfix_a);
}
