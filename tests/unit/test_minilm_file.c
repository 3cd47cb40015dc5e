/* The sentence model's file: whatever is wrong with it is said, and nothing outside of it is ever read. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libshared/err.h"
#include "services/knowledge/embedding/minilm_internal.h"

#define MODEL LEADWIRE_SOURCE_DIR "/models/all-MiniLM-L6-v2.model"

enum {
    DIGEST_AT = 16,
    FILE_LEN_AT = 48,
    WORDS_AT = 56,
    SECTIONS_AT = 80,
    SECTIONS = 66,
    HEADER_LEN = SECTIONS_AT + SECTIONS * 16
};

static unsigned char *bytes; /* a copy of the file, to be damaged */
static size_t bytes_len;
static char path[] = "/tmp/leadwire-minilm-XXXXXX";

static void read_model(void)
{
    FILE *file = fopen(MODEL, "rb");
    int fd = mkstemp(path);

    cr_assert(file && fd >= 0);
    close(fd);
    fseek(file, 0, SEEK_END);
    bytes_len = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(bytes_len);
    cr_assert(eq(sz, fread(bytes, 1, bytes_len, file), bytes_len));
    fclose(file);
}

static void remove_copy(void)
{
    unlink(path);
    free(bytes);
}

/* Opens a file of the first len of the bytes: its error must say what. NULL: it must open. */
static void open_copy(size_t len, const char *what)
{
    FILE *file = fopen(path, "wb");
    struct err err = {0};
    struct minilm *model;

    cr_assert(eq(sz, fwrite(bytes, 1, len, file), len));
    fclose(file);
    model = minilm_open(path, &err);
    if (!what) {
        cr_expect(model != NULL, "%s", err.text);
    } else {
        cr_expect(model == NULL, "%s", what);
        cr_expect(eq(int, err.kind, ERR_INVALID));
        cr_expect(strstr(err.text, path) && strstr(err.text, what), "%s", err.text);
    }
    minilm_close(&model);
}

/* The damage passes for the work of a program that writes such files. */
static void seal(void)
{
    cr_assert(EVP_Digest(bytes + FILE_LEN_AT, bytes_len - FILE_LEN_AT, bytes + DIGEST_AT, NULL, EVP_sha256(), NULL));
}

static void put(size_t at, uint64_t value)
{
    memcpy(bytes + at, &value, sizeof value);
}

static uint64_t get(size_t at)
{
    uint64_t value;

    memcpy(&value, bytes + at, sizeof value);
    return value;
}

TestSuite(minilm_file, .init = read_model, .fini = remove_copy, .timeout = 120);

Test(minilm_file, as_it_is_kept_it_opens)
{
    open_copy(bytes_len, NULL);
}

Test(minilm_file, a_missing_one_is_named)
{
    struct err err = {0};

    cr_expect(eq(ptr, minilm_open("/nowhere/x.model", &err), NULL));
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(eq(str, err.text, "/nowhere/x.model: No such file or directory"));
    cr_expect(eq(ptr, minilm_open("/tmp", &err), NULL));
    cr_expect(eq(str, err.text, "/tmp: not a model of Leadwire"));
}

Test(minilm_file, a_cut_one_is_refused)
{
    const size_t lens[] = {0, 1, 47, 48, 80, HEADER_LEN - 1};

    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
        open_copy(lens[i], "not a model of Leadwire");
    open_copy(HEADER_LEN, "should have");
    open_copy(bytes_len / 2, "should have");
    open_copy(bytes_len - 1, "should have");
}

Test(minilm_file, a_flipped_bit_anywhere_is_found)
{
    for (size_t i = 0; i < 24; i++) {
        size_t at = i < 12 ? i * HEADER_LEN / 12 : HEADER_LEN + (i - 12) * (bytes_len - HEADER_LEN) / 12;

        bytes[at] ^= 0x10;
        open_copy(bytes_len, "");
        bytes[at] ^= 0x10;
    }
    bytes[bytes_len - 100] ^= 1;
    open_copy(bytes_len, "is damaged");
}

Test(minilm_file, another_version_or_model_is_named)
{
    bytes[8]++;
    open_copy(bytes_len, "is of version 2");
    bytes[8]--;
    for (size_t at = WORDS_AT; at < SECTIONS_AT; at += 4) {
        bytes[at]++;
        seal();
        open_copy(bytes_len, "sizes");
        bytes[at]--;
    }
    bytes[12]++;
    open_copy(bytes_len, "sizes");
}

Test(minilm_file, a_section_out_of_bounds_is_refused)
{
    const uint64_t offsets[] = {0, 64, 1, bytes_len, bytes_len + 64, UINT64_MAX - 63, UINT64_MAX};

    for (size_t i = 0; i < 2 * SECTIONS; i += 13)
        for (size_t j = 0; j < sizeof offsets / sizeof offsets[0]; j++) {
            uint64_t was = get(SECTIONS_AT + i * 8);

            put(SECTIONS_AT + i * 8, offsets[j]);
            seal();
            open_copy(bytes_len, "out of bounds");
            put(SECTIONS_AT + i * 8, was);
        }
}

Test(minilm_file, the_vocabulary_has_a_word_for_every_vector)
{
    size_t at = get(SECTIONS_AT), len = get(SECTIONS_AT + 8);

    bytes[at + 1] = '\n'; /* a line more */
    seal();
    open_copy(bytes_len, "vocabulary");
    bytes[at + 1] = 'P';
    put(SECTIONS_AT + 8, len - 1); /* the last has no end */
    seal();
    open_copy(bytes_len, "vocabulary");
    put(SECTIONS_AT + 8, 0);
    seal();
    open_copy(bytes_len, "vocabulary is empty");
}

Test(minilm_file, a_vocabulary_without_the_marks_is_refused)
{
    size_t at = get(SECTIONS_AT), len = get(SECTIONS_AT + 8);
    unsigned char *mark = memmem(bytes + at, len, "[SEP]\n", 6);

    cr_assert(mark != NULL);
    mark[1] = 'X';
    seal();
    open_copy(bytes_len, "[SEP]");
}
