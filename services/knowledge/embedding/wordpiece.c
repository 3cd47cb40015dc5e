/* wordpiece.c - see wordpiece.h. The reference is HuggingFace's tokenizers with BertNormalizer, BertPreTokenizer and
 * WordPiece; its special tokens in a text ("[SEP]") are not taken for them here, for the text is a stranger's.
 *
 * The reference knows the categories of Unicode 8: characters that came later and are marks or punctuation are letters
 * to it. The vocabulary has none of them. Nor has it a mark that is kept and has a combining class, so marks need not
 * be put into canonical order: a word with one is [UNK] in any order. */
#include "services/knowledge/embedding/wordpiece.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "libshared/auto.h"
#include "libshared/err.h"

#define WORD_CHARS 100 /* a longer word is [UNK] */
#define WORD_BYTES (WORD_CHARS * 4)
#define PIECE_MAX  255 /* bytes; the longest of BERT's vocabulary has 18 */
#define TOKENS_MAX (UINT16_MAX + 1)
#define PARTS_MAX  16 /* a character decomposes into at most 4 */

/* FNV-1a, from two starts: the same letters are one piece at the beginning of a word and another within. */
#define HASH_BEGINS 2166136261u
#define HASH_WITHIN 3735928559u
#define HASH_PRIME  16777619u

struct slot {
    uint32_t at; /* in words, behind the "##" */
    uint16_t token;
    uint8_t len; /* 0: free */
    uint8_t tag; /* see tag_of */
};

struct wordpiece {
    const char *words;
    size_t longest;
    uint16_t unknown, first, last; /* [UNK], [CLS], [SEP] */
    size_t mask;                   /* slots - 1 */
    struct slot slots[];
};

struct word {
    char bytes[WORD_BYTES];
    size_t len, chars;
};

struct encoding {
    const struct wordpiece *model;
    uint16_t *tokens;
    size_t n, max;
    size_t read; /* where the last word in tokens ended */
    bool is_full;
    struct word word; /* the one being read */
};

static uint32_t hash_byte(uint32_t hash, char byte)
{
    return (hash ^ (uint8_t)byte) * HASH_PRIME;
}

static uint32_t hash_piece(const char *text, size_t len, bool begins)
{
    uint32_t hash = begins ? HASH_BEGINS : HASH_WITHIN;

    for (size_t i = 0; i < len; i++)
        hash = hash_byte(hash, text[i]);
    return hash;
}

/* One bit says where a piece may stand, the others spare most comparisons. */
static uint8_t tag_of(uint32_t hash, bool begins)
{
    return (uint8_t)((hash >> 24 & 0xfe) | begins);
}

/* The slot of a piece, or the free one in which it belongs. Half of them are free at least, so there is an end. */
static size_t find(const struct wordpiece *self, uint32_t hash, bool begins, const char *text, size_t len)
{
    uint8_t tag = tag_of(hash, begins);
    size_t i = hash & self->mask;

    for (; self->slots[i].len; i = (i + 1) & self->mask) {
        const struct slot *slot = &self->slots[i];
        if (slot->len == len && slot->tag == tag && memcmp(self->words + slot->at, text, len) == 0)
            break;
    }
    return i;
}

/* Lines that no word can match (empty, too long) only count. Of equal lines the last one counts, as in the reference.
 */
static void add(struct wordpiece *self, size_t at, size_t len, size_t token)
{
    bool begins = len < 2 || memcmp(self->words + at, "##", 2) != 0;
    uint32_t hash;

    if (!begins) {
        at += 2;
        len -= 2;
    }
    if (len == 0 || len > PIECE_MAX)
        return;
    hash = hash_piece(self->words + at, len, begins);
    self->slots[find(self, hash, begins, self->words + at, len)] =
        (struct slot){.at = (uint32_t)at, .token = (uint16_t)token, .len = (uint8_t)len, .tag = tag_of(hash, begins)};
    if (len > self->longest)
        self->longest = len;
}

static int special(const struct wordpiece *self, const char *word, uint16_t *ret_token, struct err *err)
{
    size_t len = strlen(word), i = find(self, hash_piece(word, len, true), true, word, len);

    if (!self->slots[i].len)
        return err_set(err, ERR_INVALID, "the vocabulary has no %s", word);
    *ret_token = self->slots[i].token;
    return 0;
}

static size_t count_lines(const char *words, size_t len)
{
    size_t n = len > 0 && words[len - 1] != '\n';

    for (size_t i = 0; i < len; i++)
        n += words[i] == '\n';
    return n;
}

struct wordpiece *wordpiece_new(const char *words, size_t len, struct err *err)
{
    AUTO(wordpiece_destroy) struct wordpiece *self = NULL;
    size_t lines = count_lines(words, len), slots = 16, token = 0;

    if (len > UINT32_MAX || lines > TOKENS_MAX) {
        err_set(err, ERR_INVALID, "the vocabulary is too large: %zu words, at most %d", lines, TOKENS_MAX);
        return NULL;
    }
    while (slots < 2 * lines)
        slots *= 2;
    if (!(self = calloc(1, sizeof *self + slots * sizeof self->slots[0]))) {
        err_set(err, ERR_INTERNAL, "wordpiece: out of memory");
        return NULL;
    }
    self->words = words;
    self->mask = slots - 1;
    for (size_t at = 0; at < len; token++) {
        const char *end = memchr(words + at, '\n', len - at);
        size_t next = end ? (size_t)(end - words) : len;
        add(self, at, next - at, token);
        at = next + 1;
    }
    if (special(self, "[UNK]", &self->unknown, err) < 0 || special(self, "[CLS]", &self->first, err) < 0 ||
        special(self, "[SEP]", &self->last, err) < 0)
        return NULL;
    return TAKE(self);
}

