/* turn_search.h - asking knowledge on behalf of one turn. */
#pragma once

#include <stddef.h>

struct arena;
struct err;
struct passage;
struct turn;
struct worker;

struct turn_searcher {
    struct worker *worker;
    const char *client_id, *trace_id;
};

/* The search of struct claude_search; arg is a struct turn_searcher. */
int turn_search(void *arg, const char *query, struct arena *arena, const struct passage **ret_passages, size_t *ret_n,
                struct err *err);

/* Adds to turn->in what is known about the unanswered texts. A failure costs the context, not the answer: it is in
 * turn->in.search_error. */
void turn_add_passages(struct turn_searcher *searcher, struct turn *turn, struct arena *arena);
