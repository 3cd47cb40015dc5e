/* html_elements.c - see html_elements.h. */
#include "services/knowledge/ingest/html_elements.h"

#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"

struct element {
    const char *name;
    enum html_kind kind;
};

/* In the order of strcmp. Controls of forms are not text of the page; their labels only mean something beside them. */
static const struct element elements[] = {
    {"address", HTML_BLOCK},    {"applet", HTML_SKIPPED},   {"article", HTML_MAIN},     {"aside", HTML_ASIDE},
    {"audio", HTML_SKIPPED},    {"blockquote", HTML_QUOTE}, {"body", HTML_BLOCK},       {"br", HTML_BREAK},
    {"button", HTML_SKIPPED},   {"canvas", HTML_SKIPPED},   {"caption", HTML_BLOCK},    {"center", HTML_BLOCK},
    {"datalist", HTML_SKIPPED}, {"dd", HTML_MEANING},       {"details", HTML_BLOCK},    {"dialog", HTML_SKIPPED},
    {"div", HTML_BLOCK},        {"dl", HTML_BLOCK},         {"dt", HTML_TERM},          {"fieldset", HTML_BLOCK},
    {"figcaption", HTML_BLOCK}, {"figure", HTML_BLOCK},     {"footer", HTML_ASIDE},     {"form", HTML_BLOCK},
    {"h1", HTML_HEADING},       {"h2", HTML_HEADING},       {"h3", HTML_HEADING},       {"h4", HTML_HEADING},
    {"h5", HTML_HEADING},       {"h6", HTML_HEADING},       {"header", HTML_ASIDE},     {"hr", HTML_BLOCK},
    {"iframe", HTML_SKIPPED},   {"img", HTML_IMAGE},        {"input", HTML_SKIPPED},    {"label", HTML_SKIPPED},
    {"legend", HTML_BLOCK},     {"li", HTML_ITEM},          {"main", HTML_MAIN},        {"math", HTML_SKIPPED},
    {"menu", HTML_LIST},        {"nav", HTML_SKIPPED},      {"noframes", HTML_SKIPPED}, {"noscript", HTML_SKIPPED},
    {"object", HTML_SKIPPED},   {"ol", HTML_LIST},          {"optgroup", HTML_SKIPPED}, {"option", HTML_SKIPPED},
    {"p", HTML_BLOCK},          {"pre", HTML_PRE},          {"progress", HTML_SKIPPED}, {"script", HTML_SCRIPT},
    {"section", HTML_BLOCK},    {"select", HTML_SKIPPED},   {"style", HTML_SKIPPED},    {"summary", HTML_BLOCK},
    {"svg", HTML_SKIPPED},      {"table", HTML_TABLE},      {"td", HTML_CELL},          {"template", HTML_SKIPPED},
    {"textarea", HTML_SKIPPED}, {"th", HTML_CELL},          {"title", HTML_TITLE},      {"tr", HTML_ROW},
    {"ul", HTML_LIST},          {"video", HTML_SKIPPED},
};

static int compare(const void *name, const void *element)
{
    return strcmp(name, ((const struct element *)element)->name);
}

enum html_kind html_kind_of(const char *name)
{
    const struct element *element = bsearch(name, elements, COUNT_OF(elements), sizeof *elements, compare);

    return element ? element->kind : HTML_INLINE;
}
