/* notice_store.h - the table notices, as the API shows it. Into arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct db_tx;
struct err;
struct list_notices;
struct notice;
struct notice_page;

/* A page (see libshared/page.h), newest first. */
int notice_store_list(struct db_tx *tx, const struct list_notices *request, struct arena *arena,
                      struct notice_page *ret_page, struct err *err);

/* ERR_NOT_FOUND also for another client's. */
int notice_store_get(struct db_tx *tx, const char *notice_id, struct arena *arena, struct notice *ret_notice,
                     struct err *err);
