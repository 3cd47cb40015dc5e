/* claim_text.c - see claim_text.h. */
#include "services/orchestrator/guards/claim_text.h"

#include <string.h>

#include "libshared/arena.h"
#include "services/orchestrator/guards/canon.h"
#include "services/orchestrator/scripted/words.h"

bool claim_text_read(struct arena *arena, const char *text, struct claim_text *ret)
{
    *ret = (struct claim_text){.arena = arena, .plain = canon_text(arena, text)};
    if (ret->plain)
        ret->n = claims_find(arena, ret->plain, &ret->claims);
    return ret->claims != NULL;
}

const char *claim_text_folded(struct claim_text *self)
{
    if (!self->folded)
        self->folded = words_fold(self->arena, self->plain);
    return self->folded;
}

bool claim_text_topics(struct claim_text *self)
{
    char *bare;

    if (self->topics)
        return true;
    if (!(bare = arena_strdup(self->arena, self->plain)))
        return false;
    for (char *p = bare; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + 32);
        else if ((unsigned char)*p < 0x80 && !(*p >= 'a' && *p <= 'z'))
            *p = ' ';
    for (size_t i = 0; i < self->n; i++) {
        const struct claim *claim = &self->claims[i];

        if (claim->kind != CLAIM_ADDRESS && !(claim->kind == CLAIM_WORD && claim->value == WORD_GUARANTEE))
            memset(bare + claim->start, ' ', claim->end - claim->start);
    }
    self->bare = bare;
    return (self->topics = topics_read(self->arena, bare, &self->n_topics)) != NULL;
}

const struct claim_context *claim_text_context(struct claim_text *self, size_t i)
{
    if (!self->contexts && (!(self->contexts = arena_calloc(self->arena, self->n, sizeof *self->contexts)) ||
                            !(self->has_context = arena_calloc(self->arena, self->n, sizeof *self->has_context))))
        return NULL;
    if (!self->has_context[i] && !claim_context(self->arena, self->plain, &self->claims[i], &self->contexts[i]))
        return NULL;
    self->has_context[i] = true;
    return &self->contexts[i];
}
