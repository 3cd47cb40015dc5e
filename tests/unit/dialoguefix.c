/* dialoguefix.c - see dialoguefix.h. */
#include "tests/unit/dialoguefix.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/config.h"
#include "libshared/err.h"
#include "services/orchestrator/claude/claude_live.h"
#include "services/orchestrator/turn/turn.h"
#include "services/orchestrator/turn/turn_decide.h"

#define HISTORY_MAX   64
#define MODEL_WAIT_MS 60000

void (*dialogues_decided)(const struct turn *turn);

const char *const dialogue_slots[] = {"service", "urgency", "budget", "timeline", "name", "email", NULL};

/* A conversation under way. */
struct playing {
    struct arena *arena;
    const struct config *config;
    struct http *http;
    const char *language;
    struct decision_message messages[HISTORY_MAX]; /* all, oldest first */
    size_t n_messages, n_answered;
    struct decision_lead lead;
    struct turn turn;
    json_t *result;
};

static bool is_held_out(const char *id)
{
    uint32_t h = 2166136261u;

    for (; *id; id++)
        h = (h ^ (uint8_t)*id) * 16777619u;
    return h >> 16 & 1;
}

static int no_search(void *arg, const char *query, struct arena *arena, const struct passage **ret_passages,
                     size_t *ret_n, struct err *err)
{
    (void)arg, (void)query, (void)arena, (void)ret_passages, (void)err;
    *ret_n = 0;
    return 0;
}

static void add_message(struct playing *self, const char *author, const char *body)
{
    if (self->n_messages == HISTORY_MAX)
        abort();
    self->messages[self->n_messages] = (struct decision_message){.seq = (int64_t)self->n_messages + 1,
                                                                 .author = author,
                                                                 .body = body,
                                                                 .created_at = 1};
    self->n_messages++;
}

/* What a dialogue supposes that we have asked. */
static const char *question(const char *asked, const char *language)
{
    static const struct {
        const char *asked, *en, *es, *ar;
    } questions[] = {
        {"service", "What do you need help with?", "¿En qué podemos ayudarle?", "بماذا يمكننا مساعدتك؟"},
        {"urgency", "Is it urgent?", "¿Es urgente?", "هل الأمر عاجل؟"},
        {"budget", "Do you have a budget in mind?", "¿Tiene un presupuesto en mente?", "هل لديك ميزانية محددة؟"},
        {"handover", "I don't know that. Shall I have a colleague get back to you here?",
         "Eso no lo sé. ¿Quiere que un compañero le responda por aquí?",
         "لا أعرف ذلك. هل تود أن يجيبك أحد الزملاء هنا؟"},
        {"timeline", "When would you like it done?", "¿Para cuándo lo desea?", "متى تود ذلك؟"},
    };

    for (size_t i = 0; i < COUNT_OF(questions); i++)
        if (strcmp(questions[i].asked, asked) == 0)
            return strcmp(language, "es") == 0   ? questions[i].es
                   : strcmp(language, "ar") == 0 ? questions[i].ar
                                                 : questions[i].en;
    abort();
}

static size_t count_questions(const char *reply)
{
    size_t n = 0;

    for (const char *p = reply; *p; p++)
        n += *p == '?' || strncmp(p, "؟", strlen("؟")) == 0;
    return n;
}

static void keep(struct playing *self, size_t number, const json_t *told)
{
    const struct decision_output *out = &self->turn.out;
    struct decision_input *in = &self->turn.in;
    json_int_t since = out->asked ? json_integer_value(json_object_get(told, out->asked)) : 0;

    if (since > 0 && since <= (json_int_t)number)
        json_array_append_new(json_object_get(self->result, "asked_again"), json_string(out->asked));
    if (count_questions(out->reply) > 1)
        json_object_set_new(self->result, "two_questions", json_true());
    self->lead = (struct decision_lead){.score = out->score,
                                        .score_reason = out->score_reason,
                                        .name = out->name,
                                        .service_interest = out->service_interest,
                                        .urgency = out->urgency,
                                        .budget_range = out->budget_range,
                                        .timeline = out->timeline,
                                        .email = out->email,
                                        .evidence = out->evidence,
                                        .was_hot = self->lead.was_hot || strcmp(out->score, "HOT") == 0};
    in->misses = out->misses;
    in->asked = out->asked;
    if (out->escalate)
        in->state = "escalated";
    add_message(self, "agent", out->reply);
    self->n_answered = self->n_messages;
    json_array_append_new(json_object_get(self->result, "agents"), json_string(out->agent));
    json_array_append_new(json_object_get(self->result, "replies"), json_string(out->reply));
}

