/* page.h - a page of a list. It ends before its answer is larger than a frame, however many items were asked for. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena;
struct db_result;
struct err;
struct message_type;

#define PAGE_BYTES_MAX (768 * 1024) /* of its items, packed: the rest of the frame is for what goes with them */

/* Reads rows into an array of type's struct, in arena: the first always, then up to limit, as long as they fit. The
 * caller has asked the database for limit + 1 rows: if *ret_n is less than the rows, there is another page. NULL and
 * *err as codec_from_row. */
void *page_from_rows(const struct message_type *type, const struct db_result *rows, int64_t limit, struct arena *arena,
                     size_t *ret_n, struct err *err);
