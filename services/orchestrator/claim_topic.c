/* claim_topic.c - see claim_topic.h. */
#include "services/orchestrator/claim_topic.h"

#include <string.h>

#include "libshared/arena.h"
#include "services/orchestrator/claim_context.h"
#include "services/orchestrator/claims.h"
#include "services/orchestrator/words.h"

#define STEM_BYTES        5 /* of a word in Latin letters */
#define STEM_BYTES_ARABIC 8 /* four letters */

/* Words that may stand in a sentence about anything. */
static const char *const common[] = {
    "with",      "your",     "from",      "this",     "that",     "have",    "also",       "will",       "they",
    "them",      "first",    "comes",     "every",    "each",     "there",   "here",       "when",       "what",
    "until",     "about",    "then",      "gives",    "give",     "good",    "news",       "sure",       "yes",
    "costs",     "cost",     "price",     "charge",   "extra",    "totally", "completely", "absolutely", "course",
    "customers", "customer", "whoever",   "asks",     "para",     "como",    "esta",       "este",       "tiene",
    "usted",     "claro",    "cliente",   "clientes", "todo",     "tambien", "nuestro",    "nuestra",    "علي",
    "عند",       "هذا",      "لدينا",     "نقدم",     "واحد",     "واحده",   "offer",      "offers",     "ofrecemos",
    "provide",   "included", "include",   "offered",  "includes", "runs",    "works",      "work",       "gets",
    "takes",     "makes",    "available", "funciona", "hacemos",  "يوجد",    "لكم",        NULL};

static bool is_common(const char *word, size_t len)
{
    for (const char *const *c = common; *c; c++)
        if (strlen(*c) == len && strncmp(*c, word, len) == 0)
            return true;
    return false;
}

/* The sentence folded, without the words that promise and the sums. */
static const char *bare(struct arena *arena, const char *text, const struct claim_context *sentence)
{
    char *copy = arena_strndup(arena, text + sentence->start, sentence->end - sentence->start);
    struct claim *claims;
    size_t n = copy ? claims_find(arena, copy, &claims) : 0;

    for (size_t i = 0; i < n; i++)
        if (claims[i].kind == CLAIM_WORD || claims[i].kind == CLAIM_DAY || claims[i].kind == CLAIM_MONEY ||
            claims[i].kind == CLAIM_PERCENT)
            memset(copy + claims[i].start, ' ', claims[i].end - claims[i].start);
    return copy ? words_fold(arena, copy) : NULL;
}

/* The next word at *p that tells a topic, without the Arabic article and what is written with it; its stem's bytes. */
static size_t next_topic(const char **p, const char **ret_word)
{
    static const char *const prefixes[] = {"وال", "بال", "لل", "ال", NULL};

    for (const char *word = *p; *word;) {
        size_t len, max = STEM_BYTES, min = 4;

        word += strspn(word, " ");
        len = strcspn(word, " ");
        *p = word + len;
        for (const char *const *prefix = prefixes; *prefix; prefix++)
            if (strncmp(word, *prefix, strlen(*prefix)) == 0 && len > strlen(*prefix) + 4) {
                word += strlen(*prefix);
                len -= strlen(*prefix);
                break;
            }
        if ((unsigned char)*word >= 0x80) {
            max = STEM_BYTES_ARABIC;
            min = 6;
        }
        if (len >= min && !is_common(word, len)) {
            *ret_word = word;
            return len < max ? len : max;
        }
        word = *p;
    }
    return 0;
}

static bool has_topic(const char *folded, const char *stem, size_t len)
{
    const char *word;

    for (size_t n; (n = next_topic(&folded, &word));)
        if (strncmp(word, stem, n < len ? n : len) == 0)
            return true;
    return false;
}

bool claim_topic_shared(struct arena *arena, const char *text, const struct claim_context *sentence, const char *other,
                        const struct claim_context *other_sentence)
{
    const char *ours = bare(arena, text, sentence), *theirs = bare(arena, other, other_sentence), *word;
    size_t len, topics = 0, shared = 0;

    if (!ours || !theirs)
        return false;
    for (; (len = next_topic(&ours, &word)); topics++)
        shared += has_topic(theirs, word, len);
    return shared * 2 > topics || topics == 0;
}
