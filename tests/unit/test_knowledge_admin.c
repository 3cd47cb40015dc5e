/* Documents and FAQs are looked at and removed, bases emptied and deleted: only by their client or an administrator. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "proto/messages.h"
#include "services/knowledge/knowledge.h"
#include "tests/unit/kbfix.h"

#define NOBODY "019a0000-0000-7000-8000-000000000000"

TestSuite(knowledge_admin, .init = kbfix_open, .fini = kbfix_close, .timeout = 120);

static void expect_missing(request_fn *fn, const char *client, const void *request, void *reply, const char *field)
{
    struct err err = {0};

    cr_expect(eq(int, kbfix_call(fn, client, request, reply, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND), "%s", err.text);
    cr_expect(eq(str, err.field, (char *)field));
}

/* ---- whose it is ---- */

/* Every request of a document or FAQ, by another client, is answered as if it was not there. */
Test(knowledge_admin, another_clients_base_is_not_there)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL);
    const char *faq_id = kbfix_faq(kbfix_a, kb_id, "Where?", "Here."), *id = kbfix_document(kbfix_a, kb_id, "Text", 2);
    struct update_knowledge_base update = {.kb_id = kb_id, .name = "Mine", .similarity_threshold = -1};
    struct delete_knowledge_base delete = {.kb_id = kb_id};
    struct clear_knowledge_base clear = {.kb_id = kb_id};
    struct get_knowledge_stats stats = {.kb_id = kb_id};
    struct list_documents documents = {.kb_id = kb_id, .limit = 50};
    struct list_faqs faqs = {.kb_id = kb_id, .limit = 50};
    struct list_chunks chunks = {.kb_id = kb_id, .document_id = id, .limit = 50};
    struct get_document get = {.kb_id = kb_id, .document_id = id};
    struct delete_document remove = {.kb_id = kb_id, .document_id = id};
    struct get_faq get_faq = {.kb_id = kb_id, .document_id = faq_id};
    struct delete_faq remove_faq = {.kb_id = kb_id, .document_id = faq_id};
    char reply[512] = {0};

    expect_missing(on_update_knowledge_base, kbfix_b, &update, reply, "kb_id");
    expect_missing(on_delete_knowledge_base, kbfix_b, &delete, reply, "kb_id");
    expect_missing(on_clear_knowledge_base, kbfix_b, &clear, reply, "kb_id");
    expect_missing(on_get_knowledge_stats, kbfix_b, &stats, reply, "kb_id");
    expect_missing(on_list_documents, kbfix_b, &documents, reply, "kb_id");
    expect_missing(on_list_faqs, kbfix_b, &faqs, reply, "kb_id");
    expect_missing(on_list_chunks, kbfix_b, &chunks, reply, "kb_id");
    expect_missing(on_get_document, kbfix_b, &get, reply, "kb_id");
    expect_missing(on_delete_document, kbfix_b, &remove, reply, "kb_id");
    expect_missing(on_get_faq, kbfix_b, &get_faq, reply, "kb_id");
    expect_missing(on_delete_faq, kbfix_b, &remove_faq, reply, "kb_id");
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM chunks WHERE client_id = $1", kbfix_a), 4));

    kb_id = kbfix_base(kbfix_b, "One", KBFIX_MODEL); /* by way of a base of their own */
    get.kb_id = remove.kb_id = get_faq.kb_id = remove_faq.kb_id = chunks.kb_id = kb_id;
    expect_missing(on_get_document, kbfix_b, &get, reply, "document_id");
    expect_missing(on_delete_document, kbfix_b, &remove, reply, "document_id");
    expect_missing(on_list_chunks, kbfix_b, &chunks, reply, "document_id");
    expect_missing(on_get_faq, kbfix_b, &get_faq, reply, "document_id");
    expect_missing(on_delete_faq, kbfix_b, &remove_faq, reply, "document_id");
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM chunks WHERE client_id = $1", kbfix_a), 4));
}

