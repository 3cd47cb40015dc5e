/* timeline_store.h - what has happened in a conversation, and to a lead's score, as the API shows it. Into arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct conversation;
struct db_tx;
struct err;
struct lead;
struct list_scores;
struct list_timeline;
struct score_page;
struct timeline_item;

/* A page (see libshared/page.h) behind the item of after_place and after_id (NULL: from the first), oldest first.
 * *ret_place: that of the last item, for the next page. */
int timeline_store_list(struct db_tx *tx, const struct conversation *conversation, const struct list_timeline *filter,
                        int64_t after_place, const char *after_id, struct arena *arena,
                        struct timeline_item **ret_items, size_t *ret_n, int64_t *ret_place, bool *ret_more,
                        struct err *err);

/* Newest first, behind the change after (0: from the first); and what tells of the lead now. */
int score_store_list(struct db_tx *tx, const struct lead *lead, int64_t limit, int64_t after, struct arena *arena,
                     struct score_page *ret_page, bool *ret_more, struct err *err);
