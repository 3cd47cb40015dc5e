/* turn_record.c - what is kept of a decision, as JSON; see turn_decide_internal.h. */
#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/build.h"
#include "libshared/err.h"
#include "libshared/json_text.h"
#include "services/orchestrator/claude/prompt.h"
#include "services/orchestrator/turn/turn.h"
#include "services/orchestrator/turn/turn_decide_internal.h"

static void put_json(struct buf *out, const char *name, const json_t *value)
{
    if (!value)
        return;
    buf_printf(out, ",\"%s\":", name);
    json_text_put(out, value);
}

/* Of all its answers, a repair's among them. */
static void count_usage(struct deciding *self)
{
    const struct claude *claude = &self->claude;
    struct turn *turn = self->turn;

    turn->fallback = turn->model_err.kind != ERR_NONE;
    if (!self->asked_model)
        return;
    turn->model = claude->model;
    turn->tokens = (struct model_tokens){.input = claude->input_tokens,
                                         .output = claude->output_tokens,
                                         .cache_read = claude->cache_read_tokens,
                                         .cache_write = claude->cache_write_tokens};
}

/* What exchanges before have said is kept with their turns, once. */
static int put_input(const struct deciding *self, struct buf *out, struct err *err)
{
    struct decision_input in = self->turn->in;
    struct decision_exchange *bare = arena_calloc(self->base->arena, in.n_exchanges, sizeof *bare);

    if (!bare)
        return err_set(err, ERR_INTERNAL, "turn: out of memory");
    for (size_t i = 0; i < in.n_exchanges; i++) {
        bare[i] = in.exchanges[i];
        bare[i].messages = NULL;
    }
    in.exchanges = bare;
    return codec_to_json(&decision_input_type, &in, out, err);
}

/* What the input does not tell of the last request: the messages behind the history. */
static void put_request(struct buf *out, const struct claude *claude)
{
    buf_puts(out, ",\"model_request\":{\"model\":");
    buf_json_string(out, claude->model);
    buf_printf(out, ",\"max_tokens\":%d,\"history_messages\":%zu,\"messages\":", PROMPT_MAX_TOKENS, claude->first);
    claude_put_messages(claude, json_array_size(claude->messages), out);
    buf_puts(out, "}");
}

int turn_make_record(struct deciding *self, const char *wanted, struct err *err)
{
    const struct claude *claude = &self->claude;
    const struct err *failed = &self->turn->model_err;
    json_auto_t *fallback = NULL, *tokens = NULL;
    AUTO(buf_free) struct buf out = {0};

    buf_printf(&out, "{\"v\":%d,\"code\":", TURN_RECORD_VERSION);
    buf_json_string(&out, build_name());
    buf_puts(&out, ",\"wanted\":");
    buf_json_string(&out, wanted);
    buf_puts(&out, ",\"input\":");
    if (put_input(self, &out, err) < 0)
        return -1;
    if (failed->kind != ERR_NONE) {
        fallback = json_pack("{s:s, s:i, s:s}", "kind", self->over_budget ? "budget" : err_kind_name(failed->kind),
                             "provider_code", failed->provider_code, "error", failed->text);
        put_json(&out, "fallback", fallback);
    }
    if (self->asked_model) {
        tokens = json_pack("{s:I, s:I, s:I, s:I}", "input", (json_int_t)claude->input_tokens, "output",
                           (json_int_t)claude->output_tokens, "cache_read", (json_int_t)claude->cache_read_tokens,
                           "cache_write", (json_int_t)claude->cache_write_tokens);
        buf_printf(&out, ",\"prompt_sha256\":\"%s\"", claude->prompt_sha256);
        put_request(&out, claude);
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
    if (self->asked_model)
        self->turn->exchange = claude_exchange(claude);
    count_usage(self);
    return 0;
}
