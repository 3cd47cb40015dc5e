/* extract.h - what was posted (text, Markdown, HTML, PDF) as text.
 *
 * HTML becomes Markdown (headings, lists, tables stay), without its scripts, styles and navigation. PDF is read by
 * pdftotext (poppler) in a process of its own with bounded time and memory, so that a malicious file harms nothing.
 * What stands at the top or bottom of each page of a PDF is kept once; lines become paragraphs again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

struct extracted {
    const char *title;        /* of an HTML page or a PDF; NULL: it has none */
    const char *text;         /* UTF-8, no NUL, not blank */
    bool is_markdown;         /* text has Markdown's headings, lists, tables */
    const char *content_type; /* what it was taken for: text/plain, text/markdown, text/html, application/pdf */
};

/* content_type and filename may be NULL: then the first bytes tell, then the name's ending, else it is text. The same
 * for application/octet-stream. Parameters of the type are ignored; text is UTF-8, or UTF-16 with a byte order mark; an
 * HTML page that is not UTF-8 is read in the charset that it names. Thread-safe. At most 30 s. 0 and *ret_extracted (in
 * arena), or -1 with err->field "content" or "content_type": ERR_INVALID      not a supported type; posted as text but
 * binary, or not valid UTF-8 (at which byte); an encrypted or damaged PDF, one without text (scanned), one that takes
 * too long; an HTML page of scripts; blank ERR_UNAVAILABLE  pdftotext is not installed ERR_INTERNAL     no memory */
int extract_text(const void *data, size_t len, const char *content_type, const char *filename, struct arena *arena,
                 struct extracted *ret_extracted, struct err *err);
