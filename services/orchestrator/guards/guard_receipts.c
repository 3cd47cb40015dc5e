/* guard_receipts.c - see guard_receipts.h. */
#include "services/orchestrator/guards/guard_receipts.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/guards/canon.h"
#include "services/orchestrator/guards/guard_sources.h"
#include "services/orchestrator/scripted/words.h"

#define SENTENCES_MAX 32
#define WORDS_BACK    6

/* A past participle tells a deed where one of done stands before it and none of open. */
static const char *const participles[] = {"booked",     "scheduled",  "rescheduled", "cancelled", "canceled",
                                          "reserved",   "confirmed",  "sent",        "emailed",   "dispatched",
                                          "arranged",   "called",     "refunded",    "charged",   "ordered",
                                          "submitted",  "processed",  "made",        "moved",     "issued",
                                          "saved",      "texted",     "forwarded",   "secured",   "put",
                                          "placed",     "added",      "paid",        "notified",  "informed",
                                          "let",        "reservado",  "reservada",   "agendado",  "agendada",
                                          "confirmado", "confirmada", "cancelado",   "cancelada", "enviado",
                                          "enviada",    "programado", "programada",  "avisado",   NULL};
static const char *const done[] = {"ive",  "weve",  "i",    "we",    "is",    "are", "has", "have", "its", "youre",
                                   "been", "was",   "were", "now",   "just",  "got", "am",  "all",  "im",  "thats",
                                   "he",   "hemos", "esta", "queda", "quedo", "fue", "ha",  "ya",   "su",  NULL};
/* Participles that are other words as well need one of these. */
static const char *const doubtful[] = {"made", "moved", "saved",  "put",     "placed", "added",
                                       "let",  "paid",  "called", "secured", NULL};
static const char *const doers[] = {"ive", "weve", "been", "have", "moved", NULL};
/* Who called somebody: not "you told the team". */
static const char *const doers_of_calls[] = {"ive", "weve", "been", "was", "were", "hemos", "he", "ya", "esta", NULL};
static const char *const open[] = {"not",     "to",    "once",    "if",     "before", "can",    "cant",  "would",
                                   "wont",    "could", "might",   "yet",    "after",  "until",  "when",  "isnt",
                                   "havent",  "hasnt", "will",    "be",     "get",    "cannot", "may",   "never",
                                   "wasnt",   "youd",  "nothing", "nobody", "no",     "well",   "want",  "aun",
                                   "todavia", "nada",  "cuando",  "si",     "quiere", "sera",   "podra", "antes",
                                   "una vez", "que",   NULL};

/* That the business's own people were told: true where a person has been called. By itself each of these tells other
 * deeds too ("I've informed the police", "forwarded you the invoice"), so the people must stand near. */
static const char *const tellings[] = {"notified",   "informed",  "alerted",  "told",    "let",       "forwarded",
                                       "passed",     "escalated", "flagged",  "pinged",  "messaged",  "asked",
                                       "called",     "avisado",   "avisados", "avisada", "informado", "informada",
                                       "notificado", "pasado",    "avise",    "informe", NULL};
static const char *const people[] = {"team",      "colleague",   "colleagues", "manager",    "owner",      "staff",
                                     "office",    "person",      "someone",    "somebody",   "supervisor", "dispatcher",
                                     "equipo",    "companero",   "companera",  "companeros", "colega",     "encargado",
                                     "encargada", "responsable", "gerente",    NULL};
/* The same in Arabic, where the verb and its people are one phrase. */
static const char *const tellings_ar[] = {"تم ابلاغ", "ابلغت", "ابلغنا", "اخبرت", "اخبرنا",
                                          "احلت",     "احلنا", "حولت",   NULL};
static const char *const people_ar[] = {"الزملاء", "زميل",   "زميلا", "زميلي",  "فريق", "الفريق",
                                        "فريقنا",  "المدير", "زملاء", "زملائي", NULL};

/* Deeds in a phrase of their own. */
static const char *const deeds[] = {"all set",
                                    "on the way",
                                    "on its way",
                                    "on our way",
                                    "on his way",
                                    "got you down",
                                    "have you down",
                                    "see you",
                                    "is expecting you",
                                    "are expecting you",
                                    "spot is saved",
                                    "i scheduled",
                                    "i booked",
                                    "i cancelled",
                                    "i sent",
                                    "i moved",
                                    "went ahead and",
                                    "taken care of",
                                    "locked in",
                                    "le reserve",
                                    "le envie",
                                    "lo agende",
                                    "reserve la",
                                    "cancele su",
                                    "confirme su",
                                    "en camino",
                                    "nos vemos",
                                    "le esperamos",
                                    "te esperamos",
                                    "le he enviado",
                                    "la reserve",
                                    "تم حجز",
                                    "تم تاكيد",
                                    "تم الغاء",
                                    "تم ارسال",
                                    "تم تثبيت",
                                    "تم الحجز",
                                    "تم التاكيد",
                                    "تم ترتيب",
                                    "تم جدوله",
                                    "حجزت",
                                    "حجزنا",
                                    "ارسلت",
                                    "ارسلنا",
                                    "الغيت",
                                    "الغينا",
                                    "اكدت",
                                    "اكدنا",
                                    "رتبنا",
                                    "موعدك مؤكد",
                                    "مؤكد",
                                    "محجوز",
                                    "في الطريق",
                                    "نراك",
                                    "بانتظارك",
                                    NULL};
