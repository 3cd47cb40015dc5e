/* language.h - the language that a conversation is held in, as far as the scripted agent needs to know it. */
#pragma once

#include "libshared/arena.h"

struct decision_input;

enum language { LANGUAGE_ENGLISH, LANGUAGE_SPANISH, LANGUAGE_ARABIC };

/* By what the lead has written, the last text that tells first; else the client's own; else English. */
enum language language_of(const struct decision_input *in, struct arena *arena);
