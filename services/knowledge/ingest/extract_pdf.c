/* extract_pdf.c - a PDF's text, by poppler's pdftotext in a process of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/knowledge/ingest/child.h"
#include "services/knowledge/ingest/extract.h"
#include "services/knowledge/ingest/extract_internal.h"

#define TEXT_LIMIT_MS  25000
#define TITLE_LIMIT_MS 4000

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "extract: out of memory");
}

/* What pdftotext says of a file that it does not read. */
static int refuse(const struct child *child, struct err *err)
{
    const char *notes = child->notes.data ? child->notes.data : "";

    if (child->is_missing)
        return err_set_field(err, ERR_UNAVAILABLE, "content",
                             "PDFs cannot be read here: pdftotext is not installed (package poppler-utils)");
    if (child->is_too_slow)
        return err_set_field(err, ERR_INVALID, "content", "reading the PDF takes longer than %d s",
                             TEXT_LIMIT_MS / 1000);
    if (child->is_too_long)
        return err_set_field(err, ERR_INVALID, "content", "the PDF has more than %d MB of text", CHILD_OUT_BYTES >> 20);
    if (strstr(notes, "password") || strstr(notes, "encryption"))
        return err_set_field(err, ERR_INVALID, "content", "the PDF is encrypted: post it without a password");
    return err_set_field(err, ERR_INVALID, "content", "the PDF is damaged: it cannot be read");
}

/* Bytes that are no UTF-8 become '?': fonts may map a character to anything. A NUL becomes a blank. */
static void mend_utf8(struct buf *text)
{
    size_t i = 0;

    while (i < text->len) {
        size_t n = 1;

        while (n < 4 && i + n < text->len && ((unsigned char)text->data[i + n] & 0xc0) == 0x80)
            n++;
        if (text->data[i] == '\0')
            text->data[i] = ' ';
        else if (!utf8_valid(text->data + i, n))
            memset(text->data + i, '?', n);
        i += n;
    }
}

/* The line "Title: ..." of what pdfinfo says. A title is worth having, and not worth failing for. */
static const char *title_of(const void *data, size_t len, struct arena *arena)
{
    const char *const argv[] = {"pdfinfo", "-enc", "UTF-8", "-", NULL};
    AUTO(child_free) struct child child;
    const char *line, *end;
    size_t n;

    if (child_run(argv, data, len, TITLE_LIMIT_MS, &child, NULL) < 0 || child.exit_code != 0 || !child.out.data)
        return NULL;
    mend_utf8(&child.out);
    if (!(line = strstr(child.out.data, "Title:")) || (line != child.out.data && line[-1] != '\n'))
        return NULL;
    line += strlen("Title:");
    line += strspn(line, " \t");
    /* What Word names a document that has no title. */
    if (strncmp(line, "Microsoft Word - ", 17) == 0)
        line += 17;
    end = line + strcspn(line, "\r\n");
    while (end > line && end[-1] == ' ')
        end--;
    n = utf8_cut(line, (size_t)(end - line), TITLE_BYTES);
    return n > 0 ? arena_strndup(arena, line, n) : NULL;
}

int pdf_extract(const void *data, size_t len, struct arena *arena, struct extracted *ret_extracted, struct err *err)
{
    const char *const argv[] = {"pdftotext", "-enc", "UTF-8", "-", "-", NULL};
    AUTO(child_free) struct child child;
    AUTO(buf_free) struct buf text = {0};
    const char *kept;

    if (child_run(argv, data, len, TEXT_LIMIT_MS, &child, err) < 0)
        return -1;
    if (child.exit_code != 0)
        return refuse(&child, err);
    mend_utf8(&child.out);
    if (child.out.data)
        pdf_paragraphs(child.out.data, child.out.len, &text);
    if (text.failed)
        return out_of_memory(err);
    if (!text.data || text_is_blank(text.data))
        return err_set_field(err, ERR_INVALID, "content",
                             "the PDF has no text: its pages seem to be scanned images, which are not read");
    if (!(kept = arena_strndup(arena, text.data, text.len)))
        return out_of_memory(err);
    *ret_extracted = (struct extracted){.title = title_of(data, len, arena), .text = kept};
    return 0;
}
