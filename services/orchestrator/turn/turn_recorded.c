/* turn_recorded.c - see turn_recorded.h. */
#include "services/orchestrator/turn/turn_recorded.h"

#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "services/orchestrator/claude/anthropic.h"

static void free_text(char **text_p)
{
    free(*text_p);
}

/* A part of the record as the message that it is. */
static int read_part(const json_t *record, const char *name, const struct message_type *type, struct arena *arena,
                     void *ret, struct err *err)
{
    const json_t *part = json_object_get(record, name);
    AUTO(free_text) char *text = part ? json_dumps(part, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    struct err why = {0};

    if (!part)
        return err_set(err, ERR_INVALID, "the record is damaged: it has no %s", name);
    if (!text)
        return err_set(err, ERR_INTERNAL, "turn: out of memory");
    if (codec_from_json(type, text, strlen(text), arena, ret, &why) < 0)
        return err_set(err, ERR_INVALID, "the record is damaged: %s%s%s: %s", name, *why.field ? "." : "", why.field,
                       why.text);
    return 0;
}

int turn_recorded_read(const json_t *record, struct arena *arena, struct turn_recorded *ret, struct err *err)
{
    struct turn_recorded read = {.json = record};
    const json_t *version = json_object_get(record, "v");

    if (!json_is_integer(version) || json_integer_value(version) < 1 || json_integer_value(version) > 1000000)
        return err_set(err, ERR_INVALID, "the record is damaged: it has no version");
    read.version = (int)json_integer_value(version);
    if (read_part(record, "input", &decision_input_type, arena, &read.in, err) < 0 ||
        read_part(record, "output", &decision_output_type, arena, &read.out, err) < 0)
        return -1;
    *ret = read;
    return 0;
}

int turn_recorded_call(void *arg, const char *request, size_t len, struct arena *arena, json_t *tries,
                       json_t **ret_message, struct err *err)
{
    struct turn_recorded *self = arg;
    const json_t *all = json_object_get(self->json, "model_answers");

    (void)request, (void)len, (void)arena;
    while (self->n_tries < json_array_size(all)) {
        json_t *try = json_array_get(all, self->n_tries++), *message = json_object_get(try, "message");
        const char *failed = json_string_value(json_object_get(try, "failed"));
        const char *error = json_string_value(json_object_get(try, "error"));

        json_array_append_new(tries, json_copy(try));
        if (message && !json_is_null(message)) {
            if (!anthropic_is_message(message)) {
                err_set(&self->damaged, ERR_INVALID, "the record is damaged: model_answers[%zu].message is no message",
                        self->n_tries - 1);
                return err_set(err, ERR_NOT_FOUND, "%s", self->damaged.text);
            }
            *ret_message = json_incref(message);
            return 0;
        }
        if (failed) {
            err_set(err, err_kind_from_name(failed), "%s", error ? error : "");
            if (err)
                err->provider_code = (int)json_integer_value(json_object_get(try, "status"));
            return -1;
        }
    }
    return err_set(err, ERR_NOT_FOUND, "the record holds no further answer of the model");
}

/* The next search of the record; NULL if there is none. */
static const json_t *next_search(struct turn_recorded *self)
{
    const json_t *all = json_object_get(self->json, "receipts");

    while (self->n_receipts < json_array_size(all)) {
        const json_t *receipt = json_array_get(all, self->n_receipts++);

        if (json_object_get(receipt, "passages") || json_object_get(receipt, "search_error"))
            return receipt;
    }
    return NULL;
}

int turn_recorded_search(void *arg, const char *query, struct arena *arena, const struct passage **ret_passages,
                         size_t *ret_n, struct err *err)
{
    struct turn_recorded *self = arg;
    const json_t *receipt = next_search(self), *found = json_object_get(receipt, "passages");
    const char *asked = json_string_value(json_object_get(json_object_get(receipt, "input"), "query"));
    const char *failed = json_string_value(json_object_get(receipt, "search_error"));
    size_t n = json_array_size(found);
    struct passage *passages;

    if (!asked || strcmp(asked, query) != 0)
        return err_set(err, ERR_NOT_FOUND, "the record holds no search for these words");
    if (failed)
        return err_set(err, ERR_UNAVAILABLE, "%s", failed);
    if (!(passages = arena_calloc(arena, n + 1, sizeof *passages)))
        return err_set(err, ERR_INTERNAL, "turn: out of memory");
    for (size_t i = 0; i < n; i++) {
        AUTO(free_text) char *text = json_dumps(json_array_get(found, i), JSON_COMPACT | JSON_ENCODE_ANY);
        struct err why = {0};

        if (!text || codec_from_json(&passage_type, text, strlen(text), arena, &passages[i], &why) < 0) {
            err_set(&self->damaged, ERR_INVALID, "the record is damaged: receipts[%zu].passages[%zu].%s: %s",
                    self->n_receipts - 1, i, why.field, why.text);
            return err_set(err, ERR_NOT_FOUND, "%s", self->damaged.text);
        }
    }
    *ret_passages = passages;
    *ret_n = n;
    return 0;
}
