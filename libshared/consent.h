/* consent.h - whether a text says that its writer wants no more texts, wants them again, or wants help.
 *
 * STOP and its kin as carriers and Twilio know them, and free wording in English,
 * Spanish and Arabic ("please don't text me anymore"). Wrong either way is
 * costly: a text after STOP is unlawful, and silence after "stop by tomorrow at
 * 5" loses a customer. How often it is wrong is measured on a labelled set:
 * scripts/bench consent. */
#pragma once

#include <stdbool.h>

enum consent_kind {
    CONSENT_NONE,
    CONSENT_OUT,  /* no more texts */
    CONSENT_IN,   /* START, UNSTOP; YES, which means it only from somebody who has opted out */
    CONSENT_HELP, /* HELP, INFO */
};

struct consent {
    enum consent_kind kind;
    bool keyword;     /* the text is nothing but a word on which Twilio itself acts, and answers, for SMS */
    char language[3]; /* of the words: "en", "es" or "ar"; "" for CONSENT_NONE */
};

/* text: UTF-8, of any length (what is decided from is its beginning, 2 KiB). Allocates nothing; takes microseconds. */
struct consent consent_read(const char *text);

/* "out", "in", "help" or "": as the database names it. */
const char *consent_name(enum consent_kind kind);
