/* evidence.c - see evidence.h. */
#include "services/orchestrator/evidence.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/text.h"
#include "services/orchestrator/decision.h"

#define WORDS_MAX_BYTES 300 /* of a sentence that is kept */

static json_t *load(const char *evidence)
{
    json_t *object = evidence ? json_loads(evidence, 0, NULL) : NULL;

    if (json_is_object(object))
        return object;
    json_decref(object);
    return json_object();
}

static const char *dump(struct arena *arena, const json_t *object, const char *otherwise)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
    const char *copy = text ? arena_strdup(arena, text) : NULL;

    free(text);
    return copy ? copy : otherwise;
}

static void put(json_t *object, enum slot slot, int64_t seq, const char *words)
{
    json_object_set_new(object, slot_names[slot],
                        json_pack("{s:I, s:s%}", "seq", (json_int_t)seq, "words", words,
                                  utf8_cut(words, strlen(words), WORDS_MAX_BYTES)));
}

void evidence_read(const char *evidence, struct slots *slots)
{
    json_auto_t *object = load(evidence);

    for (int slot = SLOT_APPOINTMENT; slot < SLOT_COUNT; slot++)
        slots->value[slot] = json_object_get(object, slot_names[slot]) ? "yes" : NULL;
}

const char *evidence_add(struct arena *arena, const char *evidence, int64_t seq, const struct slots *slots)
{
    json_auto_t *object = load(evidence);

    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        if (!slots->value[slot])
            json_object_del(object, slot_names[slot]);
        else if (slots->words[slot])
            put(object, slot, seq, slots->words[slot]);
    }
    return json_object_size(object) > 0 ? dump(arena, object, evidence) : evidence ? "{}" : NULL;
}

static bool differs(const char *a, const char *b)
{
    return b && (!a || strcmp(a, b) != 0);
}

void evidence_complete(struct arena *arena, const struct decision_input *in, struct decision_output *out)
{
    const struct decision_message *last = &in->unanswered[in->n_unanswered - 1];
    const struct decision_lead *lead = in->lead;
    struct slots slots = {
        .value = {out->service_interest, out->urgency, out->budget_range, out->timeline, out->name, out->email}};
    const char *before[] = {lead->service_interest, lead->urgency, lead->budget_range,
                            lead->timeline,         lead->name,    lead->email};
    bool changed = false;

    for (int slot = 0; slot <= SLOT_EMAIL; slot++)
        if (differs(before[slot], slots.value[slot])) {
            slots.words[slot] = last->body;
            changed = true;
        }
    if (!changed)
        return;
    evidence_read(out->evidence, &slots);
    out->evidence = evidence_add(arena, out->evidence, last->seq, &slots);
}
