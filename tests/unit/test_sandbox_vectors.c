/* test_sandbox_vectors.c - the sandbox's embeddings: what it is told, and what it is told to get wrong. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <jansson.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "tools/sandbox/sandbox.h"

#define MODEL "text-embedding-3-small"
#define DIMS  1536

static struct sandbox *sandbox;
static struct http *client;
static struct arena *arena;
static json_t *answer; /* the last answer's JSON */

static void set_up(void)
{
    struct sandbox_options options = {.bind_address = "127.0.0.1",
                                      .accounts = {"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:t"},
                                      .n_accounts = 1,
                                      .anthropic_key = "a",
                                      .openai_key = "oai"};
    struct err err = {0};

    cr_assert(zero(int, http_global_init(NULL)));
    sandbox = sandbox_new(&options, &err);
    cr_assert(sandbox != NULL, "%s", err.text);
    client = http_new(NULL);
    arena = arena_new(64 << 20);
}

static void tear_down(void)
{
    json_decref(answer);
    http_destroy(&client);
    sandbox_destroy(&sandbox);
    arena_destroy(&arena);
}

TestSuite(sandbox_vectors, .init = set_up, .fini = tear_down, .timeout = 30);

static int ask(const char *method, const char *path, const char *body)
{
    struct http_request request = {.method = method,
                                   .content_type = "application/json",
                                   .body = body,
                                   .body_len = strlen(body),
                                   .headers = (const char *const[]){"Authorization: Bearer oai", NULL}};
    struct http_response response = {0};
    char url[256];

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", sandbox_port(sandbox), path);
    request.url = url;
    json_decref(answer);
    answer = NULL;
    cr_assert(zero(int, http_do(client, &request, arena, &response, NULL)));
    answer = json_loadb(response.body, response.body_len, 0, NULL);
    return response.status;
}

/* Embeds two texts. */
static int embed(const char *first, const char *second, const char *format)
{
    json_t *request = json_pack("{ss s[ss] ss}", "model", MODEL, "input", first, second, "encoding_format", format);
    char *body = json_dumps(request, 0);
    int status = ask("POST", "/v1/embeddings", body);

    free(body);
    json_decref(request);
    return status;
}

static const json_t *data(void)
{
    return json_object_get(answer, "data");
}

static const json_t *embedding(size_t i)
{
    return json_object_get(json_array_get(data(), i), "embedding");
}

/* The numbers of a base64 embedding. */
static size_t decode(size_t i, float out[DIMS])
{
    const char *base64 = json_string_value(embedding(i));
    size_t len = 0;

    cr_assert(zero(int, sodium_base642bin((unsigned char *)out, sizeof(float) * DIMS, base64, strlen(base64), NULL,
                                          &len, NULL, sodium_base64_VARIANT_ORIGINAL)));
    return len / sizeof(float);
}

/* Tells it the vector of a text: 1 at place one. */
static int tell(const char *text, size_t one, size_t n)
{
    static float vector[DIMS];
    char base64[sodium_base64_ENCODED_LEN(sizeof vector, sodium_base64_VARIANT_ORIGINAL)], *body;
    json_t *request;
    int status;

    memset(vector, 0, sizeof vector);
    vector[one] = 1;
    sodium_bin2base64(base64, sizeof base64, (unsigned char *)vector, sizeof(float) * n,
                      sodium_base64_VARIANT_ORIGINAL);
    request = json_pack("{ss s[{ss ss}]}", "model", MODEL, "vectors", "text", text, "embedding", base64);
    body = json_dumps(request, 0);
    status = ask("PUT", "/_sandbox/embeddings", body);
    free(body);
    json_decref(request);
    return status;
}

Test(sandbox_vectors, a_text_has_the_vector_that_it_was_given)
{
    float vector[DIMS];

    cr_assert(eq(int, tell("given", 7, DIMS), 200));
    cr_assert(eq(int, tell("also given", 9, DIMS), 200));
    cr_expect(eq(int, json_integer_value(json_object_get(answer, "vectors")), 2));
    cr_assert(eq(int, embed("given", "not given", "base64"), 200));
    cr_assert(eq(sz, decode(0, vector), DIMS));
    cr_expect(eq(flt, vector[7], 1.0f));
    cr_assert(eq(sz, decode(1, vector), DIMS));
    cr_expect(ne(flt, vector[7], 1.0f));
    cr_assert(eq(int, embed("given", "also given", "float"), 200));
    cr_expect(eq(dbl, json_number_value(json_array_get(embedding(0), 7)), 1.0));
    cr_expect(eq(dbl, json_number_value(json_array_get(embedding(1), 9)), 1.0));
}

