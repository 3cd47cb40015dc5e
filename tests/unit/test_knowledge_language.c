/* A base that is too large for a request changes its language: a task makes its words, page by page. */
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
#include "services/knowledge/api/kb_store.h"
#include "services/knowledge/knowledge.h"
#include "services/knowledge/search/word_store.h"
#include "tests/unit/embfix.h"

#define FAQS 270 /* more chunks than are made at once, and not a whole number of pages */

TestSuite(knowledge_language, .init = embfix_open, .fini = embfix_close, .timeout = 120);

/* Its id. Question and answer share words that the languages see differently. */
static const char *large_base(void)
{
    const char *kb_id = kbfix_base(kbfix_a, "Large", "");
    AUTO(buf_free) struct buf json = {0};
    struct add_faqs in = {.kb_id = kb_id};
    struct add_faqs_result reply = {0};
    struct err err = {0};

    buf_printf(&json, "[");
    for (int i = 0; i < FAQS; i++)
        buf_printf(&json,
                   "%s{\"question\":\"Running heizungen and wird number%d?\","
                   "\"answer\":\"The heizungen are running, auch part%d.\"}",
                   i ? "," : "", i, i % 7);
    buf_printf(&json, "]");
    in.faqs = json.data;
    cr_assert(eq(int, kbfix_call(on_add_faqs, kbfix_a, &in, &reply, &err), 0), "%s", err.text);
    cr_assert(eq(i64, reply.added, FAQS));
    return kb_id;
}

static struct knowledge_base change(const char *kb_id, const char *language)
{
    struct update_knowledge_base in = {.kb_id = kb_id, .language = language, .similarity_threshold = -1};
    struct knowledge_base base = {0};
    struct err err = {0};

    cr_assert(eq(int, kbfix_call(on_update_knowledge_base, kbfix_a, &in, &base, &err), 0), "%s", err.text);
    return base;
}

/* A page of the task, as if it was killed then. What words_step returns. */
static int step(const char *kb_id)
{
    AUTO(db_rollback) struct db_tx *tx = NULL;
    struct err err = {0};
    struct kb kb;
    int rc;

    tx = db_begin(kbfix_worker.db, kbfix_a, &err);
    cr_assert(tx != NULL, "%s", err.text);
    cr_assert(eq(int, kb_open_to_change(tx, kb_id, kbfix_arena, &kb, &err), 0), "%s", err.text);
    rc = words_step(tx, &kb, &err);
    cr_assert(ge(int, rc, 0), "%s", err.text);
    cr_assert(eq(int, db_commit(&tx, &err), 0), "%s", err.text);
    return rc;
}

/* Chunks that a search in the base's language could miss, or that have more words than they should. */
static int64_t missed(void)
{
    return kbfix_count("SELECT count(*) AS n FROM chunks c JOIN knowledge_bases b USING (client_id, kb_id)"
                       " WHERE client_id = $1 AND NOT tsvector_to_array(words) @>"
                       "       tsvector_to_array(leadwire_tsvector(language::regconfig, heading || E'\\n' || body))",
                       kbfix_a);
}

static int64_t mixed(void)
{
    return kbfix_count("SELECT count(*) AS n FROM chunks c JOIN knowledge_bases b USING (client_id, kb_id)"
                       " WHERE client_id = $1"
                       "   AND words <> leadwire_tsvector(language::regconfig, heading || E'\\n' || body)",
                       kbfix_a);
}

static void expect_all_of(const char *kb_id, const char *language)
{
    struct get_knowledge_base in = {.kb_id = kb_id};
    struct knowledge_base base = {0};
    struct err err = {0};

    cr_assert(eq(int, kbfix_call(on_get_knowledge_base, kbfix_a, &in, &base, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)base.language, (char *)language));
    cr_expect(base.next_language == NULL);
    cr_expect(eq(i64, mixed(), 0));
    cr_expect(eq(i64, kbfix_vocabulary_faults(), 0));
    cr_expect(eq(int, step(kb_id), 0));
}

