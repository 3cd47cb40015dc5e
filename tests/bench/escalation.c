/* leadwire-bench-escalation - what escalation_read makes of labelled messages.
 *
 * usage: leadwire-bench-escalation FILE...    (tests/bench/escalation/NAME.json)
 *
 * Prints a line of JSON for each message: its file, label, half, what was read, and the time of one reading (the median
 * of several). */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/auto.h"
#include "services/orchestrator/escalation/escalation.h"

enum { ROUNDS = 9, REPEATS = 50 };

static bool is_held_out(const char *text)
{
    uint32_t h = 2166136261u;

    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 16777619u;
    return h >> 16 & 1;
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int64_t time_ns(const char *text)
{
    int64_t times[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        int64_t began = now_ns();

        for (int k = 0; k < REPEATS; k++)
            escalation_read(text);
        times[i] = (now_ns() - began) / REPEATS;
    }
    qsort(times, ROUNDS, sizeof times[0], by_size);
    return times[ROUNDS / 2];
}

static void print(const char *file, const char *label, const json_t *texts)
{
    size_t i;
    json_t *item;

    json_array_foreach ((json_t *)texts, i, item) {
        const char *text = json_string_value(item);
        enum escalation_cause read = escalation_read(text);
        json_t *line = json_pack("{ss ss ss ss ss sI}", "file", file, "label", label, "half",
                                 is_held_out(text) ? "held-out" : "development", "text", text, "read",
                                 read == CAUSE_NONE ? "none" : escalation_name(read), "ns", (json_int_t)time_ns(text));

        json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(line);
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        json_error_t error;
        json_t *set = json_load_file(argv[i], 0, &error), *texts;
        const char *label;

        if (!set) {
            fprintf(stderr, "%s: line %d: %s\n", argv[i], error.line, error.text);
            return 1;
        }
        json_object_foreach (set, label, texts)
            print(argv[i], label, texts);
        json_decref(set);
    }
    return 0;
}
