/* service_named.c - see service_named.h. */
#include "services/orchestrator/scripted/service_named.h"

#include <ctype.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "services/orchestrator/scripted/clause.h"
#include "services/orchestrator/scripted/phrases.h"
#include "services/orchestrator/scripted/plain.h"
#include "services/orchestrator/scripted/words.h"

#define NAMED_SHARE    0.5 /* of a service's words, by weight, that name it */
#define GENERIC_WEIGHT 0.3
#define NAMED_MAX      3 /* services that are recorded together */
#define VOCABULARY_MAX 200
#define VOCABULARY_MIN 6   /* letters */
#define WORDS_MAX      12  /* of a service */
#define THOUGHT_MAX    120 /* bytes of what is copied from the lead's words */

/* Words for the same thing or deed, whichever of them a client or a lead uses. Each line ends with NULL. */
static const char *const families[][12] = {
    {"buying", "buy", "purchase", "purchasing", "buyer", NULL},
    {"selling", "sell", "sale", NULL},
    {"renting", "rent", "rental", "lease", "tenant", NULL},
    {"valuation", "appraisal", "worth", NULL},
    {"electrical", "electrician", "electric", "outlet", "socket", "wiring", "breaker", "lights", "power", NULL},
    {"drain", "drains", "clogged", "clog", NULL},
    {"tire", "tires", "tyre", "tyres", "flat", NULL},
    {"brake", "brakes", "braking", NULL},
    {"diagnostics", "diagnostic", "diagnose", NULL},
    {"whitening", "whiten", "whiter", "bleaching", NULL},
    {"painting", "paint", "painted", "painter", NULL},
    {"ac", "hvac", "aircon", NULL},
    {"implant", "implants", NULL},
    {"extraction", "extracted", "extract", "pulled", NULL},
    {"braces", "orthodontics", "orthodontist", "invisalign", NULL},
    {"plumbing", "plumber", "pipe", "pipes", "faucet", "sink", "toilet", NULL},
    {"roof", "roofing", "roofer", NULL},
    {"comprar", "compra", "compro", "comprador", NULL},
    {"vender", "venta", "vendo", NULL},
    {"alquilar", "alquiler", "alquilo", "arrendar", "renta", NULL},
    {"pintura", "pintar", "pintor", "pinten", NULL},
    {"electricidad", "electricista", "electrico", "enchufe", NULL},
    {"freno", "frenos", "frenar", NULL},
    {"neumatico", "neumaticos", "llanta", "llantas", "ruedas", NULL},
    {"limpieza", "limpiar", "limpiarme", NULL},
    {"blanqueamiento", "blanquear", NULL},
    {"extraccion", "sacar", "extraer", NULL},
    {"ortodoncia", "brackets", "frenillos", NULL},
    {"شراء", "اشتري", "نشتري", NULL},
    {"ايجار", "استاجر", "استيجار", "للايجار", NULL},
    {"بيع", "ابيع", NULL},
    {"سباكه", "سباك", "السباك", NULL},
    {"تكييف", "مكيف", "المكيف", "مكيفات", NULL},
    {"كهرباء", "كهربايي", "كهربا", NULL},
    {"دهان", "صبغ", "دهن", NULL},
    {"تنظيف", "انظف", "تنضيف", NULL},
    {"تبييض", "ابيض", NULL},
    {"زراعه", "زرع", "زرعه", NULL},
    {"فرامل", "الفرامل", "بريك", NULL},
    {"اطارات", "الاطارات", "تاير", "كفرات", NULL},
};

/* Words that say little about which of the services is meant. */
static const char *const generic[] = {"repair",   "replacement", "service",    "services", "work",   "change",
                                      "home",     "house",       "apartment",  "general",  "new",    "installation",
                                      "property", "teeth",       "tooth",      "casa",     "casas",  "piso",
                                      "dental",   "dentales",    "reparacion", "cambio",   "muelas", "شقه",
                                      "عقار",     "صيانه",       "اصلاح",      "تغيير",    "تبديل",  "الاسنان",
                                      "اسنان",    "عربيه"};
static const char *const empty[] = {"a",  "an",   "and", "the", "of", "for", "or", "in",
                                    "to", "with", "de",  "y",   "la", "el",  "en"};

static bool is_one_of(const char *const *words, size_t n, const char *word, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (*words[i] == *word && strlen(words[i]) == len && memcmp(words[i], word, len) == 0)
            return true;
    return false;
}

