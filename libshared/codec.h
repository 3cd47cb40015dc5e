/* codec.h - messages: one declaration, every representation.
 *
 * A message is declared once as a list of fields (proto/). From it come the C
 * struct and a table of descriptors; the functions here walk that table. They
 * read and write msgpack and JSON, fill a struct from a database row, and print
 * a JSON schema. Every bound is checked, in both directions.
 *
 *     #define SEARCH_KNOWLEDGE(S, F, E, M, L)                                           \
 *         F(S, STR, query, REQUIRED, 1, 4000, "the question; bytes of UTF-8")           \
 *         F(S, INT, max_results, DEFAULT(5), 1, 50, "passages wanted")                  \
 *         E(S, "score|position", order, OPTIONAL, "one of a few words")                 \
 *         M(S, passage, best, OPTIONAL, "a nested message")                             \
 *         L(S, passage, passages, OPTIONAL, 0, 50, "a list of messages")
 *     #define KNOWLEDGE_MESSAGES(MSG) MSG(search_knowledge, SEARCH_KNOWLEDGE, "what it asks for")
 *     KNOWLEDGE_MESSAGES(MESSAGE_STRUCT)      in the header
 *     KNOWLEDGE_MESSAGES(MESSAGE_TYPE)        in proto/messages.c
 *
 * gives struct search_knowledge and search_knowledge_type.
 *
 * | type  | C                        | msgpack    | JSON                | min, max bound     |
 * |-------|--------------------------|------------|---------------------|--------------------|
 * | BOOL  | bool                     | boolean    | boolean             | -                  |
 * | INT   | int64_t                  | integer    | integer             | the value          |
 * | FLOAT | double, finite           | float      | number              | the value          |
 * | STR   | const char *, UTF-8      | str        | string              | bytes              |
 * | UUID  | const char *             | str        | string              | -                  |
 * | TIME  | int64_t, us since 1970   | integer    | RFC 3339 string     | - (0 is absent)    |
 * | JSON  | const char *, JSON text  | str        | any value, inline   | bytes of the text  |
 * | BIN   | struct bytes             | bin        | not allowed         | bytes              |
 * | STRS  | const char **, n_<name>  | array      | array of strings    | items              |
 * | E     | const char *             | str        | string              | one of the words   |
 * | M     | struct x *               | map        | object              | -                  |
 * | L     | struct x *, n_<name>     | array      | array of objects    | items              |
 *
 * A pointer field that is absent is NULL; an absent number is its DEFAULT or 0.
 * A required list may be NULL with n 0: it is empty. JSON null means absent, so
 * a JSON field is never null; it is nested at most CODEC_JSON_DEPTH_MAX, and
 * codec_from_json writes its text anew, without spaces. Times are of the years
 * 1 to 9999. Unknown fields are skipped. Absent optional fields are
 * not written (numbers and booleans always are). Strings within STRS hold at
 * most CODEC_STRS_ITEM_MAX bytes each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct db_result;
struct err;

#define CODEC_FRAME_MAX      (1024 * 1024) /* bytes of a frame */
#define CODEC_DEPTH_MAX      16            /* nesting of maps and arrays */
#define CODEC_ELEMENTS_MAX   65536         /* values in a frame, all levels together */
#define CODEC_STRS_ITEM_MAX  65536         /* bytes of one string within a STRS field */
#define CODEC_JSON_DEPTH_MAX 8             /* nesting within a JSON field, wherever the message itself is nested */

struct bytes {
    const uint8_t *data;
    size_t len;
};

enum field_type {
    FIELD_BOOL,
    FIELD_INT,
    FIELD_FLOAT,
    FIELD_STR,
    FIELD_UUID,
    FIELD_TIME,
    FIELD_JSON,
    FIELD_BIN,
    FIELD_STRS,
    FIELD_ENUM,
    FIELD_MESSAGE,
    FIELD_LIST,
};

struct message_type;

struct field {
    const char *name;
    enum field_type type;
    bool required;
    double default_value;            /* of an absent number or boolean */
    size_t offset;                   /* of the value within the struct */
    size_t count_offset;             /* of n_<name>, for STRS and L */
    double min, max;                 /* what they bound depends on the type: see above */
    const char *words;               /* E: "a|b|c" */
    const struct message_type *item; /* M and L */
    const char *doc;
};

struct message_type {
    const char *name;
    const char *doc;
    size_t size; /* of the struct */
    const struct field *fields;
    size_t n_fields;
};

/* Appends msg as one msgpack map. ERR_INVALID names the field that is out of bounds, or says that the frame would pass
 * a limit; nothing is appended then. */
