/* extract.c - see extract.h: what it is, and whose turn it is then. */
#include "services/knowledge/ingest/extract.h"

#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "services/knowledge/ingest/extract_internal.h"

#define PDF_MARK_WITHIN 1024 /* readers of PDF look for %PDF- in so many first bytes */

enum type { TYPE_UNKNOWN, TYPE_PLAIN, TYPE_MARKDOWN, TYPE_HTML, TYPE_PDF };

static const char *const type_names[] = {
    [TYPE_PLAIN] = "text/plain",
    [TYPE_MARKDOWN] = "text/markdown",
    [TYPE_HTML] = "text/html",
    [TYPE_PDF] = "application/pdf",
};

#define SUPPORTED "text/plain, text/markdown, text/html and application/pdf are"

struct name {
    const char *name;
    enum type type;
};

static const struct name declared_names[] = {
    {"text/plain", TYPE_PLAIN},      {"text/markdown", TYPE_MARKDOWN},           {"text/x-markdown", TYPE_MARKDOWN},
    {"text/html", TYPE_HTML},        {"application/xhtml+xml", TYPE_HTML},       {"application/pdf", TYPE_PDF},
    {"application/x-pdf", TYPE_PDF}, {"application/octet-stream", TYPE_UNKNOWN}, /* what programs send when they do not
                                                                                    know */
};

static const struct name endings[] = {
    {".txt", TYPE_PLAIN}, {".md", TYPE_MARKDOWN}, {".markdown", TYPE_MARKDOWN},
    {".htm", TYPE_HTML},  {".html", TYPE_HTML},   {".pdf", TYPE_PDF},
};

/* Parameters behind the type, such as charset, are ignored: the bytes themselves tell. */
static int type_declared(const char *content_type, enum type *ret_type, struct err *err)
{
    size_t start, len;

    *ret_type = TYPE_UNKNOWN;
    if (!content_type)
        return 0;
    start = strspn(content_type, " \t");
    len = strcspn(content_type + start, "; \t");
    if (len == 0)
        return 0;
    for (size_t i = 0; i < COUNT_OF(declared_names); i++)
        if (strlen(declared_names[i].name) == len &&
            strncasecmp(declared_names[i].name, content_type + start, len) == 0) {
            *ret_type = declared_names[i].type;
            return 0;
        }
    return err_set_field(err, ERR_INVALID, "content_type", "%.*s is not supported: " SUPPORTED,
                         (int)(len > 100 ? 100 : len), content_type + start);
}

static enum type type_by_name(const char *filename)
{
    size_t len = filename ? strlen(filename) : 0;

    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        size_t n = strlen(endings[i].name);

        if (len > n && strcasecmp(filename + len - n, endings[i].name) == 0)
            return endings[i].type;
    }
    return TYPE_UNKNOWN;
}

static bool starts_with(const char *data, size_t len, const char *start)
{
    size_t n = strlen(start);

    return len >= n && strncasecmp(data, start, n) == 0;
}

static bool is_pdf(const char *data, size_t len)
{
    return memmem(data, len < PDF_MARK_WITHIN ? len : PDF_MARK_WITHIN, "%PDF-", 5) != NULL;
}

/* "<!doctype html" or "<html", after a byte order mark, blanks, comments and an XML declaration. */
static bool is_html(const char *data, size_t len)
{
    size_t i = starts_with(data, len, "\xef\xbb\xbf") ? 3 : 0;

    for (;;) {
        const char *end = NULL;

        while (i < len && strchr(" \t\r\n", data[i]) && data[i])
            i++;
        if (starts_with(data + i, len - i, "<!--"))
            end = memmem(data + i, len - i, "-->", 3);
        else if (starts_with(data + i, len - i, "<?xml"))
            end = memmem(data + i, len - i, ">", 1);
        else
            break;
        if (!end)
            return false;
        i = (size_t)(end - data) + (data[i + 1] == '!' ? 3 : 1);
    }
    return starts_with(data + i, len - i, "<!doctype html") || starts_with(data + i, len - i, "<html");
}

static enum type type_by_bytes(const char *data, size_t len)
{
    if (starts_with(data, len, "%PDF-"))
        return TYPE_PDF;
    return is_html(data, len) ? TYPE_HTML : TYPE_UNKNOWN;
}

/* A declared type is believed, unless the bytes cannot be that. */
static int type_check(enum type type, const char *content_type, const char *data, size_t len, struct err *err)
{
    const char *field = content_type ? "content_type" : "content";

    if (type == TYPE_PDF && !is_pdf(data, len))
        return err_set_field(err, ERR_INVALID, field, "this is not a PDF: it does not begin with %%PDF-");
    if (type != TYPE_PDF && starts_with(data, len, "%PDF-"))
        return err_set_field(err, ERR_INVALID, field, "this is a PDF, but was posted as %s", type_names[type]);
    if (starts_with(data, len, "PK\3\4"))
        return err_set_field(err, ERR_INVALID, field,
                             "this is a ZIP or Office file, which is not supported: " SUPPORTED);
    return 0;
}

static int type_find(const char *data, size_t len, const char *content_type, const char *filename, enum type *ret_type,
                     struct err *err)
{
    enum type type;

    if (type_declared(content_type, &type, err) < 0)
        return -1;
    if (type == TYPE_UNKNOWN)
        type = type_by_bytes(data, len);
    if (type == TYPE_UNKNOWN)
        type = type_by_name(filename);
    if (type == TYPE_UNKNOWN)
        type = TYPE_PLAIN;
    if (type_check(type, content_type, data, len, err) < 0)
        return -1;
    *ret_type = type;
    return 0;
}

static int text_extract(const char *data, size_t len, enum type type, struct arena *arena,
                        struct extracted *ret_extracted, struct err *err)
{
    char *text;
    size_t n;

    if (plain_text(data, len, arena, &text, &n, err) < 0)
        return -1;
    *ret_extracted = (struct extracted){.text = text, .is_markdown = type == TYPE_MARKDOWN};
    return 0;
}

static int page_extract(const char *data, size_t len, struct arena *arena, struct extracted *ret_extracted,
                        struct err *err)
{
    char *page;
    size_t n;

    if (page_text(data, len, arena, &page, &n, err) < 0)
        return -1;
    return html_extract(page, n, arena, ret_extracted, err);
}

int extract_text(const void *data, size_t len, const char *content_type, const char *filename, struct arena *arena,
                 struct extracted *ret_extracted, struct err *err)
{
    struct extracted extracted;
    enum type type;
    int rc;

    if (len == 0)
        return err_set_field(err, ERR_INVALID, "content", "is empty");
    if (type_find(data, len, content_type, filename, &type, err) < 0)
        return -1;
    if (type == TYPE_PDF)
        rc = pdf_extract(data, len, arena, &extracted, err);
    else if (type == TYPE_HTML)
        rc = page_extract(data, len, arena, &extracted, err);
    else
        rc = text_extract(data, len, type, arena, &extracted, err);
    if (rc < 0)
        return -1;
    if (text_is_blank(extracted.text))
        return err_set_field(err, ERR_INVALID, "content", "has no text, only blanks");
    extracted.content_type = type_names[type];
    *ret_extracted = extracted;
    return 0;
}
