/* fuzz_wordpiece.c - texts against a small vocabulary, cut at any number of tokens; and any bytes as a vocabulary. */
#include "tests/fuzz/fuzz.h"

#include "services/knowledge/embedding/wordpiece.h"

static const char words[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nthe\nboiler\n##s\n##a\n##b\n##er\nab\n!\n$\n\xc3\x9f\n\xe6\xbc\xa2\n"
    "\xd8\xa7\n##\xd8\xa7\n\xe1\x84\x80\n##\xe1\x85\xa1\n\xc4\xb1";
#define WORDS 22
#define FIRST 2
#define LAST  3

static void check_encodes(const struct wordpiece *model, size_t known, const char *text, size_t len)
{
    uint16_t tokens[300];
    size_t read, n = wordpiece_encode(model, text, len, tokens, 300, &read);

    CHECK(n >= 2 && n <= 300, "%zu tokens", n);
    CHECK(read <= len, "%zu bytes of %zu", read, len);
    for (size_t i = 0; i < n; i++)
        CHECK(tokens[i] < known, "token %u", tokens[i]);
}

/* The tokens of a text cut after at most max tokens are the first ones of the whole, and those of what was read. */
static void check_cut(const struct wordpiece *model, const char *text, size_t len, size_t max)
{
    size_t room = len * 4 + 2, read, read_all, n, n_all;
    uint16_t *all = malloc(room * sizeof *all), *cut = malloc(room * sizeof *cut);

    CHECK(all && cut, "no memory");
    n_all = wordpiece_encode(model, text, len, all, room, &read_all);
    CHECK(read_all == len, "%zu bytes of %zu", read_all, len);
    CHECK(all[0] == FIRST && all[n_all - 1] == LAST, "the marks");
    n = wordpiece_encode(model, text, len, cut, max < room ? max : room, &read);
    CHECK(n <= n_all && memcmp(cut, all, (n - 1) * sizeof *all) == 0 && cut[n - 1] == LAST, "%zu of %zu", n, n_all);
    CHECK(n == n_all ? read == len : read < len, "%zu bytes, %zu of %zu", read, n, n_all);
    CHECK(wordpiece_encode(model, text, read, all, room, &read_all) == n, "another number for what was read");
    CHECK(memcmp(cut, all, n * sizeof *all) == 0, "other tokens for what was read");
    free(all);
    free(cut);
}

/* data as a vocabulary, and as a text for it. */
static void check_vocabulary(const char *data, size_t size)
{
    static const char marks[] = "[UNK]\n[CLS]\n[SEP]\n";
    size_t len = sizeof marks - 1 + size;
    char *vocabulary = malloc(len);
    struct wordpiece *model;
    struct err err = {0};

    CHECK(vocabulary, "no memory");
    memcpy(vocabulary, marks, sizeof marks - 1);
    memcpy(vocabulary + sizeof marks - 1, data, size);
    if ((model = wordpiece_new(vocabulary, len, &err)))
        check_encodes(model, UINT16_MAX + 1, data, size);
    else
        CHECK(err.kind == ERR_INVALID && err.text[0], "%s", err.text);
    wordpiece_destroy(&model);
    free(vocabulary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wordpiece *model;
    struct err err = {0};

    if (!model)
        CHECK((model = wordpiece_new(words, sizeof words - 1, &err)), "%s", err.text);
    if (size == 0)
        return 0;
    check_encodes(model, WORDS, (const char *)data, size);
    check_cut(model, (const char *)data + 1, size - 1, 2 + data[0]);
    check_vocabulary((const char *)data, size);
    return 0;
}
