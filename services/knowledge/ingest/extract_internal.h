/* extract_internal.h - what the files behind extract.h share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;
struct err;
struct extracted;

#define EXTRACT_BYTES (20 * 1024 * 1024) /* a text may have at most; more than any book */
#define TITLE_BYTES   500                /* a title found in a file is cut to */

/* extract_plain.c */

/* What was posted as UTF-8 with '\n' as the end of a line and without its byte order mark; UTF-16 with a mark is
 * converted. 0 and *ret_text (in arena), or -1: ERR_INVALID if it is binary, or not valid UTF-8 (at which byte). */
int plain_text(const char *data, size_t len, struct arena *arena, char **ret_text, size_t *ret_len, struct err *err);

/* The same for the bytes of an HTML page, whose charset may stand in a <meta>. What is valid UTF-8 is UTF-8, whatever
 * the page says of itself: a page that came as a JSON string is. */
int page_text(const char *data, size_t len, struct arena *arena, char **ret_text, size_t *ret_len, struct err *err);

/* Whether there is nothing but blanks. */
bool text_is_blank(const char *text);

/* extract_html.c, extract_pdf.c: they fill title, text and is_markdown. */
int html_extract(const char *page, size_t len, struct arena *arena, struct extracted *ret_extracted, struct err *err);
int pdf_extract(const void *data, size_t len, struct arena *arena, struct extracted *ret_extracted, struct err *err);

/* extract_pdf_text.c: paragraphs out of pdftotext's lines: words that were hyphenated are joined, the lines of a
 * paragraph too, what stands at the top or the bottom of each page is kept once. raw is changed. */
void pdf_paragraphs(char *raw, size_t len, struct buf *out);
