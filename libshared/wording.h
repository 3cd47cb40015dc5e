/* wording.h - what people mean, told by the phrases that they write: a book of words and rules, looked up in a text.
 *
 * A book is tables of words: words that mean the same, words that change nothing, classes of words that stand for one
 * another, and rules, which are phrases with what speaks against them. It is made into numbers once (wording_make); a
 * text then becomes the numbers of its words, in which the phrases are looked for. Nothing is allocated. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDING_BYTES  2048 /* of a text that are read */
#define WORDING_TOKENS 512  /* words of a text that are read */
#define WORDING_WORD   48   /* bytes of a folded word, with its NUL; a longer one is nobody's */

/* ---- folding (wording_fold.c) ---- */

enum wording_break { BREAK_NONE, BREAK_CLAUSE, BREAK_SENTENCE };

struct wording_cursor {
    const char *text;
    size_t left;
};

/* The next word: lower case, without accents, apostrophes and what is written but not read; Arabic letters that stand
 * for one another as one. Letters of other widths and styles are plain ones; everything that is neither letter nor
 * digit parts words. *ret_break: the strongest mark before it. False at the end, where *ret_break is that of the rest.
 */
bool wording_next_word(struct wording_cursor *self, char word[WORDING_WORD], enum wording_break *ret_break);

/* ---- a book ---- */

/* phrases: between commas, words separated by spaces; each stands for all its synonyms, @name for the words of a class.
 * ?word may be missing; * is up to four words and + up to one, whatever they are; < asks that only fillers stand before
 * it in the clause, or since a joint, and > that only fillers follow. A phrase begins with a word, or < and a word, and
 * lies within a clause. */
struct wording_rule {
    int kind; /* the book's own, not 0 */
    const char *language;
    const char *phrases;
    const char *before; /* NULL, or words that must not stand before the phrase, in the same clause */
    const char *after;  /* ... or behind it */
    const char *next;   /* ... or right behind it */
    const char *text;   /* ... or anywhere else in the text */
    const char *needs;  /* NULL, or words of which one must stand somewhere in the text */
};

/* Words that the book looks for by itself. */
struct wording_list {
    int kind;
    const char *language;
    const char *words;
};

struct wording_chapter {
    const struct wording_rule *rules;
    size_t n;
};

/* Lists of strings end with NULL. */
struct wording_book {
    const char *const
        *synonyms; /* words that mean the same for our purpose, separated by spaces; the first names them */
    const char *const *compounds; /* "do not = dont": two words that count as one */
    const char *const *classes;   /* "name = word word" */
    const char *fillers;          /* words of politeness and haste, which change nothing */
    const char *oaths;            /* words that only add heat, also in the middle of a phrase: not read at all */
    const char *joints;           /* words between which what is said on one side does not bear on the other */
    const struct wording_chapter *chapters; /* ends with {0} */
};

/* ---- the same as numbers (wording_tables.c) ---- */

#define WORDING_IDS          1536
#define WORDING_WORDS        2560
#define WORDING_PHRASES      1024
#define WORDING_ENTRIES      3072
#define WORDING_CLASSES      64
#define WORDING_PHRASE_WORDS 16
#define WORDING_RULES        60
#define WORDING_SLOTS        4096 /* a power of two */
#define WORDING_POOL         (32 * 1024)

/* What a phrase asks for at one place: the number of a word and its synonyms, or one of these. */
enum { WORDING_UNKNOWN, WORDING_GAP, WORDING_ONE, WORDING_BEGINS, WORDING_ENDS, WORDING_FIRST_ID };
#define WORDING_OPTIONAL 0x8000
#define WORDING_CLASS    0x4000 /* the rest is the number of a class */

struct wording_set {
    uint64_t bits[WORDING_IDS / 64];
};

static inline bool wording_has(const struct wording_set *set, uint16_t id)
{
    return set->bits[id / 64] >> id % 64 & 1;
}

struct wording_phrase {
    uint16_t elements[WORDING_PHRASE_WORDS];
    uint16_t n;
    uint16_t rule;
};

/* What speaks against a phrase of a rule: see wording_rule. */
struct wording_veto {
    struct wording_set before, after, next, text, needs;
    bool has_needs;
};

/* Some 200 KB: static, zeroed. */
struct wording_tables {
    struct {
        uint16_t first, second, result;
    } compounds[64];
    size_t n_compounds;
    struct wording_set fillers, joints, oaths;
    struct wording_set classes[WORDING_CLASSES];
    const struct wording_rule *rules[WORDING_RULES];
    size_t n_rules;
    struct wording_phrase phrases[WORDING_PHRASES];
    struct {
        uint16_t phrase;
        uint16_t next; /* entry with the same word, plus 1 */
    } entries[WORDING_ENTRIES];
    uint16_t by_word[WORDING_IDS]; /* entry plus 1 of the phrases that begin with the word */
    struct wording_veto vetoes[WORDING_RULES];

    /* The vocabulary. */
    char pool[WORDING_POOL];
    size_t pool_used;
    struct {
        uint16_t text; /* in pool */
        uint16_t id;
        uint16_t next; /* word with the same first letter, plus 1 */
    } words[WORDING_WORDS];
    size_t n_words;
    uint16_t slots[WORDING_SLOTS]; /* word plus 1 */
    uint16_t by_letter[UINT8_MAX]; /* word plus 1 */
    uint16_t n_ids;
    char class_names[WORDING_CLASSES][WORDING_WORD];
    size_t n_classes, n_phrases, n_entries;
};

/* Once, before anything else; the caller sees to it (pthread_once). The book's strings are kept. */
void wording_make(struct wording_tables *self, const struct wording_book *book);

/* More words as a set, while it is being made: for what a book looks for by itself. */
void wording_add_set(struct wording_tables *self, struct wording_set *set, const char *words);

/* The number of a folded word, also of one with a slip; WORDING_UNKNOWN. */
uint16_t wording_id(const struct wording_tables *self, const char *word);

/* ---- a text (wording.c) ---- */

struct wording_token {
    uint16_t id;
    uint16_t from, to; /* of its clause */
    uint8_t mark;      /* enum wording_break: what stands before it */
};

struct wording_text {
    const struct wording_tables *tables;
    struct wording_token all[WORDING_TOKENS];
    size_t n;
};

void wording_read(struct wording_text *self, const struct wording_tables *tables, const char *text);

/* Behind the last word of the clause (or, with BREAK_SENTENCE, of the sentence) that has word i. */
size_t wording_end(const struct wording_text *self, size_t i, enum wording_break mark);

/* The rule of the first phrase of the kind; NULL if there is none. */
const struct wording_rule *wording_find(const struct wording_text *self, int kind);