Test(knowledge_language, a_small_base_changes_at_once)
{
    const char *kb_id = kbfix_base(kbfix_a, "Small", "");

    kbfix_faq(kbfix_a, kb_id, "Running heizungen?", "The heizungen are running, auch hier.");
    cr_expect(eq(str, (char *)change(kb_id, "german").language, "german"));
    expect_all_of(kb_id, "german");
}

Test(knowledge_language, the_old_language_answers_until_the_task_has_made_the_words)
{
    const char *kb_id = large_base();
    struct knowledge_base base = change(kb_id, "german");

    cr_expect(eq(str, (char *)base.language, "english"));
    cr_assert(base.next_language != NULL);
    cr_expect(eq(str, (char *)base.next_language, "german"));
    cr_expect(eq(int, embfix_work_all(), 1));
    expect_all_of(kb_id, "german");
}

Test(knowledge_language, at_every_page_all_is_found_whatever_is_changed_meanwhile)
{
    const char *kb_id = large_base(), *id;
    struct delete_faq remove = {.kb_id = kb_id};
    struct removed removed;
    struct err err = {0};
    char question[80];
    int pages = 0;

    change(kb_id, "german");
    while (step(kb_id) == 1) {
        pages++;
        snprintf(question, sizeof question, "Are heizungen running on day%d, wird?", pages);
        id = kbfix_faq(kbfix_a, kb_id, question, "They run all day, auch die Heizungen.");
        kbfix_faq(kbfix_a, kb_id, "Running heizungen and wird number3?", question);
        if (pages % 2) {
            remove.document_id = id;
            cr_assert(eq(int, kbfix_call(on_delete_faq, kbfix_a, &remove, &removed, &err), 0), "%s", err.text);
        }
        cr_expect(eq(i64, missed(), 0));
        cr_assert(lt(int, pages, 20));
    }
    cr_expect(gt(int, pages, 4));
    expect_all_of(kb_id, "german");
}

Test(knowledge_language, a_change_of_mind_leaves_nothing_of_the_language_between)
{
    const char *kb_id = large_base();

    change(kb_id, "german");
    step(kb_id);
    cr_expect(gt(i64, mixed(), 0));
    cr_expect(eq(str, (char *)change(kb_id, "simple").next_language, "simple"));
    step(kb_id);
    embfix_work_all();
    expect_all_of(kb_id, "simple");
    change(kb_id, "german");
    step(kb_id);
    cr_expect(change(kb_id, "simple").next_language == NULL);
    embfix_work_all();
    expect_all_of(kb_id, "simple");
    change(kb_id, "german");
    for (int i = 0; i < 8; i++) /* german has taken over, simple's words are still there */
        step(kb_id);
    cr_expect(gt(i64, mixed(), 0));
    change(kb_id, "english");
    embfix_work_all();
    expect_all_of(kb_id, "english");
}

Test(knowledge_language, a_base_emptied_on_the_way_has_the_new_language)
{
    const char *kb_id = large_base();
    struct clear_knowledge_base in = {.kb_id = kb_id};
    struct removed removed;
    struct err err = {0};

    change(kb_id, "german");
    step(kb_id);
    cr_assert(eq(int, kbfix_call(on_clear_knowledge_base, kbfix_a, &in, &removed, &err), 0), "%s", err.text);
    kbfix_faq(kbfix_a, kb_id, "Running heizungen?", "The heizungen are running, auch hier.");
    expect_all_of(kb_id, "german");
    embfix_work_all();
    expect_all_of(kb_id, "german");
}

Test(knowledge_language, asking_again_brings_a_dead_task_back)
{
    const char *kb_id = large_base();

    change(kb_id, "german");
    step(kb_id);
    kbfix_run("DELETE FROM tasks WHERE client_id = $1", kbfix_a);
    change(kb_id, "german");
    cr_expect(eq(int, embfix_work_all(), 1));
    expect_all_of(kb_id, "german");
}
