/* fuzz_consent.c - what a lead wrote: any bytes. */
#include "tests/fuzz/fuzz.h"

#include "libshared/consent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 3);
    struct consent read, again;

    CHECK(text, "no memory");
    memcpy(text, data, size);
    text[size] = '\0';
    size = strlen(text);
    read = consent_read(text);
    CHECK(strlen(consent_name(read.kind)) <= 4, "kind %d", (int)read.kind);
    CHECK((read.kind != CONSENT_NONE) == (strlen(read.language) == 2), "language \"%s\"", read.language);
    CHECK(!read.keyword || read.kind != CONSENT_NONE, "a keyword of nothing");

    /* Spaces around a text change nothing. */
    if (size < 2000) {
        memmove(text + 1, text, size);
        text[0] = ' ';
        memcpy(text + size + 1, "\n", 2);
        again = consent_read(text);
        CHECK(read.kind == again.kind && read.keyword == again.keyword, "%d %d", (int)read.kind, (int)again.kind);
    }
    free(text);
    return 0;
}
