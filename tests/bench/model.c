/* leadwire-bench-model - how fast the embedded sentence model is on one core, and what memory it takes.
 *
 * Prints one JSON object. Times are of the thread's CPU, the median of several rounds, for each set of instructions
 * that the machine has; the first is the one that the service takes. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "services/knowledge/embedding/minilm.h"
#include "services/knowledge/embedding/minilm_internal.h"

/* Questions of 12 words, and FAQ entries of a sentence or two. */
static const char *const questions[] = {
    "How much does it cost to clean a clogged drain on sundays?",
    "Can somebody come out today because our water heater is leaking badly?",
    "do you guys take delta dental or do i pay it myself",
    "What is the deposit for a wedding with about two hundred guests?",
    "Is the house on Maple Street still available for a showing tomorrow?",
    "how long have i got to file a claim after an accident",
    "Can I freeze my gym membership for three months while I travel?",
    "My check engine light is on, how soon can you look at",
};
static const char *const entries[] = {
    ("A standard drain cleaning is $149 for one drain that can be reached from a cleanout. Each further drain on the "
     "same visit is $79."),
    "The diagnostic fee is $89. It is waived if you let us do the repair on the same day.",
    "We accept cash, checks, Visa, Mastercard, American Express and Apple Pay. Financing is available from $1,000.",
    "You can cancel or move an appointment free of charge until 24 hours before it. After that we charge $50.",
    "The property has three bedrooms, two bathrooms and 1,840 square feet on a quarter of an acre.",
    ("We work on contingency: 33 % of what is recovered before a suit is filed, 40 % after. If we do not win, you owe "
     "nothing."),
    "A deposit of 25 % holds the date. It is refunded in full until 90 days before the event, and half of it until 30.",
    "To return an article, send it back unworn within 30 days with the label that came with it.",
};
enum { TEXTS = 8, ROUNDS = 9, PASSES = 2, WORKERS = 4 };

static float vectors[TEXTS * PASSES][MINILM_DIMS];

static double cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Milliseconds a text: one after the other, or all in one call. */
static double measure(struct minilm_run *run, const char *const *texts, int together)
{
    const char *many[TEXTS * PASSES];
    size_t lens[TEXTS * PASSES];
    double rounds[ROUNDS];

    for (int i = 0; i < TEXTS * PASSES; i++) {
        many[i] = texts[i % TEXTS];
        lens[i] = strlen(many[i]);
    }
    for (int round = 0; round < ROUNDS; round++) {
        double begin = cpu_ms();

        if (together)
            minilm_embed_many(run, many, lens, TEXTS * PASSES, vectors);
        for (int i = 0; !together && i < TEXTS * PASSES; i++)
            minilm_embed(run, many[i], lens[i], vectors[i]);
        rounds[round] = (cpu_ms() - begin) / (TEXTS * PASSES);
    }
    qsort(rounds, ROUNDS, sizeof rounds[0], by_value);
    return rounds[ROUNDS / 2];
}

static double measure_longest(struct minilm_run *run)
{
    double rounds[ROUNDS];
    char text[2048] = "";

    for (int i = 0; i < 300; i++)
        strcat(text, i % 2 ? "water " : "drain ");
    for (int round = 0; round < ROUNDS; round++) {
        double begin = cpu_ms();

        minilm_embed(run, text, strlen(text), vectors[0]);
        rounds[round] = cpu_ms() - begin;
    }
    qsort(rounds, ROUNDS, sizeof rounds[0], by_value);
    return rounds[ROUNDS / 2];
}

/* KiB of a line of /proc/self/smaps, summed over the mappings whose name ends in what; "": all of them. */
static int64_t memory_kib(const char *what, const char *field)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    size_t field_len = strlen(field), what_len = strlen(what), len;
    int64_t kib = 0;
    char line[4096];
    int counts = 0;

    while (file && fgets(line, sizeof line, file)) {
        len = strcspn(line, "\n");
        line[len] = '\0';
        if (line[0] < 'A' || line[0] > 'Z') /* an address: the next mapping */
            counts = len >= what_len && strcmp(line + len - what_len, what) == 0;
        else if (counts && strncmp(line, field, field_len) == 0 && line[field_len] == ':')
            kib += strtoll(line + field_len + 1, NULL, 10);
    }
    if (file)
        fclose(file);
    return kib;
}

static json_t *measure_kernels(struct minilm_run *run)
{
    const struct minilm_kernels *here[MINILM_KERNELS_MAX];
    size_t n = minilm_kernels_here(here);
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        minilm_run_use(run, here[i]);
        json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:f, s:f, s:f}", "kernels", here[i]->name, "question_ms",
                                              measure(run, questions, 0), "question_together_ms",
                                              measure(run, questions, 1), "faq_entries_per_s",
                                              1e3 / measure(run, entries, 0), "faq_entries_together_per_s",
                                              1e3 / measure(run, entries, 1), "longest_text_ms", measure_longest(run)));
    }
    minilm_run_use(run, here[0]);
    return list;
}

/* Of one worker more, which has embedded a question: what its room takes, and what is copied of the file. */
static json_t *measure_memory(const struct minilm *model, struct err *err)
{
    int64_t before = memory_kib("", "Private_Dirty"), after;
    struct minilm_run *runs[WORKERS] = {0};

    for (int i = 0; i < WORKERS; i++)
        if ((runs[i] = minilm_run_new(model, err)))
            minilm_embed(runs[i], questions[i], strlen(questions[i]), vectors[i]);
    after = memory_kib("", "Private_Dirty");
    for (int i = 0; i < WORKERS; i++)
        minilm_run_destroy(&runs[i]);
    return json_pack("{s:I, s:I, s:I, s:I}", "file_rss_kib", (json_int_t)memory_kib(MINILM_NAME ".model", "Rss"),
                     "file_pss_kib", (json_int_t)memory_kib(MINILM_NAME ".model", "Pss"), "file_private_dirty_kib",
                     (json_int_t)memory_kib(MINILM_NAME ".model", "Private_Dirty"), "worker_private_kib",
                     (json_int_t)((after - before) / WORKERS));
}

static int bench(const char *file, struct err *err)
{
    AUTO(minilm_run_destroy) struct minilm_run *run = NULL;
    double begin = cpu_ms(), open_ms;
    json_t *memory, *result;
    char path[4096];

    if (minilm_path(file, path, sizeof path, err) < 0)
        return -1;
    struct minilm *model = minilm_open(path, err);

    open_ms = cpu_ms() - begin;
    if (!model || !(run = minilm_run_new(model, err)))
        return -1;
    memory = measure_memory(model, err);
    result = json_pack("{s:f, s:o, s:o}", "open_ms", open_ms, "kernels", measure_kernels(run), "memory", memory);
    json_dumpf(result, stdout, JSON_REAL_PRECISION(4));
    printf("\n");
    json_decref(result);
    minilm_run_destroy(&run);
    minilm_close(&model);
    return 0;
}

int main(int argc, char **argv)
{
    struct err err = {0};

    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
        fprintf(stderr, "usage: %s [MODEL_FILE]\n", argv[0]);
        return 2;
    }
    if (bench(argc == 2 ? argv[1] : getenv("LEADWIRE_MODEL_FILE"), &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    return 0;
}
