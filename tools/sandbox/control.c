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
#include "tools/sandbox/box.h"
#include "tools/sandbox/faults.h"
#include "tools/sandbox/ledger.h"
#include "tools/sandbox/received.h"
#include "tools/sandbox/replies.h"
#include "tools/sandbox/twilio_check.h"
#include "tools/sandbox/vectors.h"
#include "tools/sandbox/webhooks.h"

#define QUERY_ARENA_SIZE ((size_t)64 * 1024)
#define BODY_MAX         1600 /* characters of a lead's text */

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

static const char *check_inbound(const struct control *c, struct inbound *in)
{
    static const char *const known[] = {"from", "to", "body", "message_sid", "channel", "wait", "signature"};
    const char *channel = text_of(c, "channel"), *name;
    json_t *value;

    if (!c->self->options.public_url)
        return "the sandbox was started without --public-url";
    json_object_foreach (c->json, name, value) {
        bool found = false;

        for (size_t i = 0; i < COUNT_OF(known); i++)
            found = found || strcmp(known[i], name) == 0;
        if (!found)
            return "known are from, to, body, message_sid, channel, wait and signature";
    }
    *in = (struct inbound){.from = text_of(c, "from"),
                           .to = text_of(c, "to"),
                           .body = text_of(c, "body"),
                           .sid = text_of(c, "message_sid"),
                           .signature = text_of(c, "signature"),
                           .whatsapp = channel && strcmp(channel, "whatsapp") == 0};
    if (!in->from || !phone_is_e164(in->from) || !in->to || !phone_is_e164(in->to))
        return "from and to must be numbers like +15557654321";
    if (!in->body || utf8_count(in->body) > BODY_MAX)
        return "body must be a text of at most 1600 characters";
    if (in->sid && !twilio_check_sid(in->sid, "SM") && !twilio_check_sid(in->sid, "MM"))
        return "message_sid must be SM or MM and 32 hex digits";
    if (in->signature && text_has_control(in->signature))
        return "signature must not have control bytes";
    if (channel && !in->whatsapp && strcmp(channel, "sms") != 0)
        return "channel must be sms or whatsapp";
    return NULL;
}

/* Twilio acts on these words itself, and passes the text on all the same. */
static void act_on_keyword(struct ledger *ledger, const struct inbound *in)
{
    static const char *const stop[] = {"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"};
    static const char *const start[] = {"START", "YES", "UNSTOP"};
    size_t lead = strspn(in->body, " \t\r\n"), len = strlen(in->body + lead);
    char word[16];

    while (len && strchr(" \t\r\n", in->body[lead + len - 1]))
        len--;
    if (in->whatsapp || len >= sizeof word)
        return;
    snprintf(word, sizeof word, "%.*s", (int)len, in->body + lead);
    for (size_t i = 0; i < COUNT_OF(stop); i++)
        if (strcasecmp(stop[i], word) == 0)
            ledger_opt_out(ledger, in->from, true);
    for (size_t i = 0; i < COUNT_OF(start); i++)
        if (strcasecmp(start[i], word) == 0)
            ledger_opt_out(ledger, in->from, false);
}

static void post_inbound(struct control *c)
{
    char from[64], to[64], sid[SID_SIZE];
    bool wait = json_is_true(json_object_get(c->json, "wait"));
    struct inbound in;
    const char *wrong = check_inbound(c, &in);

    if (wrong) {
        complain(c, wrong);
        return;
    }
    act_on_keyword(c->self->ledger, &in);
    snprintf(from, sizeof from, "whatsapp:%s", in.from);
    snprintf(to, sizeof to, "whatsapp:%s", in.to);
    if (in.whatsapp) {
        in.from = from;
        in.to = to;
    }
    if (webhook_inbound(c->self, &in, wait ? c->x : NULL, sid) < 0)
        reply(c, 500, json_pack("{ss}", "error", "out of memory"));
    else if (wait)
        c->answered = true;
    else
        reply(c, 202, json_pack("{ss}", "message_sid", sid));
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
    const char *number = text_of(c, "number");
    const json_t *out = json_object_get(c->json, "out");

    if (!number || !phone_is_e164(number)) {
        complain(c, "number must be one like +15557654321");
        return;
    }
    ledger_opt_out(c->self->ledger, number, !out || json_is_true(out));
    reply(c, 200, json_pack("{ss sb}", "number", number, "out", ledger_opted_out(c->self->ledger, number)));
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

    faults_clear(c->self->faults);
    ledger_clear(c->self->ledger);
    received_clear(c->self->received);
    vectors_clear(c->self->vectors);
    replies_set(c->self->replies, none, NULL);
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
    {"GET", "/_sandbox/messages", false, get_messages},    {"GET", "/_sandbox/requests", false, get_requests},
    {"GET", "/_sandbox/stats", false, get_stats},          {"GET", "/_sandbox/faults", false, get_faults},
    {"POST", "/_sandbox/faults", true, post_faults},       {"DELETE", "/_sandbox/faults", false, delete_faults},
    {"POST", "/_sandbox/inbound", true, post_inbound},     {"POST", "/_sandbox/anthropic/replies", true, post_replies},
    {"POST", "/_sandbox/optout", true, post_optout},       {"POST", "/_sandbox/reset", false, post_reset},
    {"PUT", "/_sandbox/embeddings", true, put_embeddings}, {"PUT", "/_sandbox/embeddings/refused", true, put_refused},
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
