/* intents.c - see intents.h. */
#include "services/orchestrator/scripted/intents.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/text.h"
#include "services/orchestrator/scripted/identity.h"
#include "services/orchestrator/scripted/phrases.h"
#include "services/orchestrator/scripted/plain.h"
#include "services/orchestrator/scripted/words.h"

#define SENTENCES_MAX 40
#define FIRST_MAX     300 /* bytes of the first of two questions in one sentence */
#define BEGIN_MAX     60  /* bytes of the second one by which it is known */

/* The bytes of the first of the phrases that text begins with, and of the space behind it; 0 if with none. */
static size_t begins_with(const char *text, const struct phrase *table)
{
    for (; table->text; table++) {
        size_t len = *text == *table->text ? strlen(table->text) : 0;

        if (len > 0 && strncmp(text, table->text, len) == 0 && text[len] == ' ')
            return len + 1;
    }
    return 0;
}

/* "Hi, do you ...": what comes before it says nothing about it. */
static const char *behind_greeting(const char *folded)
{
    const char *text = folded + strspn(folded, " ");
    size_t len;

    while ((len = begins_with(text, phrases_greeting)) > 0 || (len = begins_with(text, phrases_opener)) > 0)
        text += len;
    return text;
}

static bool begins_as_question(const char *folded)
{
    const char *text = behind_greeting(folded);

    return (begins_with(text, phrases_question) > 0 && !begins_with(text, phrases_will)) ||
           phrase_find(folded, phrases_price_asked);
}

/* "my dog is huge can you still do it": without a mark, and with something before it. */
static bool asks_within(const char *folded)
{
    return phrase_find(folded, phrases_asked_within) && !phrase_find(folded, phrases_told_not_asked);
}

/* "yeah go ahead" */
static bool begins_with_yes(const char *folded)
{
    return begins_with(folded + 1, phrases_yes) > 0;
}

/* "How long does it take?" asks for no deed. */
static bool asks_amount(const char *folded)
{
    static const char *const amounts[] = {"how long", "how many", "cuanto tiempo", NULL};

    return words_find(folded, amounts) != NULL;
}

/* "Is my dog ready?", "where's my order" */
static bool asks_of_own(const char *folded)
{
    static const struct phrase begins[] = {{"is my", NULL}, {"are my", NULL}, {"is our", NULL}, {NULL, NULL}};

    return phrase_find(folded, phrases_own_matter) ||
           (phrase_find(folded, begins) && phrase_find(folded, phrases_own_state));
}

static void read_sentence(const char *folded, bool bot, bool marked, struct intents *intents)
{
    bool human = !bot && phrase_find(folded, phrases_human) != NULL;
    bool cancel = phrase_find(folded, phrases_cancel) != NULL;
    bool booking = !cancel && phrase_find(folded, phrases_booking) != NULL;
    bool who = !bot && phrase_find(folded, phrases_who_writes) != NULL;
    bool question = !bot && !human && !who && (marked || begins_as_question(folded) || asks_within(folded)) &&
                    *behind_greeting(folded) && !(marked && phrases_say_nothing(folded)); /* "hello??" */

    intents->bot |= bot;
    intents->human |= human;
    intents->who |= who;
    intents->booking |= booking;
    intents->cancel |= cancel;
    intents->own |= question && asks_of_own(folded);
    intents->danger |= phrase_find(folded, phrases_danger) != NULL;
    intents->vendor |= phrase_find(folded, phrases_vendor) != NULL;
    intents->job |= phrase_find(folded, phrases_job) != NULL;
    intents->phone |= question && phrase_find(folded, phrases_phone) != NULL;
    intents->questions += question;
    intents->deed |=
        question && !asks_amount(folded) &&
        (phrase_find(folded, phrases_deed) || phrases_ask_for_time(folded) || (marked && phrases_ask_shortly(folded)));
    intents->proposal |= phrase_find(folded, phrases_proposal) != NULL;
    intents->price |= question && phrase_find(folded, phrases_price);
    intents->greeting |= phrase_find(folded, phrases_greeting) != NULL;
    intents->thanks |= phrase_find(folded, phrases_thanks) != NULL;
    intents->yes |= begins_with_yes(folded);
}

static void read_text(struct arena *arena, const struct sentence *sentence, struct intents *intents)
{
    const char *plain = plain_letters(arena, sentence->text), *folded = plain ? words_fold(arena, plain) : NULL;

    if (folded && (folded = plain_mend(arena, folded, NULL)))
        read_sentence(folded, identity_asked(arena, sentence->text), sentence->question, intents);
}

/* ---- two questions in one sentence ---- */

static bool asks(struct arena *arena, const char *text)
{
    struct intents intents = {0};

    if (text)
        read_text(arena, &(struct sentence){.text = text}, &intents);
    return intents.questions > 0;
}