int codec_pack(const struct message_type *type, const void *msg, struct buf *out, struct err *err);

/* Reads one msgpack map; ret_msg has type->size bytes and points into arena, never into data.
 * The frame is scanned for length, depth and element count before anything is allocated.
 * ERR_INVALID names what was wrong. */
int codec_unpack(const struct message_type *type, const void *data, size_t len, struct arena *arena, void *ret_msg,
                 struct err *err);

/* Only the scan: one msgpack value and nothing behind it, within all limits, no ext types. Allocates nothing. */
int codec_scan(const void *data, size_t len, struct err *err);

/* Appends msg as one JSON object. */
int codec_to_json(const struct message_type *type, const void *msg, struct buf *out, struct err *err);

/* Reads one JSON object with nothing behind it. Duplicate keys are refused. ERR_INVALID, err->field names the field. */
int codec_from_json(const struct message_type *type, const char *text, size_t len, struct arena *arena, void *ret_msg,
                    struct err *err);

/* Reads the columns of one row by field name: a field without a column takes its default, a column without a field
 * is skipped, SQL NULL is absent. STRS reads a text[] column, JSON, M and L a json one. A row that is out of bounds is
 * ERR_INTERNAL: it is nobody's wrong input; err->field names the column. */
int codec_from_row(const struct message_type *type, const struct db_result *rows, int row, struct arena *arena,
                   void *ret_msg, struct err *err);

/* Appends the JSON schema (2020-12, as OpenAPI 3.1 embeds it); nested messages as {"$ref": "#/components/schemas/x"}.
 */
void codec_schema(const struct message_type *type, struct buf *out);

/* ---- the declaration macros ---- */

/* clang-format off */
#define PRESENCE_REQUIRED       true, 0
#define PRESENCE_OPTIONAL       false, 0
#define PRESENCE_DEFAULT(value) false, (value)

#define MEMBER_BOOL(name)  bool name;
#define MEMBER_INT(name)   int64_t name;
#define MEMBER_FLOAT(name) double name;
#define MEMBER_STR(name)   const char *name;
#define MEMBER_UUID(name)  const char *name;
#define MEMBER_TIME(name)  int64_t name;
#define MEMBER_JSON(name)  const char *name;
#define MEMBER_BIN(name)   struct bytes name;
#define MEMBER_STRS(name)  const char **name; size_t n_##name;

#define COUNT_BOOL(S, name)  0
#define COUNT_INT(S, name)   0
#define COUNT_FLOAT(S, name) 0
#define COUNT_STR(S, name)   0
#define COUNT_UUID(S, name)  0
#define COUNT_TIME(S, name)  0
#define COUNT_JSON(S, name)  0
#define COUNT_BIN(S, name)   0
#define COUNT_STRS(S, name)  offsetof(struct S, n_##name)

#define MEMBER_F(S, type, name, presence, lo, hi, text)  MEMBER_##type(name)
#define MEMBER_E(S, words, name, presence, text)         const char *name;
#define MEMBER_M(S, item, name, presence, text)          struct item *name;
#define MEMBER_L(S, item, name, presence, lo, hi, text)  struct item *name; size_t n_##name;

#define FIELD_F(S, type, name, presence, lo, hi, text) \
    { #name, FIELD_##type, PRESENCE_##presence, offsetof(struct S, name), COUNT_##type(S, name), lo, hi, NULL, NULL, text },
#define FIELD_E(S, allowed, name, presence, text) \
    { #name, FIELD_ENUM, PRESENCE_##presence, offsetof(struct S, name), 0, 0, 0, allowed, NULL, text },
#define FIELD_M(S, item, name, presence, text) \
    { #name, FIELD_MESSAGE, PRESENCE_##presence, offsetof(struct S, name), 0, 0, 0, NULL, &item##_type, text },
#define FIELD_L(S, item, name, presence, lo, hi, text) \
    { #name, FIELD_LIST, PRESENCE_##presence, offsetof(struct S, name), offsetof(struct S, n_##name), lo, hi, NULL, &item##_type, text },

#define MESSAGE_STRUCT(name, FIELDS, text)                              \
    struct name { FIELDS(name, MEMBER_F, MEMBER_E, MEMBER_M, MEMBER_L) }; \
    extern const struct message_type name##_type;

#define MESSAGE_TYPE(name, FIELDS, text)                                                                     \
    static const struct field name##_fields[] = { FIELDS(name, FIELD_F, FIELD_E, FIELD_M, FIELD_L) };        \
    const struct message_type name##_type = { #name, text, sizeof(struct name), name##_fields,              \
                                              sizeof name##_fields / sizeof name##_fields[0] };
/* clang-format on */
