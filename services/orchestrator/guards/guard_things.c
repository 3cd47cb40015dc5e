/* guard_things.c - see guard_things.h. */
#include "services/orchestrator/guards/guard_things.h"

#include <string.h>

#include "services/orchestrator/guards/claim_support.h"
#include "services/orchestrator/guards/claim_things.h"
#include "services/orchestrator/guards/guard_days.h"
#include "services/orchestrator/scripted/language.h"
#include "services/orchestrator/scripted/terms.h"

/* A claim and what the sources tell of its thing. */
struct asked {
    struct guard_sources *sources;
    struct claim_text *draft;
    const struct claim *claim;
    int today;
    struct things things;

    int best, other;         /* the scores of the nearest claim that supports it, and that says otherwise; -1: none */
    size_t best_source;      /* where the former stands */
    struct things_near near; /* of the former */
};

static int look_at(struct asked *self, size_t s, struct claim_text *source, size_t i)
{
    struct claim_text *title = self->sources->items[s].titled ? guard_source_read(self->sources, s - 1) : NULL;
    bool supports = self->claim->kind == CLAIM_WEEKDAY ? guard_holds_day(source, i, (int)self->claim->value)
                                                       : claim_supports(&source->claims[i], self->claim, false);
    struct things_near near;

    if (!supports && !claim_compares(&source->claims[i], self->claim))
        return 0;
    if (!claim_things_near(&self->things, source, i, title, self->today, &near))
        return -1;
    if (!supports && near.score > self->other)
        self->other = near.score;
    if (supports && near.score > self->best) {
        self->best = near.score;
        self->best_source = s;
        self->near = near;
    }
    return 0;
}

/* Fills what the sources tell; they are not all asked where one says all that the draft says. */
static int look(struct asked *self)
{
    int full = claim_things_full(&self->things);

    for (size_t s = 0; s < self->sources->n && self->best < full; s++) {
        struct claim_text *source;

        if (self->sources->items[s].leads)
            continue;
        if (!(source = guard_source_read(self->sources, s)))
            return -1;
        for (size_t i = 0; i < source->n; i++)
            if (look_at(self, s, source, i) < 0)
                return -1;
    }
    return 0;
}

/* 1 where the words of the draft can be expected in the sources: they are of one language. */
static int same_language(const struct asked *self)
{
    enum language ours, theirs;

    if (!language_of_text(self->draft->plain, self->draft->arena, &ours))
        return 1;
    for (size_t n = 0, s = self->best_source; n < self->sources->n; n++, s = (s + 1) % self->sources->n) {
        const struct guard_source *source = &self->sources->items[s];

        if (!source->leads && source->is_read && language_of_text(source->read.plain, self->draft->arena, &theirs))
            return ours == theirs;
    }
    return 1;
}

/* How many words the source does not have but another one of the business has; and how many it has. */
static int count_foreign(struct asked *self, size_t *ret_foreign, size_t *ret_here)
{
    unsigned elsewhere = 0;

    for (size_t s = 0; s < self->sources->n; s++) {
        struct claim_text *source;

        if (self->sources->items[s].leads || self->sources->items[s].general)
            continue;
        if (!(source = guard_source_read(self->sources, s)) || !claim_things_named(&self->things, source, &elsewhere))
            return -1;
    }
    *ret_foreign = *ret_here = 0;
    for (size_t w = 0; w < self->things.n_words; w++) {
        *ret_here += self->near.words[w] != NEAR_NOT;
        *ret_foreign += self->near.words[w] == NEAR_NOT && elsewhere >> w & 1;
    }
    return 0;
}

/* Hours and days are told in too many ways to ask that their words stand in the source too. */
static bool needs_words(const struct claim *claim)
{
    return claim->kind == CLAIM_MONEY || claim->kind == CLAIM_PERCENT ||
           (claim->kind == CLAIM_NUMBER && claim->unit > UNIT_OTHER);
}

static bool is_contact(const struct claim *claim)
{
    return claim->kind == CLAIM_PHONE || claim->kind == CLAIM_EMAIL || claim->kind == CLAIM_URL;
}

/* "It's listed at $485,000": what "it" is was said before. */
static bool is_pronoun(struct claim_text *draft, size_t i)
{
    static const struct term pronouns[] = {{"it", 0},     {"that", 0},  {"this", 0}, {"they", 0}, {"these", 0},
                                           {"those", 0},  {"you", 0},   {"we", 0},   {"es", 0},   {"son", 0},
                                           {"serian", 0}, {"seria", 0}, {"eso", 0},  {"esto", 0}, {"cuesta", 0},
                                           {"هو", 0},     {"هي", 0},    {"هذا", 0},  {"انه", 0},  {"انها", 0},
                                           {NULL, 0}};
    const char *p = draft->plain + claim_bounds(draft->plain, &draft->claims[i]).clause_start;
    int ignored;

    return term_at(p + strspn(p, " "), pronouns, &ignored) > 0;
}

/* See guard_things; wide: by the words of the whole sentence, where those of the claim's part of it stand nowhere. */
static int judge(struct asked *self, size_t i, bool wide)
{
    size_t foreign, here;

    self->best = self->other = -1;
    if (!claim_things(self->draft, i, self->today, wide, &self->things) || look(self) < 0)
        return -1;
    if (self->best < 0)
        return 1; /* it was supported by more than one claim, or by words */
    if (self->things.before)
        return self->best >= NEAR_BEFORE || self->other < NEAR_CLAIM;
    if (self->other > self->best)
        return 0;
    if (!(needs_words(self->claim) || (is_contact(self->claim) && !self->near.alone)) || self->things.n_words == 0)
        return 1;
    if (count_foreign(self, &foreign, &here) < 0)
        return -1;
    if (is_contact(self->claim))
        return here > 0 || foreign == 0;
    if (here > 0 || self->best >= NEAR_BEFORE)
        return here > foreign || foreign == 0;
    if (foreign == 0 && !wide)
        return judge(self, i, true);
    return (foreign == 0 && is_pronoun(self->draft, i)) || !same_language(self);
}

int guard_things(struct guard_sources *sources, struct claim_text *draft, size_t i, int today)
{
    struct asked self = {.sources = sources, .draft = draft, .claim = &draft->claims[i], .today = today};

    return claim_has_thing(self.claim) ? judge(&self, i, false) : 1;
}