Test(knowledge_admin, an_administrator_sees_and_removes_every_clients)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL), *id = kbfix_document(kbfix_a, kb_id, "Text", 2);
    struct get_document get = {.kb_id = kb_id, .document_id = id};
    struct delete_document remove = {.kb_id = kb_id, .document_id = id};
    struct update_knowledge_base update = {.kb_id = kb_id, .name = "Two", .similarity_threshold = 0.5};
    struct delete_knowledge_base delete = {.kb_id = kb_id};
    struct document document = {0};
    struct knowledge_base base = {0};
    struct removed removed = {0};
    struct err err = {0};

    cr_assert(eq(int, kbfix_call(on_get_document, NULL, &get, &document, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)document.title, "Text"));
    cr_expect(eq(i64, document.chunks, 2));
    cr_expect(eq(i64, document.tokens, 6));
    cr_expect(eq(str, (char *)document.state, "ready"));
    cr_expect(eq(str, (char *)document.metadata, "{}"));
    cr_assert(eq(int, kbfix_call(on_delete_document, NULL, &remove, &removed, &err), 0), "%s", err.text);
    cr_expect(eq(i64, removed.documents, 1));
    cr_expect(eq(i64, removed.faqs, 0));
    cr_expect(eq(i64, removed.chunks, 2));
    cr_assert(eq(int, kbfix_call(on_update_knowledge_base, NULL, &update, &base, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)base.name, "Two"));
    cr_expect(eq(dbl, base.similarity_threshold, 0.5));
    cr_assert(eq(int, kbfix_call(on_delete_knowledge_base, NULL, &delete, &removed, &err), 0), "%s", err.text);
    expect_missing(on_get_knowledge_stats, NULL, &(struct get_knowledge_stats){.kb_id = kb_id}, &base, "kb_id");
}

Test(knowledge_admin, an_faq_is_no_document_and_a_document_no_faq)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", ""), *other = kbfix_base(kbfix_a, "Two", "");
    const char *faq_id = kbfix_faq(kbfix_a, kb_id, "Where?", "Here."), *id = kbfix_document(kbfix_a, kb_id, "Text", 2);
    struct get_document get = {.kb_id = kb_id, .document_id = faq_id};
    struct delete_document remove = {.kb_id = kb_id, .document_id = faq_id};
    struct list_chunks chunks = {.kb_id = kb_id, .document_id = faq_id, .limit = 50};
    struct get_faq get_faq = {.kb_id = kb_id, .document_id = id};
    struct delete_faq remove_faq = {.kb_id = kb_id, .document_id = id};
    struct faq faq = {0};
    char reply[512] = {0};
    struct err err = {0};

    expect_missing(on_get_document, kbfix_a, &get, reply, "document_id");
    expect_missing(on_delete_document, kbfix_a, &remove, reply, "document_id");
    expect_missing(on_list_chunks, kbfix_a, &chunks, reply, "document_id");
    expect_missing(on_get_faq, kbfix_a, &get_faq, reply, "document_id");
    expect_missing(on_delete_faq, kbfix_a, &remove_faq, reply, "document_id");
    get_faq = (struct get_faq){.kb_id = other, .document_id = faq_id};
    expect_missing(on_get_faq, kbfix_a, &get_faq, reply, "document_id");
    get_faq.kb_id = kb_id;
    cr_assert(eq(int, kbfix_call(on_get_faq, kbfix_a, &get_faq, &faq, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)faq.question, "Where?"));
    cr_expect(eq(str, (char *)faq.answer, "Here."));
    cr_expect(gt(i64, faq.created_at, 0));
    cr_expect(gt(i64, faq.updated_at, 0));
}

/* ---- pages ---- */

Test(knowledge_admin, a_page_of_long_faqs_ends_before_it_is_larger_than_a_frame)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", "");
    struct list_faqs in = {.kb_id = kb_id, .limit = 200};
    char last[UUID_SIZE] = "";
    struct err err = {0};
    int pages = 0, seen = 0;

    kbfix_run("INSERT INTO documents (client_id, document_id, kb_id, kind, title, content, title_key)"
              " SELECT client_id, ('019a0000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, kb_id, 'faq', i,"
              "        repeat('abcdefgh', 2000), i FROM knowledge_bases, generate_series(1, 1000) AS i"
              "  WHERE client_id = $1",
              kbfix_a);
    do {
        struct faq_page page = {0};
        AUTO(buf_free) struct buf packed = {0};
        cr_assert(eq(int, kbfix_call(on_list_faqs, kbfix_a, &in, &page, &err), 0), "%s", err.text);
        cr_assert(eq(int, codec_pack(&faq_page_type, &page, &packed, &err), 0), "%s", err.text);
        cr_expect(lt(sz, packed.len, CODEC_FRAME_MAX));
        cr_assert(gt(sz, page.n_items, 0));
        for (size_t i = 0; i < page.n_items; i++) {
            cr_assert(gt(int, strcmp(page.items[i].document_id, last), 0));
            snprintf(last, sizeof last, "%s", page.items[i].document_id);
        }
        seen += (int)page.n_items;
        pages++;
        in.after = page.next_after;
    } while (in.after);
    cr_expect(eq(int, seen, 1000));
    cr_expect(gt(int, pages, 1000 * 16000 / CODEC_FRAME_MAX));
    cr_expect(lt(int, pages, 30)); /* and are not shorter than they must be */
}

