/* intents.c - see intents.h. */
#include "services/orchestrator/scripted/intents.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "services/orchestrator/scripted/identity.h"
#include "services/orchestrator/scripted/phrases.h"
#include "services/orchestrator/scripted/plain.h"
#include "services/orchestrator/scripted/words.h"

#define SENTENCES_MAX 40

static bool begins_as_question(const char *folded)
{
    for (const struct phrase *p = phrases_question; p->text; p++) {
        size_t len = folded[1] == *p->text ? strlen(p->text) : 0;

        if (len > 0 && strncmp(folded + 1, p->text, len) == 0 && folded[len + 1] == ' ')
            return true;
    }
    return words_have(folded, "how much");
}

/* "yeah go ahead" */
static bool begins_with_yes(const char *folded)
{
    for (const struct phrase *p = phrases_yes; p->text; p++)
        if (strncmp(folded + 1, p->text, strlen(p->text)) == 0 && folded[strlen(p->text) + 1] == ' ')
            return true;
    return false;
}

static void read_sentence(const char *folded, bool bot, bool marked, struct intents *intents)
{
    bool human = !bot && phrase_find(folded, phrases_human) != NULL;
    bool booking = phrase_find(folded, phrases_booking) != NULL;
    bool question = !bot && !human && (marked || begins_as_question(folded));

    intents->bot |= bot;
    intents->human |= human;
    intents->booking |= booking;
    intents->questions += question;
    intents->deed |= question && phrase_find(folded, phrases_deed);
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

struct intents intents_read(struct arena *arena, const char *text, const char *asked)
{
    struct sentence sentences[SENTENCES_MAX];
    size_t n = words_sentences(arena, text, sentences, COUNT_OF(sentences));
    struct intents intents = {0};

    for (size_t i = 0; i < n; i++)
        read_text(arena, &sentences[i], &intents);
    if (intents.yes && asked && strcmp(asked, "handover") == 0)
        intents.human = true;
    return intents;
}

size_t intents_questions(struct arena *arena, const struct sentence *sentences, size_t n, const char **ret_questions,
                         size_t max)
{
    size_t found = 0;

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
