/* The embedded sentence model: its vectors against those of the reference, its file against damage. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <math.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "services/knowledge/embedding/minilm_internal.h"

#define MODEL   LEADWIRE_SOURCE_DIR "/models/all-MiniLM-L6-v2.model"
#define VECTORS LEADWIRE_SOURCE_DIR "/tests/unit/data/minilm_vectors.jsonl"

enum { CASES = 200 };
enum { PLAIN_TOKENS = 17 }; /* plain and with sanitizers a token takes 30 ms */

/* A text and what tools/minilm/reference.py says about it. */
struct sample {
    json_t *line; /* owns text */
    const char *text;
    size_t len, read, count;
    uint16_t tokens[MINILM_TOKENS_MAX];
    float vector[MINILM_DIMS];
};

static struct sample samples[CASES];
static struct minilm *model;
static struct minilm_run *run;

static void read_sample(const char *line, struct sample *sample)
{
    int16_t packed[MINILM_DIMS + 2];
    const char *vector;
    size_t len;

    sample->line = json_loads(line, JSON_ALLOW_NUL, NULL);
    cr_assert(ne(ptr, sample->line, NULL));
    sample->text = json_string_value(json_object_get(sample->line, "text"));
    sample->len = json_string_length(json_object_get(sample->line, "text"));
    sample->read = (size_t)json_integer_value(json_object_get(sample->line, "read"));
    sample->count = json_array_size(json_object_get(sample->line, "tokens"));
    cr_assert(sample->count >= 2 && sample->count <= MINILM_TOKENS_MAX);
    for (size_t i = 0; i < sample->count; i++)
        sample->tokens[i] = (uint16_t)json_integer_value(json_array_get(json_object_get(sample->line, "tokens"), i));
    vector = json_string_value(json_object_get(sample->line, "vector"));
    len = strlen(vector);
    cr_assert(eq(sz, len, MINILM_DIMS * 2 / 3 * 4));
    cr_assert(EVP_DecodeBlock((unsigned char *)packed, (const unsigned char *)vector, (int)len) > 0);
    for (int i = 0; i < MINILM_DIMS; i++)
        sample->vector[i] = (float)packed[i] / 32767;
}

static void open_model(void)
{
    FILE *file = fopen(VECTORS, "r");
    struct err err = {0};
    char *line = NULL;
    size_t size = 0;
    int n = 0;

    cr_assert(file != NULL);
    while (getline(&line, &size, file) > 0)
        if (n < CASES)
            read_sample(line, &samples[n++]);
    cr_assert(eq(int, n, CASES));
    free(line);
    fclose(file);
    model = minilm_open(MODEL, &err);
    cr_assert(model != NULL, "%s", err.text);
    run = minilm_run_new(model, &err);
    cr_assert(run != NULL);
}

static void close_model(void)
{
    minilm_run_destroy(&run);
    minilm_close(&model);
    for (int i = 0; i < CASES; i++)
        json_decref(samples[i].line);
}

