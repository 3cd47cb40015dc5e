/* lexemes.h - reads a tsvector as PostgreSQL writes it: 'one' 'it''s', sorted by their bytes. Pure. */
#pragma once

#include <stddef.h>

#define LEXEME_SIZE 2048 /* PostgreSQL's longest is one byte less */

/* The lexeme at *at_p, whose end is put into *ret_len; moves *at_p on. One with an apostrophe or a backslash, which are
 * written twice, is copied to buffer. NULL when there is none left. */
const char *lexeme_next(const char **at_p, char buffer[LEXEME_SIZE], size_t *ret_len);

/* The order of the first len bytes of text and of lexeme, as strcmp tells it. */
int lexeme_compare(const char *text, size_t len, const char *lexeme);
