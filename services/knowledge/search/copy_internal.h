/* copy_internal.h - what copy.c and copy_large.c share. */
#pragma once

#include "services/knowledge/search/copy.h"

struct db_arg;
struct db_pool;
struct db_result;
struct err;
struct piece;

/* A copy without anything, to be filled; its arena hands out at most max_bytes. NULL and *err without memory. */
struct copy *copy_new(const char *client_id, size_t max_bytes, struct err *err);

/* One statement that only reads: a lost answer is asked for again. */
int copy_ask(struct db_pool *db, struct db_result **ret_rows, const char *sql, const struct db_arg *args, size_t n,
             struct err *err);

/* The base of a row, behind those there are: bases has room. */
int copy_read_base(struct copy *self, const struct db_result *rows, int row, struct db_pool *db, struct err *err);

/* The chunk of a row, but for its vector. */
int copy_read_piece(struct copy *self, const struct db_result *rows, int row, struct piece *piece, struct err *err);
