/* codec_internal.h - what the readers and writers of messages share: naming the place at fault, checking values,
 * storing them. Not for use outside codec_*.c. */
#pragma once

#include "libshared/codec.h"

/* Where in a message we are, from the innermost outwards: {up, "answer"} -> {up, NULL, 3} -> {NULL, "faqs"} is
 * faqs[3].answer. NULL is the message itself. */
struct path {
    const struct path *up;
    const char *name; /* of a field; NULL: an item, which has index */
    size_t index;
};

/* ERR_INVALID at a place: err->field is its path, cut to fit. Always returns -1. */
int codec_fail(struct err *err, const struct path *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- checks: 0, or -1 with ERR_INVALID ---- */

int codec_check_int(const struct field *field, const struct path *at, int64_t value, struct err *err);
int codec_check_float(const struct field *field, const struct path *at, double value, struct err *err);
int codec_check_time(const struct path *at, int64_t value, struct err *err);
/* Bytes of a STR, UUID, E, JSON or BIN. */
int codec_check_length(const struct field *field, const struct path *at, size_t len, struct err *err);
/* The length and the content of a STR, UUID, E or JSON. text is NUL-terminated at len. */
int codec_check_text(const struct field *field, const struct path *at, const char *text, size_t len, struct err *err);
/* Items of a STRS or L. */
int codec_check_count(const struct field *field, const struct path *at, size_t n, struct err *err);
/* One string of a STRS. */
int codec_check_item(const struct path *at, const char *text, size_t len, struct err *err);

/* Nesting and number of values of a JSON text, before a parser sees it. Allocates nothing and judges nothing else. */
int codec_scan_json(const struct path *at, const char *text, size_t len, unsigned depth_max, struct err *err);

/* ---- the struct ---- */

static inline void *codec_member(const void *msg, size_t offset)
{
    return (char *)(uintptr_t)msg + offset;
}

/* Whether a writer writes the field: numbers and booleans always, required lists always. */
bool codec_is_present(const struct field *field, const void *msg);

/* ---- storing, with the checks ---- */

int codec_set_int(const struct field *field, const struct path *at, int64_t value, void *msg, struct err *err);
int codec_set_float(const struct field *field, const struct path *at, double value, void *msg, struct err *err);
int codec_set_time(const struct field *field, const struct path *at, int64_t value, void *msg, struct err *err);
/* STR, UUID, E, JSON: a copy in arena. */
int codec_set_text(const struct field *field, const struct path *at, const char *text, size_t len, struct arena *arena,
                   void *msg, struct err *err);
int codec_set_bytes(const struct field *field, const struct path *at, const void *data, size_t len, struct arena *arena,
                    void *msg, struct err *err);
/* Room for n items of a STRS or L, set in msg; NULL and *err when n is out of bounds or the arena is full. */
void *codec_set_list(const struct field *field, const struct path *at, size_t n, struct arena *arena, void *msg,
                     struct err *err);
/* Room for the message of an M, set in msg. */
void *codec_set_message(const struct field *field, const struct path *at, struct arena *arena, void *msg,
                        struct err *err);
/* One string of a STRS: a checked copy in arena. NULL and *err on failure. */
const char *codec_copy_item(const struct path *at, const char *text, size_t len, struct arena *arena, struct err *err);

/* The field of that name, or n_fields. */
size_t codec_find(const struct message_type *type, const char *name, size_t len);

/* What a reader has seen of a message, one bit a field. */
#define CODEC_FIELDS_MAX 64

/* Once all fields have been read: refuses if a required one is absent, gives the others their defaults. */
int codec_finish(const struct message_type *type, const struct path *at, uint64_t seen, void *msg, struct err *err);

/* ---- between the representations ---- */

struct json_t;

/* Fills the M or L field from a JSON text: a json column. */
int codec_read_json_field(const struct field *field, const struct path *at, const char *text, struct arena *arena,
                          void *msg, struct err *err);
