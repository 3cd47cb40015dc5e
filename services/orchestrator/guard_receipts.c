/* guard_receipts.c - see guard_receipts.h. */
#include "services/orchestrator/guard_receipts.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/words.h"

#define SENTENCES_MAX 32
#define WORDS_BACK    6

static bool is_one_of(const char *word, size_t len, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == len && strncmp(*words, word, len) == 0)
            return true;
    return false;
}

/* Whether the words before p, back to the start of the sentence, make the deed one that is done. */
static bool is_done(const char *folded, const char *p)
{
    static const char *const done[] = {"ive",  "weve", "i",     "we",   "is",  "are",   "has",
                                       "have", "its",  "youre", "been", "was", "were",  "now",
                                       "just", "got",  "am",    "all",  "im",  "thats", NULL};
    static const char *const open[] = {"not",    "to",    "once",    "if",     "before", "can",    "cant", "would",
                                       "wont",   "could", "might",   "yet",    "after",  "until",  "when", "isnt",
                                       "havent", "hasnt", "will",    "be",     "get",    "cannot", "may",  "never",
                                       "wasnt",  "youd",  "nothing", "nobody", "no",     NULL};
    bool found = p == folded; /* "Booked!" */
    int words = 0;

    while (p > folded && words++ < WORDS_BACK) {
        const char *end = p;

        do
            p--;
        while (p > folded && *p != ' ');
        if (is_one_of(p + 1, (size_t)(end - p - 1), open))
            return false;
        found |= is_one_of(p + 1, (size_t)(end - p - 1), done);
    }
    return found;
}

static bool tells_deed(const char *folded)
{
    static const char *const deeds[] = {"booked",    "scheduled", "rescheduled", "cancelled",  "canceled", "reserved",
                                        "confirmed", "sent",      "emailed",     "dispatched", "arranged", "called",
                                        "refunded",  "charged",   "ordered",     NULL};

    for (const char *const *deed = deeds; *deed; deed++)
        for (const char *p = folded; (p = strstr(p, *deed)); p++)
            if (p[-1] == ' ' && p[strlen(*deed)] == ' ' && is_done(folded, p - 1))
                return true;
    return false;
}

const char *guard_receipts(struct arena *arena, const char *draft, const char *const *sources, size_t n_sources)
{
    struct sentence sentences[SENTENCES_MAX];
    size_t n = words_sentences(arena, draft, sentences, COUNT_OF(sentences));

    for (size_t i = 0; i < n; i++) {
        bool quoted = false;

        if (sentences[i].question || !tells_deed(sentences[i].folded))
            continue;
        for (size_t s = 0; s < n_sources && !quoted; s++) {
            const char *folded = words_fold(arena, sources[s]);

            quoted = folded && strstr(folded, sentences[i].folded);
        }
        if (!quoted)
            return sentences[i].text;
    }
    return NULL;
}
