/* page.c - see page.h. */
#include "libshared/page.h"

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/codec.h"
#include "libshared/db.h"
#include "libshared/err.h"

void *page_from_rows(const struct message_type *type, const struct db_result *rows, int64_t limit, struct arena *arena,
                     size_t *ret_n, struct err *err)
{
    AUTO(buf_free) struct buf packed = {0};
    size_t wanted = (size_t)db_result_count(rows), bytes = 0, n = 0;
    char *items;

    if (wanted > (size_t)limit)
        wanted = (size_t)limit;
    if (!(items = arena_calloc(arena, wanted, type->size))) {
        err_set(err, ERR_INTERNAL, "page: out of memory");
        return NULL;
    }
    for (; n < wanted; n++) {
        buf_clear(&packed);
        if (codec_from_row(type, rows, (int)n, arena, items + n * type->size, err) < 0 ||
            codec_pack(type, items + n * type->size, &packed, err) < 0)
            return NULL;
        if (n > 0 && bytes + packed.len > PAGE_BYTES_MAX)
            break;
        bytes += packed.len;
    }
    *ret_n = n;
    return items;
}
