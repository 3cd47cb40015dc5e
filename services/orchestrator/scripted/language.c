/* language.c - see language.h. */
#include "services/orchestrator/scripted/language.h"

#include <string.h>

#include "libshared/auto.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/scripted/words.h"
#include "services/orchestrator/turn/decision.h"

/* U+0600 to U+06FF. */
static bool has_arabic(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p >= 0xd8 && *p <= 0xdb)
            return true;
    return false;
}

static int count_words(const char *folded, const char *const *words)
{
    int n = 0;

    for (; *words; words++)
        n += words_have(folded, *words);
    return n;
}

bool language_of_text(const char *text, struct arena *arena, enum language *ret_language)
{
    static const char *const spanish[] = {"hola",   "gracias", "buenos", "buenas", "por favor", "el",     "la",
                                          "los",    "las",     "que",    "qué",    "de",        "en",     "un",
                                          "una",    "mi",      "para",   "con",    "cuánto",    "cuanto", "necesito",
                                          "quiero", "tengo",   "puede",  "pueden", "tienen",    "es",     "está",
                                          "esta",   "sí",      "cuándo", "dónde",  NULL};
    static const char *const english[] = {"the",    "is",  "are", "i",    "you",  "my",   "how",    "what",  "when",
                                          "where",  "can", "do",  "does", "need", "want", "have",   "hello", "hi",
                                          "thanks", "for", "and", "of",   "to",   "it",   "please", "yes",   NULL};
    const char *folded = words_fold(arena, text);
    int es, en;

    if (has_arabic(text)) {
        *ret_language = LANGUAGE_ARABIC;
        return true;
    }
    if (!folded)
        return false;
    es = count_words(folded, spanish) + 2 * (strstr(text, "¿") || strstr(text, "¡") || strstr(text, "ñ"));
    en = count_words(folded, english);
    *ret_language = es > en ? LANGUAGE_SPANISH : LANGUAGE_ENGLISH;
    return es != en;
}

enum language language_of(const struct decision_input *in, struct arena *arena)
{
    const char *configured = client_config_text(in->config, "language", arena);
    enum language language;

    for (size_t i = in->n_unanswered; i-- > 0;)
        if (language_of_text(in->unanswered[i].body, arena, &language))
            return language;
    for (size_t i = in->n_history; i-- > 0;)
        if (strcmp(in->history[i].author, "lead") == 0 && language_of_text(in->history[i].body, arena, &language))
            return language;
    if (in->form_language)
        configured = in->form_language;
    if (configured && strncmp(configured, "es", 2) == 0)
        return LANGUAGE_SPANISH;
    return configured && strncmp(configured, "ar", 2) == 0 ? LANGUAGE_ARABIC : LANGUAGE_ENGLISH;
}
