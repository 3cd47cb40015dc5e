/* claim_readers.h - the readers that claims.c asks at the start of each word. Each returns the bytes that it read, or
 * 0, and fills *ret then. text is the whole, p a place in it; both plain (canon.h). */
#pragma once

#include "services/orchestrator/claims.h"

/* claim_contact.c */
size_t read_email(struct arena *arena, const char *p, struct claim *ret);
size_t read_url(struct arena *arena, const char *p, struct claim *ret);
size_t read_phone(struct arena *arena, const char *p, struct claim *ret);
size_t read_address(struct arena *arena, const char *p, struct claim *ret);

/* claim_date.c */
size_t read_date(const char *p, struct claim *ret);
size_t read_day(const char *text, const char *p, struct claim *ret);

/* claim_time.c */
size_t read_time(const char *text, const char *p, struct claim *ret);

/* claim_amount.c */
size_t read_duration(const char *p, struct claim *ret);
bool read_one_unit(const char *p, struct claim *ret); /* "سنه": one year. Leaves start and end as they are. */
size_t read_amount(const char *p, struct claim *ret);

/* claim_word.c */
size_t read_word(const char *text, const char *p, struct claim *ret);

/* A phrase of a table, in canon_text's form and lower case. A table ends with a NULL text. */
struct term {
    const char *text;
    int value;
};

/* Letters, digits and all bytes of other scripts. */
bool is_word_byte(char c);

/* Whether word stands at p, any case, and ends there. */
bool word_at(const char *p, const char *word);

/* The longest phrase at p, any case, ending at the end of a word; an Arabic one also behind its prefixes (and, by, for,
 * the). The bytes, prefix included; 0: none. */
size_t phrase_at(const char *p, const struct term *phrases, int *ret_value);

/* Whether one of the phrases ends right before p, spaces apart. */
bool phrase_before(const char *text, const char *p, const struct term *phrases);

/* A number in words: "twenty-five", "ciento diez", "خمسه وعشرون". */
size_t number_words_at(const char *p, double *ret_value);
/* A number in digits, separators read as they are meant. */
size_t number_digits_at(const char *p, double *ret_value);
