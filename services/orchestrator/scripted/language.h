/* language.h - the language that a conversation is held in, as far as the scripted agent needs to know it. */
#pragma once

#include <stdbool.h>

#include "libshared/arena.h"

struct decision_input;

enum language { LANGUAGE_ENGLISH, LANGUAGE_SPANISH, LANGUAGE_ARABIC };

/* False if the text does not tell. */
bool language_of_text(const char *text, struct arena *arena, enum language *ret_language);

/* By what the lead has written, the last text that tells first; else the client's own; else English. */
enum language language_of(const struct decision_input *in, struct arena *arena);
