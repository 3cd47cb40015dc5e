/* fuzz_chunker.c - texts that are cut. The first byte tells whether it is Markdown. */
#include "tests/fuzz/fuzz.h"

#include "libshared/text.h"
#include "services/knowledge/ingest/chunker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(4 * (size_t)ARENA_LIMIT);
    struct piece *pieces;
    struct err err = {0};
    size_t n;
    char *text;

    if (size == 0 || !utf8_valid((const char *)data + 1, size - 1))
        return 0;
    text = arena_strndup(arena, (const char *)data + 1, size - 1);
    CHECK(chunk_text(text, data[0] & 1, arena, &pieces, &n, &err) == 0, "%s", err.text);
    for (size_t i = 0; i < n; i++) {
        size_t body = strlen(pieces[i].body), heading = strlen(pieces[i].heading);

        CHECK(body > 0 && body <= CHUNK_BYTES && utf8_valid(pieces[i].body, body), "body %zu", i);
        CHECK(heading <= HEADING_BYTES && utf8_valid(pieces[i].heading, heading), "heading %zu", i);
        CHECK(pieces[i].tokens > 0, "tokens %zu", i);
    }
    return 0;
}
