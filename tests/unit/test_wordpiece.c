/* The tokeniser against the reference: data/wordpiece*.tsv are what tools/minilm/tokens_reference.py wrote. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utf8proc.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "services/knowledge/embedding/wordpiece.h"

#define DATA  LEADWIRE_SOURCE_DIR "/tests/unit/data/"
#define MODEL LEADWIRE_SOURCE_DIR "/models/all-MiniLM-L6-v2.model"
#define ROOM  4096
#define CLS   101
#define SEP   102

/* [UNK] 0, [CLS] 1, [SEP] 2, a 3, b 4, ##b 5, ab 6, ! 7, cd 8, ##c 9, ##d 10 */
static const char few_words[] = "[UNK]\n[CLS]\n[SEP]\na\nb\n##b\nab\n!\ncd\n##c\n##d\n";

struct result {
    uint16_t tokens[ROOM];
    size_t n, read;
};

static struct wordpiece *made_of(const char *words)
{
    struct err err = {0};
    struct wordpiece *self = wordpiece_new(words, strlen(words), &err);

    cr_assert(self != NULL, "%s", err.text);
    return self;
}

/* The vocabulary is the first section of the model file, whose offset and length stand at byte 80. */
static struct wordpiece *whole(void)
{
    static const char magic[] = "LWMINILM\1\0\0";
    int fd = open(MODEL, O_RDONLY | O_CLOEXEC);
    struct err err = {0};
    struct wordpiece *self;
    uint64_t words[2];
    struct stat st;
    char *file;

    cr_assert(fd >= 0 && fstat(fd, &st) == 0, "%s", MODEL);
    file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    cr_assert(file != MAP_FAILED && memcmp(file, magic, sizeof magic) == 0);
    memcpy(words, file + 80, sizeof words);
    cr_assert(words[0] < (uint64_t)st.st_size && words[1] <= (uint64_t)st.st_size - words[0]);
    self = wordpiece_new(file + words[0], words[1], &err);
    cr_assert(self != NULL, "%s", err.text);
    return self;
}

static void encode(const struct wordpiece *model, const char *text, size_t len, size_t max, struct result *ret)
{
    ret->read = SIZE_MAX;
    ret->n = wordpiece_encode(model, text, len, ret->tokens, max, &ret->read);
    cr_assert(ret->n >= 2 && ret->n <= max);
    cr_assert(ret->read <= len);
}