Test(knowledge_admin, documents_are_listed_by_state_without_faqs)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", ""), *other = kbfix_base(kbfix_a, "Two", "");
    const char *first = kbfix_document(kbfix_a, kb_id, "First", 1);
    struct list_documents in = {.kb_id = kb_id, .limit = 2};
    struct document_page page = {0};
    struct err err = {0};

    kbfix_faq(kbfix_a, kb_id, "Where?", "Here.");
    kbfix_document(kbfix_a, other, "Elsewhere", 1);
    kbfix_document(kbfix_a, kb_id, "Second", 1);
    kbfix_document(kbfix_a, kb_id, "Third", 1);
    kbfix_run("UPDATE documents SET state = 'failed', error = repeat('\u00e9', 3000) WHERE document_id = $1", first);
    cr_assert(eq(int, kbfix_call(on_list_documents, kbfix_a, &in, &page, &err), 0), "%s", err.text);
    cr_assert(eq(sz, page.n_items, 2));
    cr_expect(eq(str, (char *)page.items[0].title, "First"));
    cr_expect(eq(str, (char *)page.items[0].state, "failed"));
    cr_expect(page.items[0].source_url == NULL);
    cr_assert(page.next_after != NULL);
    in.after = page.next_after;
    page = (struct document_page){0};
    cr_assert(eq(int, kbfix_call(on_list_documents, kbfix_a, &in, &page, &err), 0), "%s", err.text);
    cr_assert(eq(sz, page.n_items, 1));
    cr_expect(eq(str, (char *)page.items[0].title, "Third"));
    cr_expect(page.next_after == NULL);

    in = (struct list_documents){.kb_id = kb_id, .limit = 2, .state = "failed"};
    cr_assert(eq(int, kbfix_call(on_list_documents, kbfix_a, &in, &page, &err), 0), "%s", err.text);
    cr_assert(eq(sz, page.n_items, 1));
    cr_expect(eq(str, (char *)page.items[0].document_id, (char *)first));
    in.state = "updating";
    cr_assert(eq(int, kbfix_call(on_list_documents, kbfix_a, &in, &page, &err), 0), "%s", err.text);
    cr_expect(eq(sz, page.n_items, 0));
}

Test(knowledge_admin, documents_with_long_metadata_fit_into_their_pages)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", "");
    struct list_documents in = {.kb_id = kb_id, .limit = 200};
    struct document_page page = {0};
    struct err err = {0};

    kbfix_run("INSERT INTO documents (client_id, document_id, kb_id, kind, title, content, title_key, metadata)"
              " SELECT client_id, ('019a0000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, kb_id, 'document', i,"
              "        '', i, (SELECT jsonb_agg(1) FROM generate_series(1, 7900))"
              "   FROM knowledge_bases, generate_series(1, 201) AS i WHERE client_id = $1",
              kbfix_a);
    cr_assert(eq(int, kbfix_call(on_list_documents, kbfix_a, &in, &page, &err), 0), "%s", err.text);
    cr_expect(lt(sz, page.n_items, 200));
    cr_expect(gt(sz, page.n_items, 20));
    cr_expect(page.next_after != NULL);
}

Test(knowledge_admin, chunks_are_listed_in_the_order_of_the_document)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", ""), *id = kbfix_document(kbfix_a, kb_id, "Text", 120);
    struct list_chunks in = {.kb_id = kb_id, .document_id = id, .limit = 50};
    struct err err = {0};
    int64_t position = 0;

    do {
        struct chunk_page page = {0};
        cr_assert(eq(int, kbfix_call(on_list_chunks, kbfix_a, &in, &page, &err), 0), "%s", err.text);
        cr_assert(gt(sz, page.n_items, 0));
        for (size_t i = 0; i < page.n_items; i++, position++)
            cr_assert(eq(i64, page.items[i].position, position));
        cr_expect(eq(str, (char *)page.items[0].heading, "Chapter"));
        in.after = page.next_after;
    } while (in.after);
    cr_expect(eq(i64, position, 120));
}

