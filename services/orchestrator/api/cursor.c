/* cursor.c - see cursor.h. */
#include "services/orchestrator/api/cursor.h"

#include <inttypes.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "libshared/uuid.h"

const char *cursor_make(int64_t us, const char *id, struct arena *arena, struct err *err)
{
    const char *cursor = arena_printf(arena, "%" PRId64 ".%s", us, id);

    if (!cursor)
        err_set(err, ERR_INTERNAL, "a page: out of memory");
    return cursor;
}

int cursor_read(const char *after, struct arena *arena, int64_t *ret_us, const char **ret_id, struct err *err)
{
    const char *dot = strchr(after, '.');
    char *us = dot ? arena_strndup(arena, after, (size_t)(dot - after)) : NULL;

    if (!us || !uuid_is_valid(dot + 1) || !text_to_int(us, 0, INT64_C(253402300799999999), ret_us))
        return err_set_field(err, ERR_INVALID, "after", "after must be the next_after of a page");
    *ret_id = dot + 1;
    return 0;
}
