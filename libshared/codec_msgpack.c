/* codec_msgpack.c - messages as msgpack, on msgpack-c. */
#include <msgpack.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/codec_internal.h"
#include "libshared/err.h"

/* ---- packing ---- */

static int append(void *out, const char *data, size_t len)
{
    buf_append(out, data, len);
    return 0; /* out->failed tells, once, at the end */
}

static void pack_text(msgpack_packer *packer, const char *text, size_t len)
{
    msgpack_pack_str(packer, len);
    msgpack_pack_str_body(packer, text, len);
}

static int pack_message(const struct message_type *type, const struct path *at, const void *msg, msgpack_packer *packer,
                        struct err *err);

static int pack_strings(const struct field *field, const struct path *at, const char *const *items, size_t n,
                        msgpack_packer *packer, struct err *err)
{
    if (codec_check_count(field, at, n, err) < 0)
        return -1;
    msgpack_pack_array(packer, n);
    for (size_t i = 0; i < n; i++) {
        struct path here = {at, NULL, i};

        if (!items || !items[i])
            return codec_fail(err, &here, "is required");
        if (codec_check_item(&here, items[i], strlen(items[i]), err) < 0)
            return -1;
        pack_text(packer, items[i], strlen(items[i]));
    }
    return 0;
}

static int pack_list(const struct field *field, const struct path *at, const void *items, size_t n,
                     msgpack_packer *packer, struct err *err)
{
    if (codec_check_count(field, at, n, err) < 0)
        return -1;
    msgpack_pack_array(packer, n);
    for (size_t i = 0; i < n; i++) {
        struct path here = {at, NULL, i};

        if (!items)
            return codec_fail(err, &here, "is required");
        if (pack_message(field->item, &here, codec_member(items, i * field->item->size), packer, err) < 0)
            return -1;
    }
    return 0;
}

static int pack_bytes(const struct field *field, const struct path *at, const struct bytes *bytes,
                      msgpack_packer *packer, struct err *err)
{
    if (codec_check_length(field, at, bytes->len, err) < 0)
        return -1;
    msgpack_pack_bin(packer, bytes->len);
    msgpack_pack_bin_body(packer, bytes->data, bytes->len);
    return 0;
}

static int pack_number(const struct field *field, const struct path *at, const void *value, msgpack_packer *packer,
                       struct err *err)
{
    if (field->type == FIELD_FLOAT) {
        if (codec_check_float(field, at, *(const double *)value, err) < 0)
            return -1;
        msgpack_pack_double(packer, *(const double *)value);
        return 0;
    }
    if (field->type == FIELD_INT && codec_check_int(field, at, *(const int64_t *)value, err) < 0)
        return -1;
    if (field->type == FIELD_TIME && codec_check_time(at, *(const int64_t *)value, err) < 0)
        return -1;
    msgpack_pack_int64(packer, *(const int64_t *)value);
    return 0;
}

static int pack_field(const struct field *field, const struct path *at, const void *msg, msgpack_packer *packer,
                      struct err *err)
{
    const void *value = codec_member(msg, field->offset);
    const char *text;

    switch (field->type) {
    case FIELD_BOOL:
        if (*(const bool *)value)
            msgpack_pack_true(packer);
        else
            msgpack_pack_false(packer);
        return 0;
    case FIELD_INT:
    case FIELD_FLOAT:
    case FIELD_TIME:
        return pack_number(field, at, value, packer, err);
    case FIELD_STR:
    case FIELD_UUID:
    case FIELD_JSON:
    case FIELD_ENUM:
        text = *(const char *const *)value;
        if (codec_check_text(field, at, text, strlen(text), err) < 0)
            return -1;
        pack_text(packer, text, strlen(text));
        return 0;
    case FIELD_BIN:
        return pack_bytes(field, at, value, packer, err);
    case FIELD_STRS:
        return pack_strings(field, at, *(const char *const *const *)value,
                            *(size_t *)codec_member(msg, field->count_offset), packer, err);
    case FIELD_MESSAGE:
        return pack_message(field->item, at, *(void *const *)value, packer, err);
    case FIELD_LIST:
        return pack_list(field, at, *(void *const *)value, *(size_t *)codec_member(msg, field->count_offset), packer,
                         err);
    }
    return codec_fail(err, at, "has no type");
}