Test(knowledge_admin, a_cursor_that_is_none_is_refused)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", ""), *id = kbfix_document(kbfix_a, kb_id, "Text", 1);
    static const char *const bad[] = {"x", "-1", "99999999999999", "1 OR 1=1"};
    char reply[512] = {0};

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct list_faqs faqs = {.kb_id = kb_id, .limit = 5, .after = bad[i]};
        struct list_documents documents = {.kb_id = kb_id, .limit = 5, .after = bad[i]};
        struct list_chunks chunks = {.kb_id = kb_id, .document_id = id, .limit = 5, .after = bad[i]};
        struct err err = {0};
        cr_expect(eq(int, kbfix_call(on_list_faqs, kbfix_a, &faqs, reply, &err), -1));
        cr_expect(eq(str, err.field, "after"));
        err = (struct err){0};
        cr_expect(eq(int, kbfix_call(on_list_documents, kbfix_a, &documents, reply, &err), -1));
        cr_expect(eq(str, err.field, "after"));
        err = (struct err){0};
        cr_expect(eq(int, kbfix_call(on_list_chunks, kbfix_a, &chunks, reply, &err), -1));
        cr_expect(eq(str, err.field, "after"));
        cr_expect(eq(int, err.kind, ERR_INVALID));
    }
}

/* ---- what is removed is gone ---- */

/* Rows of the client in every table there is, but the client's own and those of tasks, which name ids alone. */
static int64_t rows_left(const char *client)
{
    AUTO(db_result_free) struct db_result *tables = NULL;
    struct err err = {0};
    int64_t n = 0;

    cr_assert(gt(int,
                 db_run(kbfix_admin, DB_EVERY_CLIENT, &tables, &err,
                        "SELECT format('SELECT count(*) AS n FROM %I WHERE client_id = $1', c.relname) AS sql"
                        "  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'client_id'"
                        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
                        "   AND c.relname <> 'clients' AND c.relname !~ 'task'"),
                 10),
              "%s", err.text);
    for (int i = 0; i < db_result_count(tables); i++)
        n += kbfix_count(arena_strdup(kbfix_arena, db_get(tables, i, "sql")), client); /* known by its address */
    return n;
}

/* A base with two FAQs, a document, one that is new and on its way, and vectors of all and of what is on its way. */
static const char *full_base(const char *client, const char *name)
{
    const char *kb_id = kbfix_base(client, name, KBFIX_MODEL), *pending;

    kbfix_faq(client, kb_id, "Where are you?", "In Springfield.");
    kbfix_faq(client, kb_id, "When?", "Always.");
    kbfix_document(client, kb_id, "Prices", 10);
    pending = kbfix_document(client, kb_id, "Pending", 0);
    kbfix_run("INSERT INTO pending_documents (client_id, document_id, revision_id, title, content, is_markdown,"
              " source_url, content_type, metadata, bytes)"
              " SELECT client_id, document_id, document_id, title, 'text', false, '', 'text/plain', '{}', 4"
              "   FROM documents WHERE document_id = $1",
              pending);
    kbfix_run("UPDATE documents SET state = 'ingesting', ingested_at = NULL WHERE document_id = $1", pending);
    kbfix_embed(client, KBFIX_MODEL);
    kbfix_run("INSERT INTO embeddings (client_id, model, text_hash, embedding)"
              " VALUES ($1, 'text-embedding-3-small', md5('pending')::uuid, '[1,2,3]') ON CONFLICT DO NOTHING",
              client);
    return kb_id;
}

Test(knowledge_admin, a_deleted_base_leaves_nothing)
{
    const char *kb_id = full_base(kbfix_a, "One"), *other = full_base(kbfix_b, "One");
    struct delete_knowledge_base in = {.kb_id = kb_id};
    int64_t others = rows_left(kbfix_b);
    struct removed removed = {0};
    struct err err = {0};

    (void)other;
    cr_assert(gt(i64, others, 20));
    cr_assert(eq(int, kbfix_call(on_delete_knowledge_base, kbfix_a, &in, &removed, &err), 0), "%s", err.text);
    cr_expect(eq(i64, removed.documents, 2));
    cr_expect(eq(i64, removed.faqs, 2));
    cr_expect(eq(i64, removed.chunks, 14));
    cr_expect(eq(i64, rows_left(kbfix_a), 0));
    cr_expect(eq(i64, rows_left(kbfix_b), others));
    expect_missing(on_delete_knowledge_base, kbfix_a, &in, &removed, "kb_id");
}