/* "cleaning" and "cleanings" are the same word, and so are "leak" and "leaking" for our purpose. */
static size_t stem_length(const char *word, size_t len)
{
    if (len > 5 && strncmp(word + len - 3, "ing", 3) == 0)
        return len - 3;
    if (len > 4 && strncmp(word + len - 2, "es", 2) == 0)
        return len - 2;
    if (len > 3 && word[len - 1] == 's')
        return len - 1;
    return len;
}

/* An Arabic word is found behind its article and particles too, and its own article does not count. */
static bool has_arabic_word(const char *folded, const char *word, size_t len)
{
    char copy[64];

    if (len > 8 && strncmp(word, "ال", 4) == 0) {
        word += 4;
        len -= 4;
    }
    if (len >= sizeof copy)
        return false;
    memcpy(copy, word, len);
    copy[len] = '\0';
    return phrase_is_in(folded, copy);
}

static bool has_word(const char *folded, const char *word, size_t len)
{
    size_t stem = stem_length(word, len);

    if ((unsigned char)*word >= 0xd8)
        return has_arabic_word(folded, word, len);
    for (const char *p = folded + strspn(folded, " "); *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " "), most = stem + 4;

        if (len <= 3 ? (n == len || (n == len + 1 && p[len] == 's')) && memcmp(p, word, len) == 0
                     : n >= stem && n <= most && memcmp(p, word, stem) == 0)
            return true;
        p += n;
    }
    return false;
}

static bool has_kin(const char *folded, const char *word, size_t len)
{
    if (has_word(folded, word, len))
        return true;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        size_t n = 0;

        while (families[i][n])
            n++;
        if (!is_one_of(families[i], n, word, len))
            continue;
        for (size_t k = 0; k < n; k++)
            if (has_word(folded, families[i][k], strlen(families[i][k])))
                return true;
    }
    return false;
}

/* A word that several services have tells less about each. */
static double weight(const struct service_list *list, const char *word, size_t len)
{
    int n = 0;

    if (is_one_of(generic, COUNT_OF(generic), word, len))
        return GENERIC_WEIGHT;
    for (size_t i = 0; i < list->n; i++)
        n += has_word(list->folded[i], word, len);
    return n > 1 ? 1.0 / n : 1;
}

/* The weight of the service's words that the text has, as a share of all. Where that is but half of them, it must be
 * what the service is done to: "Drain cleaning" is not meant by "clean gutters". */
static double match(const struct service_list *list, size_t service, const char *folded)
{
    double all = 0, found = 0, first = -1;

    for (const char *p = list->folded[service] + 1; *p; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");

        if (!is_one_of(empty, COUNT_OF(empty), p, len)) {
            double w = weight(list, p, len), has = has_kin(folded, p, len) ? w : 0;

            all += w;
            found += has;
            if (first < 0 && w > GENERIC_WEIGHT)
                first = has;
        }
        p += len;
    }
    return all <= 0 || (first <= 0 && found <= NAMED_SHARE * all) ? 0 : found / all;
}

int service_list_make(struct arena *arena, const char *const *names, size_t n, struct service_list *ret_list)
{
    struct service_list list = {.names = names, .n = n};
    size_t words = 0;

    list.folded = arena_calloc(arena, n, sizeof *list.folded);
    list.vocabulary = arena_calloc(arena, VOCABULARY_MAX + 1, sizeof *list.vocabulary);
    if ((n > 0 && !list.folded) || !list.vocabulary)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const char *plain = plain_letters(arena, names[i]);

        if (!plain || !(list.folded[i] = words_fold(arena, plain)))
            return -1;
        for (const char *p = list.folded[i] + 1; *p; p += strspn(p, " ")) {
            size_t len = strcspn(p, " ");

            if (len >= VOCABULARY_MIN && (unsigned char)*p < 0x80 && words < VOCABULARY_MAX)
                list.vocabulary[words++] = arena_strndup(arena, p, len);
            p += len;
        }
    }
    *ret_list = list;
    return 0;
}

const char *service_known(struct arena *arena, const struct service_list *list, const char *folded)
{
    const char *names = NULL;
    size_t n = 0;

    for (size_t i = 0; i < list->n && n < NAMED_MAX; i++)
        if (match(list, i, folded) >= NAMED_SHARE) {
            names = names ? arena_printf(arena, "%s, %s", names, list->names[i]) : list->names[i];
            n++;
        }
    return names;
}

/* ---- the lead's own words ---- */

