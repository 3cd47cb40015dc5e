/* turn_decide.c - see turn_decide.h. */
#include "services/orchestrator/turn_decide.h"

#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/clock.h"
#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/log.h"
#include "libshared/text.h"
#include "services/orchestrator/agent_scripted.h"
#include "services/orchestrator/client_config.h"
#include "services/orchestrator/evidence.h"
#include "services/orchestrator/first_message.h"
#include "services/orchestrator/guard_draft.h"
#include "services/orchestrator/identity.h"
#include "services/orchestrator/outage.h"
#include "services/orchestrator/reply.h"
#include "services/orchestrator/turn.h"

#define IDENTITY_TEXT_MAX 16000

/* One decision under way. */
struct deciding {
    struct decider *base;
    struct turn *turn;
    struct claude claude;
    bool asked_model;     /* claude holds a request and answers */
    struct err model_err; /* why the model did not answer; kind ERR_NONE: it did, or was not asked */
    json_t *guards;       /* [{guard, draft, unsupported, outcome}] */
    int64_t agent_us, guards_us;
};

/* ---- guards ---- */

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
    struct guard_result result;
    bool passed = guard_draft(arena, &self->turn->in, self->claude.sources,
                              self->asked_model ? self->claude.n_sources : 0, draft, &result);

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
    if (strcmp(self->turn->in.state, "open") == 0) {
        out->escalate = true;
        out->escalation_reason = "the answer held a claim that nothing supports";
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
    const char *asked = decision_unanswered_text(in, IDENTITY_TEXT_MAX, arena), *said, *rest;
    bool told;

    if (!asked || !identity_asked(arena, asked))
        return 0;
    told = identity_told(arena, out->reply);
    json_array_append_new(self->guards, json_pack("{s:s, s:s, s:[], s:s}", "guard", "identity", "draft", out->reply,
                                                  "unsupported", "outcome", told ? "told already" : "told"));
    if (told)
        return 0;
    said = identity_sentence(arena, language_of(in, arena), in->client_name);
    rest = said ? reply_fit(arena, out->reply, REPLY_MAX - 1 - utf8_count(said)) : NULL;
    if (!rest || !(out->reply = *rest ? arena_printf(arena, "%s %s", said, rest) : said))
        return err_set(err, ERR_INTERNAL, "turn: out of memory");
    return 0;
}

/* Who writes, and how to make it stop: not the agent's to say, and so not the guards' to check. */
static int introduce(struct deciding *self, struct err *err)
{
    const struct decision_input *in = &self->turn->in;
    struct decision_output *out = &self->turn->out;
    struct arena *arena = self->base->arena;

    if (!in->first_message)
        return 0;
    out->reply =
        first_message(arena, in->client_name, client_config_text(in->config, "first_message_opt_out_line", arena),
                      out->reply, REPLY_MAX);
    return out->reply ? 0 : err_set(err, ERR_INTERNAL, "turn: out of memory");
}

/* ---- agents ---- */

static bool model_is_wanted(const struct deciding *self, const char **ret_agent)
{
    const char *agent = client_config_text(self->turn->in.config, "agent", self->base->arena);

    *ret_agent = agent ? agent : "auto";
    return self->base->config->anthropic_api_key && strcmp(*ret_agent, "scripted") != 0;
}

static int ask_model(struct deciding *self, struct err *err)
{
    struct decider *base = self->base;
    const struct config *config = base->config;
    const char *model = client_config_text(self->turn->in.config, "anthropic_model", base->arena);

    self->claude = (struct claude){
        .api = {.base_url = config->anthropic_base_url, .api_key = config->anthropic_api_key, .http = base->http},
        .model = model ? model : config->anthropic_model,
        .search = base->search,
        .deadline_ms = base->deadline_ms,
        .arena = base->arena,
        .in = &self->turn->in,
    };
    self->asked_model = true;
    self->turn->out = decision_start(&self->turn->in, "claude");
    if (claude_start(&self->claude, err) < 0)
        return -1;
    return claude_answer(&self->claude, &self->turn->out, err);
}

/* Whether the provider answered at all, be it with what is of no use: that may be due to what this lead wrote. */
static bool provider_answered(const struct deciding *self)
{
    const json_t *answers = self->claude.answers;
    const json_t *last = json_array_get(answers, json_array_size(answers) - 1);

    return json_is_object(json_object_get(last, "message")) || self->model_err.kind != ERR_UNAVAILABLE;
}

/* 0: out is the model's. -1 with model_err otherwise. */
static int try_model(struct deciding *self)
{
    struct outage *outage = self->base->outage;
    int rc;

    if (!outage_may_ask(outage, clock_mono_ms()))
        return err_set(&self->model_err, ERR_UNAVAILABLE, "the model is away: it gave no answer to the turns before");
    rc = ask_model(self, &self->model_err);
    outage_note(outage, rc == 0 || provider_answered(self));
    return rc;
}

