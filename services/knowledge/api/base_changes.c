/* base_changes.c - knowledge bases: changed, emptied, deleted. */
#include <string.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/tasks.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/knowledge/api/base_checks.h"
#include "services/knowledge/api/kb_store.h"
#include "services/knowledge/api/removal.h"
#include "services/knowledge/embedding/embedding_store.h"
#include "services/knowledge/embedding/vector_index.h"
#include "services/knowledge/knowledge.h"
#include "services/knowledge/search/word_store.h"

/* What a base becomes. */
struct change {
    const char *language;
    const char *next_language;  /* NULL: none */
    const char *words_document; /* see struct kb */
    int64_t words_position;
    bool words; /* a task is to make words anew */
    const char *embedding_model;
    const char *next_model; /* NULL: none */
    bool models;            /* one of the two is another than before */
};

static int check_fields(const struct update_knowledge_base *in, struct err *err)
{
    if (in->name && base_check_name(in->name, err) < 0)
        return -1;
    if (in->similarity_threshold < 0 && in->similarity_threshold != -1)
        return err_set_field(err, ERR_INVALID, "similarity_threshold", "the threshold is from 0 to 1");
    return 0;
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* -1: failed, 0: no, 1: yes. */
static int has_chunks(struct db_tx *tx, const struct kb *kb, struct err *err)
{
    return db_query(tx, NULL, err, "SELECT FROM chunks WHERE client_id = $1 AND kb_id = $2 LIMIT 1",
                    db_text(kb->client_id), db_text(kb->kb_id));
}

/* Vectors of the old model answer until the task has made all of the new one: only where there is nothing to be made,
 * or nothing that could answer is wanted any more, the model changes at once. */
static int choose_models(struct worker *self, struct db_tx *tx, const struct kb *kb, const char *asked,
                         struct change *change, struct err *err)
{
    int waits;

    change->embedding_model = kb->embedding_model;
    change->next_model = kb->next_model;
    if (!asked)
        return 0;
    if (base_check_model(self, asked, err) < 0)
        return -1;
    if ((waits = has_chunks(tx, kb, err)) < 0)
        return -1;
    if (!waits || !*asked)
        change->embedding_model = asked;
    change->next_model = strcmp(asked, change->embedding_model) == 0 ? NULL : asked;
    change->models =
        strcmp(change->embedding_model, kb->embedding_model) != 0 || !same(change->next_model, kb->next_model);
    return 0;
}

/* Of a small base the request makes all words; of a large one the task, while the old ones answer. */
static int choose_language(struct db_tx *tx, const struct kb *kb, const char *asked, struct change *change,
                           struct err *err)
{
    int few;

    change->language = kb->language;
    change->next_language = kb->next_language;
    change->words_document = kb->words_document;
    change->words_position = kb->words_position;
    change->words = asked && kb->words_document; /* its task may have died */
    if (!asked || strcmp(asked, kb->next_language ? kb->next_language : kb->language) == 0)
        return 0;
    if (base_check_language(tx, asked, err) < 0 || (few = words_are_few(tx, kb, err)) < 0)
        return -1;
    if (few) {
        change->language = asked;
        change->next_language = change->words_document = NULL;
        change->words = false;
        return words_make_anew(tx, kb, asked, err);
    }
    change->next_language = strcmp(asked, kb->language) == 0 ? NULL : asked;
    change->words_document = UUID_NIL;
    change->words_position = -1;
    change->words = true;
    /* Words of a language that is not to come after all leave the vocabulary. */
    return kb->next_language ? words_change_vocabulary(tx, kb, kb->language, err) : 0;
}

static int write_base(struct call *call, const struct kb *kb, const struct change *change, struct err *err)
{
    const struct update_knowledge_base *in = call->request;
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err why = {0};

    if (db_query(call->tx, &rows, &why,
                 "UPDATE knowledge_bases"
                 "   SET name = coalesce($3, name), description = coalesce($4, description), language = $5,"
                 "       embedding_model = $6, next_model = $7, next_language = $9, words_document = $10,"
                 "       words_position = $11,"
                 "       similarity_threshold = CASE WHEN $8::float8 >= 0 THEN $8 ELSE similarity_threshold END,"
                 "       updated_at = now()"
                 " WHERE client_id = $1 AND kb_id = $2 RETURNING *",
                 db_text(kb->client_id), db_text(kb->kb_id), db_text(in->name), db_text(in->description),
                 db_text(change->language), db_text(change->embedding_model), db_text(change->next_model),
                 db_float(in->similarity_threshold), db_text(change->next_language), db_text(change->words_document),
                 db_int(change->words_position)) >= 0)
        return codec_from_row(&knowledge_base_type, rows, 0, call->arena, call->reply, err);
    if (why.kind == ERR_CONFLICT)
        return err_set_field(err, ERR_CONFLICT, "name", "this client has a knowledge base of that name already");
    *err = why;
    return -1;
}

/* The task that makes the next model's vectors, or the next language's words. Also where they were asked for before: it
 * may have died. */
static int want_task(struct worker *self, struct call *call, const struct kb *kb, struct err *err)
{
    const struct embed_chunks payload = {.kb_id = kb->kb_id};
    const struct task_spec spec = {
        .kind = TASK_bulk_ingest_faqs,
        .client_id = kb->client_id,
        .trace_id = call->env->trace_id,
        .payload = &payload,
        .serial_key = kb->kb_id,
    };

    return task_insert(call->tx, self->bus, &spec, NULL, err) < 0 ? -1 : 0;
}

int on_update_knowledge_base(struct worker *self, struct call *call, struct err *err)
{
    const struct update_knowledge_base *in = call->request;
    struct change change = {0};
    struct kb kb;

    if (check_fields(in, err) < 0 || kb_open_to_change(call->tx, in->kb_id, call->arena, &kb, err) < 0 ||
        choose_models(self, call->tx, &kb, in->embedding_model, &change, err) < 0 ||
        choose_language(call->tx, &kb, in->language, &change, err) < 0)
        return -1;
    if (write_base(call, &kb, &change, err) < 0)
        return -1;
    if (change.models && (embeddings_drop_all_unused(call->tx, kb.client_id, err) < 0 ||
                          vector_index_check_all(self, call->tx, kb.client_id, err) < 0))
        return -1;
    return (in->embedding_model && change.next_model) || change.words ? want_task(self, call, &kb, err) : 0;
}

/* An empty base has no vectors and no words to wait for: the next model and the next language take over. */
int on_clear_knowledge_base(struct worker *self, struct call *call, struct err *err)
{
    const struct clear_knowledge_base *in = call->request;
    struct kb kb;

    if (kb_open_to_change(call->tx, in->kb_id, call->arena, &kb, err) < 0 ||
        removal_contents(call->tx, &kb, call->reply, err) < 0 ||
        vector_index_check_all(self, call->tx, kb.client_id, err) < 0)
        return -1;
    return db_query(call->tx, NULL, err,
                    "UPDATE knowledge_bases SET embedding_model = coalesce(next_model, embedding_model),"
                    "       next_model = NULL, language = coalesce(next_language, language), next_language = NULL,"
                    "       words_document = NULL WHERE client_id = $1 AND kb_id = $2",
                    db_text(kb.client_id), db_text(kb.kb_id)) < 0
               ? -1
               : 0;
}

int on_delete_knowledge_base(struct worker *self, struct call *call, struct err *err)
{
    const struct delete_knowledge_base *in = call->request;
    struct kb kb;

    if (kb_open_to_change(call->tx, in->kb_id, call->arena, &kb, err) < 0 ||
        removal_contents(call->tx, &kb, call->reply, err) < 0 ||
        vector_index_check_all(self, call->tx, kb.client_id, err) < 0)
        return -1;
    return db_query(call->tx, NULL, err, "DELETE FROM knowledge_bases WHERE client_id = $1 AND kb_id = $2",
                    db_text(kb.client_id), db_text(kb.kb_id)) < 0
               ? -1
               : 0;
}
