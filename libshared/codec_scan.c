/* codec_scan.c - the look at a frame before anything is allocated for it.
 *
 * msgpack-c reserves memory for as many items as a header promises: five bytes would take gigabytes, and headers
 * within headers multiply. So the whole frame is walked first, counting. jansson is kept within the same bounds. */
#include "libshared/codec_internal.h"

#include "libshared/err.h"

/* The first bytes of a value. */
struct head {
    size_t size;     /* of the header */
    size_t payload;  /* bytes of a scalar behind it */
    size_t children; /* values within: items, or keys and values */
    bool is_container;
};

static uint64_t big_endian(const uint8_t *at, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value = value << 8 | at[i];
    return value;
}

static struct head scalar(size_t payload)
{
    return (struct head){.size = 1, .payload = payload};
}

static struct head container(size_t size, size_t children)
{
    return (struct head){.size = size, .children = children, .is_container = true};
}

/* A header followed by its length in n bytes. size 0 if the frame ends within. */
static struct head sized(const uint8_t *at, size_t left, size_t n, bool is_container, size_t per_item)
{
    size_t count;

    if (left < 1 + n)
        return (struct head){0};
    count = (size_t)big_endian(at + 1, n) * per_item;
    if (is_container)
        return container(1 + n, count);
    return (struct head){.size = 1 + n, .payload = count};
}

/* size is 0 if the first byte starts nothing we take, or the frame ends within the header. */
static struct head read_head(const uint8_t *at, size_t left)
{
    uint8_t first = at[0];

    if (first <= 0x7f || first >= 0xe0) /* small integers */
        return scalar(0);
    if (first <= 0x8f)
        return container(1, 2 * (size_t)(first & 0x0f));
    if (first <= 0x9f)
        return container(1, first & 0x0f);
    if (first <= 0xbf)
        return scalar(first & 0x1f);

    switch (first) {
    case 0xc0: /* nil, false, true */
    case 0xc2:
    case 0xc3:
        return scalar(0);
    case 0xc4: /* bin */
    case 0xc5:
    case 0xc6:
        return sized(at, left, (size_t)1 << (first - 0xc4), false, 1);
    case 0xca: /* float, double */
        return scalar(4);
    case 0xcb:
        return scalar(8);
    case 0xcc: /* unsigned */
    case 0xcd:
    case 0xce:
    case 0xcf:
        return scalar((size_t)1 << (first - 0xcc));
    case 0xd0: /* signed */
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return scalar((size_t)1 << (first - 0xd0));
    case 0xd9: /* str */
    case 0xda:
    case 0xdb:
        return sized(at, left, (size_t)1 << (first - 0xd9), false, 1);
    case 0xdc: /* array */
    case 0xdd:
        return sized(at, left, (size_t)2 << (first - 0xdc), true, 1);
    case 0xde: /* map */
    case 0xdf:
        return sized(at, left, (size_t)2 << (first - 0xde), true, 2);
    default: /* 0xc1 is never used, the rest is ext */
        return (struct head){0};
    }
}

int codec_scan(const void *data, size_t len, struct err *err)
{
    const uint8_t *at = data;
    size_t left = len, elements = 0, depth = 0;
    size_t to_come[CODEC_DEPTH_MAX]; /* values still missing in each open container */

    if (len > CODEC_FRAME_MAX)
        return err_set(err, ERR_INVALID, "frame of %zu bytes: at most %d are taken", len, CODEC_FRAME_MAX);
    do {
        struct head head = left ? read_head(at, left) : (struct head){0};

        if (head.size == 0)
            return err_set(err, ERR_INVALID, left ? "frame holds an ext type or is cut off" : "frame is cut off");
        if (++elements > CODEC_ELEMENTS_MAX)
            return err_set(err, ERR_INVALID, "frame holds more than %d values", CODEC_ELEMENTS_MAX);
        left -= head.size;
        if (head.payload > left || head.children > left)
            return err_set(err, ERR_INVALID, "frame promises more than it holds");
        at += head.size + head.payload;
        left -= head.payload;

        if (depth > 0)
            to_come[depth - 1]--;
        if (head.is_container) {
            if (depth == CODEC_DEPTH_MAX)
                return err_set(err, ERR_INVALID, "frame is nested more than %d deep", CODEC_DEPTH_MAX);
            to_come[depth++] = head.children;
        }
        while (depth > 0 && to_come[depth - 1] == 0)
            depth--;
    } while (depth > 0);

    if (left > 0)
        return err_set(err, ERR_INVALID, "frame has %zu bytes behind its value", left);
    return 0;
}

int codec_scan_json(const struct path *at, const char *text, size_t len, unsigned depth_max, struct err *err)
{
    size_t elements = 1;
    unsigned depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        if (c == '"')
            in_string = true;
        else if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
        if (c == '[' || c == '{' || c == ',' || c == ':')
            elements++;
        if (depth > depth_max)
            return codec_fail(err, at, "is nested more than %u deep", depth_max);
        if (elements > CODEC_ELEMENTS_MAX)
            return codec_fail(err, at, "holds more than %d values", CODEC_ELEMENTS_MAX);
    }
    return 0;
}
