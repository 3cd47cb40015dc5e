/* turn_replay.c - see turn_replay.h. */
#include "services/orchestrator/turn/turn_replay.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/build.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/orchestrator/turn/turn.h"
#include "services/orchestrator/turn/turn_decide.h"
#include "services/orchestrator/turn/turn_recorded.h"

#define DIFFERENCES_MAX 100
#define SHOWN_MAX       2000 /* bytes of one value */
#define FIELD_MAX       400

/* ---- what is different ---- */

struct comparing {
    struct arena *arena;
    struct replay_difference *differences;
    size_t n;
};

/* A text as it is, anything else as JSON; NULL for what is not there. */
static const char *shown(struct comparing *self, const json_t *value)
{
    char *dumped = value && !json_is_string(value) ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    const char *text = json_is_string(value) ? json_string_value(value) : dumped, *kept = NULL;

    if (text)
        kept = arena_strndup(self->arena, text, utf8_cut(text, strlen(text), SHOWN_MAX));
    free(dumped);
    return kept;
}

static void note(struct comparing *self, const char *field, const json_t *before, const json_t *now)
{
    if (self->n == DIFFERENCES_MAX)
        return;
    self->differences[self->n++] =
        (struct replay_difference){.field =
                                       arena_strndup(self->arena, field, utf8_cut(field, strlen(field), FIELD_MAX)),
                                   .before = shown(self, before),
                                   .now = shown(self, now)};
}

static void compare(struct comparing *self, const char *field, const json_t *before, const json_t *now);

static void compare_objects(struct comparing *self, const char *field, const json_t *before, const json_t *now)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)before, name, value)
        compare(self, arena_printf(self->arena, "%s.%s", field, name), value, json_object_get(now, name));
    json_object_foreach ((json_t *)now, name, value)
        if (!json_object_get(before, name))
            compare(self, arena_printf(self->arena, "%s.%s", field, name), NULL, value);
}

/* Down to the values that differ. field may be NULL when memory has run out: the path is then left out. */
static void compare(struct comparing *self, const char *field, const json_t *before, const json_t *now)
{
    if (!field)
        field = "(out of memory)";
    if (json_is_object(before) && json_is_object(now)) {
        compare_objects(self, field, before, now);
    } else if (json_is_array(before) && json_is_array(now)) {
        for (size_t i = 0; i < json_array_size(before) || i < json_array_size(now); i++)
            compare(self, arena_printf(self->arena, "%s[%zu]", field, i), json_array_get(before, i),
                    json_array_get(now, i));
    } else if (before != now && (!before || !now || !json_equal(before, now))) {
        note(self, field, before, now);
    }
}

/* ---- the prompt ---- */

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* How many requests differ in their bytes, and how many more or fewer there are. */
static int64_t requests_changed(const json_t *before, const json_t *now)
{
    const json_t *were = json_object_get(before, "model_answers"), *are = json_object_get(now, "model_answers");
    int64_t n = 0;

    for (size_t i = 0; i < json_array_size(were) || i < json_array_size(are); i++) {
        const json_t *was = json_object_get(json_array_get(were, i), "request_sha256");
        const json_t *is = json_object_get(json_array_get(are, i), "request_sha256");

        n += was != is && (!was || !is || !json_equal(was, is));
    }
    return n;
}

/* What is no part of a decision: what it was decided from and with, and what is measured. */
static bool is_beside(const char *name)
{
    static const char *const names[] = {"v",        "code",      "input",         "model_request",
                                        "times_us", "waited_ms", "model_answers", "prompt_sha256"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static int compare_records(const json_t *before, const json_t *now, struct arena *arena, struct replayed_turn *ret)
{
    struct comparing self = {.arena = arena,
                             .differences = arena_calloc(arena, DIFFERENCES_MAX, sizeof *ret->differences)};
    const char *name;
    json_t *value;

    if (!self.differences)
        return -1;
    json_object_foreach ((json_t *)before, name, value)
        if (!is_beside(name))
            compare(&self, name, value, json_object_get(now, name));
    json_object_foreach ((json_t *)now, name, value)
        if (!is_beside(name) && !json_object_get(before, name))
            compare(&self, name, NULL, value);
    ret->differences = self.differences;
    ret->n_differences = self.n;
    ret->outcome = self.n > 0 ? "different" : "same";
    ret->requests_changed = requests_changed(before, now);
    ret->prompt_sha256_now = arena_strdup(arena, text_of(now, "prompt_sha256"));
    return 0;
}

/* ---- deciding again ---- */

static void cannot(struct replayed_turn *ret, const char *reason)
{
    ret->outcome = "cannot";
    ret->reason = reason ? reason : "out of memory";
}

static int decide_again(struct turn_recorded *recorded, struct arena *arena, struct replayed_turn *ret, struct err *err)
{

    struct turn turn = {.client_id = UUID_NIL, .conversation_id = UUID_NIL, .lead_id = UUID_NIL, .in = recorded->in};
    struct decider decider = {.api = {.call = turn_recorded_call, .arg = recorded},
                              .search = {.search = turn_recorded_search, .arg = recorded},
                              .arena = arena};
    json_auto_t *now = NULL;

    if (turn_decide(&decider, &turn, err) < 0)
        return -1;
    if (recorded->damaged.kind != ERR_NONE) {
        cannot(ret, arena_strdup(arena, recorded->damaged.text));
        return 0;
    }
    now = json_loads(turn.record, 0, NULL);
    if (!now || compare_records(recorded->json, now, arena, ret) < 0)
        return err_set(err, ERR_INTERNAL, "turn: the replay does not fit into memory");
    return 0;
}

int turn_replay(const char *record, size_t len, const struct replay_exchanges *exchanges, struct arena *arena,
                struct replayed_turn *ret, struct err *err)
{
    json_error_t where;
    json_auto_t *json = json_loadb(record, len, 0, &where);
    struct turn_recorded recorded;
    struct err why = {0};

    ret->code_now = build_name();
    if (!json) {
        cannot(ret, arena_printf(arena, "the record is damaged: %s at byte %d", where.text, where.position));
        return 0;
    }
    ret->code_before = arena_strdup(arena, text_of(json, "code"));
    ret->prompt_sha256_before = arena_strdup(arena, text_of(json, "prompt_sha256"));
    if (turn_recorded_read(json, arena, &recorded, &why) < 0) {
        cannot(ret, arena_strdup(arena, why.text));
        return why.kind == ERR_INVALID ? 0 : err_set(err, why.kind, "%s", why.text);
    }
    if (recorded.version != TURN_RECORD_VERSION) {
        cannot(ret,
               arena_printf(arena, "the record is of version %d; only those of version %d hold all that deciding reads",
                            recorded.version, TURN_RECORD_VERSION));
        return 0;
    }
    if (exchanges && recorded.in.n_exchanges > 0 && exchanges->load(exchanges->arg, &recorded.in, arena, &why) < 0) {
        cannot(ret, arena_strdup(arena, why.text));
        return why.kind == ERR_NOT_FOUND ? 0 : err_set(err, why.kind, "%s", why.text);
    }
    return decide_again(&recorded, arena, ret, err);
}
