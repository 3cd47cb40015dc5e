/* guard_optout.c - see guard_optout.h. */
#include "services/orchestrator/guard_optout.h"

#include <stddef.h>
#include <string.h>

#include "libshared/auto.h"
#include "services/orchestrator/words.h"

/* Texts that say nothing but this: within a longer one the same words may mean anything ("please stop the leak"). */
static const char *whole_text(const char *folded)
{
    static const char *const texts[] = {"please stop",        "stop please",      "pls stop",      "stop pls",
                                        "plz stop",           "stop plz",         "stop it",       "please stop it",
                                        "stop this",          "please stop this", "stop now",      "please stop now",
                                        "just stop",          "stop thanks",      "stop texting",  "stop messaging",
                                        "stop all",           "stop thank you",   "please end",    "please unsubscribe",
                                        "unsubscribe please", "please opt out",   "opt out please"};
    size_t len = strlen(folded);

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (strlen(texts[i]) + 2 == len && words_have(folded, texts[i]))
            return texts[i];
    return NULL;
}

const char *guard_optout(struct arena *arena, const char *text)
{
    static const char *const phrases[] = {"stop texting me",     "stop messaging me",     "stop contacting me",
                                          "stop sending me",     "stop writing me",       "dont text me",
                                          "do not text me",      "dont message me",       "do not message me",
                                          "dont contact me",     "do not contact me",     "dont write me",
                                          "never text me",       "never contact me",      "no more texts",
                                          "no more messages",    "unsubscribe me",        "remove me from your",
                                          "remove me from this", "remove my number",      "take me off your",
                                          "take me off this",    "take my number off",    "delete my number",
                                          "lose my number",      "leave me alone",        "quit texting me",
                                          "stop these messages", "stop these texts",      "opt me out",
                                          "i want to opt out",   "please stop texting",   "please stop messaging",
                                          "stop texting this",   "stop texting my",       "stop texting us",
                                          "stop messaging this", "dont text this number", "do not text this number",
                                          "stop sending texts",  "stop sending messages", NULL};
    const char *folded = words_fold(arena, text);

    const char *words = folded ? words_find(folded, phrases) : NULL;

    return words || !folded ? words : whole_text(folded);
}
