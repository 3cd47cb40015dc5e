/* html_elements.h - what an element of HTML means for the text in it. */
#pragma once

enum html_kind {
    HTML_INLINE, /* nothing: what is not listed */
    HTML_BLOCK,  /* a paragraph of its own */
    HTML_HEADING,
    HTML_LIST,
    HTML_ITEM,
    HTML_TABLE,
    HTML_ROW,
    HTML_CELL,
    HTML_QUOTE,
    HTML_PRE,
    HTML_TERM,    /* dt */
    HTML_MEANING, /* dd */
    HTML_BREAK,
    HTML_IMAGE,
    HTML_TITLE,
    HTML_MAIN,   /* main, article */
    HTML_ASIDE,  /* header, footer, aside: left out if there is a main part */
    HTML_SCRIPT, /* left out, as those that follow */
    HTML_SKIPPED,
};

/* name in lower case. */
enum html_kind html_kind_of(const char *name);
