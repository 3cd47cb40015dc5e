/* identity.h - "are you a bot?" is answered truthfully. */
#pragma once

#include <stdbool.h>

#include "services/orchestrator/scripted/language.h"

/* Whether text asks whether a person or a machine writes. */
bool identity_asked(struct arena *arena, const char *text);

/* The sentence of draft that claims to be written by a person, or by no machine; NULL if there is none. In arena. */
const char *identity_denied(struct arena *arena, const char *draft);

/* Whether draft says that a machine writes. */
bool identity_told(struct arena *arena, const char *draft);

/* The truthful sentence. In arena. */
const char *identity_sentence(struct arena *arena, enum language language, const char *client_name);
