/* markdown_writer.h - Markdown written piece by piece: breaks and blanks wait until text follows them.
 *
 *     struct markdown md = {.out = &out};
 *     markdown_break(&md, 2);
 *     markdown_mark(&md, "# ");
 *     markdown_text(&md, "Prices", 6);
 *
 * Blanks are collapsed; nothing is written for what has no text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libshared/buf.h"

#define MARKDOWN_INDENT_MAX 20 /* levels of lists and quotes that are shown; deeper ones look like these */

struct markdown {
    struct buf *out;
    int breaks;                       /* waiting: 1 ends the line, 2 leaves an empty one */
    bool blank;                       /* waiting: a space */
    char mark[16];                    /* waiting: "- ", "12. ", "## ", ": " */
    bool is_mark_flush;               /* mark stands at the line's start, whatever lists are around it */
    bool is_raw;                      /* preformatted: text is written as it is */
    bool is_line;                     /* a heading, a table's cell: breaks become spaces */
    bool is_cell;                     /* '|' is escaped */
    unsigned indent;                  /* levels that are open */
    char levels[MARKDOWN_INDENT_MAX]; /* '>' a quote, ' ' a list's item */
};

/* Before the next text ends a line (1), or a paragraph (2). */
void markdown_break(struct markdown *self, int breaks);

/* What the next text's line begins with. flush: at its very start. A mark that waits already is replaced. */
void markdown_mark(struct markdown *self, const char *mark, bool flush);

/* A quote ('>') or a list's item (' ') begins, ends. */
void markdown_open(struct markdown *self, char level);
void markdown_close(struct markdown *self);

/* Text with its blanks collapsed; as it is while is_raw. */
void markdown_text(struct markdown *self, const char *text, size_t len);

/* Syntax, such as "```" or "| ", which is written as it is after the breaks that wait. */
void markdown_syntax(struct markdown *self, const char *syntax);
