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
#include "services/orchestrator/agent_scripted.h"
#include "services/orchestrator/client_config.h"
#include "services/orchestrator/evidence.h"
#include "services/orchestrator/first_message.h"
#include "services/orchestrator/guard_claims.h"
#include "services/orchestrator/guard_receipts.h"
#include "services/orchestrator/outage.h"
#include "services/orchestrator/reply.h"
#include "services/orchestrator/turn.h"

#define SOURCES_MAX 256

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

struct sources {
    const char *texts[SOURCES_MAX];
    size_t n;
    size_t n_ours; /* the first ones: passages and configuration, not the lead's words */
};

static void add_source(struct sources *sources, const char *text)
{
    if (text && sources->n < SOURCES_MAX)
        sources->texts[sources->n++] = text;
}

/* Only what a lead may be told: not the number of the colleague who is alerted. */
static void add_config(struct sources *sources, const struct decision_input *in, struct arena *arena)
{
    static const char *const keys[] = {
        "business_description",  "persona", "greeting", "escalation_text", "twilio_phone_number",
        "twilio_whatsapp_number"};
    json_auto_t *config = json_loads(in->config, 0, NULL);
    const json_t *services = json_object_get(config, "services");

    for (size_t i = 0; i < COUNT_OF(keys); i++)
        add_source(sources, arena_strdup(arena, json_string_value(json_object_get(config, keys[i]))));
    for (size_t i = 0; i < json_array_size(services); i++)
        add_source(sources, arena_strdup(arena, json_string_value(json_array_get(services, i))));
}

static void collect_sources(const struct deciding *self, struct sources *sources)
{
    const struct decision_input *in = &self->turn->in;

    *sources = (struct sources){0};
    add_source(sources, in->client_name);
    for (size_t i = 0; i < in->n_passages; i++) {
        add_source(sources, in->passages[i].title);
        add_source(sources, in->passages[i].body);
    }
    for (size_t i = 0; self->asked_model && i < self->claude.n_sources; i++)
        add_source(sources, self->claude.sources[i]);
    add_config(sources, in, self->base->arena);
    sources->n_ours = sources->n;
    for (size_t i = 0; i < in->n_unanswered; i++)
        add_source(sources, in->unanswered[i].body);
    for (size_t i = 0; i < in->n_history; i++)
        if (strcmp(in->history[i].author, "lead") == 0 || strcmp(in->history[i].author, "human") == 0)
            add_source(sources, in->history[i].body);
}

/* What is wrong with the draft, worded for the model; NULL if nothing is. Noted in the record. */
static const char *objection(struct deciding *self)
{
    const char *draft = self->turn->out.reply, *deed, **unsupported = NULL;
    struct arena *arena = self->base->arena;
    AUTO(buf_free) struct buf list = {0};
    int64_t start = clock_mono_us();
    struct sources sources;
    json_t *wrong;
    size_t n;

    collect_sources(self, &sources);
    n = guard_claims(arena, draft, sources.texts, sources.n, &unsupported);
    deed = guard_receipts(arena, draft, sources.texts, sources.n_ours);
    self->guards_us += clock_mono_us() - start;
    if (n == 0 && !deed)
        return NULL;
    wrong = json_array();
    for (size_t i = 0; n != (size_t)-1 && i < n; i++) {
        buf_printf(&list, "%s\"%s\"", i > 0 ? ", " : "", unsupported[i]);
        json_array_append_new(wrong, json_string(unsupported[i]));
    }
    json_array_append_new(self->guards, json_pack("{s:s, s:s, s:o, s:s?}", "guard", n > 0 ? "claims" : "receipts",
                                                  "draft", draft, "unsupported", wrong, "deed", deed));
    return arena_printf(arena,
                        "Your reply was not sent. %s%s%s%s%s Write the reply again, to the lead, without what is not "
                        "supported; if the lead needs it, say that you do not know and that a colleague will answer.",
                        n > 0 ? "These stand in no passage, tool result or message of the lead: " : "",
                        list.data ? list.data : "", n > 0 ? "." : "",
                        deed ? " Nothing has been done, but it says: " : "", deed ? deed : "");
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
        if ((rc = introduce(&deciding, err)) == 0)
            rc = make_record(&deciding, wanted, err);
    }
    claude_destroy(&deciding.claude);
    json_decref(deciding.guards);
    return rc;
}
