/* codec_random.c - see codec_random.h. */
#include "codec_random.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/buf.h"

uint64_t random_next(struct random *self)
{
    self->state ^= self->state >> 12;
    self->state ^= self->state << 25;
    self->state ^= self->state >> 27;
    return self->state * 0x2545f4914f6cdd1dULL;
}

size_t random_below(struct random *self, size_t n)
{
    return (size_t)(random_next(self) % n);
}

/* ---- values ---- */

/* Characters of one to four bytes, those that need escapes among them. */
static const char *const characters[] = {
    "a",      "Z",      "0",      " ",      "\"",     "\\",     "/",          "\n",         "\r",     "\t",
    "\b",     "\f",     "\x01",   "\x1f",   "\x7f",   "<",      "&",          "%",          "\u00e9", "\u00df",
    "\u0416", "\u0623", "\u20ac", "\u4e2d", "\u2028", "\ufeff", "\U0001f600", "\U0010ffff",
};

const char *random_text(struct random *self, size_t len, struct arena *arena)
{
    char *text = arena_alloc(arena, len + 1);
    size_t used = 0;

    while (used < len) {
        const char *c = characters[random_below(self, sizeof characters / sizeof characters[0])];

        if (strlen(c) > len - used)
            c = "x";
        memcpy(text + used, c, strlen(c));
        used += strlen(c);
    }
    return text;
}

static size_t random_length(struct random *self, double min, double max)
{
    size_t low = (size_t)min, high = (size_t)max;

    if (random_below(self, 8) == 0)
        return low;
    if (random_below(self, 8) == 0 && high <= 2000)
        return high;
    if (high > low + 60)
        high = low + 60;
    return low + random_below(self, high - low + 1);
}

static int64_t random_int(struct random *self, double min, double max)
{
    double value;

    switch (random_below(self, 6)) {
    case 0:
        return (int64_t)min;
    case 1:
        return (int64_t)max;
    default:
        value = min + (max - min) * ((double)random_below(self, 1000001) / 1e6);
        return (int64_t)floor(value);
    }
}

static double random_float(struct random *self, double min, double max)
{
    switch (random_below(self, 6)) {
    case 0:
        return min;
    case 1:
        return max;
    case 2:
        return min + (max - min) / 2;
    default:
        return min + (max - min) * ((double)(random_next(self) >> 11) / 9007199254740992.0);
    }
}

static int64_t random_time(struct random *self)
{
    static const int64_t edges[] = {1, -1, -62135596800000000, 253402300799999999, 1795341600000000};

    if (random_below(self, 4) == 0)
        return edges[random_below(self, sizeof edges / sizeof edges[0])];
    return 1 + (int64_t)(random_next(self) % 4102444800000000);
}

static const char *random_uuid(struct random *self, struct arena *arena)
{
    uint64_t a = random_next(self), b = random_next(self);

    return arena_printf(arena, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16) & 0xffff,
                        (unsigned)a & 0xffff, (unsigned)(b >> 48), (unsigned long long)(b & 0xffffffffffff));
}

static const char *random_word(struct random *self, const char *words, struct arena *arena)
{
    size_t n = 1;

    for (const char *p = words; *p; p++)
        n += *p == '|';
    for (n = random_below(self, n); n > 0; n--)
        words = strchr(words, '|') + 1;
    return arena_strndup(arena, words, strcspn(words, "|"));
}

static json_t *random_json_value(struct random *self, unsigned depth, struct arena *arena)
{
    size_t n = random_below(self, 4);
    json_t *value;

    switch (random_below(self, depth > 0 ? 8 : 6)) {
    case 0:
        return json_integer((json_int_t)random_next(self));
    case 1:
        return json_real(random_float(self, -1000, 1000));
    case 2:
        return json_boolean(random_below(self, 2));
    case 3:
        return json_null();
    case 4:
        return json_real((double)random_below(self, 1000) / 10);
    case 5:
        return json_string(random_text(self, random_below(self, 12), arena));
    case 6:
        value = json_array();
        while (n-- > 0)
            json_array_append_new(value, random_json_value(self, depth - 1, arena));
        return value;
    default:
        value = json_object();
        while (n-- > 0)
            json_object_set_new(value, random_text(self, random_below(self, 6), arena),
                                random_json_value(self, depth - 1, arena));
        return value;
    }
}

static const char *random_json(struct random *self, const struct field *field, struct arena *arena)
{
    json_t *value = random_json_value(self, CODEC_JSON_DEPTH_MAX, arena);
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    bool fits = !json_is_null(value) && strlen(text) >= field->min && strlen(text) <= field->max;
    const char *copy = fits ? arena_strdup(arena, text) : "{}";

    json_decref(value);
    free(text);
    return copy;
}

/* ---- messages ---- */

static void *member(const void *msg, size_t offset)
{
    return (char *)(uintptr_t)msg + offset;
}