/* p: the last byte of what is no letter; beyond ASCII the marks that Spanish begins with. */
static bool is_mark(const char *text, const char *p)
{
    if ((unsigned char)*p < 0x80)
        return !isalnum((unsigned char)*p);
    return p > text && (memcmp(p - 1, "¿", 2) == 0 || memcmp(p - 1, "¡", 2) == 0);
}

/* Where the phrase ends in the sentence, any case; NULL if it is not there as whole words. */
static const char *after_phrase(const char *text, const char *phrase)
{
    for (const char *found = text; (found = strcasestr(found, phrase)); found++)
        if (found == text || is_mark(text, found - 1))
            return found + strlen(phrase);
    return NULL;
}

/* The words of the lead from start to the end of the thought, at most eight. */
static const char *take_thought(struct arena *arena, const char *start)
{
    static const char *const ends[] = {
        " asap",      " today",    " tomorrow", " tonight",   " by ",          " before ",  " within ", " for $",
        " as soon",   " next ",    " this ",    " because",   " but ",         " please",   " and my",  " budget",
        " right ",    " around $", " urgently", " cost",      " costs",        " run ",     " on ",     " immediately",
        " hoy",       " mañana",   " para ",    " por favor", " cuanto antes", " pero ",    " urgente", " فورا",
        " اليوم",     " غدا",      " من فضلك",  " lo antes",  " and do ",      " and are ", " and is ", " and how ",
        " and what ", " y si ",    " y cu",     " y acept",   " y ten",        " وهل ",     " وكم ",    " ومتى "};
    static const char *const marks[] = {"،", "؟", "؛"};
    size_t len, words = 0;

    start += strspn(start, " ");
    len = strcspn(start, ".,;:!?\n");
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        const char *end = strcasestr(start, ends[i]);

        if (end && (size_t)(end - start) < len)
            len = (size_t)(end - start);
    }
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        const char *mark = strstr(start, marks[i]);

        if (mark && (size_t)(mark - start) < len)
            len = (size_t)(mark - start);
    }
    for (size_t i = 0; i < len; i++)
        if (start[i] == ' ' && ++words == 8)
            len = i;
    while (len > 0 && start[len - 1] == ' ')
        len--;
    return len < 2 || len > THOUGHT_MAX ? NULL : arena_strndup(arena, start, len);
}

/* What cannot be the thing that is wanted: "I need to know", "I want a discount". */
static bool says_nothing(struct arena *arena, const char *thought)
{
    static const struct phrase idle[] = {
        {"fee", NULL},      {"fees", NULL},        {"deposit", NULL},   {"they", NULL},     {"cargo", NULL},
        {"know", NULL},     {"appointment", NULL}, {"discount", NULL},  {"person", NULL},   {"human", NULL},
        {"someone", NULL},  {"it", NULL},          {"that", NULL},      {"this", NULL},     {"you", NULL},
        {"saber", NULL},    {"cita", NULL},        {"hablar", NULL},    {"speak", NULL},    {"talk", NULL},
        {"pay", NULL},      {"help", NULL},        {"ayuda", NULL},     {"persona", NULL},  {"presupuesto", NULL},
        {"somebody", NULL}, {"anyone", NULL},      {"نموعد", NULL},     {"موعد", NULL},     {"التحدث", NULL},
        {"موظف", NULL},     {"اعرف", NULL},        {"hours", NULL},     {"around", NULL},   {"quote", NULL},
        {"one", NULL},      {"question", NULL},    {"questions", NULL}, {"pregunta", NULL}, {"سوال", NULL},
        {"مساعده", NULL},   {"que", NULL},         {NULL, NULL}};
    const char *plain = plain_letters(arena, thought), *folded = plain ? words_fold(arena, plain) : NULL;

    return !folded || phrase_find(folded, idle) || phrase_find(folded, phrases_timeline);
}

/* "new roof in the spring" without what begins at its last preposition; NULL if it has none. */
static const char *without_end(struct arena *arena, const char *thought)
{
    static const char *const words[] = {" in ", " on ", " at ", " for ", " en ", " el ", " a ", " من ", " في "};
    const char *end = NULL;

    for (size_t i = 0; i < COUNT_OF(words); i++)
        for (const char *p = thought; (p = strcasestr(p, words[i])); p++)
            end = !end || p > end ? p : end;
    return end && end - thought >= 2 ? arena_strndup(arena, thought, (size_t)(end - thought)) : NULL;
}

