/* control.c - the paths under /_sandbox/: looking, telling, breaking. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/httpd.h"
#include "libshared/text.h"
#include "tools/sandbox/accounts.h"
#include "tools/sandbox/anthropic_cache.h"
#include "tools/sandbox/box.h"
#include "tools/sandbox/calls.h"
#include "tools/sandbox/faults.h"
#include "tools/sandbox/inbound.h"
#include "tools/sandbox/keywords.h"
#include "tools/sandbox/ledger.h"
#include "tools/sandbox/people.h"
#include "tools/sandbox/received.h"
#include "tools/sandbox/replies.h"
#include "tools/sandbox/templates.h"
#include "tools/sandbox/vectors.h"

#define QUERY_ARENA_SIZE ((size_t)64 * 1024)

/* One control request. json is its body, NULL if it has none. */
struct control {
    struct sandbox *self;
    struct exchange *x;
    json_t *json;
    struct form query;
    struct answer answer;
    bool answered; /* by somebody else, later */
};

static void reply(struct control *c, int status, json_t *json)
{
    answer_json(&c->answer, status, json);
}

static void complain(struct control *c, const char *text)
{
    reply(c, 400, json_pack("{ss}", "error", text));
}

static const char *text_of(const struct control *c, const char *name)
{
    return json_string_value(json_object_get(c->json, name));
}

/* ---- looking ---- */

static void get_messages(struct control *c)
{
    const char *after = form_get(&c->query, "after");
    int64_t index = -1;

    if (after && !text_to_int(after, -1, INT64_MAX, &index))
        complain(c, "after must be a whole number");
    else
        reply(c, 200,
              json_pack("{so}", "messages",
                        ledger_accepted(c->self->ledger, form_get(&c->query, "to"), form_get(&c->query, "from"),
                                        index)));
}

static void get_rates(struct control *c)
{
    reply(c, 200, json_pack("{so}", "rates", ledger_rates(c->self->ledger, form_get(&c->query, "from"))));
}

static void get_calls(struct control *c)
{
    reply(c, 200, json_pack("{so}", "calls", calls_accepted(c->self->calls, form_get(&c->query, "to"))));
}

static void get_keywords(struct control *c)
{
    reply(c, 200, json_pack("{so}", "keywords", keywords_list(c->self->keywords, form_get(&c->query, "to"))));
}

static void get_accounts(struct control *c)
{
    reply(c, 200, json_pack("{so}", "accounts", accounts_list(c->self->accounts)));
}

static void get_requests(struct control *c)
{
    const char *provider = form_get(&c->query, "provider");

    reply(c, 200, json_pack("{so}", "requests", received_list(c->self->received, provider ? provider : "")));
}

static void get_stats(struct control *c)
{
    json_t *stats = json_object();

    pthread_mutex_lock(&c->self->lock);
    for (int i = 0; i < N_ENDPOINTS; i++) {
        const struct endpoint_stats *s = &c->self->stats[i];

        json_object_set_new(stats, endpoint_names[i],
                            json_pack("{sI sI sI sI}", "received", (json_int_t)s->received, "accepted",
                                      (json_int_t)s->accepted, "refused", (json_int_t)s->refused, "faulted",
                                      (json_int_t)s->faulted));
    }
    pthread_mutex_unlock(&c->self->lock);
    reply(c, 200, stats);
}

/* ---- telling ---- */

static void post_inbound(struct control *c)
{
    bool wait = json_is_true(json_object_get(c->json, "wait"));
    struct err err = {0};
    char sid[SID_SIZE];

    if (inbound_post(c->self, c->json, wait ? c->x : NULL, sid, &err) < 0)
        complain(c, err.text);
    else if (wait)
        c->answered = true;
    else
        reply(c, 202, json_pack("{ss}", "message_sid", sid));
}

static void put_accounts(struct control *c)
{
    struct err err = {0};

    if (accounts_put(c->self->accounts, c->json, &err) < 0)
        complain(c, err.text);
    else
        reply(c, 200, json_pack("{so}", "accounts", accounts_list(c->self->accounts)));
}

static void put_templates(struct control *c)
{
    struct account account;
    struct err err = {0};

    accounts_owner(c->self->accounts, "", &account);
    if (templates_put(c->self->templates, c->json, account.sid, &err) < 0)
        complain(c, err.text);
    else
        reply(c, 200, json_pack("{ss}", "content_sid", text_of(c, "content_sid")));
}

static void put_numbers(struct control *c)
{
    struct err err = {0};

    if (people_put(c->self->people, c->json, &err) < 0)
        complain(c, err.text);
    else
        reply(c, 200, json_pack("{ss}", "number", text_of(c, "number")));
}

static void put_callees(struct control *c)
{
    struct err err = {0};

    if (calls_put_callee(c->self->calls, c->json, &err) < 0)
        complain(c, err.text);
    else
        reply(c, 200, json_pack("{ss}", "number", text_of(c, "number")));
}

static void put_whatsapp(struct control *c)
{
    const char *from = text_of(c, "from"), *to = text_of(c, "to");
    const json_t *ago = json_object_get(c->json, "wrote_seconds_ago"), *late = json_object_get(c->json, "refuse_late");

    if (ago && (!from || !phone_is_e164(from) || !to || !phone_is_e164(to) || !json_is_integer(ago))) {
        complain(c, "who wrote is {\"from\": number, \"to\": number, \"wrote_seconds_ago\": whole number}");
        return;
    }
    if (ago)
        people_wrote(c->self->people, to, from, json_integer_value(ago));
    if (late)
        atomic_store(&c->self->refuse_late, json_is_true(late));
    reply(c, 200, json_pack("{sb}", "refuse_late", atomic_load(&c->self->refuse_late)));
}

