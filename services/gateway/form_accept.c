/* form_accept.c - see form_accept.h. */
#include "services/gateway/form_accept.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/phone_number.h"
#include "libshared/seal.h"
#include "libshared/tasks.h"
#include "proto/tasks.h"

/* The texts of a JSON array. NULL without memory. */
static const char **texts_of(const char *json, struct arena *arena, size_t *ret_n)
{
    json_auto_t *list = json_loads(json ? json : "[]", 0, NULL);
    const char **texts = arena_calloc(arena, json_array_size(list), sizeof *texts);

    *ret_n = json_array_size(list);
    for (size_t i = 0; texts && i < *ret_n; i++)
        texts[i] = arena_strdup(arena, json_string_value(json_array_get(list, i)));
    return texts;
}

/* That of the client's numbers; NULL where they are of several countries, or of none that is known. */
static const char *country_of(const char *const *numbers, size_t n)
{
    const char *code = NULL;

    for (size_t i = 0; i < n; i++) {
        const char *one = phone_country_code(numbers[i]);

        if (!one || (code && strcmp(code, one) != 0))
            return NULL;
        code = one;
    }
    return code;
}

int form_find(struct db_pool *pool, const char *client_id, const char *token, struct arena *arena,
              struct form_terms *ret_terms, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char **urls, **numbers;
    size_t n_numbers;
    char hash[65];
    int n;

    sha256_hex(token, strlen(token), hash);
    n = db_run(pool, NULL, &rows, err,
               "SELECT form_id, name, token_hash, field_names, consent_text, country_code, language,"
               "       to_jsonb(redirect_urls) AS redirect_urls, to_jsonb(numbers) AS numbers"
               "  FROM form_terms($1, $2)",
               db_text(client_id), db_text(hash));
    if (n <= 0)
        return n;
    if (!equal_secret(hash, db_get(rows, 0, "token_hash")))
        return 0;
    *ret_terms = (struct form_terms){.form_id = arena_strdup(arena, db_get(rows, 0, "form_id")),
                                     .name = arena_strdup(arena, db_get(rows, 0, "name")),
                                     .field_names = arena_strdup(arena, db_get(rows, 0, "field_names")),
                                     .consent_text = arena_strdup(arena, db_get(rows, 0, "consent_text")),
                                     .country_code = arena_strdup(arena, db_get(rows, 0, "country_code")),
                                     .language = arena_strdup(arena, db_get(rows, 0, "language"))};
    urls = texts_of(db_get(rows, 0, "redirect_urls"), arena, &ret_terms->n_redirect_urls);
    numbers = texts_of(db_get(rows, 0, "numbers"), arena, &n_numbers);
    if (!urls || !numbers || !ret_terms->form_id || !ret_terms->name)
        return err_set(err, ERR_UNAVAILABLE, "no memory for the form");
    ret_terms->redirect_urls = urls;
    if (!ret_terms->country_code)
        ret_terms->country_code = country_of(numbers, n_numbers);
    return 1;
}

static void copy_id(char out[UUID_SIZE], const char *id)
{
    snprintf(out, UUID_SIZE, "%s", id ? id : "");
}

static enum form_outcome read_outcome(const char *name)
{
    return strcmp(name, "accepted") == 0     ? FORM_STORED
           : strcmp(name, "duplicate") == 0  ? FORM_DUPLICATE
           : strcmp(name, "too_many") == 0   ? FORM_TOO_MANY
           : strcmp(name, "own_number") == 0 ? FORM_OWN_NUMBER
                                             : FORM_UNKNOWN;
}

int form_accept(struct db_pool *pool, const char *client_id, const struct form_terms *terms, const struct submission *s,
                const struct form_origin *origin, struct form_stored *ret_stored, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const struct task_kind *kind = task_kind_find(TASK_generate_greeting);
    char ids[4][UUID_SIZE], at[CLOCK_TEXT_SIZE];

    for (size_t i = 0; i < COUNT_OF(ids); i++)
        uuid_new(ids[i]);
    clock_format(s->consent_at, at);
    if (db_run(
            pool, NULL, &rows, err,
            "SELECT outcome, lead_id, conversation_id, message_id, task_id"
            "  FROM accept_form($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11, $12::timestamptz, $13, $14, $15,"
            "                   $16, $17, $18, $19, $20::integer, $21::integer)",
            db_text(client_id), db_text(terms->form_id), db_text(s->phone), db_text(s->email), db_text(s->name),
            db_text(s->source), db_text(s->message), db_text(s->form), db_text(s->sid), db_text(origin->trace_id),
            db_text(s->consent_text), db_text(at), db_text(s->page_url ? s->page_url : origin->page_url),
            db_text(origin->ip), db_text(origin->forwarded_for), db_text(ids[0]), db_text(ids[1]), db_text(ids[2]),
            db_text(ids[3]), db_int(kind->max_attempts), db_int(kind->deadline_s)) < 0)
        return -1;
    ret_stored->outcome = read_outcome(db_get(rows, 0, "outcome"));
    copy_id(ret_stored->lead_id, db_get(rows, 0, "lead_id"));
    copy_id(ret_stored->conversation_id, db_get(rows, 0, "conversation_id"));
    copy_id(ret_stored->message_id, db_get(rows, 0, "message_id"));
    copy_id(ret_stored->task_id, db_get(rows, 0, "task_id"));
    return 0;
}