static void log_model_failure(const struct deciding *self)
{
    const struct err *err = &self->model_err;
    bool lasting = err->kind == ERR_INVALID || err->kind == ERR_DENIED || err->kind == ERR_INTERNAL;

    log_write(lasting ? LOG_ERROR : LOG_WARN, "the model gave no answer, the scripted agent answers",
              (struct log_field[]){log_str("client_id", self->turn->client_id),
                                   log_str("conversation_id", self->turn->conversation_id),
                                   log_str("turn_id", self->turn->turn_id),
                                   log_int("provider_code", err->provider_code),
                                   log_str("kind", err_kind_name(err->kind)),
                                   log_str("error", err->text),
                                   {0}});
}

static int run_agent(struct deciding *self, const char **ret_wanted, struct err *err)
{
    int64_t start = clock_mono_us();
    int rc = -1;

    if (model_is_wanted(self, ret_wanted)) {
        rc = try_model(self);
        if (rc < 0)
            log_model_failure(self);
    } else if (strcmp(*ret_wanted, "claude") == 0) {
        err_set(&self->model_err, ERR_UNAVAILABLE, "ANTHROPIC_API_KEY is not set");
    }
    if (rc < 0)
        rc = agent_scripted(&self->turn->in, self->base->arena, &self->turn->out, err);
    else
        evidence_complete(self->base->arena, &self->turn->in, &self->turn->out);
    self->agent_us = clock_mono_us() - start;
    return rc;
}

/* ---- the record ---- */

static void put_json(struct buf *out, const char *name, const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

    if (text)
        buf_printf(out, ",\"%s\":%s", name, text);
    free(text);
}

static int make_record(struct deciding *self, const char *wanted, struct err *err)
{
    const struct claude *claude = &self->claude;
    const struct err *failed = &self->model_err;
    json_auto_t *fallback = NULL, *tokens = NULL;
    AUTO(buf_free) struct buf out = {0};

    buf_printf(&out, "{\"v\":1,\"wanted\":");
    buf_json_string(&out, wanted);
    buf_puts(&out, ",\"input\":");
    if (codec_to_json(&decision_input_type, &self->turn->in, &out, err) < 0)
        return -1;
    if (failed->kind != ERR_NONE) {
        fallback = json_pack("{s:s, s:i, s:s}", "kind", err_kind_name(failed->kind), "provider_code",
                             failed->provider_code, "error", failed->text);
        put_json(&out, "fallback", fallback);
    }
    if (self->asked_model) {
        tokens = json_pack("{s:I, s:I, s:I, s:I}", "input", (json_int_t)claude->input_tokens, "output",
                           (json_int_t)claude->output_tokens, "cache_read", (json_int_t)claude->cache_read_tokens,
                           "cache_write", (json_int_t)claude->cache_write_tokens);
        put_json(&out, "model_request", claude->request);
        put_json(&out, "model_answers", claude->answers);
        put_json(&out, "receipts", claude->receipts);
        put_json(&out, "tokens", tokens);
    }
    put_json(&out, "guards", self->guards);
    buf_printf(&out,
               ",\"times_us\":{\"load\":%lld,\"search\":%lld,\"agent\":%lld,\"guards\":%lld},\"waited_ms\":%lld,"
               "\"output\":",
               (long long)self->base->load_us, (long long)self->base->search_us, (long long)self->agent_us,
               (long long)self->guards_us, (long long)self->turn->waited_ms);
    if (codec_to_json(&decision_output_type, &self->turn->out, &out, err) < 0)
        return -1;
    buf_puts(&out, "}");
    if (out.failed || !(self->turn->record = arena_strdup(self->base->arena, out.data)))
        return err_set(err, ERR_INTERNAL, "turn: the record does not fit into memory");
    self->turn->input_tokens = claude->input_tokens + claude->cache_read_tokens + claude->cache_write_tokens;
    self->turn->output_tokens = claude->output_tokens;
    return 0;
}

int turn_decide(struct decider *self, struct turn *turn, struct err *err)
{
    struct deciding deciding = {.base = self, .turn = turn, .guards = json_array()};
    const char *wanted = NULL;
    int rc = run_agent(&deciding, &wanted, err);

    if (rc == 0) {
        failpoint("orchestrator.after_agent");
        guard(&deciding);
        if ((rc = identify(&deciding, err)) == 0 && (rc = introduce(&deciding, err)) == 0)
            rc = make_record(&deciding, wanted, err);
    }
    claude_destroy(&deciding.claude);
    json_decref(deciding.guards);
    return rc;
}