/* Where the second of two questions begins, which an "and" joins: "do you work in Salem and how much is a visit". NULL
 * if there is but one. */
static const char *second_question(struct arena *arena, const char *text)
{
    static const char *const joints[] = {" and ", " & ", ", ", " n ", " or ", " also ", " + ", " y ", " و"};

    for (size_t i = 0; i < COUNT_OF(joints); i++)
        for (const char *p = text; (p = strcasestr(p, joints[i])) && p - text <= FIRST_MAX; p++) {
            const char *second = p + strlen(joints[i]);
            const char *begin = arena_strndup(arena, second, utf8_cut(second, strlen(second), BEGIN_MAX));
            const char *folded = begin ? words_fold(arena, begin) : NULL;

            if (folded && begins_as_question(folded) && asks(arena, arena_strndup(arena, text, (size_t)(p - text))))
                return second;
        }
    return NULL;
}

/* The sentences of a text, and those that ask two things in two. Returns how many. */
static size_t read_sentences(struct arena *arena, const char *text, struct sentence *ret, size_t max)
{
    struct sentence whole[SENTENCES_MAX];
    size_t n = words_sentences(arena, text, whole, COUNT_OF(whole)), kept = 0;

    for (size_t i = 0; i < n && kept < max; i++) {
        const char *second = kept + 1 < max ? second_question(arena, whole[i].text) : NULL;

        if (second) {
            size_t len = (size_t)(second - whole[i].text);

            ret[kept] = (struct sentence){.text = arena_strndup(arena, whole[i].text, len), .question = true};
            kept += ret[kept].text != NULL;
            ret[kept++] = (struct sentence){.text = second, .question = true};
        } else {
            ret[kept++] = whole[i];
        }
    }
    return kept;
}

static bool weak_yes(struct arena *arena, const char *text)
{
    static const struct phrase weak[] = {{"ok", NULL}, {"okay", NULL}, {"k", NULL}, {"vale", NULL}, {NULL, NULL}};
    const char *folded = words_fold(arena, text);

    return folded && begins_with(folded + 1, weak) > 0;
}

struct intents intents_read(struct arena *arena, const char *text, const char *asked)
{
    struct sentence sentences[SENTENCES_MAX];
    size_t n = read_sentences(arena, text, sentences, COUNT_OF(sentences));
    struct intents intents = {0};

    for (size_t i = 0; i < n; i++)
        read_text(arena, &sentences[i], &intents);
    /* "ok and do you deliver" asks on. */
    if (intents.yes && asked && strcmp(asked, "handover") == 0 && !(weak_yes(arena, text) && intents.questions > 0))
        intents.human = true;
    return intents;
}

/* "who do I send it to": with a word that asks for one, no deed is asked for. */
static bool asks_openly(struct arena *arena, const char *text)
{
    static const struct phrase words[] = {{"who", NULL},   {"what", NULL},   {"when", NULL}, {"where", NULL},
                                          {"which", NULL}, {"why", NULL},    {"how", NULL},  {"que", NULL},
                                          {"quien", NULL}, {"cuando", NULL}, {"como", NULL}, {"donde", NULL},
                                          {"متي", NULL},   {"كيف", NULL},    {"وين", NULL},  {NULL, NULL}};
    const char *plain = plain_letters(arena, text), *folded = plain ? words_fold(arena, plain) : NULL;

    return folded && begins_with(behind_greeting(folded), words) > 0;
}

bool intents_asks(struct arena *arena, const char *text)
{
    struct intents intents = intents_read(arena, text, NULL);

    return intents.who || intents.bot || (intents.questions > 0 && (!intents.deed || asks_openly(arena, text)));
}

size_t intents_questions(struct arena *arena, const char *text, const char **ret_questions, size_t max)
{
    struct sentence sentences[SENTENCES_MAX];
    size_t n = read_sentences(arena, text, sentences, COUNT_OF(sentences)), found = 0;

    for (size_t i = 0; i < n && found < max; i++) {
        struct intents intents = {0};

        read_text(arena, &sentences[i], &intents);
        if (intents.questions > 0)
            ret_questions[found++] = sentences[i].text;
    }
    return found;
}

const char *intents_names(struct arena *arena, const struct intents *intents)
{
    const struct {
        bool wanted;
        const char *name;
    } names[] = {{intents->bot, "bot"},         {intents->human, "human"},
                 {intents->booking, "booking"}, {intents->questions, "question"},
                 {intents->price, "price"},     {intents->greeting, "greeting"},
                 {intents->thanks, "thanks"}};
    AUTO(buf_free) struct buf out = {0};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (names[i].wanted)
            buf_printf(&out, "%s%s", out.len > 0 ? " " : "", names[i].name);
    return out.data && !out.failed ? arena_strdup(arena, out.data) : "statement";
}
