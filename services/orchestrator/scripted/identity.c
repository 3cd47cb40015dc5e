/* identity.c - see identity.h. */
#include "services/orchestrator/scripted/identity.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/guards/canon.h"
#include "services/orchestrator/scripted/templates.h"
#include "services/orchestrator/scripted/words.h"

#define SENTENCES_MAX 40

/* A question is one where a sentence has a word of what (a machine or a person) close behind one of who (the one that
 * writes), or a phrase that asks by itself. Folded and plain. */
static const char *const who[] = {"are you",
                                  "are u",
                                  "r u",
                                  "ru",
                                  "you",
                                  "u",
                                  "is this",
                                  "is it",
                                  "are these",
                                  "is that",
                                  "was this",
                                  "did",
                                  "am i talking to",
                                  "am i chatting with",
                                  "am i speaking with",
                                  "am i texting with",
                                  "i talk to",
                                  "talking to",
                                  "chatting with",
                                  "speaking with",
                                  "texting with",
                                  "writing with",
                                  "i am writing with",
                                  "is there",
                                  "is anybody",
                                  "youre",
                                  "ure",
                                  "u are",
                                  "you are",
                                  "is anyone",
                                  "is",
                                  "eres",
                                  "es usted",
                                  "es esto",
                                  "es",
                                  "son",
                                  "usted es",
                                  "hablando con",
                                  "hablo con",
                                  "chateando con",
                                  "contestando",
                                  "esto es",
                                  "esta respuesta es",
                                  "hay",
                                  "انت",
                                  "هل انت",
                                  "هل هذا",
                                  "اتحدث مع",
                                  "اتكلم مع",
                                  "هل الرد",
                                  "هل يوجد",
                                  "هل من يكتب لي",
                                  "من يكتب لي",
                                  NULL};
static const char *const what[] = {"a bot",
                                   "bot",
                                   "a robot",
                                   "robot",
                                   "a chatbot",
                                   "chatbot",
                                   "ai",
                                   "an ai",
                                   "a machine",
                                   "machine",
                                   "a computer",
                                   "a computer program",
                                   "computer program",
                                   "human",
                                   "a human",
                                   "a human being",
                                   "an actual human",
                                   "a real person",
                                   "real person",
                                   "a person",
                                   "a real human",
                                   "real",
                                   "chatgpt",
                                   "gpt",
                                   "artificial intelligence",
                                   "some kind of artificial intelligence",
                                   "automated",
                                   "an automated reply",
                                   "a virtual assistant",
                                   "virtual assistant",
                                   "un bot",
                                   "un robot",
                                   "una persona real",
                                   "una persona",
                                   "una maquina",
                                   "humano",
                                   "un humano",
                                   "una inteligencia artificial",
                                   "inteligencia artificial",
                                   "una ia",
                                   "ia",
                                   "un chatbot",
                                   "automatico",
                                   "automatica",
                                   "روبوت",
                                   "بوت",
                                   "انسان",
                                   "شخص حقيقي",
                                   "اله",
                                   "ذكاء اصطناعي",
                                   "بشر",
                                   "شات بوت",
                                   "برنامج",
                                   "رد الي",
                                   "تلقائي",
                                   "just a bot",
                                   NULL};
static const char *const alone[] = {"bot or human",
                                    "human or bot",
                                    "you sound like a robot",
                                    "you sound like a bot",
                                    "robot write this",
                                    "bot write this",
                                    "anybody real there",
                                    "a human reading this",
                                    "human on the other end",
                                    "these messages automated",
                                    "de verdad o un bot",
                                    "persona real ahi",
                                    "you a bot",
                                    "you just a bot",
                                    "not a real person",
                                    "is this a real person",
                                    "is this a human",
                                    "is there a real person",
                                    "persona o con un robot",
                                    "انسان ام روبوت",
                                    "روبوت ام انسان",
                                    NULL};
/* Behind what: it is a thing or a business that is asked about. */
static const char *const things[] = {"business", "estate", "price",  "offer",  "busy",    "company",   "deal",
                                     "come",     "vacuum", "mower",  "gate",   "service", "size",      "license",
                                     "licensed", "blinds", "course", "hoover", "pool",    "de cocina", "empresa",
                                     "precio",   "time",   "leak",   "urgent", "please",  "number",    "repaired",
                                     "included", "wash",   NULL};
static const char *const people[] = {"i",      "my", "do you",   "can you", "can a", "need",
                                     "quiero", "mi", "necesito", "عندي",    "اريد",  NULL};

static const char *plain_folded(struct arena *arena, const char *text)
{
    const char *plain = canon_text(arena, text);

    return plain ? words_fold(arena, plain) : NULL;
}

