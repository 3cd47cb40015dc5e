/* evidence.c - see evidence.h. */
#include "services/orchestrator/turn/evidence.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/text.h"
#include "services/orchestrator/guards/canon.h"
#include "services/orchestrator/scripted/words.h"
#include "services/orchestrator/turn/decision.h"

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

const char *evidence_put(struct arena *arena, const char *evidence, enum slot slot, int64_t seq, const char *words)
{
    json_auto_t *object = load(evidence);

    if (words)
        put(object, slot, seq, words);
    else
        json_object_del(object, slot_names[slot]);
    return dump(arena, object, evidence);
}

/* folded: the quote between single spaces, so that only whole words are found. */
static bool stands_in(struct arena *arena, const struct decision_message *message, const char *folded)
{
    const char *plain = canon_text(arena, message->body), *body = plain ? words_fold(arena, plain) : NULL;

    return body && strstr(body, folded);
}

int64_t evidence_find(struct arena *arena, const struct decision_input *in, const char *quote)
{
    const char *plain = canon_text(arena, quote), *folded = plain ? words_fold(arena, plain) : NULL;

    if (!folded || strlen(folded) < 3) /* nothing but marks */
        return -1;
    for (size_t i = in->n_unanswered; i-- > 0;)
        if (stands_in(arena, &in->unanswered[i], folded))
            return in->unanswered[i].seq;
    for (size_t i = in->n_history; i-- > 0;)
        if (strcmp(in->history[i].author, "lead") == 0 && stands_in(arena, &in->history[i], folded))
            return in->history[i].seq;
    return -1;
}