static double cosine(const float *a, const float *b)
{
    double product = 0, aa = 0, bb = 0;

    for (int i = 0; i < MINILM_DIMS; i++) {
        product += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return product / sqrt(aa * bb);
}

TestSuite(minilm, .init = open_model, .fini = close_model, .timeout = 120);

Test(minilm, vectors_are_those_of_the_reference)
{
    float vector[MINILM_DIMS];
    double sum = 0;

    for (int i = 0; i < CASES; i++) {
        size_t read = minilm_embed(run, samples[i].text, samples[i].len, vector);
        double c = cosine(vector, samples[i].vector);

        cr_expect(read == samples[i].read, "%s: %zu bytes read, not %zu", samples[i].text, read, samples[i].read);
        cr_expect(c >= 0.99, "%s: cosine %.4f", samples[i].text, c);
        sum += c;
    }
    cr_expect(sum / CASES >= 0.998, "mean cosine %.5f", sum / CASES);
}

Test(minilm, vectors_have_length_1)
{
    float vector[MINILM_DIMS];
    double squares;

    for (int i = 0; i < CASES; i += 10) {
        minilm_embed(run, samples[i].text, samples[i].len, vector);
        squares = 0;
        for (int j = 0; j < MINILM_DIMS; j++)
            squares += (double)vector[j] * vector[j];
        cr_expect(epsilon_eq(dbl, squares, 1, 1e-5));
    }
}

Test(minilm, every_set_of_instructions_gives_the_same_bits)
{
    const struct minilm_kernels *here[MINILM_KERNELS_MAX];
    float first[MINILM_DIMS], other[MINILM_DIMS];
    size_t n = minilm_kernels_here(here);

    cr_expect(eq(str, (char *)here[n - 1]->name, "plain"));
    for (int i = 0; i < CASES; i += 9) {
        minilm_run_use(run, here[0]);
        minilm_embed_tokens(run, samples[i].tokens, samples[i].count, first);
        for (size_t k = 1; k < n; k++) {
            if (k == n - 1 && i % 45 != 0)
                continue; /* plain and with sanitizers: a second and more each */
            minilm_run_use(run, here[k]);
            minilm_embed_tokens(run, samples[i].tokens, samples[i].count, other);
            cr_expect(memcmp(first, other, sizeof first) == 0, "%s: %s differs (cosine %.7f)", samples[i].text,
                      here[k]->name, cosine(first, other));
        }
    }
}

/* Each number of tokens up to twice a block is another remainder of the kernels' blocks. */
Test(minilm, every_number_of_tokens_gives_the_same_bits_on_every_set_of_instructions)
{
    const struct minilm_kernels *here[MINILM_KERNELS_MAX];
    float first[MINILM_DIMS], other[MINILM_DIMS];
    size_t n = minilm_kernels_here(here);
    uint16_t tokens[MINILM_TOKENS_MAX];

    for (size_t i = 0; i < MINILM_TOKENS_MAX; i++)
        tokens[i] = (uint16_t)(i * 7919 % MINILM_WORDS);
    for (size_t count = 1; count <= MINILM_TOKENS_MAX; count += count < 17 ? 1 : 239) {
        minilm_run_use(run, here[0]);
        minilm_embed_tokens(run, tokens, count, first);
        for (size_t k = 1; k < n; k++) {
            if (k == n - 1 && count > PLAIN_TOKENS)
                continue;
            minilm_run_use(run, here[k]);
            minilm_embed_tokens(run, tokens, count, other);
            cr_expect(memcmp(first, other, sizeof first) == 0, "%zu tokens: %s differs", count, here[k]->name);
        }
    }
}

Test(minilm, a_text_has_the_same_vector_alone_and_among_others)
{
    static float together[CASES][MINILM_DIMS];
    const char *texts[CASES];
    size_t lens[CASES];
    float alone[MINILM_DIMS];

    for (int i = 0; i < CASES; i++) {
        texts[i] = samples[i].text;
        lens[i] = samples[i].len;
    }
    minilm_embed_many(run, texts, lens, CASES, together);
    for (int i = 0; i < CASES; i += 3) {
        minilm_embed(run, texts[i], lens[i], alone);
        cr_expect(memcmp(alone, together[i], sizeof alone) == 0, "%s", texts[i]);
    }
}

Test(minilm, of_no_texts_nothing_is_computed)
{
    float vector[1][MINILM_DIMS] = {{42}};

    minilm_embed_many(run, NULL, NULL, 0, vector);
    cr_expect(eq(flt, vector[0][0], 42));
}

Test(minilm, many_empty_texts_fit_one_batch_after_the_other)
{
    enum { N = 300 };
    static float vectors[N][MINILM_DIMS];
    static const char *texts[N];
    static size_t lens[N];

    for (int i = 0; i < N; i++)
        texts[i] = "";
    minilm_embed_many(run, texts, lens, N, vectors);
    for (int i = 1; i < N; i++)
        cr_expect(memcmp(vectors[0], vectors[i], sizeof vectors[0]) == 0);
}

Test(minilm, what_is_asked_is_nearer_to_its_answer_than_to_others)
{
    float question[MINILM_DIMS], right[MINILM_DIMS], wrong[MINILM_DIMS];
    const char *ask = "my sink wont drain, what do u charge", *price = "Unclogging a pipe costs $149.",
               *hours = "We are open from 8 to 6, Monday to Friday.";

    minilm_embed(run, ask, strlen(ask), question);
    minilm_embed(run, price, strlen(price), right);
    minilm_embed(run, hours, strlen(hours), wrong);
    cr_expect(cosine(question, right) > cosine(question, wrong), "%.3f, %.3f", cosine(question, right),
              cosine(question, wrong));
}

Test(minilm, a_question_has_another_vector_and_what_is_stored_the_same_as_before)
{
    float question[MINILM_DIMS], before[MINILM_DIMS], after[MINILM_DIMS], right[MINILM_DIMS], wrong[MINILM_DIMS];
    const char *ask = "water is coming through my ceiling", *leak = "Do you repair leaks?",
               *hours = "We are open from 8 to 6, Monday to Friday.";

    minilm_embed(run, ask, strlen(ask), before);
    minilm_embed(run, leak, strlen(leak), right);
    minilm_embed(run, hours, strlen(hours), wrong);
    cr_expect(eq(sz, minilm_embed_question(run, ask, strlen(ask), question), strlen(ask)));
    minilm_embed(run, ask, strlen(ask), after);
    cr_expect(memcmp(before, after, sizeof before) == 0);
    cr_expect(fabs(cosine(question, question) - 1) < 1e-5);
    cr_expect(cosine(question, before) > 0.5 && cosine(question, before) < 0.99, "%.3f", cosine(question, before));
    cr_expect(cosine(question, right) > cosine(before, right), "%.3f, %.3f", cosine(question, right),
              cosine(before, right));
    cr_expect(cosine(question, right) > cosine(question, wrong) + 0.1);
}

/* A few texts as the reference, tools/ranking/encoder.py, computes them with the original weights. */
Test(minilm, vectors_of_questions_are_those_of_the_reference)
{
    static const struct {
        const char *text;
        float first[6];
    } cases[] = {
        {"water is coming through my ceiling", {0.02003f, 0.00324f, 0.00564f, 0.00574f, 0.04878f, -0.06693f}},
        {"hours?", {0.05196f, 0.01307f, -0.00992f, -0.02540f, 0.06131f, -0.04452f}},
        {"do u tke insurence", {0.02978f, 0.05518f, -0.06313f, 0.02752f, 0.07571f, 0.05411f}},
        {"How much do you charge for a visit on a Sunday evening, and do I have to be at home?",
         {0.03889f, 0.00234f, 0.02472f, -0.00855f, -0.04648f, 0.01765f}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float vector[MINILM_DIMS];

        minilm_embed_question(run, cases[i].text, strlen(cases[i].text), vector);
        for (int j = 0; j < 6; j++)
            cr_expect(fabsf(vector[j] - cases[i].first[j]) < 0.012f, "%s: %d: %f, %f", cases[i].text, j,
                      (double)vector[j], (double)cases[i].first[j]);
    }
}

static void *embed_all(void *ret)
{
    struct minilm_run *own = minilm_run_new(model, NULL);
    float(*vectors)[MINILM_DIMS] = ret;

    for (int i = 0; own && i < CASES / 4; i++)
        minilm_embed(own, samples[i].text, samples[i].len, vectors[i]);
    minilm_run_destroy(&own);
    return NULL;
}

Test(minilm, threads_share_a_model)
{
    enum { THREADS = 4 };
    static float vectors[THREADS + 1][CASES / 4][MINILM_DIMS];
    pthread_t threads[THREADS];

    embed_all(vectors[THREADS]);
    for (int i = 0; i < THREADS; i++)
        cr_assert(eq(int, pthread_create(&threads[i], NULL, embed_all, vectors[i]), 0));
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        cr_expect(memcmp(vectors[i], vectors[THREADS], sizeof vectors[i]) == 0);
}

Test(minilm, the_path_is_the_setting_or_lies_beside_the_program)
{
    struct err err = {0};
    char path[4096];

    cr_expect(eq(int, minilm_path("/some/where.model", path, sizeof path, &err), 0));
    cr_expect(eq(str, path, "/some/where.model"));
    cr_expect(eq(int, minilm_path(NULL, path, sizeof path, &err), 0));
    cr_expect(access(path, R_OK) == 0, "%s", path);
    cr_expect(eq(int, minilm_path(NULL, path, 20, &err), -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
}