static void expect_few(const char *text, const char *tokens)
{
    AUTO(wordpiece_destroy) struct wordpiece *model = made_of(few_words);
    struct result result;
    char found[200] = "";

    encode(model, text, strlen(text), 100, &result);
    cr_assert(eq(sz, result.read, strlen(text)));
    for (size_t i = 0; i < result.n; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%d", i ? " " : "", result.tokens[i]);
    cr_expect(eq(str, found, (char *)tokens), "%s", text);
}

/* What tokens_reference.py escaped: \xHH, and \*N{text} for text N times. Returns what follows. */
static const char *unescape(const char *at, const char *end, struct buf *text)
{
    while (at < end && *at != '}') {
        unsigned byte;
        int width;

        if (sscanf(at, "\\x%2x", &byte) == 1) {
            buf_append(text, &(char){(char)byte}, 1);
            at += 4;
        } else if (sscanf(at, "\\*%u{%n", &byte, &width) == 1) {
            AUTO(buf_free) struct buf once = {0};
            at = unescape(at + width, end, &once) + 1;
            for (unsigned i = 0; i < byte; i++)
                buf_append(text, once.data, once.len);
        } else {
            buf_append(text, at++, 1);
        }
    }
    return at;
}

/* "1037 2005", or "1037*100" for one token 100 times. */
static size_t read_tokens(const char *at, uint16_t *ret_tokens)
{
    unsigned token, times;
    size_t n = 0;
    int width;

    for (; sscanf(at, "%u%n", &token, &width) == 1; at += width) {
        cr_assert(n < ROOM);
        ret_tokens[n++] = (uint16_t)token;
    }
    if (sscanf(at, "*%u", &times) == 1)
        for (; n < times; n++)
            ret_tokens[n] = ret_tokens[0];
    return n;
}

/* Calls check with each text of the reference and its tokens. Returns how many there are. */
static size_t each_text(const struct wordpiece *model,
                        void check(const struct wordpiece *, const struct buf *, const uint16_t *, size_t))
{
    FILE *in = fopen(DATA "wordpiece.tsv", "re");
    char *line = NULL;
    size_t size = 0, n = 0;

    cr_assert(in != NULL);
    for (; getline(&line, &size, in) > 0; n++) {
        AUTO(buf_free) struct buf text = {0};
        uint16_t tokens[ROOM];
        char *tab = strchr(line, '\t');

        cr_assert(tab != NULL, "%s", line);
        buf_append(&text, "", 0);
        for (const char *at = line; at < tab; at++)
            if ((at = unescape(at, tab, &text)) < tab)
                buf_append(&text, at, 1); /* a "}" of the text's own */
        check(model, &text, tokens, read_tokens(tab + 1, tokens));
    }
    free(line);
    fclose(in);
    return n;
}

static void expect_tokens(const struct wordpiece *model, const struct buf *text, const uint16_t *tokens, size_t n)
{
    struct result result;

    encode(model, text->data, text->len, ROOM, &result);
    cr_expect(eq(sz, result.read, text->len));
    cr_expect(result.tokens[0] == CLS && result.tokens[result.n - 1] == SEP);
    cr_expect(result.n == n + 2 && memcmp(result.tokens + 1, tokens, n * sizeof *tokens) == 0,
              "%zu tokens, not %zu: %.*s", result.n - 2, n, (int)text->len, text->data);
}

Test(wordpiece, texts_are_the_tokens_of_the_reference)
{
    AUTO(wordpiece_destroy) struct wordpiece *model = whole();

    cr_expect(each_text(model, expect_tokens) > 2000);
}

/* The parts into which a small max cuts a text are together what the whole is. */
static void expect_cuts(const struct wordpiece *model, const struct buf *text, const uint16_t *tokens, size_t n)
{
    static const size_t maxima[] = {2, 3, 7, 16, 102};
    struct result part, again;

    for (size_t i = 0; i < COUNT_OF(maxima); i++) {
        size_t at = 0, done = 0;
        do {
            encode(model, text->data + at, text->len - at, maxima[i], &part);
            cr_expect(part.n - 2 <= n - done && memcmp(part.tokens + 1, tokens + done, (part.n - 2) * 2) == 0);
            encode(model, text->data + at, part.read, ROOM, &again);
            cr_expect(again.n == part.n && memcmp(again.tokens, part.tokens, part.n * 2) == 0);
            at += part.read;
            done += part.n - 2;
        } while (part.n > 2);
        cr_expect(at == text->len || part.read == 0);
        if (maxima[i] >= 102) /* any word fits */
            cr_expect(at == text->len && done == n, "%.*s", (int)text->len, text->data);
    }
}

Test(wordpiece, a_text_cut_anywhere_goes_on_as_if_it_were_whole)
{
    AUTO(wordpiece_destroy) struct wordpiece *model = whole();

    each_text(model, expect_cuts);
}

static const char *kind_of(const struct wordpiece *model, utf8proc_int32_t c)
{
    struct result result;
    char text[8] = "a";
    size_t len = 1 + (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)text + 1);

    text[len++] = 'b';
    encode(model, text, len, ROOM, &result);
    if (result.n == 5)
        return "alone";
    if (result.n == 4)
        return "gap";
    return result.tokens[1] == 5 ? "gone" : "letter"; /* "ab" */
}

Test(wordpiece, every_character_parts_words_as_in_the_reference)
{
    AUTO(wordpiece_destroy) struct wordpiece *model = made_of("[UNK]\n[CLS]\n[SEP]\na\nb\nab\n");
    FILE *in = fopen(DATA "wordpiece_characters.tsv", "re");
    unsigned first, last, characters = 0, checked = 0;
    char kind[20];

    cr_assert(in != NULL);
    while (fscanf(in, "%x %x %19s", &first, &last, kind) == 3) {
        characters += last - first + 1;
        if (strcmp(kind, "later") == 0) /* the reference does not know what they are */
            continue;
        for (unsigned c = first; c <= last; c++, checked++)
            cr_expect(eq(str, (char *)kind_of(model, (utf8proc_int32_t)c), kind), "U+%04X", c);
    }
    fclose(in);
    cr_expect(eq(u32, characters, 0x110000 - 0x800));
    cr_expect(checked > 250000);
}

Test(wordpiece, nothing_is_the_two_marks)
{
    expect_few("", "1 2");
    expect_few(" \t\r\n\xc2\xa0\xe3\x80\x80", "1 2");
    expect_few("\x01\x7f\xe2\x80\x8b\xef\xbb\xbf", "1 2");
}

