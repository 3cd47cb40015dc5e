/* turn_guards.c - what stands between a draft and the lead; see turn_decide_internal.h. */
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/greeting/first_message.h"
#include "services/orchestrator/later/follow_up_plan.h"
#include "services/orchestrator/scripted/identity.h"
#include "services/orchestrator/turn/reply.h"
#include "services/orchestrator/turn/reply_channel.h"
#include "services/orchestrator/turn/turn.h"
#include "services/orchestrator/turn/turn_decide_internal.h"

#define IDENTITY_TEXT_MAX 16000

/* The texts in quotes, a comma between them. */
static void put_list(struct buf *out, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s\"%s\"", i > 0 ? ", " : "", texts[i]);
}

static void record_objection(struct deciding *self, const struct guard_result *result, const char *draft)
{
    size_t n = result->n_unsupported == (size_t)-1 ? 0 : result->n_unsupported;
    const char *guard = result->leak             ? "prompt"
                        : result->denial         ? "identity"
                        : result->deed && n == 0 ? "receipts"
                                                 : "claims";
    json_t *wrong = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(wrong, json_string(result->unsupported[i]));
    json_array_append_new(self->guards,
                          json_pack("{s:s, s:s, s:o, s:s?, s:s?, s:s?}", "guard", guard, "draft", draft, "unsupported",
                                    wrong, "deed", result->deed, "leak", result->leak, "denial", result->denial));
}

/* What is wrong with the draft, worded for the model; NULL if nothing is. Noted in the record. */
static const char *objection(struct deciding *self)
{
    const char *draft = self->turn->out.reply;
    struct arena *arena = self->base->arena;
    AUTO(buf_free) struct buf text = {0};
    int64_t start = clock_mono_us();
    struct guard_result result = {.n_unsupported = (size_t)-1};
    size_t n_found = self->asked_model ? self->claude.n_sources : 0;
    bool passed;

    if (!self->guard)
        self->guard = guard_new(arena, &self->turn->in);
    passed = self->guard && guard_draft(self->guard, self->claude.sources, n_found, &self->turn->out, &result);
    self->guards_us += clock_mono_us() - start;
    if (passed)
        return NULL;
    record_objection(self, &result, draft);
    buf_puts(&text, "Your reply was not sent.");
    if (result.n_unsupported > 0 && result.n_unsupported != (size_t)-1) {
        buf_puts(&text, " These stand in no passage, tool result or message of the lead: ");
        put_list(&text, result.unsupported, result.n_unsupported);
        buf_puts(&text, ".");
    }
    if (result.deed)
        buf_printf(&text, " Nothing has been done, but it says: %s", result.deed);
    if (result.leak)
        buf_puts(&text, " It repeats what is only for you.");
    if (result.denial)
        buf_printf(&text, " You are an automated assistant, but it says: %s", result.denial);
    buf_puts(&text,
             " Write the reply again, to the lead, without what is not supported; if the lead needs it, say that "
             "you do not know and that a colleague will answer.");
    return text.failed ? "Your reply was not sent. Write it again." : arena_strdup(arena, text.data);
}

static void note_outcome(struct deciding *self, const char *outcome)
{
    json_t *last = json_array_get(self->guards, json_array_size(self->guards) - 1);

    json_object_set_new(last, "outcome", json_string(outcome));
}

/* What cannot be supported is not sent: a person is called instead. */
static void replace_by_escalation(struct deciding *self)
{
    struct decision_output *out = &self->turn->out;

    note_outcome(self, "replaced");
    out->reply = decision_escalation_text(&self->turn->in, self->base->arena);
    out->asked = NULL;
    if (!out->escalate && escalation_wanted(&self->turn->in, CAUSE_CLAIM)) {
        out->escalate = true;
        out->escalation_reason = escalation_reason(CAUSE_CLAIM, LANGUAGE_ENGLISH);
        out->cause = escalation_name(CAUSE_CLAIM);
    }
}

static void guard(struct deciding *self)
{
    struct decision_output *out = &self->turn->out, repaired = *out;
    const char *wrong = objection(self);
    struct err err = {0};

    if (!wrong)
        return;
    if (strcmp(out->agent, "claude") == 0 && claude_object(&self->claude, wrong, &err) == 0 &&
        claude_answer(&self->claude, &repaired, &err) == 0) {
        note_outcome(self, "repair asked");
        *out = repaired;
        if (!objection(self))
            return;
    }
    replace_by_escalation(self);
}

/* "Are you a bot?" gets a truthful answer, whatever the agent has made of it. */
static int identify(struct deciding *self, struct err *err)
{
    const struct decision_input *in = &self->turn->in;
    struct decision_output *out = &self->turn->out;
    struct arena *arena = self->base->arena;
    const char *asked = decision_unanswered_text(in, IDENTITY_TEXT_MAX, arena), *said;
    struct reply_limit limit = reply_limit(in);
    bool told;

    if (!asked || !identity_asked(arena, asked))
        return 0;
    told = identity_told(arena, out->reply);
    json_array_append_new(self->guards, json_pack("{s:s, s:s, s:[], s:s}", "guard", "identity", "draft", out->reply,
                                                  "unsupported", "outcome", told ? "told already" : "told"));
    if (told)
        return 0;
    said = identity_sentence(arena, language_of(in, arena), in->client_name);
    if (!said || !(out->reply = reply_behind(arena, said, out->reply, &limit)))
        return err_set(err, ERR_INTERNAL, "turn: out of memory");
    return 0;
}

/* Who writes, and how to make it stop: not the agent's to say, and so not the guards' to check. */
static int introduce(struct deciding *self, struct err *err)
{
    const struct decision_input *in = &self->turn->in;
    struct decision_output *out = &self->turn->out;
    struct arena *arena = self->base->arena;
    struct reply_limit limit = reply_limit(in);
    struct first_message says = {.name = in->client_name,
                                 .disclosure = client_config_text(in->config, "disclosure_line", arena),
                                 .line = client_config_text(in->config, "first_message_opt_out_line", arena)};
    const char *draft = out->reply;

    if (!in->first_message)
        return 0;
    for (size_t max = limit.chars; max > 0; max -= max / 16 + 1)
        if (!(out->reply = first_message(arena, &says, draft, max)) || reply_fits(out->reply, &limit))
            break;
    return out->reply ? 0 : err_set(err, ERR_INTERNAL, "turn: out of memory");
}

int turn_guard(struct deciding *self, struct err *err)
{
    turn_call_person(self);
    guard(self);
    if (turn_tell_call(self, err) < 0)
        return -1;
    if (follow_up_plan(self->base->arena, &self->turn->in, &self->turn->out) < 0)
        return err_set(err, ERR_INTERNAL, "turn: out of memory");
    return identify(self, err) < 0 || introduce(self, err) < 0 ? -1 : 0;
}
