/* escalation_internal.h - the words and rules of escalation.c: see libshared/wording.h. */
#pragma once

#include "libshared/wording.h"

extern const char *const escalation_synonyms[], *const escalation_compounds[], *const escalation_classes[];
extern const char *const escalation_fillers, *const escalation_oaths, *const escalation_joints;

/* Of enum escalation_cause. */
extern const struct wording_rule escalation_english[], escalation_spanish[], escalation_arabic[];
extern const size_t escalation_n_english, escalation_n_spanish, escalation_n_arabic;