static int pack_message(const struct message_type *type, const struct path *at, const void *msg, msgpack_packer *packer,
                        struct err *err)
{
    size_t n = 0;

    for (size_t i = 0; i < type->n_fields; i++)
        n += codec_is_present(&type->fields[i], msg);
    msgpack_pack_map(packer, n);

    for (size_t i = 0; i < type->n_fields; i++) {
        const struct field *field = &type->fields[i];
        struct path here = {at, field->name, 0};

        if (!codec_is_present(field, msg)) {
            if (field->required)
                return codec_fail(err, &here, "is required");
            continue;
        }
        pack_text(packer, field->name, strlen(field->name));
        if (pack_field(field, &here, msg, packer, err) < 0)
            return -1;
    }
    return 0;
}

int codec_pack(const struct message_type *type, const void *msg, struct buf *out, struct err *err)
{
    size_t start = out->len;
    msgpack_packer packer;
    int result;

    msgpack_packer_init(&packer, out, append);
    result = pack_message(type, NULL, msg, &packer, err);
    if (out->failed)
        return err_set(err, ERR_INTERNAL, "no memory to pack %s", type->name);
    /* A frame that every peer would refuse is refused here. */
    if (result == 0)
        result = codec_scan(out->data + start, out->len - start, err);
    if (result < 0 && out->data) {
        out->len = start;
        out->data[start] = '\0';
    }
    return result;
}

/* ---- unpacking ---- */

static int read_message(const struct message_type *type, const struct path *at, const msgpack_object *object,
                        struct arena *arena, void *msg, struct err *err);

static int read_number(const struct field *field, const struct path *at, const msgpack_object *object, void *msg,
                       struct err *err)
{
    bool is_float = object->type == MSGPACK_OBJECT_FLOAT32 || object->type == MSGPACK_OBJECT_FLOAT64;
    int64_t value;

    if (field->type == FIELD_FLOAT && is_float)
        return codec_set_float(field, at, object->via.f64, msg, err);
    if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER) {
        if (object->via.u64 > INT64_MAX)
            return codec_fail(err, at, "is too large a number");
        value = (int64_t)object->via.u64;
    } else if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        value = object->via.i64;
    else
        return codec_fail(err, at, field->type == FIELD_FLOAT ? "must be a number" : "must be an integer");

    if (field->type == FIELD_FLOAT)
        return codec_set_float(field, at, (double)value, msg, err);
    if (field->type == FIELD_TIME)
        return codec_set_time(field, at, value, msg, err);
    return codec_set_int(field, at, value, msg, err);
}

static int read_strings(const struct field *field, const struct path *at, const msgpack_object_array *array,
                        struct arena *arena, void *msg, struct err *err)
{
    const char **items = codec_set_list(field, at, array->size, arena, msg, err);

    if (!items)
        return -1;
    for (size_t i = 0; i < array->size; i++) {
        const msgpack_object *item = &array->ptr[i];
        struct path here = {at, NULL, i};

        if (item->type != MSGPACK_OBJECT_STR)
            return codec_fail(err, &here, "must be a string");
        if (!(items[i] = codec_copy_item(&here, item->via.str.ptr, item->via.str.size, arena, err)))
            return -1;
    }
    return 0;
}

static int read_list(const struct field *field, const struct path *at, const msgpack_object_array *array,
                     struct arena *arena, void *msg, struct err *err)
{
    void *items = codec_set_list(field, at, array->size, arena, msg, err);