Test(sandbox_vectors, a_reset_forgets_them)
{
    float vector[DIMS];

    cr_assert(eq(int, tell("given", 7, DIMS), 200));
    cr_assert(eq(int, ask("PUT", "/_sandbox/embeddings/refused", "{\"word\":\"giv\"}"), 200));
    cr_assert(eq(int, ask("POST", "/_sandbox/reset", ""), 200));
    cr_assert(eq(int, embed("given", "other", "base64"), 200));
    decode(0, vector);
    cr_expect(ne(flt, vector[7], 1.0f));
}

Test(sandbox_vectors, a_vector_of_another_size_or_model_is_not_taken)
{
    static const char *const wrong[] = {
        "[]",
        "{\"model\":\"nobody\",\"vectors\":[]}",
        "{\"model\":\"" MODEL "\"}",
        "{\"model\":\"" MODEL "\",\"vectors\":[5]}",
        "{\"model\":\"" MODEL "\",\"vectors\":[{\"text\":\"\",\"embedding\":\"\"}]}",
        "{\"model\":\"" MODEL "\",\"vectors\":[{\"text\":\"a\",\"embedding\":\"!\"}]}",
    };

    cr_expect(eq(int, tell("short", 0, DIMS - 1), 400));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect(ask("PUT", "/_sandbox/embeddings", wrong[i]) == 400, "%s", wrong[i]);
    cr_assert(eq(int, tell("right", 0, DIMS), 200));
    cr_expect(eq(int, json_integer_value(json_object_get(answer, "vectors")), 1));
}

Test(sandbox_vectors, an_input_with_the_refused_word_spoils_its_request)
{
    cr_assert(eq(int, ask("PUT", "/_sandbox/embeddings/refused", "{\"word\":\"XYZZY\"}"), 200));
    cr_expect(eq(int, embed("fine", "so is this", "float"), 200));
    cr_expect(eq(int, embed("fine", "with XYZZY in it", "float"), 400));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(json_object_get(answer, "error"), "type")),
                 "invalid_request_error"));
    cr_assert(eq(int, ask("PUT", "/_sandbox/embeddings/refused", "{\"word\":\"\"}"), 200));
    cr_expect(eq(int, embed("fine", "with XYZZY in it", "float"), 200));
    cr_expect(eq(int, ask("PUT", "/_sandbox/embeddings/refused", "{}"), 400));
}

static void break_once(const char *kind)
{
    char fault[128];

    snprintf(fault, sizeof fault, "{\"endpoint\":\"openai\",\"kind\":\"%s\",\"count\":1}", kind);
    cr_assert(eq(int, ask("POST", "/_sandbox/faults", fault), 201));
}

Test(sandbox_vectors, a_vector_can_be_missing)
{
    break_once("wrong-count");
    cr_assert(eq(int, embed("a", "b", "float"), 200));
    cr_expect(eq(sz, json_array_size(data()), 1));
    cr_assert(eq(int, embed("a", "b", "float"), 200));
    cr_expect(eq(sz, json_array_size(data()), 2));
}

Test(sandbox_vectors, a_vector_can_be_too_short)
{
    float vector[DIMS];

    break_once("wrong-dimension");
    cr_assert(eq(int, embed("a", "b", "float"), 200));
    cr_expect(eq(sz, json_array_size(embedding(0)), DIMS));
    cr_expect(eq(sz, json_array_size(embedding(1)), DIMS - 1));
    break_once("wrong-dimension");
    cr_assert(eq(int, embed("a", "b", "base64"), 200));
    cr_expect(eq(sz, decode(1, vector), DIMS - 1));
}

Test(sandbox_vectors, a_vector_can_hold_what_is_no_number)
{
    float vector[DIMS];

    break_once("not-numbers");
    cr_assert(eq(int, embed("a", "b", "float"), 200));
    cr_expect(eq(sz, json_array_size(embedding(1)), DIMS));
    cr_expect(eq(int, json_typeof(json_array_get(embedding(1), DIMS - 1)), JSON_NULL));
    break_once("not-numbers");
    cr_assert(eq(int, embed("a", "b", "base64"), 200));
    cr_expect(eq(sz, decode(1, vector), DIMS));
    cr_expect(isnan(vector[0]));
}

Test(sandbox_vectors, the_quota_can_be_used_up)
{
    break_once("quota");
    cr_expect(eq(int, embed("a", "b", "float"), 429));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(json_object_get(answer, "error"), "code")),
                 "insufficient_quota"));
    cr_expect(eq(int, ask("POST", "/_sandbox/faults", "{\"endpoint\":\"anthropic\",\"kind\":\"quota\"}"), 400));
}
