/* service_named.h - which of a client's services a lead means, or in which words they say what they want. */
#pragma once

#include <stddef.h>

struct arena;
struct clause;

/* The services of a client, made ready for looking them up. */
struct service_list {
    const char *const *names;
    size_t n;
    const char **folded;     /* plain and folded, by service */
    const char **vocabulary; /* their longer words, ends with NULL: for plain_mend */
};

/* Keeps names. -1 only when out of memory. */
int service_list_make(struct arena *arena, const char *const *names, size_t n, struct service_list *ret_list);

/* The client's services that the folded text names, as the client writes them, with ", " between several; NULL if it
 * names none. In arena or the client's. */
const char *service_known(struct arena *arena, const struct service_list *list, const char *folded);

/* What is wanted or broken, in the lead's own words; NULL if the sentence does not say it. In arena. */
const char *service_said(struct arena *arena, const struct clause *clause);

/* The text's first thought, at most eight words; NULL where there is none. In arena. */
const char *service_thought(struct arena *arena, const char *text);
