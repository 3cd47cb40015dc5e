/* cursor.h - where a page ends that is ordered by a time: "<time in us>.<id>". */
#pragma once

#include <stdint.h>

struct arena;
struct err;

/* In arena; NULL and *err when out of memory. */
const char *cursor_make(int64_t us, const char *id, struct arena *arena, struct err *err);

/* ERR_INVALID naming the field after unless after is such a cursor. */
int cursor_read(const char *after, struct arena *arena, int64_t *ret_us, const char **ret_id, struct err *err);
