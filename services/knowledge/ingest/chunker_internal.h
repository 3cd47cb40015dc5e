/* chunker_internal.h - what the files behind chunker.h share. Offsets are bytes of the text, which has less than 4 GB.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEADING_LINE_MAX 300 /* bytes; a "heading" that is longer is text */

enum block_kind { BLOCK_TEXT, BLOCK_LIST, BLOCK_TABLE, BLOCK_CODE, BLOCK_HEADING };

/* A paragraph, a list, a table, fenced code, or a heading (its words alone). No blanks at its ends. */
struct block {
    uint32_t from, to;
    uint32_t rows; /* of a table: where its header and the line below it end */
    uint8_t kind;
    uint8_t level; /* of a heading: 1 to 6 */
};

struct blocks {
    struct block *items;
    size_t n, cap;
    bool failed; /* no memory */
};

/* chunker_blocks.c: the text as blocks. Front matter, empty headings and lines that only divide are left out. */
void blocks_parse(const char *text, size_t len, bool is_markdown, struct blocks *out);

/* Whether an entry of a list begins there: "- ", "* ", "+ ", a bullet, "1. ", "1) ". */
bool is_entry(const char *text, size_t from, size_t to);

/* chunker_split.c: where a part of [from, to) that begins at from ends. The blanks behind it belong to it. */
size_t entry_end(const char *text, size_t from, size_t to);    /* an item of a list with all that is below it */
size_t line_end(const char *text, size_t from, size_t to);     /* a row, a line of code */
size_t sentence_end(const char *text, size_t from, size_t to); /* also a paragraph, an entry */
size_t word_end(const char *text, size_t from, size_t to);
size_t scrap_end(const char *text, size_t from,
                 size_t to); /* of a word without end: whole characters with their marks */

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}
