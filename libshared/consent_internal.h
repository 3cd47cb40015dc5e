/* consent_internal.h - the parts of consent.c: the words and rules of its book, see wording.h. */
#pragma once

#include "libshared/consent.h"
#include "libshared/wording.h"

/* consent_words.c */
extern const char *const consent_synonyms[];
extern const char *const consent_compounds[];
extern const char *const consent_fillers;
extern const char *const consent_oaths;
extern const char *const consent_joints;
extern const char *const consent_classes[];

/* consent_english.c, consent_spanish.c, consent_arabic.c: of enum consent_kind */
extern const struct wording_rule consent_english[], consent_spanish[], consent_arabic[];
extern const size_t consent_n_english, consent_n_spanish, consent_n_arabic;

/* consent_keywords.c: texts that are nothing but the keyword; and words that mean the same when only fillers stand
 * around them, in a whole sentence or at the edge of one. */
extern const struct wording_list consent_keywords[];
extern const size_t consent_n_keywords;
extern const struct wording_list consent_bare[];
extern const size_t consent_n_bare;
