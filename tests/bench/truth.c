/* leadwire-bench-truth - which drafts of the labelled set leave, and who is taken to ask whether a machine writes.
 *
 * usage: leadwire-bench-truth FOLDER    (tests/bench/truth)
 *
 * Prints a line of JSON for each draft of unsupported.json, honest.json and swapped.json (label, language, context,
 * kind, half, held, why, ns: the time of the check after 20 messages) and for each text of bot.json. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "libshared/arena.h"
#include "services/orchestrator/guards/guard_draft.h"
#include "services/orchestrator/scripted/identity.h"
#include "tests/bench/truth_set.h"

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void print(json_t *line)
{
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
}

static const char *half_of(const char *text)
{
    return truth_is_held_out(text) ? "held-out" : "development";
}

#define HISTORY 20

/* What a conversation of some length has before the draft; it supports nothing. */
static void add_history(struct decision_input *in, struct decision_message messages[HISTORY])
{
    static const char *const said[] = {"Hi there, is anybody around today?", "Ok thanks, that is good to know.",
                                       "I would like to think about it for a while and come back to you.",
                                       "Could you tell me a bit more about how you work?",
                                       "Great, and what would I have to do before you come?"};
    static const char *const answered[] = {"Hello! How can we help you?", "You're welcome. Anything else?",
                                           "Of course, take your time. We are here when you need us.",
                                           "Sure. A colleague looks at it with you and explains what has to be done.",
                                           "Nothing at all, just let us know who opens the door."};

    for (size_t i = 0; i < HISTORY; i++)
        messages[i] = (struct decision_message){.seq = (int64_t)i + 1,
                                                .author = i % 2 == 0 ? "lead" : "agent",
                                                .body = (i % 2 == 0 ? said : answered)[i / 2 % 5],
                                                .created_at = 1};
    in->history = messages;
    in->n_history = HISTORY;
}

/* The nanoseconds of one check with a history. */
static int64_t time_check(const json_t *context, const struct decision_output *out)
{
    struct decision_message messages[HISTORY];
    struct arena *arena = arena_new(16 << 20);
    struct decision_input in = truth_input(context, arena);
    struct guard_result ignored;
    const char *const *receipts;
    int64_t began, took;
    size_t n;

    add_history(&in, messages);
    receipts = truth_receipts(context, arena, &n);
    began = now_ns();
    guard_draft(guard_new(arena, &in), receipts, n, out, &ignored);
    took = now_ns() - began;
    arena_destroy(&arena);
    return took;
}

static void check(const json_t *context, const char *label, const char *name, const char *kind, const char *draft)
{
    struct arena *arena = arena_new(16 << 20);
    struct decision_input in = truth_input(context, arena);
    struct guard_result result;
    size_t n;
    const char *const *receipts = truth_receipts(context, arena, &n);
    struct decision_output out = {.reply = draft};
    bool passed = guard_draft(guard_new(arena, &in), receipts, n, &out, &result);
    const char *why = passed                         ? ""
                      : result.n_unsupported + 1 > 1 ? result.unsupported[0]
                      : result.deed                  ? result.deed
                      : result.leak                  ? result.leak
                                                     : result.denial;

    print(json_pack("{ss ss ss ss ss ss sb ss sI}", "label", label, "language",
                    json_string_value(json_object_get(context, "language")), "context", name, "kind", kind, "half",
                    half_of(draft), "text", draft, "held", !passed, "why", why ? why : "", "ns",
                    (json_int_t)time_check(context, &out)));
    arena_destroy(&arena);
}

static void check_drafts(const char *folder, const json_t *contexts, const char *label)
{
    char name[64];
    const char *context, *kind;
    json_t *set, *kinds, *drafts, *draft;
    size_t i;

    snprintf(name, sizeof name, "%s.json", label);
    set = truth_load(folder, name);
    json_object_foreach (set, context, kinds)
        json_object_foreach (kinds, kind, drafts)
            json_array_foreach (drafts, i, draft)
                check(json_object_get(contexts, context), label, context, kind, json_string_value(draft));
    json_decref(set);
}

static void check_questions(const char *folder)
{
    json_t *set = truth_load(folder, "bot.json"), *labels, *texts, *item;
    const char *language, *label;
    size_t i;

    json_object_foreach (set, language, labels)
        json_object_foreach (labels, label, texts)
            json_array_foreach (texts, i, item) {
                const char *text = json_string_value(item);
                struct arena *arena = arena_new(1 << 20);

                print(json_pack("{ss ss ss ss ss sb}", "label", "bot", "language", language, "kind", label, "half",
                                half_of(text), "text", text, "held", (int)identity_asked(arena, text)));
                arena_destroy(&arena);
            }
    json_decref(set);
}

int main(int argc, char **argv)
{
    json_t *contexts;

    if (argc != 2) {
        fprintf(stderr, "usage: leadwire-bench-truth FOLDER\n");
        return 2;
    }
    contexts = truth_load(argv[1], "contexts.json");
    check_drafts(argv[1], contexts, "unsupported");
    check_drafts(argv[1], contexts, "honest");
    check_drafts(argv[1], contexts, "swapped");
    check_questions(argv[1]);
    json_decref(contexts);
    return 0;
}
