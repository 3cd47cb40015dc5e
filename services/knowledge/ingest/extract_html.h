/* extract_html.h - a page on its way from elements to Markdown. extract_html.c reads, extract_html_elements.c writes.
 */
#pragma once

#include <libxml/HTMLparser.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/buf.h"
#include "services/knowledge/ingest/html_elements.h"
#include "services/knowledge/ingest/markdown_writer.h"

struct arena;

#define HTML_DEPTH_MAX 2000 /* elements within each other; browsers stop at 512 */

/* An element that is open. */
struct open {
    enum html_kind kind;
    const xmlChar *name;  /* libxml2's, which lives as long as its parser */
    size_t from;          /* the length of out at its start: of an aside, a pre */
    int number;           /* of a list: of its next item; 0: it has none */
    bool is_grid;         /* a table: its rows are written as Markdown's; false: it only lays out what is in it */
    size_t rows, columns; /* of a table: so far; in the row so far */
    size_t outer;         /* of a table: page->table around it */
};

/* Of out: what a header, footer or aside wrote. */
struct range {
    size_t from, to;
};

struct page {
    htmlParserCtxtPtr parser;
    const char *data;
    size_t len, read; /* how much libxml2 was given */
    int64_t until_ms;
    const char *trouble; /* why it ended before its end; NULL: it did not */

    struct buf out, title;
    struct markdown md, title_md;
    struct open *stack;
    size_t depth;
    size_t skipped; /* depth of the outermost element whose content is left out; 0: none */
    size_t table;   /* depth of the innermost table; 0: none */
    size_t lists;   /* open */
    size_t mains;   /* open */
    size_t in_asides;
    bool has_main, has_script, in_title;
    struct range *asides;
    size_t n_asides;
};

/* The element on top of the stack starts, ends. */
void page_open(struct page *self, struct open *open);
void page_close(struct page *self, struct open *open);

/* All of the text, without what stands aside if there is a main part. In arena; NULL: out of memory. */
char *page_text_of(const struct page *self, struct arena *arena);
