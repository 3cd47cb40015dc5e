/* loop.c - see loop.h. */
#include "services/orchestrator/turn/loop.h"

#include <string.h>

#include "libshared/arena.h"
#include "services/orchestrator/guards/canon.h"
#include "services/orchestrator/scripted/words.h"
#include "services/orchestrator/turn/decision.h"

/* The words without the numbers: a machine counts, and tells the time. NULL when out of memory. */
static const char *without_numbers(struct arena *arena, const char *text)
{
    const char *plain = canon_text(arena, text), *folded = plain ? words_fold(arena, plain) : NULL;
    char *out = folded ? arena_strdup(arena, folded) : NULL;
    size_t n = 0;

    for (const char *p = out; p && *p; p++)
        if (*p < '0' || *p > '9')
            out[n++] = *p;
    if (out)
        out[n] = '\0';
    return out;
}

/* The lead's text of the history that stands before i, with an answer of the agent's between it and what follows. */
static size_t answered_before(const struct decision_input *in, size_t i)
{
    bool answered = false;

    while (i-- > 0) {
        const char *author = in->history[i].author;

        if (strcmp(author, "agent") == 0)
            answered = true;
        else if (strcmp(author, "lead") == 0 && answered)
            return i;
        else if (strcmp(author, "lead") != 0)
            break; /* a person is there */
    }
    return SIZE_MAX;
}

static bool says_the_same(struct arena *arena, const struct decision_input *in)
{
    const char *last = without_numbers(arena, in->unanswered[in->n_unanswered - 1].body), *other;
    size_t i = in->n_history, same = 1;

    if (!last || strlen(last) < LOOP_SAME_BYTES_MIN)
        return false;
    while (same < LOOP_SAME_MAX && (i = answered_before(in, i)) != SIZE_MAX) {
        if (in->history[i].created_at < in->now - LOOP_SAME_WINDOW_US ||
            !(other = without_numbers(arena, in->history[i].body)) || strcmp(other, last) != 0)
            return false;
        same++;
    }
    return same >= LOOP_SAME_MAX;
}

bool loop_seen(struct arena *arena, const struct decision_input *in)
{
    return in->recent_answers >= LOOP_ANSWERS_MAX || says_the_same(arena, in);
}
