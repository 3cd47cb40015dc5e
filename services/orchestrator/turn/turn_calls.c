/* turn_calls.c - calling a person by rule, whatever the model has made of it; see turn_decide_internal.h.
 *
 * The scripted agent follows the same rules by itself. */
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/orchestrator/escalation/escalation.h"
#include "services/orchestrator/guards/canon.h"
#include "services/orchestrator/scripted/intents.h"
#include "services/orchestrator/scripted/templates.h"
#include "services/orchestrator/scripted/words.h"
#include "services/orchestrator/turn/reply_channel.h"
#include "services/orchestrator/turn/turn.h"
#include "services/orchestrator/turn/turn_decide_internal.h"

#define MISSES_MAX 2 /* as of the scripted agent */
#define TEXT_MAX   16000

/* How a model says that it does not know. */
static const char *const unknowing[] = {"i dont know",
                                        "i do not know",
                                        "im not sure",
                                        "i am not sure",
                                        "i dont have",
                                        "i do not have",
                                        "i cant say",
                                        "i cannot say",
                                        "not certain",
                                        "no lo se",
                                        "no se",
                                        "no tengo esa",
                                        "no tengo informacion",
                                        "no estoy seguro",
                                        "no estoy segura",
                                        "no dispongo",
                                        "لا اعرف",
                                        "لا اعلم",
                                        "ليس لدي",
                                        "ليست لدي",
                                        "لست متاكدا",
                                        NULL};

/* A question was asked, and the reply owns that it does not know. */
static bool is_miss(struct arena *arena, const struct decision_input *in, const char *reply)
{
    const char *text = decision_unanswered_text(in, TEXT_MAX, arena), *plain, *folded;
    struct intents intents;

    if (!text)
        return false;
    intents = intents_read(arena, text, in->asked);
    if (intents.questions == 0 || !(plain = canon_text(arena, reply)) || !(folded = words_fold(arena, plain)))
        return false;
    return words_find(folded, unknowing) != NULL;
}

static void call(struct decision_output *out, enum escalation_cause cause)
{
    if (!out->escalation_reason)
        out->escalation_reason = escalation_reason(cause, LANGUAGE_ENGLISH);
    out->escalate = true;
    out->cause = escalation_name(cause);
}

void turn_call_person(struct deciding *self)
{
    const struct decision_input *in = &self->turn->in;
    struct decision_output *out = &self->turn->out;
    enum escalation_cause cause;

    if (strcmp(out->agent, "claude") != 0)
        return;
    out->misses = is_miss(self->base->arena, in, out->reply) ? in->misses + 1 : 0;
    cause = escalation_of(in);
    if (out->escalate) { /* the model's reason tells more, the rule's cause is kept */
        out->cause = escalation_name(cause != CAUSE_NONE ? cause : CAUSE_MODEL);
        return;
    }
    if (cause == CAUSE_NONE && out->misses >= MISSES_MAX)
        cause = CAUSE_UNKNOWN;
    if (!escalation_wanted(in, cause))
        return;
    call(out, cause);
    self->to_be_told = cause;
}

/* Of a legal threat the model has nothing to say. Elsewhere its answer stands behind what is told. */
int turn_tell_call(struct deciding *self, struct err *err)
{
    struct decision_output *out = &self->turn->out;
    struct arena *arena = self->base->arena;
    const struct decision_input *in = &self->turn->in;
    const char *called = decision_escalation_text(in, arena), *said = called;
    struct reply_limit limit = reply_limit(in);

    if (self->to_be_told == CAUSE_NONE || (called && strcmp(out->reply, called) == 0))
        return 0;
    if (called && self->to_be_told == CAUSE_ANGER)
        said = arena_printf(arena, "%s %s", template_text(SAY_SORRY, language_of(in, arena)), called);
    out->reply = said && self->to_be_told != CAUSE_LEGAL ? reply_behind(arena, said, out->reply, &limit) : said;
    if (self->to_be_told == CAUSE_LEGAL)
        out->asked = NULL;
    return out->reply ? 0 : err_set(err, ERR_INTERNAL, "turn: out of memory");
}
