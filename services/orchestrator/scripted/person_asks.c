/* person_asks.c - see person_asks.h. */
#include "services/orchestrator/scripted/person_asks.h"

#include <stddef.h>

#include "libshared/auto.h"
#include "services/orchestrator/guards/canon.h"
#include "services/orchestrator/scripted/words.h"

#define SENTENCES_MAX 32

static const char *const budget[] = {"budget",
                                     "how much can you",
                                     "how much do you want to",
                                     "price range",
                                     "spend",
                                     "how much were you",
                                     "presupuesto",
                                     "cuanto quiere gastar",
                                     "cuanto piensa",
                                     "cuanto puede gastar",
                                     "ميزانيه",
                                     "ميزانيتك",
                                     "ميزانيتكم",
                                     "كم تريد ان تدفع",
                                     NULL};
static const char *const urgency[] = {"urgent",        "how soon", "emergency", "can it wait", "urgente", "urge",
                                      "puede esperar", "عاجل",     "مستعجل",    "طارئ",        NULL};
static const char *const timeline[] = {"when",     "what day", "which day", "what time", "by what date",
                                       "deadline", "cuando",   "que dia",   "que hora",  "para cuando",
                                       "متي",      "اي يوم",   "اي وقت",    NULL};
static const char *const service[] = {"what do you need",
                                      "which service",
                                      "what service",
                                      "what is it about",
                                      "what can we do",
                                      "what needs",
                                      "how can we help",
                                      "how can i help",
                                      "que necesita",
                                      "que servicio",
                                      "en que podemos",
                                      "en que puedo",
                                      "ماذا تحتاج",
                                      "اي خدمه",
                                      "كيف نساعدك",
                                      "بماذا",
                                      NULL};

const char *person_asks(struct arena *arena, const char *text)
{
    static const struct {
        const char *asked;
        const char *const *phrases;
    } kinds[] = {{"budget", budget}, {"service", service}, {"urgency", urgency}, {"timeline", timeline}};
    struct sentence sentences[SENTENCES_MAX];
    size_t n = words_sentences(arena, text, sentences, COUNT_OF(sentences));

    /* The last question is the one that is answered. */
    while (n-- > 0) {
        const char *plain = sentences[n].question ? canon_text(arena, sentences[n].text) : NULL;
        const char *folded = plain ? words_fold(arena, plain) : NULL;

        for (size_t i = 0; folded && i < COUNT_OF(kinds); i++)
            if (words_find(folded, kinds[i].phrases))
                return kinds[i].asked;
        if (folded)
            return NULL;
    }
    return NULL;
}