static const char *after_one_of(struct arena *arena, const char *text, const char *const *phrases)
{
    for (; *phrases; phrases++) {
        const char *start = after_phrase(text, *phrases), *thought = start ? take_thought(arena, start) : NULL;

        if (thought && says_nothing(arena, thought))
            thought = without_end(arena, thought);
        if (thought && !says_nothing(arena, thought))
            return thought;
    }
    return NULL;
}

/* What stands before the name of what is wanted, is broken, is asked the price of, is to be visited for. */
static const char *const before_wanted[] = {"there is a ",
                                            "there's a ",
                                            "theres a ",
                                            "there are ",
                                            "there's ",
                                            "theres ",
                                            "i need help with ",
                                            "need help with ",
                                            "help with my ",
                                            "help with ",
                                            "i need someone to ",
                                            "i need to get ",
                                            "i need an ",
                                            "i need a ",
                                            "i need my ",
                                            "i need some ",
                                            "i need ",
                                            "we need an ",
                                            "we need a ",
                                            "we need ",
                                            "need a ",
                                            "looking for an ",
                                            "looking for a ",
                                            "looking for ",
                                            "looking to ",
                                            "interested in ",
                                            "quote for a ",
                                            "quote for ",
                                            "quote on ",
                                            "estimate for a ",
                                            "estimate for ",
                                            "i want to ",
                                            "i would like to ",
                                            "i'd like to ",
                                            "i want a ",
                                            "i want ",
                                            "price for ",
                                            "necesito ayuda con ",
                                            "necesito un ",
                                            "necesito una ",
                                            "necesito ",
                                            "quiero ",
                                            "quisiera ",
                                            "busco un ",
                                            "busco una ",
                                            "busco ",
                                            "me interesa ",
                                            "tengo una ",
                                            "أحتاج إلى ",
                                            "احتاج الى ",
                                            "أحتاج ",
                                            "احتاج ",
                                            "أريد ",
                                            "اريد ",
                                            "أبحث عن ",
                                            "ابحث عن ",
                                            "أرغب في ",
                                            "عندي ",
                                            NULL};
static const char *const before_trouble[] = {
    "wrong with my ", "wrong with the ", "wrong with ", "my ",   "our ", "the ",
    "tengo una ",     "tengo un ",       "mi ",         "عندي ", NULL};
static const char *const before_priced[] = {"how much does a ",
                                            "how much does an ",
                                            "how much does the ",
                                            "how much does ",
                                            "how much is a ",
                                            "how much is an ",
                                            "how much is the ",
                                            "how much for a ",
                                            "how much for an ",
                                            "how much for ",
                                            "how much are ",
                                            "do you charge for a ",
                                            "do you charge for ",
                                            "you charge to ",
                                            "what does a ",
                                            "what does an ",
                                            "what do ",
                                            "what would a ",
                                            "price of a ",
                                            "price of an ",
                                            "price of ",
                                            "cost of a ",
                                            "cost of ",
                                            "cost to ",
                                            "cuánto cuesta una ",
                                            "cuánto cuesta un ",
                                            "cuánto cuesta la ",
                                            "cuánto cuesta el ",
                                            "cuánto cuesta ",
                                            "cuanto cuesta una ",
                                            "cuanto cuesta un ",
                                            "cuanto cuesta ",
                                            "cuánto sale una ",
                                            "cuánto sale un ",
                                            "precio de una ",
                                            "precio de un ",
                                            "precio de la ",
                                            "precio de ",
                                            "precio del ",
                                            "كم سعر ",
                                            "كم تكلفة ",
                                            "ما سعر ",
                                            "سعر ",
                                            "تكلفة ",
                                            "بكم ",
                                            NULL};
static const char *const before_visit[] = {"for a ", "for my ", NULL};

const char *service_thought(struct arena *arena, const char *text)
{
    return take_thought(arena, text);
}

const char *service_said(struct arena *arena, const struct clause *clause)
{
    const char *thought;

    if (phrase_find(clause->folded, phrases_trouble)) {
        if ((thought = after_one_of(arena, clause->text, before_trouble)))
            return thought;
        if (!clause->question && (thought = take_thought(arena, clause->text)) && !says_nothing(arena, thought))
            return thought;
    }
    if (phrase_find(clause->folded, phrases_price) && (thought = after_one_of(arena, clause->text, before_priced)))
        return thought;
    if (clause->question && !phrase_find(clause->folded, phrases_deed))
        return NULL;
    if ((thought = after_one_of(arena, clause->text, before_wanted)))
        return thought;
    return phrase_find(clause->folded, phrases_booking) ? after_one_of(arena, clause->text, before_visit) : NULL;
}
