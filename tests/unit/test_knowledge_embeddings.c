/* Vectors go with the last chunk that says their text, whoever writes at the same time. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "proto/messages.h"
#include "services/knowledge/api/kb_store.h"
#include "services/knowledge/embedding/embedding_store.h"
#include "services/knowledge/knowledge.h"
#include "tests/unit/kbfix.h"

TestSuite(knowledge_embeddings, .init = kbfix_open, .fini = kbfix_close, .timeout = 60);

#define VECTORS "SELECT count(*) AS n FROM embeddings WHERE client_id = $1"

/* Deletes the document by hand and drops what it leaves. */
static void delete_document(const char *client, const char *kb_id, const char *document_id)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    AUTO(db_rollback) struct db_tx *tx = NULL;
    const char *hashes;
    struct err err = {0};
    struct kb kb;

    tx = db_begin(kbfix_worker.db, client, &err);
    cr_assert(tx != NULL, "%s", err.text);
    cr_assert(eq(int, kb_open_to_change(tx, kb_id, kbfix_arena, &kb, &err), 0), "%s", err.text);
    cr_assert(ge(int,
                 db_query(tx, &rows, &err, "DELETE FROM chunks WHERE document_id = $1 RETURNING text_hash",
                          db_text(document_id)),
                 0),
              "%s", err.text);
    hashes = embeddings_hashes(rows, kbfix_arena, &err);
    cr_assert(hashes != NULL, "%s", err.text);
    cr_assert(eq(int, embeddings_drop_unused(tx, client, hashes, &err), 0), "%s", err.text);
    cr_assert(eq(int, db_commit(&tx, &err), 0), "%s", err.text);
}

Test(knowledge_embeddings, a_vector_stays_while_another_chunk_says_its_text)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL), *other = kbfix_base(kbfix_a, "Two", KBFIX_MODEL);
    const char *first = kbfix_document(kbfix_a, kb_id, "Same", 3);
    const char *second = kbfix_document(kbfix_a, other, "Same", 3);

    kbfix_embed(kbfix_a, KBFIX_MODEL);
    cr_assert(eq(i64, kbfix_count(VECTORS, kbfix_a), 3));
    delete_document(kbfix_a, kb_id, first);
    cr_expect(eq(i64, kbfix_count(VECTORS, kbfix_a), 3));
    delete_document(kbfix_a, other, second);
    cr_expect(eq(i64, kbfix_count(VECTORS, kbfix_a), 0));
}

Test(knowledge_embeddings, a_base_of_another_model_keeps_no_vector_of_this_one)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL), *other = kbfix_base(kbfix_a, "Two", "other-model");
    const char *first = kbfix_document(kbfix_a, kb_id, "Same", 3);

    kbfix_document(kbfix_a, other, "Same", 3);
    kbfix_embed(kbfix_a, KBFIX_MODEL);
    kbfix_embed(kbfix_a, "other-model");
    delete_document(kbfix_a, kb_id, first);
    cr_expect(eq(i64, kbfix_count(VECTORS " AND model = 'other-model'", kbfix_a), 3));
    cr_expect(eq(i64, kbfix_count(VECTORS " AND model <> 'other-model'", kbfix_a), 0));
}

Test(knowledge_embeddings, vectors_of_the_model_that_takes_over_stay)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL), *document = kbfix_document(kbfix_a, kb_id, "Text", 2);
    AUTO(db_rollback) struct db_tx *tx = NULL;
    struct err err = {0};

    kbfix_run("UPDATE knowledge_bases SET next_model = 'next' WHERE client_id = $1", kbfix_a);
    kbfix_embed(kbfix_a, KBFIX_MODEL);
    kbfix_embed(kbfix_a, "next");
    kbfix_embed(kbfix_a, "of no base");
    tx = db_begin(kbfix_worker.db, kbfix_a, &err);
    cr_assert(tx != NULL, "%s", err.text);
    cr_assert(eq(int, embeddings_drop_all_unused(tx, kbfix_a, &err), 0), "%s", err.text);
    cr_assert(eq(int, db_commit(&tx, &err), 0), "%s", err.text);
    cr_expect(eq(i64, kbfix_count(VECTORS, kbfix_a), 4));
    cr_expect(eq(i64, kbfix_count(VECTORS " AND model = 'of no base'", kbfix_a), 0));
    delete_document(kbfix_a, kb_id, document);
    cr_expect(eq(i64, kbfix_count(VECTORS, kbfix_a), 0));
}

Test(knowledge_embeddings, another_clients_same_text_is_not_touched)
{
    const char *a = kbfix_base(kbfix_a, "One", KBFIX_MODEL), *b = kbfix_base(kbfix_b, "One", KBFIX_MODEL);
    const char *document = kbfix_document(kbfix_a, a, "Same", 3);

    kbfix_document(kbfix_b, b, "Same", 3);
    kbfix_embed(kbfix_a, KBFIX_MODEL);
    kbfix_embed(kbfix_b, KBFIX_MODEL);
    delete_document(kbfix_a, a, document);
    cr_expect(eq(i64, kbfix_count(VECTORS, kbfix_a), 0));
    cr_expect(eq(i64, kbfix_count(VECTORS, kbfix_b), 3));
}