static void random_items(struct random *self, const struct field *field, bool with_bytes, struct arena *arena,
                         void *msg)
{
    size_t high = field->max < field->min + 5 ? (size_t)field->max : (size_t)field->min + 5;
    size_t n = (size_t)field->min + random_below(self, high - (size_t)field->min + 1);
    size_t size = field->type == FIELD_LIST ? field->item->size : sizeof(char *);
    char *items = arena_calloc(arena, n, size);

    for (size_t i = 0; i < n; i++) {
        if (field->type == FIELD_LIST)
            random_message(self, field->item, with_bytes, arena, items + i * size);
        else
            ((const char **)(void *)items)[i] = random_text(self, random_below(self, 40), arena);
    }
    *(void **)member(msg, field->offset) = items;
    *(size_t *)member(msg, field->count_offset) = n;
}

static void random_field(struct random *self, const struct field *field, bool with_bytes, struct arena *arena,
                         void *msg)
{
    void *value = member(msg, field->offset);
    size_t len;

    switch (field->type) {
    case FIELD_BOOL:
        *(bool *)value = random_below(self, 2);
        break;
    case FIELD_INT:
        *(int64_t *)value = random_int(self, field->min, field->max);
        break;
    case FIELD_FLOAT:
        *(double *)value = random_float(self, field->min, field->max);
        break;
    case FIELD_STR:
        *(const char **)value = random_text(self, random_length(self, field->min, field->max), arena);
        break;
    case FIELD_UUID:
        *(const char **)value = random_uuid(self, arena);
        break;
    case FIELD_TIME:
        *(int64_t *)value = random_time(self);
        break;
    case FIELD_JSON:
        *(const char **)value = random_json(self, field, arena);
        break;
    case FIELD_BIN:
        len = random_length(self, field->min, field->max);
        *(struct bytes *)value = (struct bytes){(const uint8_t *)random_text(self, len, arena), len};
        break;
    case FIELD_STRS:
    case FIELD_LIST:
        random_items(self, field, with_bytes, arena, msg);
        break;
    case FIELD_ENUM:
        *(const char **)value = random_word(self, field->words, arena);
        break;
    case FIELD_MESSAGE:
        *(void **)value = arena_alloc(arena, field->item->size);
        random_message(self, field->item, with_bytes, arena, *(void **)value);
        break;
    }
}

void random_message(struct random *self, const struct message_type *type, bool with_bytes, struct arena *arena,
                    void *msg)
{
    memset(msg, 0, type->size);
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct field *field = &type->fields[i];
        bool is_number = field->type == FIELD_BOOL || field->type == FIELD_INT || field->type == FIELD_FLOAT;

        if (field->type == FIELD_BIN && !with_bytes)
            continue;
        if (!field->required && !is_number && random_below(self, 3) == 0)
            continue;
        random_field(self, field, with_bytes, arena, msg);
    }
}

/* ---- the same? ---- */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_json(const char *a, const char *b)
{
    json_t *left, *right;
    bool same;

    if (!a || !b)
        return a == b;
    left = json_loads(a, JSON_DECODE_ANY, NULL);
    right = json_loads(b, JSON_DECODE_ANY, NULL);
    same = json_equal(left, right);
    json_decref(left);
    json_decref(right);
    return same;
}

static bool same_items(const struct field *field, const void *a, const void *b)
{
    size_t n = *(size_t *)member(a, field->count_offset);
    const char *left = *(char **)member(a, field->offset), *right = *(char **)member(b, field->offset);

    if (n != *(size_t *)member(b, field->count_offset))
        return false;
    if (!field->required && !left != !right)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (field->type == FIELD_STRS &&
            !same_text(((char *const *)(void *)left)[i], ((char *const *)(void *)right)[i]))
            return false;
        if (field->type == FIELD_LIST &&
            message_difference(field->item, left + i * field->item->size, right + i * field->item->size))
            return false;
    }
    return true;
}

static bool same_field(const struct field *field, const void *a, const void *b)
{
    const void *left = member(a, field->offset), *right = member(b, field->offset);
    const struct bytes *x = left, *y = right;

    switch (field->type) {
    case FIELD_BOOL:
        return *(const bool *)left == *(const bool *)right;
    case FIELD_INT:
    case FIELD_TIME:
        return *(const int64_t *)left == *(const int64_t *)right;
    case FIELD_FLOAT:
        return *(const double *)left == *(const double *)right;
    case FIELD_STR:
    case FIELD_UUID:
    case FIELD_ENUM:
        return same_text(*(char *const *)left, *(char *const *)right);
    case FIELD_JSON:
        return same_json(*(char *const *)left, *(char *const *)right);
    case FIELD_BIN:
        return !x->data == !y->data && x->len == y->len && (x->len == 0 || memcmp(x->data, y->data, x->len) == 0);
    case FIELD_STRS:
    case FIELD_LIST:
        return same_items(field, a, b);
    case FIELD_MESSAGE:
        left = *(void *const *)left;
        right = *(void *const *)right;
        return left && right ? !message_difference(field->item, left, right) : left == right;
    }
    return false;
}

const char *message_difference(const struct message_type *type, const void *a, const void *b)
{
    for (size_t i = 0; i < type->n_fields; i++)
        if (!same_field(&type->fields[i], a, b))
            return type->fields[i].name;
    return NULL;
}
