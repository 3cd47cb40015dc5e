/* why_record.c - what a turn's record tells; see why.h. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/orchestrator/api/why.h"
#include "services/orchestrator/turn/turn_recorded.h"

#define SHOWN_MAX 4000 /* bytes of a text: all of them together must fit into one message */
#define LIST_MAX  50   /* receipts and calls */
#define JSON_MAX  131072

static const char *cut(struct arena *arena, const char *text, size_t max)
{
    size_t len = text ? strlen(text) : 0;

    return len > max ? arena_strndup(arena, text, utf8_cut(text, len, max)) : text;
}

static const char *text_of(const json_t *object, const char *name, size_t max, struct arena *arena)
{
    return arena_strdup(arena, cut(arena, json_string_value(json_object_get(object, name)), max));
}

static int64_t count_of(const json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));

    return value < 0 ? 0 : value > 1000000000000 ? 1000000000000 : value;
}

/* As compact JSON; NULL for what is not there. */
static const char *dumped(const json_t *value, struct arena *arena)
{
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    const char *kept = arena_strdup(arena, text);

    free(text);
    return kept;
}

static struct why_text *texts(const struct decision_message *messages, size_t n, struct arena *arena)
{
    struct why_text *list = arena_calloc(arena, n, sizeof *list);

    for (size_t i = 0; list && i < n; i++)
        list[i] = (struct why_text){.seq = messages[i].seq,
                                    .author = messages[i].author,
                                    .body = cut(arena, messages[i].body, SHOWN_MAX),
                                    .note = messages[i].note,
                                    .created_at = messages[i].created_at};
    return list;
}

static struct why_lead *lead_before(const struct decision_lead *lead, struct arena *arena)
{
    struct why_lead *known = arena_alloc(arena, sizeof *known);

    if (known)
        *known = (struct why_lead){.score = lead->score,
                                   .score_reason = lead->score_reason,
                                   .name = lead->name,
                                   .service_interest = lead->service_interest,
                                   .urgency = lead->urgency,
                                   .budget_range = lead->budget_range,
                                   .timeline = lead->timeline,
                                   .email = lead->email,
                                   .evidence = lead->evidence};
    return known;
}

static struct why_lead *lead_after(const struct decision_output *out, struct arena *arena)
{
    struct why_lead *known = arena_alloc(arena, sizeof *known);

    if (known)
        *known = (struct why_lead){.score = out->score,
                                   .score_reason = out->score_reason,
                                   .name = out->name,
                                   .service_interest = out->service_interest,
                                   .urgency = out->urgency,
                                   .budget_range = out->budget_range,
                                   .timeline = out->timeline,
                                   .email = out->email,
                                   .evidence = out->evidence};
    return known;
}

/* ---- what the model did ---- */

static struct why_fallback *fallback_of(const json_t *told, struct arena *arena)
{
    struct why_fallback *fallback = told ? arena_alloc(arena, sizeof *fallback) : NULL;
    const char *kind = text_of(told, "kind", 64, arena), *error = text_of(told, "error", 2000, arena);

    if (fallback)
        *fallback = (struct why_fallback){.kind = kind ? kind : "",
                                          .provider_code = count_of(told, "provider_code") % 1000000,
                                          .error = error ? error : ""};
    return fallback;
}

static struct why_call *calls_of(const json_t *tries, size_t *ret_n, struct arena *arena)
{
    size_t n = json_array_size(tries) < LIST_MAX ? json_array_size(tries) : LIST_MAX;
    struct why_call *calls = arena_calloc(arena, n, sizeof *calls);

    for (size_t i = 0; calls && i < n; i++) {
        const json_t *try = json_array_get(tries, i);

        calls[i] = (struct why_call){
            .status = count_of(try, "status") % 1000,
            .took_us = count_of(try, "took_us"),
            .request_id = text_of(try, "request_id", 400, arena),
            .request_sha256 = text_of(try, "request_sha256", 64, arena),
            .stop_reason = text_of(json_object_get(try, "message"), "stop_reason", 400, arena),
            .error = text_of(try, "error", 2000, arena),
        };
    }
    *ret_n = calls ? n : 0;
    return calls;
}

static struct why_receipt *receipts_of(const json_t *all, size_t *ret_n, struct arena *arena)
{
    size_t n = json_array_size(all) < LIST_MAX ? json_array_size(all) : LIST_MAX;
    struct why_receipt *receipts = arena_calloc(arena, n, sizeof *receipts);

    for (size_t i = 0; receipts && i < n; i++) {
        const json_t *one = json_array_get(all, i);
        const char *tool = text_of(one, "tool", SHOWN_MAX, arena), *result = text_of(one, "result", SHOWN_MAX, arena);
        const char *input = cut(arena, dumped(json_object_get(one, "input"), arena), SHOWN_MAX);

        receipts[i] = (struct why_receipt){.tool = tool ? tool : "",
                                           .input = input ? input : "",
                                           .result = result ? result : "",
                                           .is_error = json_is_true(json_object_get(one, "is_error"))};
    }
    *ret_n = receipts ? n : 0;
    return receipts;
}

