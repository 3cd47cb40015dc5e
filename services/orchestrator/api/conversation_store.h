/* conversation_store.h - conversations and messages as the API shows them. Into arena; ERR_NOT_FOUND also for
 * another tenant's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct conversation;
struct db_tx;
struct err;
struct list_conversations;
struct message;

int conversation_store_get(struct db_tx *tx, const char *conversation_id, struct arena *arena,
                           struct conversation *ret_conversation, struct err *err);

/* At most filter->limit + 1, last changed first, behind the one that was changed at before_us and has before_id
 * (NULL: from the first). */
int conversation_store_list(struct db_tx *tx, const struct list_conversations *filter, int64_t before_us,
                            const char *before_id, struct arena *arena, struct conversation **ret_items, size_t *ret_n,
                            struct err *err);

/* migrations/0061 tells what each does. Return 1, or 0 if it was so already: then nothing is changed; or -1. */
int conversation_store_take_over(struct db_tx *tx, const struct conversation *conversation, const char *who,
                                 const char *reason, struct err *err);
/* *ret_unanswered: the lead has written what nobody has answered, and wants process_ai_response in this transaction. */
int conversation_store_release(struct db_tx *tx, const struct conversation *conversation, const char *who,
                               const char *note, bool *ret_unanswered, struct err *err);
int conversation_store_close(struct db_tx *tx, const struct conversation *conversation, const char *who,
                             const char *reason, struct err *err);

int message_store_get(struct db_tx *tx, const char *message_id, struct arena *arena, struct message *ret_message,
                      struct err *err);

/* A page (see libshared/page.h) behind after_seq, oldest first. */
int message_store_list(struct db_tx *tx, const struct conversation *conversation, int64_t after_seq, int64_t limit,
                       struct arena *arena, struct message **ret_items, size_t *ret_n, bool *ret_more, struct err *err);
