/* json_text.c - see json_text.h. */
#include "libshared/json_text.h"

#include "libshared/buf.h"

static int append(const char *text, size_t len, void *out)
{
    buf_append(out, text, len);
    return 0;
}

void json_text_put(struct buf *out, const json_t *value)
{
    if (!value)
        buf_puts(out, "null");
    else if (json_dump_callback(value, append, out, JSON_COMPACT | JSON_ENCODE_ANY) < 0)
        out->failed = true;
}
