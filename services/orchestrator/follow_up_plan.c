/* follow_up_plan.c - see follow_up_plan.h. */
#include "services/orchestrator/follow_up_plan.h"

#include <string.h>

#include "libshared/auto.h"
#include "services/orchestrator/client_config.h"
#include "services/orchestrator/intents.h"
#include "services/orchestrator/language.h"
#include "services/orchestrator/phrases.h"
#include "services/orchestrator/plain.h"
#include "services/orchestrator/qualify.h"
#include "services/orchestrator/words.h"

#define TEXT_MAX      16000
#define SENTENCES_MAX 40

static const char *language_name(enum language language)
{
    static const char *const names[] = {[LANGUAGE_ENGLISH] = "en", [LANGUAGE_SPANISH] = "es", [LANGUAGE_ARABIC] = "ar"};

    return names[language];
}

static bool asks_something(struct arena *arena, const struct decision_output *out)
{
    struct sentence sentences[SENTENCES_MAX];
    size_t n = words_sentences(arena, out->reply, sentences, COUNT_OF(sentences));

    for (size_t i = 0; i < n; i++)
        if (sentences[i].question)
            return true;
    return out->asked != NULL;
}

/* "ok, thanks": the lead has got what it wanted. */
static bool takes_leave(struct arena *arena, const struct decision_input *in)
{
    const char *text = decision_unanswered_text(in, TEXT_MAX, arena);
    const char *plain = text ? plain_letters(arena, text) : NULL;
    const char *folded = plain ? words_fold(arena, plain) : NULL;
    struct intents intents;

    if (!folded)
        return false;
    intents = intents_read(arena, text, in->asked);
    return (intents.thanks && !intents.questions && !intents.booking) || phrase_is(folded, phrases_nothing);
}

/* As the rules see it, whoever wrote the reply: of what the model found out they know only what it recorded. */
static bool has_declined(struct arena *arena, const struct decision_input *in)
{
    struct decision_output seen = decision_start(in, "scripted");
    struct slots slots;

    qualify(arena, in, &seen, &slots);
    return slots.value[SLOT_NOT_INTERESTED] != NULL;
}

static bool may_follow(struct arena *arena, const struct decision_input *in, const struct decision_output *out)
{
    return strcmp(in->state, "open") == 0 && !out->escalate && !has_declined(arena, in);
}

void follow_up_plan(struct arena *arena, const struct decision_input *in, struct decision_output *out)
{
    if (client_config_ints(in->config, "follow_up_after_hours", &(int){0}, 1) == 0 || !may_follow(arena, in, out) ||
        (!asks_something(arena, out) && takes_leave(arena, in)))
        return;
    out->follow_up = "silence";
    out->language = language_name(language_of(in, arena));
}
