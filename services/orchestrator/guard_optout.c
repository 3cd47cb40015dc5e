/* guard_optout.c - see guard_optout.h. */
#include "services/orchestrator/guard_optout.h"

#include <stddef.h>

#include "services/orchestrator/words.h"

const char *guard_optout(struct arena *arena, const char *text)
{
    static const char *const phrases[] = {
        "stop texting me",   "stop messaging me",   "stop contacting me",  "stop sending me",
        "stop writing me",   "dont text me",        "do not text me",      "dont message me",
        "do not message me", "dont contact me",     "do not contact me",   "dont write me",
        "never text me",     "never contact me",    "no more texts",       "no more messages",
        "unsubscribe me",    "remove me from your", "remove me from this", "remove my number",
        "take me off your",  "take me off this",    "take my number off",  "delete my number",
        "lose my number",    "leave me alone",      "quit texting me",     "stop these messages",
        "stop these texts",  "opt me out",          "i want to opt out",   NULL};
    const char *folded = words_fold(arena, text);

    return folded ? words_find(folded, phrases) : NULL;
}
