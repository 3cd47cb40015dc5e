/* intents.h - what the texts of a lead want of us. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct sentence;

struct intents {
    bool bot;     /* asks whether a machine writes */
    bool human;   /* wants a person */
    bool booking; /* wants an appointment or somebody to come */
    bool greeting, thanks, yes;
    int questions; /* that knowledge may answer */
    bool deed;     /* one of them asks for something to be done */
    bool price;    /* one of them is about money */
};

/* Of all texts together. asked: what our last answer asked for; "yes" to "handover" wants a person. */
struct intents intents_read(struct arena *arena, const char *text, const char *asked);

/* Of the sentences those that ask what knowledge may answer, in their order, at most max. Returns how many. */
size_t intents_questions(struct arena *arena, const struct sentence *sentences, size_t n, const char **ret_questions,
                         size_t max);

/* "question price greeting"; "statement" if there is none. In arena or static. */
const char *intents_names(struct arena *arena, const struct intents *intents);
