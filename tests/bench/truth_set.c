/* truth_set.c - see truth_set.h. */
#include "tests/bench/truth_set.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "libshared/arena.h"

bool truth_is_held_out(const char *text)
{
    uint32_t h = 2166136261u;

    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 16777619u;
    return h >> 16 & 1;
}

json_t *truth_load(const char *folder, const char *name)
{
    char path[1024];
    json_error_t error;
    json_t *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!(file = json_load_file(path, 0, &error))) {
        fprintf(stderr, "%s: line %d: %s\n", path, error.line, error.text);
        exit(1);
    }
    return file;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

struct decision_input truth_input(const json_t *context, struct arena *arena)
{
    const json_t *passages = json_object_get(context, "passages"), *texts = json_object_get(context, "lead");
    size_t n_passages = json_array_size(passages), n_texts = json_array_size(texts);
    struct passage *known = arena_calloc(arena, n_passages + 1, sizeof *known);
    struct decision_message *said = arena_calloc(arena, n_texts + 1, sizeof *said);
    struct decision_lead *lead = arena_calloc(arena, 1, sizeof *lead);
    char *config = json_dumps(json_object_get(context, "config"), JSON_COMPACT);

    for (size_t i = 0; i < n_passages; i++) {
        const json_t *passage = json_array_get(passages, i);

        known[i] = (struct passage){.chunk_id = "11111111-1111-4111-8111-111111111111",
                                    .document_id = "22222222-2222-4222-8222-222222222222",
                                    .kb_id = "33333333-3333-4333-8333-333333333333",
                                    .kind = "faq",
                                    .title = text_of(passage, "title"),
                                    .body = text_of(passage, "body"),
                                    .score = 0.9};
    }
    for (size_t i = 0; i < n_texts; i++)
        said[i] = (struct decision_message){.seq = (int64_t)i + 1,
                                            .author = "lead",
                                            .body = json_string_value(json_array_get(texts, i)),
                                            .created_at = 1};
    *lead = (struct decision_lead){.score = "COLD"};
    struct decision_input in = {.now = 1,
                                .local_time = text_of(context, "local_time"),
                                .client_name = text_of(context, "client_name"),
                                .timezone = "UTC",
                                .config = arena_strdup(arena, config),
                                .config_version = 1,
                                .state = "open",
                                .lead = lead,
                                .unanswered = said,
                                .n_unanswered = n_texts,
                                .passages = known,
                                .n_passages = n_passages};

    free(config);
    return in;
}

const char *const *truth_receipts(const json_t *context, struct arena *arena, size_t *ret_n)
{
    const json_t *receipts = json_object_get(context, "receipts");
    size_t n = json_array_size(receipts);
    const char **texts = arena_calloc(arena, n + 1, sizeof *texts);

    for (size_t i = 0; i < n; i++)
        texts[i] = json_string_value(json_array_get(receipts, i));
    *ret_n = n;
    return texts;
}
