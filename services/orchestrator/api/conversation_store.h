/* conversation_store.h - conversations and messages as the API shows them. Into arena; ERR_NOT_FOUND also for
 * another tenant's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct conversation;
struct conversation_page;
struct db_tx;
struct err;
struct list_conversations;
struct list_messages;
struct message;
struct message_page;

int conversation_store_get(struct db_tx *tx, const char *conversation_id, struct arena *arena,
                           struct conversation *ret_conversation, struct err *err);

/* A page (see libshared/page.h), last changed first. */
int conversation_store_list(struct db_tx *tx, const struct list_conversations *request, struct arena *arena,
                            struct conversation_page *ret_page, struct err *err);

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

/* A page (see libshared/page.h), oldest first. */
int message_store_list(struct db_tx *tx, const struct conversation *conversation, const struct list_messages *request,
                       struct arena *arena, struct message_page *ret_page, struct err *err);
