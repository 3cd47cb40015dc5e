/* kbfix.h - a worker of the knowledge service and two clients, for tests of its handlers: with its own rights in the
 * database, without any provider. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libshared/service.h"
#include "libshared/uuid.h"

struct arena;
struct db_pool;
struct db_tx;
struct err;

#define KBFIX_MODEL "text-embedding-3-small" /* the configured one; never asked for a vector here */

extern struct worker kbfix_worker;
extern struct db_pool *kbfix_admin; /* sees everything */
extern struct arena *kbfix_arena;
extern char kbfix_a[UUID_SIZE], kbfix_b[UUID_SIZE]; /* clients */

void kbfix_open(void);
void kbfix_close(void);

/* Runs a handler as service.c does, in a transaction. client NULL: an administrator. */
int kbfix_call(request_fn *fn, const char *client, const void *request, void *reply, struct err *err);

/* The id of a new base. */
const char *kbfix_base(const char *client, const char *name, const char *model);

/* Adds or replaces an FAQ; its document_id. */
const char *kbfix_faq(const char *client, const char *kb_id, const char *question, const char *answer);

/* A document that is ready, of n chunks "<title> <position>". Its document_id. */
const char *kbfix_document(const char *client, const char *kb_id, const char *title, int n);

/* Gives all chunks of the client a vector of the model, of 100 dimensions, that have none. */
void kbfix_embed(const char *client, const char *model);

/* How many entries of the vocabulary (kb_words) and of the counts (kb_terms) of client A are not as its chunks say. */
int64_t kbfix_vocabulary_faults(void);

/* Runs sql as administrator; $1 is arg. Returns column n of the first row. */
int64_t kbfix_count(const char *sql, const char *arg);
void kbfix_run(const char *sql, const char *arg); /* arg NULL: there is no $1 */
