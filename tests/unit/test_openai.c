/* What an answer of the embeddings API must be, and what its errors mean. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/httpd.h"
#include "services/knowledge/embedding/embed.h"
#include "services/knowledge/embedding/openai.h"

static struct arena *arena;

static void open_arena(void)
{
    arena = arena_new(1 << 24);
}

static void close_arena(void)
{
    arena_destroy(&arena);
}

TestSuite(openai, .init = open_arena, .fini = close_arena, .timeout = 30);

static int parse(const char *body, size_t n, struct embeddings *made, struct err *err)
{
    return openai_parse(body, strlen(body), n, arena, made, err);
}

Test(openai, vectors_are_put_in_the_order_of_their_index)
{
    struct embeddings made;
    struct err err = {0};

    cr_assert(eq(int,
                 parse("{\"data\":[{\"index\":1,\"embedding\":[3,4]},{\"index\":0,\"embedding\":[1,2]}]}", 2, &made,
                       &err),
                 0),
              "%s", err.text);
    cr_expect(eq(sz, made.dims, 2));
    cr_expect(eq(flt, made.values[0], 1));
    cr_expect(eq(flt, made.values[3], 4));
}

Test(openai, base64_is_little_endian_float32)
{
    struct embeddings made;
    struct err err = {0};

    /* 1.0f is 00 00 80 3f, -2.0f is 00 00 00 c0 */
    cr_assert(eq(int, parse("{\"data\":[{\"index\":0,\"embedding\":\"AACAPwAAAMA=\"}]}", 1, &made, &err), 0), "%s",
              err.text);
    cr_expect(eq(sz, made.dims, 2));
    cr_expect(eq(flt, made.values[0], 1));
    cr_expect(eq(flt, made.values[1], -2));
}

Test(openai, an_answer_that_makes_no_sense_is_refused)
{
    static const char *const answers[] = {
        "",
        "{}",
        "[1]",
        "{\"data\":[]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1,2]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1,2]},{\"index\":0,\"embedding\":[1,2]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1,2]},{\"index\":2,\"embedding\":[1,2]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1,2]},{\"index\":-1,\"embedding\":[1,2]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1,2]},{\"embedding\":[1,2]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1,2]},{\"index\":1,\"embedding\":[1,2,3]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1,2]},{\"index\":1,\"embedding\":[1,\"2\"]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[]},{\"index\":1,\"embedding\":[]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":\"AACAPw==\"},{\"index\":1,\"embedding\":\"AA*APw==\"}]}",
        "{\"data\":[{\"index\":0,\"embedding\":\"AACA\"},{\"index\":1,\"embedding\":\"AACA\"}]}",
        "{\"data\":[{\"index\":0,\"embedding\":\"AACAfw==\"},{\"index\":1,\"embedding\":\"AACAfw==\"}]}", /* infinite */
        "{\"data\":[{\"index\":0,\"embedding\":\"====\"},{\"index\":1,\"embedding\":\"====\"}]}",
        "{\"data\":{\"index\":0}}",
    };

    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct embeddings made = {.n = 77};
        struct err err = {0};
        cr_expect(eq(int, parse(answers[i], 2, &made, &err), -1), "%s", answers[i]);
        cr_expect(eq(int, err.kind, ERR_UNAVAILABLE), "%s: %s", answers[i], err.text);
        cr_expect(eq(sz, made.n, 77));
    }
}

/* ---- against a server that answers as told ---- */

static struct {
    int status;
    const char *body;
    const char *header;
    char request[4096], authorization[128];
} script;

static void answer(void *arg, struct exchange *x)
{
    const char *headers[] = {script.header, NULL};

    (void)arg;
    snprintf(script.request, sizeof script.request, "%s", exchange_body(x));
    snprintf(script.authorization, sizeof script.authorization, "%s", exchange_header(x, "Authorization"));
    exchange_reply(x, script.status, "application/json", script.body, strlen(script.body),
                   script.header ? headers : NULL);
}

static int ask(const char *const *texts, size_t n, struct err *err)
{
    const struct httpd_options options = {
        .bind_address = "127.0.0.1", .threads = 1, .max_body = 1 << 20, .max_connections = 16, .handler = answer};
    AUTO(httpd_destroy) struct httpd *httpd = httpd_new(&options, err);
    AUTO(openai_destroy) struct openai *openai = NULL;
    struct embeddings made;
    char url[64];

    cr_assert(httpd != NULL, "%s", err->text);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", httpd_port(httpd));
    openai = openai_new(url, "sk-test", err);
    cr_assert(openai != NULL, "%s", err->text);
    return openai_embed(openai, "text-embedding-3-small", texts, n, 5000, arena, &made, err);
}

Test(openai, the_request_is_what_the_api_wants)
{
    static const char *const texts[] = {"say \"hi\"", "grüß dich"};
    struct err err = {0};

    script.status = 200;
    script.body = "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":1,\"embedding\":[2]}]}";
    cr_expect(eq(int, ask(texts, 2, &err), 0), "%s", err.text);
    cr_expect(eq(str, script.authorization, "Bearer sk-test"));
    cr_expect(eq(str, script.request,
                 "{\"model\":\"text-embedding-3-small\",\"encoding_format\":\"base64\",\"input\":"
                 "[\"say \\\"hi\\\"\",\"grüß dich\"]}"));
}