static const char *const open_phrases[] = {"لم",    "لن",     "لا",      "ليس", "هل",    "عند",    "بعد ان",
                                           "اذا",   "حتي",    "قبل ان",  "no",  "not",   "once",   "if",
                                           "until", "when",   "may",     "can", "could", "before", "cuando",
                                           "si",    "aun no", "whether", NULL};

static bool is_one_of(const char *word, size_t len, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == len && strncmp(*words, word, len) == 0)
            return true;
    return false;
}

/* Whether the words before p, back to the start of the sentence, make the deed one that is done. */
static bool is_done(const char *folded, const char *p, const char *const *wanted)
{
    bool found = p == folded && wanted == done; /* "Booked!" */
    int words = 0;

    while (p > folded && words++ < WORDS_BACK) {
        const char *end = p;

        do
            p--;
        while (p > folded && *p != ' ');
        if (is_one_of(p + 1, (size_t)(end - p - 1), open))
            return false;
        found |= is_one_of(p + 1, (size_t)(end - p - 1), wanted);
    }
    return found;
}

/* Whether one of the words stands within WORDS_BACK words before p or behind it. */
static bool stands_near(const char *p, const char *folded, const char *const *words)
{
    const char *from = p;

    for (int n = 0; n <= WORDS_BACK && from > folded; n++)
        do
            from--;
        while (from > folded && *from != ' ');
    for (int n = 0; n < 2 * WORDS_BACK + 2 && *from; n++) {
        size_t len = strcspn(from + 1, " ");

        if (is_one_of(from + 1, len, words))
            return true;
        from += len + 1;
        if (!from[0] || !from[1])
            break;
    }
    return false;
}

/* "I've let the team know", at p. */
static bool tells_people(const char *folded, const char *p, size_t len)
{
    return is_one_of(p, len, tellings) && stands_near(p - 1, folded, people);
}

static bool tells_participle(const char *folded, bool called)
{
    for (const char *const *deed = participles; *deed; deed++)
        for (const char *p = folded; (p = strstr(p, *deed)); p++)
            if (p[-1] == ' ' && p[strlen(*deed)] == ' ' && !(called && tells_people(folded, p, strlen(*deed))) &&
                is_done(folded, p - 1, is_one_of(*deed, strlen(*deed), doubtful) ? doers : done))
                return true;
    return false;
}

/* Nobody has been called, and the sentence says that somebody was told. */
static bool tells_call(const char *folded)
{
    for (const char *const *deed = tellings; *deed; deed++)
        for (const char *p = folded; (p = strstr(p, *deed)); p++)
            if (p[-1] == ' ' && p[strlen(*deed)] == ' ' && tells_people(folded, p, strlen(*deed)) &&
                is_done(folded, p - 1, doers_of_calls))
                return true;
    return words_find(folded, tellings_ar) && words_find(folded, people_ar);
}

static bool tells_deed(struct arena *arena, const char *folded, bool called)
{
    if (tells_participle(folded, called) || (!called && tells_call(folded)))
        return true;
    for (const char *const *deed = deeds; *deed; deed++)
        if (words_have(folded, *deed)) {
            const char *before = arena_strndup(arena, folded, (size_t)(strstr(folded, *deed) - folded));

            if (before && !words_find(before, open_phrases))
                return true;
        }
    return false;
}

static const char *plain_folded(struct arena *arena, const char *text)
{
    const char *plain = canon_text(arena, text);

    return plain ? words_fold(arena, plain) : NULL;
}

/* 1: a source of the business says it word for word; 0: none does; -1 when out of memory. */
static int is_quoted(struct guard_sources *sources, const char *said)
{
    for (size_t i = 0; i < sources->n; i++) {
        struct claim_text *source;
        const char *folded;

        if (sources->items[i].leads)
            continue;
        if (!(source = guard_source_read(sources, i)) || !(folded = claim_text_folded(source)))
            return -1;
        if (strstr(folded, said))
            return 1;
    }
    return 0;
}

const char *guard_receipts(const char *draft, struct guard_sources *sources, bool called)
{
    struct sentence sentences[SENTENCES_MAX];
    size_t n = words_sentences(sources->arena, draft, sentences, COUNT_OF(sentences));

    for (size_t i = 0; i < n; i++) {
        const char *said = plain_folded(sources->arena, sentences[i].text);

        if (said && (sentences[i].question || !tells_deed(sources->arena, said, called)))
            continue;
        if (!said || is_quoted(sources, said) != 1)
            return sentences[i].text;
    }
    return NULL;
}
