/* drafts.c - see drafts.h. */
#include "services/knowledge/search/drafts.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "services/knowledge/search/fillers.h"

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

bool piece_is_faq(const struct piece *piece)
{
    return strcmp(piece->part, "text") != 0;
}

int draft_begin(struct draft *self, const struct asked_base *base, const struct piece *piece, struct arena *arena,
                struct err *err)
{
    *self = (struct draft){
        .base = base,
        .best = arena_calloc(arena, base->asked.n_terms + 1, sizeof *self->best),
        .best_chunk = -2,
        .candidate = {.document_id = piece->document_id,
                      .kb_id = base->kb_id,
                      .is_faq = piece_is_faq(piece),
                      .model = base->model,
                      .threshold = base->threshold},
    };
    return self->best ? 0 : out_of_memory(err);
}

/* What a question, or a document's chunk, says of its candidate. */
static void add_head(struct draft *self, const struct piece *piece)
{
    const struct asked_base *base = self->base;
    struct candidate *c = &self->candidate;

    c->title = c->is_faq ? piece->body : piece->title;
    c->heading = piece->heading;
    c->source_url = piece->source_url ? piece->source_url : "";
    c->alike = trigrams_similarity(&base->trigrams, piece->folded ? piece->folded : c->title);
    if (!c->is_faq)
        return;
    c->exact = piece->folded && strcmp(piece->folded, base->folded) == 0;
    c->about = asked_about(&base->asked, piece->words, base->fillers->items, base->fillers->n, &c->words);
}

void draft_add(struct draft *self, const struct piece *piece, const double *cosine)
{
    bool is_answer = strcmp(piece->part, "answer") == 0, is_question = strcmp(piece->part, "question") == 0;
    double rank = cosine ? *cosine : is_answer ? -1.9 : -1.8;
    struct candidate *c = &self->candidate;

    if (!is_answer)
        add_head(self, piece);
    if (!is_question)
        c->body = piece->body;
    asked_mark(&self->base->asked, piece->words, is_answer ? ANSWER_WEIGHT : 1, self->best);
    if (cosine && (!c->has_cosine || *cosine > c->cosine)) {
        c->has_cosine = true;
        c->cosine = *cosine;
    }
    if (cosine && !is_answer) {
        c->asks = *cosine;
        self->has_asks = true;
    }
    if (cosine && !is_question) {
        c->says = *cosine;
        self->has_says = true;
    }
    if (rank > self->best_chunk) {
        self->best_chunk = rank;
        c->position = piece->position;
        c->chunk_id = piece->chunk_id;
    }
}

int drafts_finish(struct draft *drafts, size_t n_drafts, const struct asked_base *bases, size_t n_bases,
                  struct arena *arena, struct candidates *ret_candidates, struct err *err)
{
    struct candidates found = {
        .items = arena_calloc(arena, n_drafts, sizeof *found.items),
        .models = arena_calloc(arena, n_bases, sizeof *found.models),
    };

    if (!found.items || !found.models)
        return out_of_memory(err);
    for (size_t i = 0; i < n_drafts; i++) {
        struct draft *draft = &drafts[i];
        /* Of what has no vector nothing is known: the other stands for both. */
        if (!draft->has_asks)
            draft->candidate.asks = draft->candidate.says;
        if (!draft->has_says)
            draft->candidate.says = draft->candidate.asks;
        draft->candidate.covered = asked_covered(&draft->base->asked, draft->best);
        if (draft->candidate.title && draft->candidate.body)
            found.items[found.n++] = draft->candidate;
    }
    for (size_t i = 0; i < n_bases; i++) {
        bool known = *bases[i].model == '\0';
        for (size_t j = 0; !known && j < found.n_models; j++)
            known = strcmp(found.models[j], bases[i].model) == 0;
        if (!known)
            found.models[found.n_models++] = bases[i].model;
    }
    *ret_candidates = found;
    return 0;
}
