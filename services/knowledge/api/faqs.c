/* faqs.c - FAQs are taken in, one or many. They are searchable by words when the request is answered; their vectors
 * come with the task bulk_ingest_faqs, inserted in the same transaction. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/tasks.h"
#include "libshared/text.h"
#include "proto/messages.h"
#include "services/knowledge/api/kb_store.h"
#include "services/knowledge/ingest/upload_store.h"
#include "services/knowledge/knowledge.h"

#define FAQS_MAX         5000
#define QUESTION_MAX     2000  /* bytes, as in proto/knowledge.h */
#define ANSWER_MAX       16000 /* bytes */
#define BULK_ARENA_BYTES (48 * 1024 * 1024)

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

/* Vectors of what was just stored. One task of a base runs at a time: the next finds what is left. ret_task_id: ""
 * where the base has no model. */
static int want_vectors(struct worker *self, struct call *call, const struct kb *kb, char ret_task_id[UUID_SIZE],
                        struct err *err)
{
    const struct embed_chunks payload = {.kb_id = kb->kb_id};
    const struct task_spec spec = {
        .kind = TASK_bulk_ingest_faqs,
        .client_id = kb->client_id,
        .trace_id = call->env->trace_id,
        .payload = &payload,
        .serial_key = kb->kb_id,
    };

    ret_task_id[0] = '\0';
    if (!*kb->embedding_model && !kb->next_model)
        return 0;
    return task_insert(call->tx, self->bus, &spec, ret_task_id, err) < 0 ? -1 : 0;
}

int on_add_faq(struct worker *self, struct call *call, struct err *err)
{
    const struct add_faq *in = call->request;
    struct faq *reply = call->reply;
    struct faq_put faq = {.question = in->question, .answer = in->answer};
    char task_id[UUID_SIZE];
    struct kb kb;

    if (!text_has_word(in->question))
        return err_set_field(err, ERR_INVALID, "question", "the question has no words");
    if (!text_has_word(in->answer))
        return err_set_field(err, ERR_INVALID, "answer", "the answer has no words");
    if (kb_open_to_change(call->tx, in->kb_id, call->arena, &kb, err) < 0 ||
        faqs_fold(call->tx, &faq, 1, call->arena, err) < 0 || faqs_put(call->tx, &kb, &faq, 1, call->arena, err) < 0 ||
        want_vectors(self, call, &kb, task_id, err) < 0)
        return -1;
    *reply = (struct faq){
        .document_id = arena_strdup(call->arena, faq.document_id),
        .kb_id = in->kb_id,
        .question = in->question,
        .answer = in->answer,
        .replaced = faq.replaced,
    };
    return reply->document_id ? 0 : out_of_memory(err);
}

/* Why a string of an entry cannot be taken; NULL if it can. */
static const char *string_fault(const json_t *value, size_t max, const char *missing, const char *blank,
                                const char *too_long)
{
    if (!json_is_string(value))
        return missing;
    if (json_string_length(value) > max)
        return too_long;
    if (!utf8_valid(json_string_value(value), json_string_length(value)))
        return "it holds a NUL, or half of a surrogate pair";
    return text_has_word(json_string_value(value)) ? NULL : blank;
}

static const char *entry_fault(const json_t *entry)
{
    const char *fault;

    if (!json_is_object(entry))
        return "it is not an object";
    if ((fault = string_fault(json_object_get(entry, "question"), QUESTION_MAX, "question must be a string",
                              "question has no words", "question is longer than 2000 bytes")))
        return fault;
    return string_fault(json_object_get(entry, "answer"), ANSWER_MAX, "answer must be a string", "answer has no words",
                        "answer is longer than 16000 bytes");
}

/* A bulk on its way: entries that can be stored, and the reason for each that cannot. */
struct bulk {
    struct faq_put *faqs;
    size_t *index; /* of faqs[i] in the request */
    size_t n;
    const char **fault; /* of each entry of the request; NULL: taken */
    size_t n_entries;
};

static int bulk_parse(const json_t *array, struct arena *arena, struct bulk *ret_bulk, struct err *err)
{
    struct bulk bulk = {.n_entries = json_array_size(array)};

    bulk.faqs = arena_calloc(arena, bulk.n_entries, sizeof *bulk.faqs);
    bulk.index = arena_calloc(arena, bulk.n_entries, sizeof *bulk.index);
    bulk.fault = arena_calloc(arena, bulk.n_entries, sizeof *bulk.fault);
    if (!bulk.faqs || !bulk.index || !bulk.fault)
        return out_of_memory(err);
    for (size_t i = 0; i < bulk.n_entries; i++) {
        const json_t *entry = json_array_get(array, i);
        if ((bulk.fault[i] = entry_fault(entry)))
            continue;
        bulk.faqs[bulk.n].question = json_string_value(json_object_get(entry, "question"));
        bulk.faqs[bulk.n].answer = json_string_value(json_object_get(entry, "answer"));
        bulk.index[bulk.n++] = i;
    }
    *ret_bulk = bulk;
    return 0;
}

