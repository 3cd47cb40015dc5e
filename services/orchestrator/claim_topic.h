/* claim_topic.h - whether two sentences are about the same thing. */
#pragma once

#include <stdbool.h>

struct arena;
struct claim_context;

/* Whether the other sentence has most of the words that tell what the first one is about, by their first letters; true
 * also where the first has no such word ("Yes, it's free."). Texts are plain. */
bool claim_topic_shared(struct arena *arena, const char *text, const struct claim_context *sentence, const char *other,
                        const struct claim_context *other_sentence);
