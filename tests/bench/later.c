/* leadwire-bench-later - what later_read makes of labelled messages.
 *
 * usage: leadwire-bench-later FILE    (tests/bench/later/examples.json)
 *
 * Prints a line of JSON for each message: its label and time, its half, what was read, and the CPU time of one reading.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "libshared/arena.h"
#include "services/orchestrator/later/later.h"

enum { REPEATS = 50 };

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

static void print(const char *now, const json_t *example)
{
    static const char *const names[] = {[LATER_NONE] = "none", [LATER_WRITE] = "write", [LATER_CALL] = "call"};
    const char *label = json_string_value(json_array_get(example, 0)),
               *at = json_string_value(json_array_get(example, 1)),
               *text = json_string_value(json_array_get(example, 2));
    struct arena *arena = arena_new(64 << 20);
    struct later later = later_read(arena, text, now, "08:00", "20:00");
    int64_t began = now_ns();
    json_t *line;

    for (int i = 0; i < REPEATS; i++)
        later_read(arena, text, now, "08:00", "20:00");
    line = json_pack("{ss ss ss ss ss ss sI}", "label", label, "at", at, "half",
                     is_held_out(text) ? "held-out" : "development", "text", text, "read", names[later.kind], "read_at",
                     later.at, "ns", (json_int_t)((now_ns() - began) / REPEATS));
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
    arena_destroy(&arena);
}

int main(int argc, char **argv)
{
    json_error_t error;
    json_t *set = argc == 2 ? json_load_file(argv[1], 0, &error) : NULL, *example;
    const char *now = json_string_value(json_object_get(set, "now"));
    size_t i;

    if (!now) {
        fprintf(stderr, "usage: leadwire-bench-later tests/bench/later/examples.json\n");
        return 2;
    }
    json_array_foreach (json_object_get(set, "examples"), i, example)
        print(now, example);
    json_decref(set);
    return 0;
}