struct keyed {
    const char *key;
    size_t place;
};

static int keyed_compare(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order ? order : (x->place > y->place) - (x->place < y->place);
}

/* Of entries with the same question the last is kept. */
static int bulk_drop_repeats(struct bulk *bulk, struct arena *arena, struct err *err)
{
    struct keyed *keyed = arena_calloc(arena, bulk->n, sizeof *keyed);
    size_t kept = 0;

    if (!keyed)
        return out_of_memory(err);
    for (size_t i = 0; i < bulk->n; i++)
        keyed[i] = (struct keyed){bulk->faqs[i].key, i};
    qsort(keyed, bulk->n, sizeof *keyed, keyed_compare);
    for (size_t i = 0; i + 1 < bulk->n; i++)
        if (strcmp(keyed[i].key, keyed[i + 1].key) == 0)
            bulk->fault[bulk->index[keyed[i].place]] = "a later entry asks the same question";
    for (size_t i = 0; i < bulk->n; i++)
        if (!bulk->fault[bulk->index[i]]) {
            bulk->faqs[kept] = bulk->faqs[i];
            bulk->index[kept++] = bulk->index[i];
        }
    bulk->n = kept;
    return 0;
}

static int bulk_report(const struct bulk *bulk, const char *task_id, struct call *call, struct err *err)
{
    struct add_faqs_result *reply = call->reply;

    if (!(reply->taken = arena_calloc(call->arena, bulk->n, sizeof *reply->taken)) ||
        !(reply->refused = arena_calloc(call->arena, bulk->n_entries - bulk->n, sizeof *reply->refused)) ||
        (*task_id && !(reply->task_id = arena_strdup(call->arena, task_id))))
        return out_of_memory(err);
    for (size_t i = 0; i < bulk->n; i++) {
        const struct faq_put *faq = &bulk->faqs[i];
        const char *document_id = arena_strdup(call->arena, faq->document_id);
        if (!document_id)
            return out_of_memory(err);
        *(faq->replaced ? &reply->replaced : &reply->added) += 1;
        reply->taken[reply->n_taken++] = (struct taken_faq){(int64_t)bulk->index[i], document_id, faq->replaced};
    }
    for (size_t i = 0; i < bulk->n_entries; i++)
        if (bulk->fault[i])
            reply->refused[reply->n_refused++] = (struct refused_item){(int64_t)i, bulk->fault[i]};
    return 0;
}

static void json_free(json_t **self_p)
{
    json_decref(*self_p);
    *self_p = NULL;
}

/* The entries, from the request itself or from what was put down before it. NULL and *err. */
static json_t *bulk_read(struct worker *self, struct call *call, struct arena *arena, struct err *err)
{
    const struct add_faqs *in = call->request;
    const char *text = in->faqs;
    size_t len = text ? strlen(text) : 0;
    json_t *array;

    if (!in->faqs == !in->upload_id) {
        err_set_field(err, ERR_INVALID, "faqs", "either faqs or upload_id must be given");
        return NULL;
    }
    if (in->upload_id &&
        upload_read(call->tx, in->upload_id, (size_t)self->config->upload_max_bytes, arena, &text, &len, err) < 0)
        return NULL;
    array = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
    if (!json_is_array(array))
        err_set_field(err, ERR_INVALID, "faqs", "faqs must be an array of {question, answer}");
    else if (json_array_size(array) > FAQS_MAX)
        err_set_field(err, ERR_INVALID, "faqs", "faqs holds %zu entries; %d are taken at most", json_array_size(array),
                      FAQS_MAX);
    else
        return array;
    json_decref(array);
    return NULL;
}

int on_add_faqs(struct worker *self, struct call *call, struct err *err)
{
    const struct add_faqs *in = call->request;
    AUTO(arena_destroy) struct arena *arena = arena_new(BULK_ARENA_BYTES + 2 * (size_t)self->config->upload_max_bytes);
    AUTO(json_free) json_t *array = NULL;
    char task_id[UUID_SIZE] = "";
    struct bulk bulk = {0};
    struct kb kb;

    if (!arena)
        return out_of_memory(err);
    if (!(array = bulk_read(self, call, arena, err)))
        return -1;
    if (kb_open_to_change(call->tx, in->kb_id, arena, &kb, err) < 0 || bulk_parse(array, arena, &bulk, err) < 0)
        return -1;
    if (bulk.n > 0 &&
        (faqs_fold(call->tx, bulk.faqs, bulk.n, arena, err) < 0 || bulk_drop_repeats(&bulk, arena, err) < 0 ||
         faqs_put(call->tx, &kb, bulk.faqs, bulk.n, arena, err) < 0 || want_vectors(self, call, &kb, task_id, err) < 0))
        return -1;
    return bulk_report(&bulk, task_id, call, err);
}
