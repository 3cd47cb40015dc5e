/* why.c - leadctl why: what became of a message, and the recorded decision behind it. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/orchestrator/api/why.h"
#include "tools/leadctl/ctl.h"

#define LABEL_WIDTH 9
#define LINE_MAX    300 /* bytes that are shown of a text; --json has more */

/* ---- one line each ---- */

static void label(const char *name)
{
    printf("%-*s ", LABEL_WIDTH, name);
}

/* A text of somebody else: on one line, without what a terminal would obey. */
static void put_text(const char *text, size_t max)
{
    size_t len = strlen(text), n = utf8_cut(text, len, max);

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_c1 = c == 0xc2 && i + 1 < n && (unsigned char)text[i + 1] < 0xa0;

        putchar(c < 0x20 || c == 0x7f || is_c1 ? ' ' : c);
        i += is_c1;
    }
    if (n < len)
        printf(" ...");
}

static void line(const char *name, const char *text)
{
    if (!text || !*text)
        return;
    label(name);
    put_text(text, LINE_MAX);
    putchar('\n');
}

static void put_time(int64_t us)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format(us, text);
    fputs(text, stdout);
}

static void put_duration(const char *name, int64_t us, const char *comma)
{
    printf("%s%s %" PRId64 ".%" PRId64 " ms", comma, name, us / 1000, us % 1000 / 100);
}

/* ---- the message ---- */

static void print_moments(const struct message_why *why)
{
    label("became");
    for (size_t i = 0; i < why->n_moments; i++) {
        const struct why_moment *moment = &why->moments[i];

        if (i > 0)
            printf(", ");
        printf("%s ", strcmp(moment->event, "changed") == 0 ? why->message->state : moment->event);
        if (i == 0)
            put_time(moment->at);
        else
            printf("+%" PRId64 " ms", (moment->at - why->moments[0].at) / 1000);
    }
    putchar('\n');
}

static void print_message(const struct message_why *why)
{
    const struct message *message = why->message;

    line("message", message->message_id);
    label("is");
    printf("%s, %s, %s\n", message->state, message->channel,
           strcmp(message->direction, "in") == 0 ? "from the lead"
           : message->purpose                    ? message->purpose
                                                 : "ours");
    line("says", message->body);
    line("written", why->written);
    print_moments(why);
    if (message->error_code || message->error_text) {
        label("failed");
        printf("%" PRId64 " ", message->error_code);
        put_text(message->error_text ? message->error_text : "", LINE_MAX);
        putchar('\n');
    }
    line("look at", why->remedy);
    line("waits for", why->waits_for);
    if (why->waits_until) {
        label("until");
        put_time(why->waits_until);
        putchar('\n');
    }
}

/* ---- the decision ---- */

static void print_texts(const char *name, const struct why_text *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        label(i == 0 ? name : "");
        printf("%" PRId64 " %s: ", texts[i].seq, texts[i].author);
        put_text(texts[i].body, LINE_MAX);
        if (texts[i].note) {
            putchar(' ');
            put_text(texts[i].note, LINE_MAX);
        }
        putchar('\n');
    }
}

static void print_passages(const struct turn_why *turn)
{
    for (size_t i = 0; i < turn->n_passages; i++) {
        const struct passage *p = &turn->passages[i];

        label(i == 0 ? "found" : "");
        printf("%.3f (vector %.3f, text %.3f: words %.3f, trigrams %.3f) ", p->score, p->vector_score, p->text_score,
               p->word_score, p->trigram_score);
        put_text(p->title, LINE_MAX);
        putchar('\n');
    }
    if (turn->n_passages == 0)
        line("found", turn->search_error ? turn->search_error : "nothing");
}