Test(wordpiece, the_longest_piece_counts_and_a_rest_without_pieces_makes_the_word_unknown)
{
    expect_few("ab abb acd AB", "1 6 6 5 3 9 10 6 2");
    expect_few("abx ba cda", "1 0 0 0 2");
    expect_few("!ab!", "1 7 6 7 2");
}

Test(wordpiece, broken_utf8_is_dropped_as_the_replacement_character_is)
{
    expect_few("a\xff"
               "b a\xef\xbf\xbd"
               "b a\xc3",
               "1 6 6 3 2");
    expect_few("a\xed\xa0\x80"
               "b a\xc0\x80"
               "b a\xf4\x90\x80\x80"
               "b",
               "1 6 6 6 2");
}

Test(wordpiece, marks_written_in_a_text_are_no_marks)
{
    expect_few("[CLS]", "1 0 0 0 2");
    expect_few("##b", "1 0 0 4 2");
}

Test(wordpiece, a_nul_is_dropped)
{
    AUTO(wordpiece_destroy) struct wordpiece *model = made_of(few_words);
    struct result result;

    encode(model, "a\0b", 3, ROOM, &result);
    cr_expect(eq(sz, result.n, 3));
    cr_expect(eq(u16, result.tokens[1], 6));
}

Test(wordpiece, a_word_that_does_not_fit_whole_is_left_out_with_all_that_follows)
{
    AUTO(wordpiece_destroy) struct wordpiece *model = made_of(few_words);
    const char *text = "ab  acd ab ";
    const struct {
        size_t max, n, read;
    } expected[] = {{2, 2, 0}, {3, 3, 2}, {4, 3, 2}, {5, 3, 2}, {6, 6, 7}, {7, 7, 11}, {8, 7, 11}};
    struct result result;

    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        encode(model, text, strlen(text), expected[i].max, &result);
        cr_expect(eq(sz, result.n, expected[i].n), "max %zu", expected[i].max);
        cr_expect(eq(sz, result.read, expected[i].read), "max %zu", expected[i].max);
        cr_expect(eq(u16, result.tokens[result.n - 1], 2));
    }
}

Test(wordpiece, a_text_without_words_is_read_even_if_nothing_fits)
{
    AUTO(wordpiece_destroy) struct wordpiece *model = made_of(few_words);
    struct result result;

    encode(model, " \x01 ", 3, 2, &result);
    cr_expect(eq(sz, result.n, 2));
    cr_expect(eq(sz, result.read, 3));
}

Test(wordpiece, a_word_has_at_most_100_characters)
{
    AUTO(wordpiece_destroy) struct wordpiece *model = made_of(few_words);
    struct result result;
    char text[101];

    memset(text, 'b', sizeof text);
    encode(model, text, 100, ROOM, &result);
    cr_expect(eq(sz, result.n, 102));
    encode(model, text, 101, ROOM, &result);
    cr_expect(eq(sz, result.n, 3));
    cr_expect(eq(u16, result.tokens[1], 0));
}

static void expect_refused(const char *words, const char *text)
{
    struct err err = {0};

    cr_expect(wordpiece_new(words, strlen(words), &err) == NULL);
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(strstr(err.text, text) != NULL, "%s", err.text);
}

Test(wordpiece, a_vocabulary_without_the_marks_or_too_large_is_refused)
{
    AUTO(buf_free) struct buf many = {0};

    expect_refused("", "[UNK]");
    expect_refused("[UNK]\n[CLS]\n[SEPT]\n", "[SEP]");
    expect_refused("[UNK]\n[SEP]\n", "[CLS]");
    for (int i = 0; i < 65537; i++)
        buf_append(&many, "\n", 1);
    buf_append(&many, "", 1);
    expect_refused(many.data, "too large");
}

Test(wordpiece, a_vocabulary_may_end_without_a_newline_and_hold_lines_that_nothing_matches)
{
    AUTO(buf_free) struct buf words = {0};
    AUTO(wordpiece_destroy) struct wordpiece *model = NULL;
    struct result result;
    struct err err = {0};

    buf_append(&words, "\n##\n", 4);
    for (int i = 0; i < 300; i++)
        buf_append(&words, "x", 1);
    buf_append(&words, "\n[UNK]\n[CLS]\n[SEP]\na\na", 22);
    model = wordpiece_new(words.data, words.len, &err);
    cr_assert(model != NULL, "%s", err.text);
    encode(model, "a ##", 4, ROOM, &result);
    cr_expect(eq(sz, result.n, 5));
    cr_expect(eq(u16, result.tokens[0], 4));
    cr_expect(eq(u16, result.tokens[1], 7), "the last of equal lines");
    cr_expect(eq(u16, result.tokens[2], 3));
}

