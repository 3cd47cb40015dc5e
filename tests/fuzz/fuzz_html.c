/* fuzz_html.c - HTML pages, and whatever else is posted as one. */
#include "tests/fuzz/fuzz.h"

#include "libshared/text.h"
#include "services/knowledge/ingest/extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(4 * (size_t)ARENA_LIMIT);
    struct extracted extracted;
    struct err err = {0};

    if (extract_text(data, size, "text/html", NULL, arena, &extracted, &err) < 0) {
        CHECK(err.kind == ERR_INVALID && err.text[0] && err.field[0], "%s: %s", err.field, err.text);
        return 0;
    }
    CHECK(extracted.is_markdown && strcmp(extracted.content_type, "text/html") == 0, "%s", extracted.content_type);
    CHECK(utf8_valid(extracted.text, strlen(extracted.text)), "text");
    CHECK(!extracted.title || utf8_valid(extracted.title, strlen(extracted.title)), "title");
    return 0;
}
