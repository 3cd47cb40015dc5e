/* cursor.h - where a page of a list ends: "<value in the list's order>.<id>", the next_after of a page. */
#pragma once

#include <stdint.h>

struct arena;
struct err;

struct cursor {
    int64_t value;  /* mostly a time in us */
    const char *id; /* NULL: from the first */
};

/* after: what the request says, or NULL. ERR_INVALID naming the field after unless it is a cursor. */
int cursor_read(const char *after, struct arena *arena, struct cursor *ret_cursor, struct err *err);

/* In arena. */
int cursor_make(int64_t value, const char *id, struct arena *arena, const char **ret_after, struct err *err);