static void read_model(const json_t *record, struct turn_why *ret, struct arena *arena)
{
    const json_t *tokens = json_object_get(record, "tokens"), *answers = json_object_get(record, "model_answers");

    ret->fallback = fallback_of(json_object_get(record, "fallback"), arena);
    ret->prompt_sha256 = text_of(record, "prompt_sha256", 64, arena);
    ret->calls = calls_of(answers, &ret->n_calls, arena);
    ret->receipts = receipts_of(json_object_get(record, "receipts"), &ret->n_receipts, arena);
    if (tokens && (ret->tokens = arena_alloc(arena, sizeof *ret->tokens)))
        *ret->tokens = (struct why_tokens){.input = count_of(tokens, "input"),
                                           .cache_read = count_of(tokens, "cache_read"),
                                           .cache_write = count_of(tokens, "cache_write"),
                                           .output = count_of(tokens, "output")};
}

/* ---- the whole ---- */

static int read_input(const struct decision_input *in, struct turn_why *ret, struct arena *arena)
{
    struct passage *passages = arena_calloc(arena, in->n_passages, sizeof *passages);

    ret->config_version = in->config_version;
    ret->config = in->config;
    ret->model = in->model;
    ret->local_time = in->local_time;
    ret->state = in->state;
    ret->search_error = in->search_error;
    ret->history = texts(in->history, in->n_history, arena);
    ret->n_history = in->n_history;
    ret->answers = texts(in->unanswered, in->n_unanswered, arena);
    ret->n_answers = in->n_unanswered;
    ret->before = lead_before(in->lead, arena);
    if (!passages || !ret->history || !ret->answers || !ret->before)
        return -1;
    for (size_t i = 0; i < in->n_passages; i++) {
        passages[i] = in->passages[i];
        passages[i].body = cut(arena, passages[i].body, SHOWN_MAX);
    }
    ret->passages = passages;
    ret->n_passages = in->n_passages;
    return 0;
}

static void read_output(const struct decision_output *out, struct turn_why *ret, struct arena *arena)
{
    ret->intent = out->intent;
    ret->reply = cut(arena, out->reply, SHOWN_MAX);
    ret->asked = out->asked;
    ret->follow_up = out->follow_up;
    ret->write_at = out->write_at;
    ret->escalate = out->escalate;
    ret->escalation_reason = out->escalation_reason;
    ret->after = lead_after(out, arena);
}

static struct why_times *times_of(const json_t *record, struct arena *arena)
{
    const json_t *us = json_object_get(record, "times_us");
    struct why_times *times = arena_alloc(arena, sizeof *times);

    if (times)
        *times = (struct why_times){.waited_ms = count_of(record, "waited_ms"),
                                    .load_us = count_of(us, "load"),
                                    .search_us = count_of(us, "search"),
                                    .agent_us = count_of(us, "agent"),
                                    .guards_us = count_of(us, "guards")};
    return times;
}

int why_read_record(const char *record, struct arena *arena, struct turn_why *ret, struct err *err)
{
    json_error_t where;
    json_auto_t *json = json_loads(record, 0, &where);
    struct turn_recorded recorded;
    struct err why = {0};

    if (!json) {
        ret->damaged = arena_printf(arena, "the record is damaged: %s at byte %d", where.text, where.position);
        return 0;
    }
    ret->code = text_of(json, "code", 400, arena);
    ret->wanted = text_of(json, "wanted", 400, arena);
    ret->guards = dumped(json_object_get(json, "guards"), arena);
    if (ret->guards && strlen(ret->guards) > JSON_MAX)
        ret->guards = NULL;
    ret->version = count_of(json, "v") % 1000000;
    ret->times = times_of(json, arena);
    read_model(json, ret, arena);
    if (turn_recorded_read(json, arena, &recorded, &why) < 0) {
        ret->damaged = arena_strdup(arena, why.text);
        return why.kind == ERR_INVALID ? 0 : err_set(err, why.kind, "%s", why.text);
    }
    if (read_input(&recorded.in, ret, arena) < 0)
        return err_set(err, ERR_INTERNAL, "turn: out of memory");
    read_output(&recorded.out, ret, arena);
    return 0;
}

/* ---- the ids of messages ---- */

static int put_evidence_ids(struct why_lead *lead, why_message_id_fn *find, void *arg, struct arena *arena)
{
    json_auto_t *evidence = lead && lead->evidence ? json_loads(lead->evidence, 0, NULL) : NULL;
    const char *name;
    json_t *told;

    if (!json_is_object(evidence))
        return 0;
    json_object_foreach (evidence, name, told) {
        const char *id = find(arg, json_integer_value(json_object_get(told, "seq")));

        if (id && json_is_object(told))
            json_object_set_new(told, "message_id", json_string(id));
    }
    return (lead->evidence = dumped(evidence, arena)) ? 0 : -1;
}

int why_put_message_ids(struct turn_why *turn, why_message_id_fn *find, void *arg, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < turn->n_history; i++)
        turn->history[i].message_id = find(arg, turn->history[i].seq);
    for (size_t i = 0; i < turn->n_answers; i++)
        turn->answers[i].message_id = find(arg, turn->answers[i].seq);
    if (put_evidence_ids(turn->before, find, arg, arena) < 0 || put_evidence_ids(turn->after, find, arg, arena) < 0)
        return err_set(err, ERR_INTERNAL, "turn: out of memory");
    return 0;
}
