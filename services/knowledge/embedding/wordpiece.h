/* wordpiece.h - a text as the tokens of BERT's uncased vocabulary.
 *
 * As the reference does it: control characters out, CJK characters alone, Unicode decomposed (NFD), accents off, lower
 * case, punctuation alone; then of each word the longest pieces that the vocabulary has, "##" before those that do not
 * begin it; a word of over 100 characters, or one that cannot be made of pieces, is [UNK]. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;
struct wordpiece;

/* words: the vocabulary, one word a line, the line's number (from 0) its token. Must outlive the tokeniser: nothing of
 * it is copied. NULL and *err: ERR_INVALID if [UNK], [CLS] or [SEP] is missing. Thread-safe once made. */
struct wordpiece *wordpiece_new(const char *words, size_t len, struct err *err);
void wordpiece_destroy(struct wordpiece **self_p);

/* Tokens of a text in UTF-8 ([CLS] and [SEP] around them) into ret_tokens, at most max of them, max >= 2. Bytes that
 * are no UTF-8 count as U+FFFD. Returns how many; *ret_read are the bytes of text that they stand for: len, unless max
 * was reached. A word that does not fit whole is left out with all that follows. Allocates nothing that grows with
 * text. */
size_t wordpiece_encode(const struct wordpiece *self, const char *text, size_t len, uint16_t *ret_tokens, size_t max,
                        size_t *ret_read);
