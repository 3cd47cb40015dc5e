/* upload_store.h - what is larger than a message, put down in parts by the gateway (message put_upload). */
#pragma once

#include <stddef.h>

#include "libshared/service.h"

struct arena;
struct db_tx;
struct err;

/* Stores one part; the same part again changes nothing. */
request_fn on_put_upload;

/* All parts in their order. To be called before the transaction is narrowed to the knowledge base's client
 * (kb_open). *ret_data is in arena, a NUL behind it. ERR_NOT_FOUND with field "upload_id" if there is no such upload,
 * a part is missing, or it is another client's. ERR_INVALID if it is larger than max. */
int upload_read(struct db_tx *tx, const char *upload_id, size_t max, struct arena *arena, const char **ret_data,
                size_t *ret_len, struct err *err);