    if (!items)
        return -1;
    for (size_t i = 0; i < array->size; i++) {
        struct path here = {at, NULL, i};

        if (read_message(field->item, &here, &array->ptr[i], arena, codec_member(items, i * field->item->size), err) <
            0)
            return -1;
    }
    return 0;
}

static int read_field(const struct field *field, const struct path *at, const msgpack_object *object,
                      struct arena *arena, void *msg, struct err *err)
{
    void *inner;

    switch (field->type) {
    case FIELD_BOOL:
        if (object->type != MSGPACK_OBJECT_BOOLEAN)
            return codec_fail(err, at, "must be true or false");
        *(bool *)codec_member(msg, field->offset) = object->via.boolean;
        return 0;
    case FIELD_INT:
    case FIELD_FLOAT:
    case FIELD_TIME:
        return read_number(field, at, object, msg, err);
    case FIELD_STR:
    case FIELD_UUID:
    case FIELD_JSON:
    case FIELD_ENUM:
        if (object->type != MSGPACK_OBJECT_STR)
            return codec_fail(err, at, "must be a string");
        return codec_set_text(field, at, object->via.str.ptr, object->via.str.size, arena, msg, err);
    case FIELD_BIN:
        if (object->type != MSGPACK_OBJECT_BIN)
            return codec_fail(err, at, "must be bytes");
        return codec_set_bytes(field, at, object->via.bin.ptr, object->via.bin.size, arena, msg, err);
    case FIELD_STRS:
    case FIELD_LIST:
        if (object->type != MSGPACK_OBJECT_ARRAY)
            return codec_fail(err, at, "must be an array");
        return field->type == FIELD_LIST ? read_list(field, at, &object->via.array, arena, msg, err)
                                         : read_strings(field, at, &object->via.array, arena, msg, err);
    case FIELD_MESSAGE:
        return (inner = codec_set_message(field, at, arena, msg, err))
                   ? read_message(field->item, at, object, arena, inner, err)
                   : -1;
    }
    return codec_fail(err, at, "has no type");
}

static int read_message(const struct message_type *type, const struct path *at, const msgpack_object *object,
                        struct arena *arena, void *msg, struct err *err)
{
    uint64_t seen = 0;

    if (object->type != MSGPACK_OBJECT_MAP)
        return codec_fail(err, at, "must be a map");
    for (size_t i = 0; i < object->via.map.size; i++) {
        const msgpack_object_kv *pair = &object->via.map.ptr[i];
        struct path here;
        size_t k;

        if (pair->key.type != MSGPACK_OBJECT_STR)
            return codec_fail(err, at, "has a key that is not a string");
        k = codec_find(type, pair->key.via.str.ptr, pair->key.via.str.size);
        if (k == type->n_fields)
            continue; /* of a newer version */
        here = (struct path){at, type->fields[k].name, 0};
        if (seen >> k & 1)
            return codec_fail(err, &here, "is given twice");
        seen |= (uint64_t)1 << k;
        if (read_field(&type->fields[k], &here, &pair->val, arena, msg, err) < 0)
            return -1;
    }
    return codec_finish(type, at, seen, msg, err);
}

int codec_unpack(const struct message_type *type, const void *data, size_t len, struct arena *arena, void *ret_msg,
                 struct err *err)
{
    AUTO(msgpack_unpacked_destroy) msgpack_unpacked unpacked;
    void *msg = arena_alloc(arena, type->size);
    size_t offset = 0;

    msgpack_unpacked_init(&unpacked);
    if (!msg)
        return codec_fail(err, NULL, "is too large for the memory set aside for it");
    if (codec_scan(data, len, err) < 0)
        return -1;
    if (msgpack_unpack_next(&unpacked, data, len, &offset) != MSGPACK_UNPACK_SUCCESS)
        return err_set(err, ERR_INTERNAL, "no memory to unpack %s", type->name);
    if (read_message(type, NULL, &unpacked.data, arena, msg, err) < 0)
        return -1;
    memcpy(ret_msg, msg, type->size);
    return 0;
}
