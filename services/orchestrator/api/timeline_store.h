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
struct timeline_page;

/* A page (see libshared/page.h), oldest first. */
int timeline_store_list(struct db_tx *tx, const struct conversation *conversation, const struct list_timeline *request,
                        struct arena *arena, struct timeline_page *ret_page, struct err *err);

/* Newest first; and what tells of the lead now. */
int score_store_list(struct db_tx *tx, const struct lead *lead, const struct list_scores *request, struct arena *arena,
                     struct score_page *ret_page, struct err *err);
