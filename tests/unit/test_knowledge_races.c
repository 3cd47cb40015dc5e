/* Who adds, replaces, removes and embeds at the same time: there is never a vector of a text that nobody says, and in
 * the end no chunk without its vector; and the vocabulary is what is said. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
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

#define ROUNDS    40
#define QUESTIONS 6

TestSuite(knowledge_races, .init = kbfix_open, .fini = kbfix_close, .timeout = 120);

static const char *kb_id;
static atomic_int busy; /* threads that change */

/* kbfix_call for a thread: with an arena of its own. */
static int call(request_fn *fn, const void *request, void *reply, struct arena *arena, struct err *err)
{
    static const struct envelope env;
    struct call c = {.env = &env, .client_id = kbfix_a, .request = request, .reply = reply, .arena = arena};
    AUTO(db_rollback) struct db_tx *tx = db_begin(kbfix_worker.db, kbfix_a, err);

    if (!(c.tx = tx) || fn(&kbfix_worker, &c, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* Few questions, few answers: texts come and go and are said twice. */
static void *add(void *arg)
{
    unsigned seed = (unsigned)(size_t)arg;

    for (int i = 0; i < ROUNDS; i++) {
        AUTO(arena_destroy) struct arena *arena = arena_new(1 << 20);
        char question[32], answer[32];
        struct add_faq in = {.kb_id = kb_id, .question = question, .answer = answer};
        struct faq faq = {0};
        struct err err = {0};
        snprintf(question, sizeof question, "Question %d?", rand_r(&seed) % QUESTIONS);
        snprintf(answer, sizeof answer, "Answer word%d.", rand_r(&seed) % 4);
        cr_expect(eq(int, call(on_add_faq, &in, &faq, arena, &err), 0), "%s", err.text);
    }
    busy--;
    return NULL;
}

static void *delete (void *arg)
{
    unsigned seed = (unsigned)(size_t)arg;

    for (int i = 0; i < ROUNDS; i++) {
        AUTO(arena_destroy) struct arena *arena = arena_new(1 << 20);
        struct list_faqs list = {.kb_id = kb_id, .limit = QUESTIONS};
        struct clear_knowledge_base clear = {.kb_id = kb_id};
        struct delete_faq in = {.kb_id = kb_id};
        struct faq_page page = {0};
        struct removed removed = {0};
        struct err err = {0};
        if (i % 10 == 9)
            cr_expect(eq(int, call(on_clear_knowledge_base, &clear, &removed, arena, &err), 0), "%s", err.text);
        cr_expect(eq(int, call(on_list_faqs, &list, &page, arena, &err), 0), "%s", err.text);
        if (page.n_items == 0)
            continue;
        in.document_id = page.items[(size_t)rand_r(&seed) % page.n_items].document_id;
        if (call(on_delete_faq, &in, &removed, arena, &err) < 0) /* the other one was first */
            cr_expect(eq(int, err.kind, ERR_NOT_FOUND), "%s", err.text);
    }
    busy--;
    return NULL;
}

/* Once what the task does: reads what is missing, makes it, stores it. Returns how many were missing. */
static size_t embed_once(void)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(1 << 20);
    AUTO(db_rollback) struct db_tx *tx = NULL;
    const char *vectors[64], *hashes[64];
    struct bare_text *texts;
    struct err err = {0};
    struct kb kb;
    size_t n;

    tx = db_begin(kbfix_worker.db, kbfix_a, &err);
    cr_assert(tx != NULL, "%s", err.text);
    cr_assert(eq(int, kb_open(tx, kb_id, arena, &kb, &err), 0), "%s", err.text);
    cr_assert(eq(int, embeddings_missing(tx, &kb, KBFIX_MODEL, 64, arena, &texts, &n, &err), 0), "%s", err.text);
    cr_assert(eq(int, db_commit(&tx, &err), 0), "%s", err.text);
    usleep(5000); /* the model thinks; texts are removed meanwhile */
    for (size_t i = 0; i < n; i++) {
        vectors[i] = "[1,2,3]";
        hashes[i] = texts[i].hash;
    }
    tx = db_begin(kbfix_worker.db, kbfix_a, &err);
    cr_assert(tx != NULL, "%s", err.text);
    cr_assert(eq(int, kb_open_to_change(tx, kb_id, arena, &kb, &err), 0), "%s", err.text);
    cr_assert(eq(int, embeddings_put(tx, kbfix_a, KBFIX_MODEL, texts, vectors, n, arena, &err), 0), "%s", err.text);
    cr_assert(eq(int, embeddings_drop_unused(tx, kbfix_a, db_array(arena, hashes, n), &err), 0), "%s", err.text);
    cr_assert(eq(int, db_commit(&tx, &err), 0), "%s", err.text);
    return n;
}

static void *embed(void *arg)
{
    (void)arg;
    while (busy > 0)
        embed_once();
    return NULL;
}

/* Vectors that no chunk uses; of one moment, so it must hold at every one. */
#define UNUSED                                                                                               \
    "SELECT count(*) AS n FROM embeddings e WHERE client_id = $1 AND NOT EXISTS (SELECT FROM chunks c WHERE" \
    " c.client_id = $1 AND c.text_hash = e.text_hash)"
#define BARE                                                                                                 \
    "SELECT count(*) AS n FROM chunks c WHERE client_id = $1 AND NOT EXISTS (SELECT FROM embeddings e WHERE" \
    " e.client_id = $1 AND c.text_hash = e.text_hash)"

Test(knowledge_races, no_vector_outlives_its_text_and_none_is_missed)
{
    struct clear_knowledge_base clear = {.kb_id = kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL)};
    struct removed removed = {0};
    struct err err = {0};
    pthread_t threads[4];
    int64_t seen = 0;

    busy = 3;
    cr_assert(eq(int, pthread_create(&threads[0], NULL, add, (void *)1), 0));
    cr_assert(eq(int, pthread_create(&threads[1], NULL, add, (void *)2), 0));
    cr_assert(eq(int, pthread_create(&threads[2], NULL, delete, (void *)3), 0));
    cr_assert(eq(int, pthread_create(&threads[3], NULL, embed, NULL), 0));
    while (busy > 0) {
        cr_expect(eq(i64, kbfix_count(UNUSED, kbfix_a), 0));
        seen += kbfix_count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1", kbfix_a);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    cr_expect(gt(i64, seen, 0)); /* there were vectors to be lost */
    kbfix_faq(kbfix_a, kb_id, "Last?", "Last.");
    while (embed_once() > 0)
        ;
    cr_expect(eq(i64, kbfix_count(BARE, kbfix_a), 0));
    cr_expect(eq(i64, kbfix_count(UNUSED, kbfix_a), 0));
    cr_expect(eq(i64, kbfix_vocabulary_faults(), 0));
    cr_assert(eq(int, kbfix_call(on_clear_knowledge_base, kbfix_a, &clear, &removed, &err), 0), "%s", err.text);
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1", kbfix_a), 0));
}
