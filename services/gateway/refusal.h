/* refusal.h - whether a field of a web form says that who fills it in wants no texts. */
#pragma once

#include <stdbool.h>

/* By what is written there (consent.h; a bare "Cancel" answers another question, and "Reply STOP
 * to opt out" is the page's), or by the field's name: do_not_text
 * with yes, sms_updates with no. Both UTF-8. */
bool field_refuses_texts(const char *name, const char *value);

/* "yes" and its kin, as boxes and selects have it. */
bool field_is_yes(const char *value);