Test(knowledge_admin, a_cleared_base_is_empty_and_stays)
{
    const char *kb_id = full_base(kbfix_a, "One"), *other = kbfix_base(kbfix_a, "Two", KBFIX_MODEL);
    struct clear_knowledge_base in = {.kb_id = kb_id};
    struct removed removed = {0}, again = {0};
    struct err err = {0};

    kbfix_faq(kbfix_a, other, "Where are you?", "In Springfield.");
    kbfix_run("UPDATE knowledge_bases SET next_model = 'next' WHERE client_id = $1 AND name = 'One'", kbfix_a);
    cr_assert(eq(int, kbfix_call(on_clear_knowledge_base, kbfix_a, &in, &removed, &err), 0), "%s", err.text);
    cr_expect(eq(i64, removed.documents, 2));
    cr_expect(eq(i64, removed.faqs, 2));
    cr_expect(eq(i64, removed.chunks, 14));
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM documents WHERE kb_id = $1", kb_id), 0));
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM kb_words WHERE kb_id = $1", kb_id), 0));
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM pending_documents WHERE client_id = $1", kbfix_a), 0));
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1", kbfix_a), 2),
              "what the other base says");
    cr_expect(eq(i64,
                 kbfix_count("SELECT count(*) AS n FROM knowledge_bases WHERE kb_id = $1 AND embedding_model = 'next'"
                             " AND next_model IS NULL",
                             kb_id),
                 1));
    cr_assert(eq(int, kbfix_call(on_clear_knowledge_base, kbfix_a, &in, &again, &err), 0), "%s", err.text);
    cr_expect(eq(i64, again.documents + again.faqs + again.chunks, 0));
    kbfix_faq(kbfix_a, kb_id, "And now?", "It goes on.");
}

Test(knowledge_admin, what_is_removed_alone_takes_its_vectors_along)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL), *id = kbfix_document(kbfix_a, kb_id, "Text", 5);
    const char *first = kbfix_faq(kbfix_a, kb_id, "Where are you?", "In Springfield.");
    struct delete_faq in = {.kb_id = kb_id, .document_id = first};
    struct delete_document remove = {.kb_id = kb_id, .document_id = id};
    struct removed removed = {0};
    struct err err = {0};

    kbfix_faq(kbfix_a, kb_id, "Where is your shop?", "In Springfield.");
    kbfix_embed(kbfix_a, KBFIX_MODEL);
    cr_assert(eq(i64, kbfix_count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1", kbfix_a), 8));
    cr_assert(eq(int, kbfix_call(on_delete_faq, kbfix_a, &in, &removed, &err), 0), "%s", err.text);
    cr_expect(eq(i64, removed.faqs, 1));
    cr_expect(eq(i64, removed.documents, 0));
    cr_expect(eq(i64, removed.chunks, 2));
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1", kbfix_a), 7),
              "the other still gives the same answer");
    expect_missing(on_delete_faq, kbfix_a, &in, &removed, "document_id");
    cr_assert(eq(int, kbfix_call(on_delete_document, kbfix_a, &remove, &removed, &err), 0), "%s", err.text);
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1", kbfix_a), 2));
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM chunks WHERE client_id = $1", kbfix_a), 2));
}

Test(knowledge_admin, a_version_on_its_way_goes_with_its_document)
{
    const char *kb_id = full_base(kbfix_a, "One"), *id;
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct removed removed = {0};
    struct err err = {0};

    cr_assert(eq(int,
                 db_run(kbfix_admin, DB_EVERY_CLIENT, &rows, &err,
                        "SELECT document_id FROM pending_documents WHERE client_id = $1", db_text(kbfix_a)),
                 1));
    id = db_get(rows, 0, "document_id");
    struct delete_document in = {.kb_id = kb_id, .document_id = id};
    cr_assert(eq(int, kbfix_call(on_delete_document, kbfix_a, &in, &removed, &err), 0), "%s", err.text);
    cr_expect(eq(i64, removed.chunks, 0));
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM pending_documents WHERE client_id = $1", kbfix_a), 0));
    cr_expect(
        eq(i64,
           kbfix_count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1 AND text_hash = md5('pending')::uuid",
                       kbfix_a),
           0),
        "the vectors that were made for it");
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1", kbfix_a), 14));
}
