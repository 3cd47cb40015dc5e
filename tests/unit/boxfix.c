/* boxfix.c - see boxfix.h. */
#include "boxfix.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/httpd.h"
#include "tools/sandbox/sandbox.h"
#include "tools/sandbox/webhooks.h"

#define HEARD_MAX 64

static struct sandbox *sandbox;
static struct httpd *gateway;
static struct http *client;
static struct arena *arena; /* of all that was asked and heard */
static json_t *answer;
static char public_url[64];

static struct {
    pthread_mutex_t lock;
    pthread_cond_t came;
    struct {
        char url[512], signature[64], text[4096];
        struct form form;
    } posts[HEARD_MAX];
    int n;
    const char *xml;
} heard = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER, .xml = "<Response/>"};

static void on_post(void *arg, struct exchange *x)
{
    const char *signature = exchange_header(x, "X-Twilio-Signature");
    size_t at;
    int i;

    (void)arg;
    pthread_mutex_lock(&heard.lock);
    i = heard.n % HEARD_MAX;
    cr_assert(zero(int, form_parse(exchange_body(x), exchange_body_len(x), arena, &heard.posts[i].form, NULL)));
    snprintf(heard.posts[i].url, sizeof heard.posts[i].url, "%s%s", public_url, exchange_target(x));
    snprintf(heard.posts[i].signature, sizeof heard.posts[i].signature, "%s", signature ? signature : "");
    at = (size_t)snprintf(heard.posts[i].text, sizeof heard.posts[i].text, "%s|", exchange_target(x));
    for (size_t f = 0; f < heard.posts[i].form.n && at < sizeof heard.posts[i].text; f++)
        at += (size_t)snprintf(heard.posts[i].text + at, sizeof heard.posts[i].text - at, "%s%s=%s", f ? "&" : "",
                               heard.posts[i].form.fields[f].name, heard.posts[i].form.fields[f].value);
    heard.n++;
    pthread_cond_broadcast(&heard.came);
    exchange_reply(x, 200, "text/xml", heard.xml, strlen(heard.xml), NULL);
    pthread_mutex_unlock(&heard.lock);
}

void box_open(void)
{
    struct httpd_options receiver = {
        .bind_address = "127.0.0.1", .threads = 1, .max_body = 65536, .max_connections = 100, .handler = on_post};
    struct sandbox_options options = {.bind_address = "127.0.0.1",
                                      .public_url = public_url,
                                      .accounts = {BOX_SID ":" BOX_TOKEN,
                                                   OTHER_SID ":" OTHER_TOKEN ":+15550200000,+15550200001"},
                                      .n_accounts = 2,
                                      .anthropic_key = "ant",
                                      .openai_key = "oai"};
    struct err err = {0};

    cr_assert(zero(int, http_global_init(NULL)));
    arena = arena_new(256 << 20);
    client = http_new(NULL);
    gateway = httpd_new(&receiver, &err);
    cr_assert(gateway != NULL, "%s", err.text);
    snprintf(public_url, sizeof public_url, "http://127.0.0.1:%d", httpd_port(gateway));
    sandbox = sandbox_new(&options, &err);
    cr_assert(sandbox != NULL, "%s", err.text);
}

void box_close(void)
{
    json_decref(answer);
    http_destroy(&client);
    sandbox_destroy(&sandbox);
    httpd_destroy(&gateway);
    arena_destroy(&arena);
}

int box_port(void)
{
    return sandbox_port(sandbox);
}

const char *box_public_url(void)
{
    return public_url;
}

/* ---- asking ---- */

int box_ask(struct http_request request, const char *path)
{
    struct arena *scratch = arena_new(64 << 20);
    struct http_response response = {0};
    char url[1024];
    int status = 0;

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", sandbox_port(sandbox), path);
    request.url = url;
    request.body_len = request.body ? strlen(request.body) : 0;
    json_decref(answer);
    answer = NULL;
    if (http_do(client, &request, scratch, &response, NULL) == 0) {
        answer = json_loadb(response.body, response.body_len, 0, NULL);
        status = response.status;
    }
    arena_destroy(&scratch);
    return status;
}

int box_control_ask(const char *method, const char *path, const char *body)
{
    char whole[512];

    snprintf(whole, sizeof whole, "/_sandbox/%s", path);
    return box_ask((struct http_request){.method = method, .content_type = "application/json", .body = body}, whole);
}

static int ask_as(struct http_request request, const char *sid, const char *token, const char *path)
{
    char whole[1024];

    snprintf(whole, sizeof whole, "/2010-04-01/Accounts/%s%s", sid, path);
    request.basic_user = sid;
    request.basic_password = token;
    return box_ask(request, strncmp(path, "/v", 2) == 0 ? path : whole);
}

int box_post_as(const char *sid, const char *token, const char *path, const char *form)
{
    return ask_as((struct http_request){.method = "POST",
                                        .content_type = "application/x-www-form-urlencoded",
                                        .body = form,
                                        .timeout_ms = 5000},
                  sid, token, path);
}

int box_get_as(const char *sid, const char *token, const char *path)
{
    return ask_as((struct http_request){.method = "GET"}, sid, token, path);
}

/* ---- the answer ---- */

const json_t *box_answer(void)
{
    return answer;
}

static const json_t *at(const char *path)
{
    const json_t *json = answer;

    while (*path) {
        size_t len = strcspn(path, ".");
        char name[64];

        snprintf(name, sizeof name, "%.*s", (int)len, path);
        json = json_is_array(json) ? json_array_get(json, (size_t)atoi(name)) : json_object_get(json, name);
        path += len + (path[len] == '.');
    }
    return json;
}

const char *box_text(const char *path)
{
    const char *text = json_string_value(at(path));

    return text ? text : "";
}

int box_number(const char *path)
{
    const json_t *json = at(path);

    return json_is_boolean(json) ? json_is_true(json) : (int)json_integer_value(json);
}

size_t box_size(const char *path)
{
    const json_t *json = at(path);

    return json_is_array(json) ? json_array_size(json) : json_object_size(json);
}

/* ---- what was heard ---- */

static void wait_for(int n)
{
    pthread_mutex_lock(&heard.lock);
    while (heard.n < n)
        pthread_cond_wait(&heard.came, &heard.lock);
    pthread_mutex_unlock(&heard.lock);
}

const char *box_heard(int n)
{
    wait_for(n);
    return heard.posts[n - 1].text;
}

int box_heard_count(void)
{
    return heard.n;
}

const char *box_heard_field(int n, const char *name)
{
    const char *value;

    wait_for(n);
    value = form_get(&heard.posts[n - 1].form, name);
    return value ? value : "";
}

bool box_heard_signed(int n, const char *token)
{
    char right[29];

    wait_for(n);
    webhook_sign(token, heard.posts[n - 1].url, heard.posts[n - 1].form.fields, heard.posts[n - 1].form.n, right);
    return strcmp(heard.posts[n - 1].signature, right) == 0;
}

void box_gateway_says(const char *xml)
{
    pthread_mutex_lock(&heard.lock);
    heard.xml = xml;
    pthread_mutex_unlock(&heard.lock);
}
