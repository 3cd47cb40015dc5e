/* topic.h - the words of a text that tell what it is about. Texts are bare: lower case letters and spaces alone
 * (claim_text_bare). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* The next such word at or behind *p and before end, without the Arabic article; *p is moved behind it. Its bytes; 0:
 * there is none. */
size_t topic_next(const char **p, const char *end, const char **ret_word);

/* Whether there is one from from to to. */
bool topic_between(const char *bare, size_t from, size_t to);

/* Meanings that tell one of several, and are no topic by themselves. */
enum { TOPIC_FURTHER = 1001, TOPIC_FIRST };

/* A word, in a bare text. */
struct topic {
    const char *word;
    size_t len;
    int meaning; /* words with the same number mean the same; 0: none */
};

/* All of a bare text; into arena. *ret_n of them; NULL when out of memory. */
struct topic *topics_read(struct arena *arena, const char *bare, size_t *ret_n);

/* Whether two words tell the same, but for their endings: "clean", "cleaning"; or are listed as meaning the same. */
bool topic_same(const struct topic *a, const struct topic *b);