Test(openai, each_error_is_what_the_caller_can_do_about_it)
{
    static const struct {
        int status;
        const char *body, *header;
        enum err_kind kind;
        int retry_after_s;
    } cases[] = {
        {400, "{\"error\":{\"message\":\"too long\",\"type\":\"invalid_request_error\"}}", NULL, ERR_INVALID, 0},
        {401, "{\"error\":{\"message\":\"Incorrect API key: sk-t***\",\"code\":\"invalid_api_key\"}}", NULL, ERR_DENIED,
         0},
        {404, "{\"error\":{\"code\":\"model_not_found\"}}", NULL, ERR_DENIED, 0},
        {429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", "Retry-After: 7", ERR_UNAVAILABLE, 7},
        {429, "{\"error\":{\"code\":\"insufficient_quota\"}}", "Retry-After: 7", ERR_DENIED, 7},
        {500, "<html>", NULL, ERR_UNAVAILABLE, 0},
        {503, "", "Retry-After: 2", ERR_UNAVAILABLE, 2},
        {200, "{\"data\":[]}", NULL, ERR_UNAVAILABLE, 0},
    };
    static const char *const texts[] = {"one"};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        script.status = cases[i].status;
        script.body = cases[i].body;
        script.header = cases[i].header;
        cr_expect(eq(int, ask(texts, 1, &err), -1));
        cr_expect(eq(int, err.kind, cases[i].kind), "%d: %s", cases[i].status, err.text);
        cr_expect(eq(int, err.retry_after_s, cases[i].retry_after_s), "%d: %s", cases[i].status, err.text);
        cr_expect(strstr(err.text, "sk-") == NULL, "%s", err.text);
    }
}

Test(openai, nobody_there_is_unavailable)
{
    struct err err = {0};
    AUTO(openai_destroy) struct openai *openai = openai_new("http://127.0.0.1:1/v1", "sk-test", &err);
    static const char *const texts[] = {"one"};
    struct embeddings made;

    cr_expect(eq(int, openai_embed(openai, "m", texts, 1, 2000, arena, &made, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
}

/* ---- models ---- */

Test(openai, without_a_key_no_model_runs)
{
    struct config config = {.openai_embedding_model = "text-embedding-3-small"};
    struct err err = {0};
    AUTO(embedder_destroy) struct embedder *embedder = embedder_new(&config, NULL, &err);
    static const char *const texts[] = {"one"};
    struct embeddings made;

    cr_expect(eq(str, (char *)embedder_default_model(embedder, "english"), ""));
    cr_expect(not(embedder_has(embedder, "text-embedding-3-small")));
    cr_expect(eq(int, embedder_embed(embedder, "text-embedding-3-small", texts, 1, 1000, arena, &made, &err), -1));
    cr_expect(eq(int, err.kind, ERR_DENIED));
}

Test(openai, calibration_rises_from_0_to_1_for_every_model)
{
    static const char *const models[] = {"text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002",
                                         "another"};

    for (size_t i = 0; i < COUNT_OF(models); i++) {
        double before = 0;
        for (int step = -100; step <= 100; step++) {
            double score = embed_calibrate(models[i], step / 100.0);
            cr_expect(score >= before && score <= 1, "%s at %d", models[i], step);
            before = score;
        }
        cr_expect(eq(dbl, embed_calibrate(models[i], -1), 0));
        cr_expect(eq(dbl, embed_calibrate(models[i], 1), 1));
    }
    /* The same cosine means another thing to another model. */
    cr_expect(embed_calibrate("text-embedding-3-small", 0.7) > 0.9);
    cr_expect(embed_calibrate("text-embedding-ada-002", 0.7) < 0.1);
}

Test(openai, a_vector_is_written_in_pgvectors_form)
{
    static const float values[] = {0, 0.5f, -0.25f, 1, -1, 0.0123456f, -0.00000004f, 12.75f, 99.5f, 123456.75f, -2e-7f};

    cr_expect(eq(str, (char *)embed_to_text(values, COUNT_OF(values), arena),
                 "[0,.5,-.25,1,-1,.0123456,0,12.75,99.5,123456.8,-.0000002]"));
}

Test(openai, writing_a_vector_loses_less_than_its_half_precision)
{
    float values[1000];
    const char *text;
    char *at;

    for (size_t i = 0; i < COUNT_OF(values); i++)
        values[i] = (float)i * 0.00137f - 0.6f;
    text = embed_to_text(values, COUNT_OF(values), arena);
    for (size_t i = 0; i < COUNT_OF(values); i++, text = at) {
        float back = strtof(text + 1, &at);
        cr_expect(back - values[i] < 1e-7f && values[i] - back < 1e-7f, "%zu: %g", i, (double)values[i]);
    }
    cr_expect(eq(str, (char *)text, "]"));
}
