/* consents.c - see consents.h.
 *
 * Who answers, so that each consent is confirmed once:
 *   OptOutType                Twilio (a messaging service with Advanced Opt-Out), whatever the words
 *   STOP, START by SMS        Twilio, on its keywords alone
 *   HELP by SMS               we: Twilio's own answer names no business
 *   free wording, WhatsApp    we */
#include "services/gateway/consents.h"

#include <string.h>
#include <strings.h>

#include "libshared/auto.h"
#include "libshared/consent.h"
#include "services/gateway/accept.h"

/* What Twilio says of the words. */
static const struct {
    const char *type, *consent;
} types[] = {{"STOP", "out"}, {"START", "in"}, {"HELP", "help"}};

/* START and UNSTOP say it whoever writes them; "yes" and free wording only after a STOP. */
static bool says_start(const char *text)
{
    static const char *const words[] = {"START", "UNSTOP"};

    text += strcspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strncasecmp(text, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

static const char *language_of(const struct consent *consent)
{
    return strcmp(consent->language, "es") == 0 ? "es" : strcmp(consent->language, "ar") == 0 ? "ar" : "en";
}

void inbound_read_consent(struct inbound *in, const char *opt_out_type)
{
    struct consent consent = consent_read(in->body);

    in->consent = consent_name(consent.kind);
    in->language = language_of(&consent);
    in->answered = consent.keyword && strcmp(in->channel, "sms") == 0 && consent.kind != CONSENT_HELP;
    if (consent.kind == CONSENT_IN && !(consent.keyword && says_start(in->body)))
        in->consent = "yes";
    for (size_t i = 0; opt_out_type && i < COUNT_OF(types); i++)
        if (strcasecmp(opt_out_type, types[i].type) == 0) {
            in->consent = types[i].consent;
            in->answered = true;
        }
}
