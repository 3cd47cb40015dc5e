/* guard_prompt.c - see guard_prompt.h. */
#include "services/orchestrator/guards/guard_prompt.h"

#include <pthread.h>
#include <string.h>

#include "libshared/arena.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/claude/prompt.h"
#include "services/orchestrator/guards/canon.h"
#include "services/orchestrator/scripted/words.h"
#include "services/orchestrator/turn/decision.h"

#define POLICY_WORDS  6
#define PERSONA_WORDS 8
#define POLICY_ROOM   ((size_t)1 << 20)

static const char *const names[] = {
    "<passage",          "</passage", "<passages",  "<lead_message",        "</lead_message",    "lead_message",
    "colleague_message", "<context>", "</context>", "record_qualification", "escalate_to_human", "search_knowledge",
    "Score so far:",     NULL};

static const char *fold(struct arena *arena, const char *text)
{
    const char *plain = text ? canon_text(arena, text) : NULL;

    return plain ? words_fold(arena, plain) : NULL;
}

/* The first n words in a row of folded that secret has too; both folded. */
static const char *common_words(struct arena *arena, const char *folded, const char *secret, int n)
{
    for (const char *start = folded; *start; start += strcspn(start + 1, " ") + 1) {
        const char *end = start;
        const char *run;
        int words = 0;

        while (words < n && end[0] == ' ' && end[1]) {
            end += strcspn(end + 1, " ") + 1;
            words++;
        }
        if (words < n || *end != ' ')
            return NULL;
        run = arena_strndup(arena, start, (size_t)(end - start) + 1);
        if (run && strstr(secret, run))
            return run;
        if (!start[1])
            break;
    }
    return NULL;
}

static struct arena *kept;
static const char *kept_policy;

static void fold_policy(void)
{
    if ((kept = arena_new(POLICY_ROOM)))
        kept_policy = fold(kept, prompt_policy());
}

/* It never changes, and is long: folded once. NULL when out of memory. */
static const char *folded_policy(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, fold_policy);
    return kept_policy;
}

const char *guard_prompt(struct arena *arena, const char *draft, const struct decision_input *in)
{
    const char *folded = fold(arena, draft), *policy = folded_policy(), *found;
    const char *persona = fold(arena, client_config_text(in->config, "persona", arena));

    for (const char *const *name = names; *name; name++)
        if (strcasestr(draft, *name))
            return *name;
    if (!folded || !policy)
        return "(out of memory)";
    if ((found = common_words(arena, folded, policy, POLICY_WORDS)))
        return found;
    return persona ? common_words(arena, folded, persona, PERSONA_WORDS) : NULL;
}
