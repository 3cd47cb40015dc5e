/* claim_readers.h - the readers that claims.c asks at the start of each word. Each returns the bytes that it read, or
 * 0, and fills *ret then. text is the whole, p a place in it; both plain (canon.h). */
#pragma once

#include "services/orchestrator/guards/claims.h"
#include "services/orchestrator/scripted/terms.h"

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

/* claim_unit.c */
size_t read_duration(const char *p, struct claim *ret);
size_t unit_at(const char *p, struct claim *ret);     /* fills unit and factor alone */
bool read_one_unit(const char *p, struct claim *ret); /* "سنه": one year. Leaves start and end as they are. */

/* claim_amount.c */
size_t read_amount(const char *p, struct claim *ret);

/* claim_word.c */
size_t read_word(const char *text, const char *p, struct claim *ret);

/* A number in words: "twenty-five", "ciento diez", "خمسه وعشرون". */
size_t number_words_at(const char *p, double *ret_value);
/* A number in digits, separators read as they are meant. */
size_t number_digits_at(const char *p, double *ret_value);

/* The phrases that a claim may begin with, beside digits, signs, names in capitals and addresses; the lists end with
 * NULL. */
extern const struct term *const date_starts[],
    *const time_starts[], *const unit_starts[], *const word_starts[], *const number_starts[],
                                                                          *const amount_starts[],
                                                                              *const address_starts[];
