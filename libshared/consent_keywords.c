/* consent_keywords.c - the single words by which people opt out and in. See consent_internal.h. */
#include "libshared/auto.h"
#include "libshared/consent_internal.h"

#define EN "en"
#define ES "es"
#define AR "ar"

/* On these alone, and alone in the text, Twilio acts itself. */
const struct wording_list consent_keywords[] = {
    {CONSENT_OUT, EN, "stop stopall unsubscribe cancel end quit revoke optout remove"},
    {CONSENT_IN, EN, "start unstop yes"},
    {CONSENT_HELP, EN, "help info"},
    {CONSENT_OUT, ES, "alto basta baja stop"},
    {CONSENT_HELP, ES, "ayuda"},
    {CONSENT_OUT, AR, "توقف قف كفاية"},
    {CONSENT_HELP, AR, "مساعدة المساعدة"},
};
const size_t consent_n_keywords = COUNT_OF(consent_keywords);

const struct wording_list consent_bare[] = {
    {CONSENT_OUT, EN, "stop stopall unsubscribe optout"},
    {CONSENT_OUT, ES, "alto pare"},
    {CONSENT_OUT, AR, "توقف"},
};
const size_t consent_n_bare = COUNT_OF(consent_bare);