/* Bytes of the longest phrase that stands at p, which is the space before a word; 0: none. */
static size_t phrase_here(const char *p, const char *const *phrases)
{
    size_t best = 0;

    for (; *phrases; phrases++) {
        size_t len = p[1] == **phrases ? strlen(*phrases) : 0;

        if (len > best && strncmp(p + 1, *phrases, len) == 0 && p[1 + len] == ' ')
            best = len;
    }
    return best;
}

static const char *next_word(const char *p)
{
    return p + 1 + strcspn(p + 1, " ");
}

/* Words that may stand between who and what. */
static const char *const fillers[] = {"a",      "an",        "just", "really", "actually", "like", "some", "kind",
                                      "of",     "even",      "the",  "here",   "so",       "not",  "now",  "still",
                                      "or",     "only",      "me",   "real",   "there",    "con",  "un",   "una",
                                      "usted",  "realmente", "de",   "verdad", "la",       "el",   "sea",  "me",
                                      "esta",   "son",       "هو",   "هي",     "مع",       "مجرد", "فعلا", "هنا",
                                      "actual", "some",      NULL};

static bool asks_who(const char *folded)
{
    for (const char *p = folded; p[1]; p = next_word(p)) {
        size_t len = phrase_here(p, who), found;
        const char *q = p + 1 + len;

        if (len == 0)
            continue;
        for (int skipped = 0; q[0] == ' ' && q[1] && skipped < 4; skipped++) {
            if ((found = phrase_here(q, what))) {
                const char *behind = q + 1 + found;

                if (!(behind[0] && behind[1] && phrase_here(behind, things)))
                    return true;
            }
            if (!phrase_here(q, fillers))
                break;
            q = next_word(q);
        }
    }
    return false;
}

bool identity_asked(struct arena *arena, const char *text)
{
    struct sentence sentences[SENTENCES_MAX];
    size_t n = words_sentences(arena, text, sentences, COUNT_OF(sentences));

    for (size_t i = 0; i < n; i++) {
        const char *folded = plain_folded(arena, sentences[i].text);

        if (!folded)
            continue;
        if (words_find(folded, alone))
            return true;
        if (asks_who(folded) &&
            !(words_find(folded, people) &&
              !words_find(folded, (const char *const[]){"am i", "do i", "talking to", "i am writing", NULL})))
            return true;
    }
    return false;
}

static bool denies(const char *folded)
{
    static const char *const denials[] = {"im a real person",
                                          "i am a real person",
                                          "im a human",
                                          "i am a human",
                                          "im human",
                                          "i am human",
                                          "a real human",
                                          "im not a bot",
                                          "i am not a bot",
                                          "im no bot",
                                          "not a robot",
                                          "im not an ai",
                                          "i am not an ai",
                                          "im a person",
                                          "i am a person",
                                          "not a machine",
                                          "im not automated",
                                          "im a real",
                                          "soy una persona",
                                          "soy humano",
                                          "soy humana",
                                          "no soy un bot",
                                          "no soy un robot",
                                          "no soy una maquina",
                                          "soy un ser humano",
                                          "انا انسان",
                                          "انا شخص",
                                          "لست روبوت",
                                          "لست روبوتا",
                                          "لست بوت",
                                          "انا بشر",
                                          "لست اله",
                                          "انا انسانه",
                                          "انا موظف",
                                          "انا موظفه",
                                          "human named",
                                          "this is a human",
                                          "youre talking to a person",
                                          "talking to a real person",
                                          NULL};

    return words_find(folded, denials) != NULL;
}

const char *identity_denied(struct arena *arena, const char *draft)
{
    struct sentence sentences[SENTENCES_MAX];
    size_t n = words_sentences(arena, draft, sentences, COUNT_OF(sentences));

    for (size_t i = 0; i < n; i++) {
        const char *folded = plain_folded(arena, sentences[i].text);

        if (!folded || (!sentences[i].question && denies(folded)))
            return sentences[i].text;
    }
    return NULL;
}

bool identity_told(struct arena *arena, const char *draft)
{
    static const char *const told[] = {"automated assistant",
                                       "an ai",
                                       "ai assistant",
                                       "virtual assistant",
                                       "a bot",
                                       "an automated",
                                       "asistente automatico",
                                       "asistente virtual",
                                       "un bot",
                                       "مساعد الي",
                                       "مساعد تلقائي",
                                       "مساعد افتراضي",
                                       NULL};
    const char *folded = plain_folded(arena, draft);

    return folded && words_find(folded, told) && !denies(folded);
}

const char *identity_sentence(struct arena *arena, enum language language, const char *client_name)
{
    const char *format = template_text(SAY_BOT, language), *place = strstr(format, "%s");

    return arena_printf(arena, "%.*s%.80s%s", (int)(place - format), format, client_name, place + 2);
}