static void post_replies(struct control *c)
{
    struct err err = {0};

    if (replies_set(c->self->replies, c->json, &err) < 0)
        complain(c, err.text);
    else
        reply(c, 200, json_pack("{sI}", "replies", (json_int_t)replies_left(c->self->replies)));
}

static void put_embeddings(struct control *c)
{
    struct err err = {0};

    if (vectors_put(c->self->vectors, c->json, &err) < 0)
        complain(c, err.text);
    else
        reply(c, 200, json_pack("{sI}", "vectors", (json_int_t)vectors_count(c->self->vectors)));
}

static void post_optout(struct control *c)
{
    const char *number = text_of(c, "number"), *sender = text_of(c, "sender");
    const json_t *out = json_object_get(c->json, "out");

    if (!number || !phone_is_e164(number)) {
        complain(c, "number must be one like +15557654321");
        return;
    }
    people_opt_out(c->self->people, sender, number, !out || json_is_true(out));
    reply(c, 200, json_pack("{ss sb}", "number", number, "out", !out || json_is_true(out)));
}

/* ---- breaking ---- */

static void post_faults(struct control *c)
{
    struct err err = {0};

    if (faults_add(c->self->faults, c->json, &err) < 0)
        complain(c, err.text);
    else
        reply(c, 201, json_pack("{so}", "faults", faults_list(c->self->faults)));
}

static void get_faults(struct control *c)
{
    reply(c, 200, json_pack("{so}", "faults", faults_list(c->self->faults)));
}

static void delete_faults(struct control *c)
{
    faults_clear(c->self->faults);
    get_faults(c);
}

static void put_refused(struct control *c)
{
    struct err err = {0};

    if (vectors_refuse(c->self->vectors, c->json, &err) < 0)
        complain(c, err.text);
    else
        reply(c, 200, json_pack("{ss}", "word", text_of(c, "word")));
}

static void post_reset(struct control *c)
{
    json_t *none = json_array();

    accounts_reset(c->self->accounts);
    calls_clear(c->self->calls);
    faults_clear(c->self->faults);
    keywords_clear(c->self->keywords);
    ledger_clear(c->self->ledger);
    people_clear(c->self->people);
    templates_clear(c->self->templates);
    atomic_store(&c->self->refuse_late, false);
    received_clear(c->self->received);
    vectors_clear(c->self->vectors);
    replies_set(c->self->replies, none, NULL);
    prompt_cache_clear(c->self->prompts);
    json_decref(none);
    pthread_mutex_lock(&c->self->lock);
    memset(c->self->stats, 0, sizeof c->self->stats);
    pthread_mutex_unlock(&c->self->lock);
    reply(c, 200, json_object());
}

/* ---- routing ---- */

static const struct {
    const char *method, *path;
    bool body;
    void (*run)(struct control *c);
} routes[] = {
    {"GET", "/_sandbox/messages", false, get_messages},
    {"GET", "/_sandbox/rates", false, get_rates},
    {"GET", "/_sandbox/calls", false, get_calls},
    {"PUT", "/_sandbox/callees", true, put_callees},
    {"GET", "/_sandbox/keywords", false, get_keywords},
    {"GET", "/_sandbox/requests", false, get_requests},
    {"GET", "/_sandbox/stats", false, get_stats},
    {"GET", "/_sandbox/accounts", false, get_accounts},
    {"PUT", "/_sandbox/accounts", true, put_accounts},
    {"PUT", "/_sandbox/templates", true, put_templates},
    {"PUT", "/_sandbox/numbers", true, put_numbers},
    {"PUT", "/_sandbox/whatsapp", true, put_whatsapp},
    {"POST", "/_sandbox/inbound", true, post_inbound},
    {"POST", "/_sandbox/optout", true, post_optout},
    {"POST", "/_sandbox/anthropic/replies", true, post_replies},
    {"PUT", "/_sandbox/embeddings", true, put_embeddings},
    {"PUT", "/_sandbox/embeddings/refused", true, put_refused},
    {"GET", "/_sandbox/faults", false, get_faults},
    {"POST", "/_sandbox/faults", true, post_faults},
    {"DELETE", "/_sandbox/faults", false, delete_faults},
    {"POST", "/_sandbox/reset", false, post_reset},
};

static void run(struct control *c)
{
    bool path_known = false;

    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        if (strcmp(routes[i].path, exchange_path(c->x)) != 0)
            continue;
        path_known = true;
        if (strcmp(routes[i].method, exchange_method(c->x)) != 0)
            continue;
        if (routes[i].body && !c->json)
            complain(c, "the body is not JSON");
        else
            routes[i].run(c);
        return;
    }
    reply(c, path_known ? 405 : 404, json_pack("{ss}", "error", path_known ? "no such method" : "no such path"));
}

void box_control(struct sandbox *self, struct exchange *x)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(QUERY_ARENA_SIZE);
    struct control c = {.self = self, .x = x};

    if (exchange_body_len(x))
        c.json = json_loadb(exchange_body(x), exchange_body_len(x), JSON_REJECT_DUPLICATES, NULL);
    if (!arena || form_parse(exchange_query(x), strlen(exchange_query(x)), arena, &c.query, NULL) < 0)
        complain(&c, "the query is not valid");
    else
        run(&c);
    if (!c.answered)
        answer_send(&c.answer, x);
    answer_clear(&c.answer);
    json_decref(c.json);
}