static void play_turn(struct playing *self, size_t number, const json_t *turn, const json_t *told)
{
    const json_t *texts = json_is_object(turn) ? json_object_get(turn, "texts") : turn;
    const char *asked = json_string_value(json_object_get(turn, "asked"));
    struct decision_input *in = &self->turn.in;
    struct claude_live live = {.api = {.base_url = self->config->anthropic_base_url,
                                       .api_key = self->config->anthropic_api_key,
                                       .http = self->http},
                               .deadline_ms = clock_mono_ms() + MODEL_WAIT_MS};
    struct decider decider = {.api = {.call = claude_live_call, .arg = &live},
                              .search = {.search = no_search},
                              .arena = self->arena};
    struct err err = {0};
    int64_t began;

    if (asked) {
        in->asked = asked;
        if (self->n_messages > 0)
            self->messages[self->n_messages - 1].body = question(asked, self->language);
    }
    for (size_t i = 0; json_is_array(texts) && i < json_array_size(texts); i++)
        add_message(self, "lead", json_string_value(json_array_get(texts, i)));
    if (json_is_string(texts))
        add_message(self, "lead", json_string_value(texts));
    in->history = self->messages;
    in->n_history = self->n_answered;
    in->unanswered = self->messages + self->n_answered;
    in->n_unanswered = self->n_messages - self->n_answered;
    began = clock_mono_us();
    if (turn_decide(&decider, &self->turn, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    json_object_set_new(self->result, "us",
                        json_integer(json_integer_value(json_object_get(self->result, "us")) + clock_mono_us() -
                                     began));
    if (dialogues_decided)
        dialogues_decided(&self->turn);
    keep(self, number, told);
}

/* ---- comparing ---- */

/* A label is one or several values with | between them; "~word": any value that has the word. */
static bool is_one_of(const char *label, const char *got, size_t len)
{
    for (const char *p = label; *p;) {
        size_t n = strcspn(p, "|");

        if (*p == '~' ? memmem(got, len, p + 1, n - 1) != NULL : n == len && strncasecmp(p, got, n) == 0)
            return true;
        p += n + (p[n] == '|');
    }
    return false;
}

/* Several services stand with commas between them: each must be right. */
static bool is_right(const char *slot, const char *label, const char *got)
{
    if (strcmp(slot, "service") != 0)
        return is_one_of(label, got, strlen(got));
    for (const char *p = got; *p;) {
        size_t n = label[0] == '~' ? strlen(p) : strcspn(p, ",");

        if (!is_one_of(label, p, n))
            return false;
        p += n;
        p += strspn(p, ", ");
    }
    return true;
}

static void compare(struct playing *self, const json_t *dialogue)
{
    const struct decision_lead *lead = &self->lead;
    const char *got[] = {lead->service_interest, lead->urgency, lead->budget_range,
                         lead->timeline,         lead->name,    lead->email};
    json_t *slots = json_object();

    for (size_t i = 0; dialogue_slots[i]; i++) {
        const char *name = dialogue_slots[i];
        const char *label = json_string_value(json_object_get(json_object_get(dialogue, "slots"), name));
        const char *outcome = label && got[i] ? is_right(name, label, got[i]) ? "hit" : "wrong"
                              : label         ? "missed"
                              : got[i]        ? "invented"
                                              : "none";

        json_object_set_new(slots, name,
                            json_pack("{s:s?, s:s?, s:s}", "label", label, "got", got[i], "outcome", outcome));
    }
    json_object_set_new(self->result, "slots", slots);
    json_object_set_new(self->result, "got_score", json_string(lead->score));
    json_object_set_new(self->result, "got_reason", json_string(lead->score_reason));
    json_object_set_new(self->result, "got_escalated", json_boolean(strcmp(self->turn.in.state, "open") != 0));
}

static json_t *play(const json_t *dialogue, const json_t *business, const char *half, const char *agent,
                    const struct config *config, struct http *http)
{
    const char *id = json_string_value(json_object_get(dialogue, "id"));
    struct playing self = {.arena = arena_new(32 << 20),
                           .config = config,
                           .http = http,
                           .language = json_string_value(json_object_get(dialogue, "language")),
                           .lead = {.score = "COLD"}};
    json_t *client_config = json_pack("{s:O, s:O, s:s}", "services", json_object_get(business, "services"), "language",
                                      json_object_get(business, "language"), "agent", agent);
    char *config_text = json_dumps(client_config, JSON_COMPACT);
    json_t *turn;
    size_t i;

    self.result =
        json_pack("{s:s, s:s, s:s, s:O, s:[], s:[], s:[], s:b, s:b, s:i}", "id", id, "language", self.language, "half",
                  half              ? half
                  : is_held_out(id) ? "held-out"
                                    : "development",
                  "score", json_object_get(dialogue, "score"), "asked_again", "agents", "replies", "two_questions", 0,
                  "escalates", (int)json_is_true(json_object_get(dialogue, "escalates")), "us", 0);
    self.turn.client_id = self.turn.conversation_id = self.turn.lead_id = "00000000-0000-0000-0000-000000000001";
    self.turn.in = (struct decision_input){.now = 1,
                                           .local_time = "Monday 2026-11-23 09:30",
                                           .client_name = json_string_value(json_object_get(business, "name")),
                                           .timezone = "UTC",
                                           .model = config->anthropic_api_key ? config->anthropic_model : NULL,
                                           .config = config_text,
                                           .config_version = 1,
                                           .state = "open",
                                           .lead = &self.lead};
    json_array_foreach (json_object_get(dialogue, "turns"), i, turn)
        play_turn(&self, i + 1, turn, json_object_get(dialogue, "told"));
    compare(&self, dialogue);
    json_decref(client_config);
    free(config_text);
    arena_destroy(&self.arena);
    return self.result;
}

json_t *dialogues_play(const char *path, const char *agent, const struct config *config, struct http *http)
{
    json_error_t why;
    json_auto_t *set = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    json_t *results = json_array(), *dialogue;
    size_t i;

    if (!set) {
        fprintf(stderr, "%s: line %d: %s\n", path, why.line, why.text);
        exit(1);
    }
    json_array_foreach (json_object_get(set, "dialogues"), i, dialogue) {
        const char *business = json_string_value(json_object_get(dialogue, "business"));

        json_array_append_new(results, play(dialogue, json_object_get(json_object_get(set, "businesses"), business),
                                            json_string_value(json_object_get(set, "half")), agent, config, http));
    }
    return results;
}