Test(knowledge_embeddings, an_answer_that_is_replaced_leaves_no_vector)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL);

    kbfix_faq(kbfix_a, kb_id, "Where are you?", "In Springfield.");
    kbfix_embed(kbfix_a, KBFIX_MODEL);
    cr_assert(eq(i64, kbfix_count(VECTORS, kbfix_a), 2));
    kbfix_faq(kbfix_a, kb_id, "Where are you?", "In Shelbyville.");
    cr_expect(eq(i64, kbfix_count(VECTORS, kbfix_a), 1));
    kbfix_faq(kbfix_a, kb_id, "where are you", "In Shelbyville.");
    cr_expect(eq(i64, kbfix_count(VECTORS, kbfix_a), 0));
}

/* One who takes in a document whose text has its vector already, and one who deletes the only document that says it:
 * whichever comes first, a chunk without a vector is not what is left, unless the task is told that it is missing. */
static const char *shared_kb;
static atomic_bool asked, inserted;

/* What a task does in the transaction that inserts the chunks of a version: asks what is missing, and inserts. */
static void *take_in(void *arg)
{
    const char *document_id = arg;
    AUTO(arena_destroy) struct arena *arena = arena_new(1 << 20);
    AUTO(db_result_free) struct db_result *rows = NULL;
    AUTO(db_rollback) struct db_tx *tx = NULL;
    struct err err = {0};
    struct kb kb;
    bool present;

    tx = db_begin(kbfix_worker.db, kbfix_a, &err);
    cr_assert(tx != NULL, "%s", err.text);
    cr_assert(eq(int, kb_open_to_change(tx, shared_kb, arena, &kb, &err), 0), "%s", err.text);
    cr_assert(eq(int,
                 db_query(tx, &rows, &err,
                          "SELECT EXISTS (SELECT FROM embeddings WHERE client_id = $1"
                          "   AND text_hash = md5('Chapter' || E'\\n' || 'Same 0')::uuid) AS present",
                          db_text(kbfix_a)),
                 1),
              "%s", err.text);
    present = db_get_bool(rows, 0, "present");
    asked = true;
    usleep(100 * 1000); /* whoever does not wait for the lock gets in between */
    if (present)
        cr_assert(
            eq(int,
               db_query(tx, NULL, &err,
                        "INSERT INTO chunks (client_id, chunk_id, kb_id, document_id, part, position, heading,"
                        " body, words) VALUES ($1, gen_random_uuid(), $2, $3, 'text', 0, 'Chapter', 'Same 0', '')",
                        db_text(kbfix_a), db_text(shared_kb), db_text(document_id)),
               1),
            "%s", err.text);
    inserted = present;
    cr_assert(eq(int, db_commit(&tx, &err), 0), "%s", err.text);
    return NULL;
}

#define BARE                                                                                         \
    "SELECT count(*) AS n FROM chunks c WHERE client_id = $1 AND NOT EXISTS (SELECT FROM embeddings" \
    " e WHERE e.client_id = $1 AND e.text_hash = c.text_hash)"

Test(knowledge_embeddings, who_counts_on_a_vector_keeps_it)
{
    const char *document, *late;
    pthread_t thread;

    shared_kb = kbfix_base(kbfix_a, "One", KBFIX_MODEL);
    document = kbfix_document(kbfix_a, shared_kb, "Same", 1);
    late = kbfix_document(kbfix_a, shared_kb, "Late", 0);
    kbfix_embed(kbfix_a, KBFIX_MODEL);
    cr_assert(eq(int, pthread_create(&thread, NULL, take_in, (void *)late), 0));
    while (!asked)
        usleep(1000);
    delete_document(kbfix_a, shared_kb, document); /* waits until the chunk is there */
    pthread_join(thread, NULL);
    cr_expect(inserted);
    cr_expect(eq(i64, kbfix_count(BARE, kbfix_a), 0));
    cr_expect(eq(i64, kbfix_count(VECTORS, kbfix_a), 1));
}

Test(knowledge_embeddings, an_unknown_text_drops_nothing)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL);
    AUTO(db_rollback) struct db_tx *tx = NULL;
    struct err err = {0};

    kbfix_document(kbfix_a, kb_id, "Text", 2);
    kbfix_embed(kbfix_a, KBFIX_MODEL);
    tx = db_begin(kbfix_worker.db, kbfix_a, &err);
    cr_assert(tx != NULL, "%s", err.text);
    cr_assert(eq(int, embeddings_drop_unused(tx, kbfix_a, "{}", &err), 0), "%s", err.text);
    cr_assert(eq(int, embeddings_drop_unused(tx, kbfix_a, "{019a0000-0000-7000-8000-000000000000}", &err), 0), "%s",
              err.text);
    cr_assert(eq(int, db_commit(&tx, &err), 0), "%s", err.text);
    cr_expect(eq(i64, kbfix_count(VECTORS, kbfix_a), 2));
}