void wordpiece_destroy(struct wordpiece **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

/* Bytes of the longest piece that text begins with, 0 if there is none. Both text and the vocabulary are UTF-8, so no
 * piece ends within a character. */
static size_t longest_piece(const struct wordpiece *self, const char *text, size_t len, bool begins,
                            uint16_t *ret_token)
{
    uint32_t hash = hash_piece("", 0, begins);
    size_t longest = 0;

    for (size_t n = 1; n <= len && n <= self->longest; n++) {
        const struct slot *slot;

        hash = hash_byte(hash, text[n - 1]);
        slot = &self->slots[find(self, hash, begins, text, n)];
        if (slot->len) {
            longest = n;
            *ret_token = slot->token;
        }
    }
    return longest;
}

/* A piece a byte at most: of a vocabulary in UTF-8, a character. */
static size_t word_pieces(const struct wordpiece *self, const struct word *word, uint16_t ret_tokens[WORD_BYTES])
{
    size_t n = 0, len;

    for (size_t at = 0; at < word->len && word->chars <= WORD_CHARS; at += len) {
        if (!(len = longest_piece(self, word->bytes + at, word->len - at, at == 0, &ret_tokens[n])))
            break;
        n++;
        if (at + len == word->len)
            return n;
    }
    ret_tokens[0] = self->unknown;
    return 1;
}

/* at: where the word ended in the text. */
static void end_word(struct encoding *self, size_t at)
{
    uint16_t tokens[WORD_BYTES];
    size_t n;

    if (self->word.chars == 0 || self->is_full)
        return;
    n = word_pieces(self->model, &self->word, tokens);
    self->word.len = self->word.chars = 0;
    if (n + 1 > self->max - self->n) { /* [SEP] must fit too */
        self->is_full = true;
        return;
    }
    memcpy(self->tokens + self->n, tokens, n * sizeof tokens[0]);
    self->n += n;
    self->read = at;
}

static void put(struct word *word, utf8proc_int32_t c)
{
    if (++word->chars > WORD_CHARS)
        return;
    if (c < 0x80)
        word->bytes[word->len++] = (char)c;
    else
        word->len += (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)word->bytes + word->len);
}

static void put_alone(struct encoding *self, utf8proc_int32_t c, size_t at, size_t end)
{
    end_word(self, at);
    put(&self->word, c);
    end_word(self, end);
}

/* The ideographs, each a word of its own; kana and hangul are not. The gap at U+2B820 is the reference's. */
static bool is_chinese(utf8proc_int32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
           (c >= 0x2F800 && c <= 0x2FA1F);
}

static bool is_punctuation(utf8proc_category_t category)
{
    return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

/* [at, end): where the character is in the text. */
static void take_ascii(struct encoding *self, char c, size_t at, size_t end)
{
    if (c >= 'A' && c <= 'Z')
        put(&self->word, c - 'A' + 'a');
    else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        put(&self->word, c);
    else if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
        end_word(self, at);
    else if (c > ' ' && c < 0x7f)
        put_alone(self, c, at, end); /* symbols as $ and + too */
}

/* A part of a character, after decomposition. */
static void take_part(struct encoding *self, utf8proc_int32_t c, size_t at, size_t end)
{
    utf8proc_category_t category = utf8proc_category(c);

    if (c < 0x80)
        take_ascii(self, (char)c, at, end);
    else if (is_punctuation(category))
        put_alone(self, c, at, end);
    else if (category != UTF8PROC_CATEGORY_MN)
        put(&self->word, utf8proc_tolower(c));
}

static void take(struct encoding *self, utf8proc_int32_t c, size_t at, size_t end)
{
    utf8proc_int32_t parts[PARTS_MAX];
    utf8proc_ssize_t n;
    bool alone = is_chinese(c);
    int boundary = 0;

    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CO:
        return;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        end_word(self, at);
        return;
    default:
        break;
    }
    if (c == 0xFFFD)
        return;
    if (alone)
        end_word(self, at);
    n = utf8proc_decompose_char(c, parts, PARTS_MAX, UTF8PROC_DECOMPOSE, &boundary);
    for (utf8proc_ssize_t i = 0; i < n && i < PARTS_MAX; i++)
        take_part(self, parts[i], at, end);
    if (alone)
        end_word(self, end);
}

size_t wordpiece_encode(const struct wordpiece *self, const char *text, size_t len, uint16_t *ret_tokens, size_t max,
                        size_t *ret_read)
{
    struct encoding encoding = {.model = self, .tokens = ret_tokens, .max = max};
    size_t at = 0;

    assert(max >= 2);
    encoding.tokens[encoding.n++] = self->first;
    while (at < len && !encoding.is_full) {
        utf8proc_int32_t c = (uint8_t)text[at];
        utf8proc_ssize_t width = 1;

        if (c < 0x80) {
            take_ascii(&encoding, text[at], at, at + 1);
        } else if ((width = utf8proc_iterate((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(len - at), &c)) >
                   0) {
            take(&encoding, c, at, at + (size_t)width);
        } else {
            width = 1; /* U+FFFD, which the reference drops */
        }
        at += (size_t)width;
    }
    end_word(&encoding, len);
    encoding.tokens[encoding.n++] = self->last;
    *ret_read = encoding.is_full ? encoding.read : len;
    return encoding.n;
}
