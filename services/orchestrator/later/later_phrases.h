/* later_phrases.h - the words of a wish to be written to, or called, at another time. Folded: lower case, without
 * accents and apostrophes; phrases with one space between their words. */
#pragma once

#include "services/orchestrator/later/later.h"

struct later_verb {
    const char *words;
    enum later_kind kind;
};

extern const struct later_verb later_verbs[]; /* ends with {0} */

/* Each ends with NULL; see what stands above them in later_phrases.c. */
extern const char *const later_refused_before[];
extern const char *const later_asks[];
extern const char *const later_refused_between[];
extern const char *const later_fillers[];
