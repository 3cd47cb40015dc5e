/* cursor.c - see cursor.h. */
#include "services/orchestrator/api/cursor.h"

#include <inttypes.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "libshared/uuid.h"

#define VALUE_MAX INT64_C(253402300799999999) /* the year 9999, in us */

int cursor_read(const char *after, struct arena *arena, struct cursor *ret_cursor, struct err *err)
{
    const char *dot = after ? strchr(after, '.') : NULL;
    char *value = dot ? arena_strndup(arena, after, (size_t)(dot - after)) : NULL;

    *ret_cursor = (struct cursor){0};
    if (!after)
        return 0;
    if (!value || !uuid_is_valid(dot + 1) || !text_to_int(value, 0, VALUE_MAX, &ret_cursor->value))
        return err_set_field(err, ERR_INVALID, "after", "after must be the next_after of a page");
    ret_cursor->id = dot + 1;
    return 0;
}

int cursor_make(int64_t value, const char *id, struct arena *arena, const char **ret_after, struct err *err)
{
    *ret_after = arena_printf(arena, "%" PRId64 ".%s", value, id);
    return *ret_after ? 0 : err_set(err, ERR_INTERNAL, "a page: out of memory");
}
