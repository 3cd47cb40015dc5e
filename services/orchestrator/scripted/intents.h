/* intents.h - what the texts of a lead want of us. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct intents {
    bool bot;     /* asks whether a machine writes */
    bool human;   /* wants a person */
    bool who;     /* asks who we are */
    bool booking; /* wants an appointment or somebody to come */
    bool cancel;  /* ... none any more, or at another time */
    bool own;     /* asks how something of its own stands */
    bool danger;  /* tells of danger to somebody */
    bool vendor;  /* wants to sell us something */
    bool job;     /* wants to work for us */
    bool phone;   /* asks for our number */
    bool greeting, thanks, yes;
    int questions; /* that knowledge may answer */
    bool deed;     /* one of them asks for something to be done */
    bool brief;    /* one of them has no verb: "Friday by video?" */
    bool proposal; /* of another time: "how about Friday" */
    bool price;    /* one of them is about money */
};

/* Of all texts together. asked: what our last answer asked for; "yes" to "handover" wants a person. */
struct intents intents_read(struct arena *arena, const char *text, const char *asked);

/* Whether the text asks something, and for nothing to be done. */
bool intents_asks(struct arena *arena, const char *text);

/* What knowledge may answer: the sentences of the text that ask, in their order, at most max; one that asks two things
 * ("do you work in Salem and how much is a visit") is two. Returns how many. In arena, or parts of text. */
size_t intents_questions(struct arena *arena, const char *text, const char **ret_questions, size_t max);

/* "question price greeting"; "statement" if there is none. In arena or static. */
const char *intents_names(struct arena *arena, const struct intents *intents);