static void print_model(const struct turn_why *turn)
{
    line("model", turn->model ? turn->model : "none: there was no key");
    for (size_t i = 0; i < turn->n_calls; i++) {
        const struct why_call *call = &turn->calls[i];

        label(i == 0 ? "calls" : "");
        printf("%" PRId64, call->status);
        put_duration("", call->took_us, " in");
        printf(" %s%s", call->stop_reason ? call->stop_reason : "", call->error ? " " : "");
        put_text(call->error ? call->error : "", LINE_MAX);
        putchar('\n');
    }
    if (turn->tokens) {
        label("tokens");
        printf("%" PRId64 " read, %" PRId64 " from the cache, %" PRId64 " into it, %" PRId64 " written; $%" PRId64
               ".%06" PRId64 "\n",
               turn->tokens->input, turn->tokens->cache_read, turn->tokens->cache_write, turn->tokens->output,
               turn->cost_micro_usd / 1000000, turn->cost_micro_usd % 1000000);
    }
    line("prompt", turn->prompt_sha256);
    if (turn->fallback) {
        label("fallback");
        printf("%s %" PRId64 ": ", turn->fallback->kind, turn->fallback->provider_code);
        put_text(turn->fallback->error, LINE_MAX);
        putchar('\n');
    }
    for (size_t i = 0; i < turn->n_receipts; i++) {
        const struct why_receipt *receipt = &turn->receipts[i];

        label(i == 0 ? "tools" : "");
        put_text(receipt->tool, LINE_MAX);
        putchar(' ');
        put_text(receipt->input, LINE_MAX);
        printf(receipt->is_error ? " refused: " : " -> ");
        put_text(receipt->result, LINE_MAX);
        putchar('\n');
    }
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static void print_guards(const struct turn_why *turn)
{
    json_auto_t *guards = turn->guards ? json_loads(turn->guards, 0, NULL) : NULL;
    const json_t *one, *what;
    size_t i, k;

    json_array_foreach (guards, i, one) {
        label(i == 0 ? "guards" : "");
        printf("%s, %s: ", text_of(one, "guard"), text_of(one, "outcome"));
        put_text(text_of(one, "draft"), LINE_MAX);
        json_array_foreach (json_object_get(one, "unsupported"), k, what) {
            printf(k == 0 ? "; unsupported: " : ", ");
            put_text(json_string_value(what) ? json_string_value(what) : "?", LINE_MAX);
        }
        printf("%s", *text_of(one, "deed") || *text_of(one, "leak") || *text_of(one, "denial") ? "; " : "");
        put_text(text_of(one, "deed"), LINE_MAX);
        put_text(text_of(one, "leak"), LINE_MAX);
        put_text(text_of(one, "denial"), LINE_MAX);
        putchar('\n');
    }
    if (json_array_size(guards) == 0)
        line("guards", "nothing was held");
}

static void print_known(const char *name, const char *before, const char *after, const json_t *told)
{
    if (!before && !after)
        return;
    label("");
    printf("%s: ", name);
    put_text(before ? before : "-", LINE_MAX);
    if (!before || !after || strcmp(before, after) != 0) {
        printf(" -> ");
        put_text(after ? after : "-", LINE_MAX);
    }
    if (told) {
        printf(" (\"");
        put_text(text_of(told, "words"), LINE_MAX);
        printf("\", %s)", *text_of(told, "message_id") ? text_of(told, "message_id") : "the message is not kept");
    }
    putchar('\n');
}

static void print_lead(const struct turn_why *turn)
{
    const struct why_lead *was = turn->before, *is = turn->after;
    json_auto_t *told = is && is->evidence ? json_loads(is->evidence, 0, NULL) : NULL;

    if (!was || !is)
        return;
    label("score");
    printf("%s -> %s: ", was->score, is->score);
    put_text(is->score_reason ? is->score_reason : "", LINE_MAX);
    putchar('\n');
    print_known("service", was->service_interest, is->service_interest, json_object_get(told, "service_interest"));
    print_known("urgency", was->urgency, is->urgency, json_object_get(told, "urgency"));
    print_known("budget", was->budget_range, is->budget_range, json_object_get(told, "budget_range"));
    print_known("timeline", was->timeline, is->timeline, json_object_get(told, "timeline"));
    print_known("name", was->name, is->name, json_object_get(told, "name"));
    print_known("email", was->email, is->email, json_object_get(told, "email"));
}

static void print_times(const struct why_times *times)
{
    if (!times)
        return;
    label("times");
    printf("waited %" PRId64 " ms", times->waited_ms);
    put_duration("load", times->load_us, ", ");
    put_duration("search", times->search_us, ", ");
    put_duration("agent", times->agent_us, ", ");
    put_duration("guards", times->guards_us, ", ");
    putchar('\n');
}

static void print_turn(const struct turn_why *turn)
{
    putchar('\n');
    label("turn");
    printf("%s ", turn->turn_id);
    put_time(turn->created_at);
    printf(", %s\n", turn->code ? turn->code : "of a version that kept no name");
    label("agent");
    printf("%s, wanted: %s, configuration %" PRId64 "\n", turn->agent, turn->wanted ? turn->wanted : "?",
           turn->config_version);
    line("damaged", turn->damaged);
    print_model(turn);
    print_texts("before", turn->history, turn->n_history);
    print_texts("answers", turn->answers, turn->n_answers);
    print_passages(turn);
    line("intent", turn->intent);
    line("decided", turn->reply);
    line("asks for", turn->asked);
    line("next", turn->follow_up);
    print_guards(turn);
    print_lead(turn);
    if (turn->escalate)
        line("escalated", turn->escalation_reason ? turn->escalation_reason : "a person was called");
    print_times(turn->times);
}

int cmd_why(struct ctl *ctl, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = NULL;
    AUTO(buf_free) struct buf out = {0};
    struct message_why why;

    if (ctl_check_uuid(ctl, ctl->args[0], "MESSAGE_ID", err) < 0 || !ctl_db(ctl, err) ||
        !(tx = db_begin(ctl->db, DB_EVERY_CLIENT, err)) || why_message(tx, ctl->args[0], ctl->arena, &why, err) < 0)
        return -1;
    if (ctl_option(ctl, "json")) {
        if (codec_to_json(&message_why_type, &why, &out, err) < 0 || out.failed)
            return out.failed ? err_set(err, ERR_INTERNAL, "out of memory") : -1;
        puts(out.data);
        return 0;
    }
    print_message(&why);
    if (why.turn)
        print_turn(why.turn);
    return 0;
}
