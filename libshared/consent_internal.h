/* consent_internal.h - the parts of consent.c: a text's words, as numbers, and the phrases that are looked for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/consent.h"

#define CONSENT_BYTES  2048 /* of a text that are read */
#define CONSENT_TOKENS 512  /* words of a text that are read */
#define CONSENT_WORD   48   /* bytes of a folded word, with its NUL; a longer one is nobody's */

/* ---- folding (consent_fold.c) ---- */

enum consent_break { BREAK_NONE, BREAK_CLAUSE, BREAK_SENTENCE };

struct consent_cursor {
    const char *text;
    size_t left;
};

/* The next word: lower case, without accents, apostrophes and what is written but not read; Arabic letters that stand
 * for one another as one. Letters of other widths and styles are plain ones; everything that is neither letter nor
 * digit parts words. *ret_break: the strongest mark before it. False at the end, where *ret_break is that of the rest.
 */
bool consent_next_word(struct consent_cursor *self, char word[CONSENT_WORD], enum consent_break *ret_break);

/* ---- the vocabulary (consent_words.c) ---- */

/* Words that mean the same for our purpose, separated by spaces; the first one names them. */
extern const char *const consent_synonyms[];
/* "do not = dont": two words that count as one. */
extern const char *const consent_compounds[];
/* Words of politeness and haste, which change nothing. */
extern const char *const consent_fillers;
/* Words that only add heat, also in the middle of a phrase: not read at all. */
extern const char *const consent_oaths;
/* Words between which what is said on one side does not bear on the other. */
extern const char *const consent_joints;
/* Words of which any one will do in a phrase, which says @name for them: "name = word word". */
extern const char *const consent_classes[];

/* ---- the phrases (consent_english.c, consent_spanish.c, consent_arabic.c) ----
 *
 * Words separated by spaces; each stands for all its synonyms, @name for the words of a class. ?word may be missing; *
 * is up to four words and + up to one, whatever they are; < asks that only fillers stand before it in the clause, or
 * since a joint, and > that only fillers follow. A phrase begins with a word, or < and a word, and lies within a
 * clause. */
struct consent_rule {
    enum consent_kind kind;
    const char *language;
    const char *phrases; /* between commas */
    const char *before;  /* NULL, or words that must not stand before the phrase, in the same clause */
    const char *after;   /* ... or behind it */
    const char *next;    /* ... or right behind it */
    const char *text;    /* ... or anywhere else in the text */
    const char *needs;   /* NULL, or words of which one must stand somewhere in the text */
};
extern const struct consent_rule consent_english[], consent_spanish[], consent_arabic[];
extern const size_t consent_n_english, consent_n_spanish, consent_n_arabic;

/* ---- single words (consent_keywords.c) ----
 *
 * Texts that are nothing but the keyword; and words that mean the same when only fillers stand around them, in a whole
 * sentence or at the edge of one. */
struct consent_word_list {
    enum consent_kind kind;
    const char *language;
    const char *words;
};
extern const struct consent_word_list consent_keywords[];
extern const size_t consent_n_keywords;
extern const struct consent_word_list consent_bare[];
extern const size_t consent_n_bare;

/* ---- both as numbers (consent_tables.c) ---- */

#define CONSENT_IDS          1536
#define CONSENT_WORDS        2560
#define CONSENT_PHRASES      1024
#define CONSENT_ENTRIES      3072
#define CONSENT_CLASSES      64
#define CONSENT_PHRASE_WORDS 16
#define CONSENT_RULES        60
#define CONSENT_LISTS        16

/* What a phrase asks for at one place: the number of a word and its synonyms, or one of these. */
enum { CONSENT_UNKNOWN, CONSENT_GAP, CONSENT_ONE, CONSENT_BEGINS, CONSENT_ENDS, CONSENT_FIRST_ID };
#define CONSENT_OPTIONAL 0x8000
#define CONSENT_CLASS    0x4000 /* the rest is the number of a class */

struct consent_set {
    uint64_t bits[CONSENT_IDS / 64];
};

static inline bool consent_has(const struct consent_set *set, uint16_t id)
{
    return set->bits[id / 64] >> id % 64 & 1;
}

struct consent_phrase {
    uint16_t elements[CONSENT_PHRASE_WORDS];
    uint16_t n;
    uint16_t rule;
};

/* What speaks against a phrase of a rule: see consent_rule. */
struct consent_veto {
    struct consent_set before, after, next, text, needs;
    bool has_needs;
};

struct consent_tables {
    struct {
        uint16_t first, second, result;
    } compounds[64];
    size_t n_compounds;
    struct consent_set fillers, joints, oaths;
    struct consent_set classes[CONSENT_CLASSES];
    const struct consent_rule *rules[CONSENT_RULES];
    size_t n_rules;
    struct consent_phrase phrases[CONSENT_PHRASES];
    struct {
        uint16_t phrase;
        uint16_t next; /* entry with the same word, plus 1 */
    } entries[CONSENT_ENTRIES];
    uint16_t by_word[CONSENT_IDS]; /* entry plus 1 of the phrases that begin with the word */
    struct consent_veto vetoes[CONSENT_RULES];
    struct consent_set keywords[CONSENT_LISTS], bare[CONSENT_LISTS];
};

/* Made at the first call, by whichever thread. */
const struct consent_tables *consent_tables(void);

/* The number of a folded word, also of one with a slip; CONSENT_UNKNOWN. After consent_tables(). */
uint16_t consent_id(const char *word);
