/* extract_html.c - an HTML page as Markdown.
 *
 * libxml2 (2.9) tells the elements one by one (SAX); no tree is made, whose functions recurse. Two things in it grow
 * with the square of a malicious page: the elements that are open, which are bounded here, and the attributes of one
 * element. Therefore it is fed in small portions, and gets no more when its time is up. */
#include <libxml/HTMLparser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/knowledge/ingest/extract.h"
#include "services/knowledge/ingest/extract_html.h"
#include "services/knowledge/ingest/extract_internal.h"

#define TIME_LIMIT_MS 10000
#define PORTION_BYTES 4096

static const char *attribute(const xmlChar **attributes, const char *name)
{
    for (; attributes && attributes[0]; attributes += 2)
        if (strcmp((const char *)attributes[0], name) == 0)
            return attributes[1] ? (const char *)attributes[1] : "";
    return NULL;
}

/* Whether the author hid it. Styles in sheets and what scripts show are not known. */
static bool is_hidden(const xmlChar **attributes)
{
    const char *style = attribute(attributes, "style");
    const char *aria = attribute(attributes, "aria-hidden");
    const char *display = style ? strcasestr(style, "display") : NULL;

    if (attribute(attributes, "hidden") || (aria && strcasecmp(aria, "true") == 0))
        return true;
    if (!display)
        return false;
    display += strlen("display");
    display += strspn(display, " \t\n:");
    return strncasecmp(display, "none", 4) == 0;
}

static void stop(struct page *page, const char *trouble)
{
    if (!page->trouble)
        page->trouble = trouble;
    xmlStopParser(page->parser);
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar **attributes)
{
    struct page *page = ctx;
    struct open *open;
    int64_t number;

    if (page->trouble)
        return;
    if (page->depth == HTML_DEPTH_MAX) {
        stop(page, "its elements are nested too deep");
        return;
    }
    open = &page->stack[page->depth++];
    *open = (struct open){.kind = html_kind_of((const char *)name), .name = name};
    if (open->kind == HTML_SCRIPT)
        page->has_script = true;
    if (page->skipped)
        return;
    if (open->kind >= HTML_SCRIPT || is_hidden(attributes)) {
        page->skipped = page->depth;
        return;
    }
    if (open->kind == HTML_LIST && name[0] == 'o') {
        const char *start = attribute(attributes, "start");

        open->number = start && text_to_int(start, 1, 1000000, &number) ? (int)number : 1;
    }
    page_open(page, open);
    if (open->kind == HTML_IMAGE && attribute(attributes, "alt"))
        markdown_text(&page->md, attribute(attributes, "alt"), strlen(attribute(attributes, "alt")));
}

/* Ends what was opened last, or the element of that name with all that was left open in it. */
static void on_end(void *ctx, const xmlChar *name)
{
    struct page *page = ctx;
    size_t depth = page->depth;

    while (depth > 0 && !xmlStrEqual(page->stack[depth - 1].name, name))
        depth--;
    if (depth == 0)
        return;
    while (page->depth >= depth) {
        struct open *open = &page->stack[page->depth - 1];

        if (!page->skipped)
            page_close(page, open);
        else if (page->skipped == page->depth)
            page->skipped = 0;
        page->depth--;
    }
}

static void on_text(void *ctx, const xmlChar *text, int len)
{
    struct page *page = ctx;

    if (page->trouble || page->skipped)
        return;
    markdown_text(page->in_title ? &page->title_md : &page->md, (const char *)text, (size_t)len);
    if (page->out.len > EXTRACT_BYTES)
        stop(page, "its text is too long");
}

/* libxml2 wants more of the page. Whole characters only. */
static int on_read(void *ctx, char *room, int len)
{
    struct page *page = ctx;
    size_t max = len < PORTION_BYTES ? (size_t)len : PORTION_BYTES;
    size_t n = utf8_cut(page->data + page->read, page->len - page->read, max);

    if (page->trouble)
        return 0;
    if (clock_mono_ms() > page->until_ms) {
        page->trouble = "reading it takes too long";
        return 0;
    }
    memcpy(room, page->data + page->read, n);
    page->read += n;
    return (int)n;
}

static int page_parse(struct page *page, struct err *err)
{
    const int options = HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET |
                        HTML_PARSE_NOIMPLIED | HTML_PARSE_NODEFDTD | HTML_PARSE_IGNORE_ENC;

    if (!(page->parser = htmlNewParserCtxt()) || !(page->stack = calloc(HTML_DEPTH_MAX, sizeof *page->stack)))
        return err_set(err, ERR_INTERNAL, "extract: out of memory");
    memset(page->parser->sax, 0, sizeof *page->parser->sax);
    page->parser->sax->startElement = on_start;
    page->parser->sax->endElement = on_end;
    page->parser->sax->characters = on_text;
    page->parser->sax->ignorableWhitespace = on_text;
    page->parser->sax->cdataBlock = on_text;
    page->parser->userData = page;
    page->until_ms = clock_mono_ms() + TIME_LIMIT_MS;
    htmlCtxtReadIO(page->parser, on_read, NULL, page, NULL, "UTF-8", options);
    if (page->parser->lastError.code == XML_ERR_NO_MEMORY || page->out.failed || page->title.failed)
        return err_set(err, ERR_INTERNAL, "extract: out of memory");
    if (page->trouble)
        return err_set_field(err, ERR_INVALID, "content", "the HTML page cannot be read: %s", page->trouble);
    while (page->depth > 0)
        on_end(page, page->stack[page->depth - 1].name);
    return 0;
}

static void page_free(struct page *page)
{
    if (page->parser) {
        xmlFreeDoc(page->parser->myDoc);
        htmlFreeParserCtxt(page->parser);
    }
    free(page->stack);
    free(page->asides);
    buf_free(&page->out);
    buf_free(&page->title);
}

int html_extract(const char *html, size_t len, struct arena *arena, struct extracted *ret_extracted, struct err *err)
{
    AUTO(page_free) struct page page = {.data = html, .len = len};
    const char *text;
    char *title = NULL;

    page.md.out = &page.out;
    page.title_md = (struct markdown){.out = &page.title, .is_line = true};
    if (page_parse(&page, err) < 0)
        return -1;
    if (!(text = page_text_of(&page, arena)))
        return err_set(err, ERR_INTERNAL, "extract: out of memory");
    if (text_is_blank(text))
        return err_set_field(err, ERR_INVALID, "content",
                             page.has_script ? "the HTML page has no text outside of its scripts"
                                             : "the HTML page has no text");
    if (page.title.len > 0 &&
        !(title = arena_strndup(arena, page.title.data, utf8_cut(page.title.data, page.title.len, TITLE_BYTES))))
        return err_set(err, ERR_INTERNAL, "extract: out of memory");
    *ret_extracted = (struct extracted){.title = title, .text = text, .is_markdown = true};
    return 0;
}
