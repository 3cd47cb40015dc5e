/* The built-in model at work: questions, bulks, long texts, and which model is chosen. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/config.h"
#include "libshared/err.h"
#include "services/knowledge/embedding/builtin.h"
#include "services/knowledge/embedding/embed.h"
#include "services/knowledge/embedding/minilm.h"

static struct minilm *model;
static struct arena *arena;

static void open_model(void)
{
    struct err err = {0};

    model = minilm_open(LEADWIRE_SOURCE_DIR "/models/all-MiniLM-L6-v2.model", &err);
    cr_assert(model != NULL, "%s", err.text);
    arena = arena_new(1 << 26);
}

static void close_model(void)
{
    minilm_close(&model);
    arena_destroy(&arena);
}

TestSuite(builtin, .init = open_model, .fini = close_model, .timeout = 60);

static double cosine(const float *a, const float *b)
{
    double sum = 0;

    for (int i = 0; i < MINILM_DIMS; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static const char *repeat(const char *text, int times)
{
    AUTO(buf_free) struct buf out = {0};

    for (int i = 0; i < times; i++)
        buf_puts(&out, text);
    return arena_strndup(arena, out.data, out.len);
}

Test(builtin, a_bulk_gives_each_text_the_vector_that_it_has_alone)
{
    struct err err = {0};
    AUTO(builtin_destroy) struct builtin *builtin = builtin_new(model, &err);
    static float vectors[100 * MINILM_DIMS];
    AUTO(minilm_run_destroy) struct minilm_run *run = minilm_run_new(model, &err);
    const char *texts[100];

    for (int i = 0; i < 100; i++)
        texts[i] = arena_printf(arena, "Question number %d about %s?", i, i % 2 ? "boilers" : "gutters");
    cr_assert(eq(int, builtin_embed(builtin, texts, 100, vectors, &err), 0), "%s", err.text);
    for (int i = 0; i < 100; i += 7) {
        float alone[MINILM_DIMS];
        minilm_embed(run, texts[i], strlen(texts[i]), alone);
        cr_expect(memcmp(alone, vectors + i * MINILM_DIMS, sizeof alone) == 0, "%d", i);
    }
}

Test(builtin, a_question_longer_than_the_model_reads_is_cut)
{
    struct err err = {0};
    AUTO(builtin_destroy) struct builtin *builtin = builtin_new(model, &err);
    float whole[MINILM_DIMS], beginning[MINILM_DIMS];
    bool cut;

    builtin_query(builtin, repeat("Do you repair boilers? ", 20), whole, &cut);
    cr_expect(not(cut));
    builtin_query(builtin, repeat("Do you repair boilers? ", 400), beginning, &cut);
    cr_expect(cut);
}

Test(builtin, a_long_text_is_about_its_end_too)
{
    struct err err = {0};
    AUTO(builtin_destroy) struct builtin *builtin = builtin_new(model, &err);
    const char *texts[3];
    float vectors[3 * MINILM_DIMS], first[MINILM_DIMS];
    AUTO(minilm_run_destroy) struct minilm_run *run = minilm_run_new(model, &err);

    texts[0] = arena_printf(arena, "%s%s", repeat("We repair boilers in winter. ", 45), repeat("Cats like fish. ", 60));
    texts[1] = "Cats like fish.";
    texts[2] = "The capital of France is Paris.";
    cr_assert(eq(int, builtin_embed(builtin, texts, 3, vectors, &err), 0), "%s", err.text);
    cr_expect(lt(sz, minilm_embed(run, texts[0], strlen(texts[0]), first), strlen(texts[0])));
    cr_expect(fabs(cosine(vectors, vectors) - 1) < 1e-5);
    cr_expect(cosine(vectors, vectors + MINILM_DIMS) > cosine(first, vectors + MINILM_DIMS) + 0.1);
    cr_expect(cosine(vectors, vectors + MINILM_DIMS) > cosine(vectors, vectors + 2 * MINILM_DIMS) + 0.2);
}

/* ---- which model ---- */

Test(builtin, without_a_key_it_is_the_model_of_english_and_simple)
{
    struct config config = {.openai_embedding_model = "text-embedding-3-small",
                            .openai_base_url = "https://api.openai.com/v1"};
    struct err err = {0};
    AUTO(embedder_destroy) struct embedder *embedder = embedder_new(&config, model, &err);

    cr_expect(eq(str, (char *)embedder_default_model(embedder, "english"), MINILM_NAME));
    cr_expect(eq(str, (char *)embedder_default_model(embedder, "simple"), MINILM_NAME));
    cr_expect(eq(str, (char *)embedder_default_model(embedder, "arabic"), ""));
    cr_expect(embedder_has(embedder, MINILM_NAME));
    cr_expect(not(embedder_is_remote(embedder, MINILM_NAME)));
    cr_expect(eq(int, embedder_check(embedder, "text-embedding-3-small", &err), -1));
    cr_expect(eq(str, err.field, "embedding_model"));
    cr_expect(strstr(err.text, MINILM_NAME) && strstr(err.text, "OPENAI_API_KEY"), "%s", err.text);
}

Test(builtin, with_a_key_both_kinds_can_be_had_and_others_are_refused)
{
    struct config config = {.openai_api_key = "sk-test",
                            .openai_embedding_model = "text-embedding-3-small",
                            .openai_base_url = "https://api.openai.com/v1"};
    struct err err = {0};
    AUTO(embedder_destroy) struct embedder *embedder = embedder_new(&config, model, &err);

    cr_expect(eq(str, (char *)embedder_default_model(embedder, "arabic"), "text-embedding-3-small"));
    cr_expect(eq(int, embedder_check(embedder, MINILM_NAME, &err), 0));
    cr_expect(eq(int, embedder_check(embedder, "text-embedding-3-large", &err), 0));
    cr_expect(eq(int, embedder_check(embedder, "no-such-model", &err), -1));
    cr_expect(strstr(err.text, "no-such-model") && strstr(err.text, "text-embedding-3-large"), "%s", err.text);
    config.openai_base_url = "https://models.example.com/v1"; /* may have models of its own */
    cr_expect(eq(int, embedder_check(embedder, "no-such-model", &err), 0));
}