Test(wordpiece, a_piece_may_be_as_long_as_a_word)
{
    AUTO(buf_free) struct buf words = {0};
    AUTO(wordpiece_destroy) struct wordpiece *model = NULL;
    struct result result;

    buf_puts(&words, "[UNK]\n[CLS]\n[SEP]\nx\n##x\n");
    for (int i = 0; i < 100; i++)
        buf_puts(&words, "x");
    model = made_of(words.data);
    encode(model, words.data + words.len - 100, 100, ROOM, &result);
    cr_expect(eq(sz, result.n, 3));
    cr_expect(eq(u16, result.tokens[1], 5));
}

/* Of so many vocabularies some have both in one chain of the index, with the same tag. */
Test(wordpiece, what_begins_a_word_is_never_found_within_one)
{
    struct result result;

    for (unsigned i = 0; i < 30000; i++) {
        AUTO(wordpiece_destroy) struct wordpiece *model = NULL;
        char words[60], text[20];

        snprintf(words, sizeof words, "[UNK]\n[CLS]\n[SEP]\na\nx%x\n##y%x\n", i, i);
        model = made_of(words);
        snprintf(text, sizeof text, "ax%x y%x", i, i);
        encode(model, text, strlen(text), ROOM, &result);
        cr_assert(result.n == 4 && result.tokens[1] == 0 && result.tokens[2] == 0, "%s", text);
    }
}

Test(wordpiece, pieces_that_are_no_utf8_do_no_harm)
{
    AUTO(wordpiece_destroy) struct wordpiece *model = made_of("[UNK]\n[CLS]\n[SEP]\n\xc3\n##\xc3\n##\x9f\n");
    struct result result;
    char text[200];

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "\xc3\x9f"[i % 2];
    encode(model, text, sizeof text, ROOM, &result);
    cr_expect(eq(sz, result.n, 202));
    cr_expect(eq(sz, result.read, 200));
}

#ifdef __SANITIZE_ADDRESS__
/* Of the sanitizer's run-time; gcc installs no header for it. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static _Thread_local size_t allocations;

static void count_allocation(const volatile void *p, size_t size)
{
    (void)p;
    (void)size;
    allocations++;
}

static void ignore_free(const volatile void *p)
{
    (void)p;
}

static void expect_no_allocation(const struct wordpiece *model, const struct buf *text, const uint16_t *tokens,
                                 size_t n)
{
    struct result result;
    size_t before = allocations;

    (void)tokens;
    (void)n;
    result.n = wordpiece_encode(model, text->data, text->len, result.tokens, ROOM, &result.read);
    cr_expect(eq(sz, allocations, before));
}

Test(wordpiece, encoding_allocates_nothing)
{
    AUTO(wordpiece_destroy) struct wordpiece *model = NULL;

    cr_assert(__sanitizer_install_malloc_and_free_hooks(count_allocation, ignore_free) > 0);
    model = whole();
    cr_assert(allocations > 0);
    each_text(model, expect_no_allocation);
}
#endif

Test(wordpiece, megabytes_of_garbage_in_one_word_are_one_unknown_word)
{
    AUTO(wordpiece_destroy) struct wordpiece *model = whole();
    size_t len = 10 << 20;
    char *text = malloc(len);
    struct result result;
    uint32_t state = 1;

    cr_assert(text != NULL);
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525 + 1013904223;
        text[i] = "ae\xcc\x81\xff\xf0\x9f"[state >> 24 & 7];
    }
    encode(model, text, len, ROOM, &result);
    cr_expect(eq(sz, result.n, 3));
    cr_expect(eq(u16, result.tokens[1], 100));
    cr_expect(eq(sz, result.read, len));
    free(text);
}

static void *encode_all(void *model)
{
    return (void *)each_text(model, expect_tokens);
}

Test(wordpiece, threads_share_one)
{
    AUTO(wordpiece_destroy) struct wordpiece *model = whole();
    pthread_t threads[4];
    void *n;

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        cr_assert(pthread_create(&threads[i], NULL, encode_all, model) == 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        pthread_join(threads[i], &n);
        cr_expect(n > (void *)2000);
    }
}
