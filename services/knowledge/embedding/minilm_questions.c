/* minilm_questions.c - what the model has otherwise for questions: biases, norms and adapters, 700 KB that are
 * linked into the program. models/README.md says how they lie in their file, tools/ranking how they were found. */
#include <assert.h>

#include "services/knowledge/embedding/minilm_internal.h"

/* The file as it is, floats as the machine has them; aligned as sections of the model are. */
__asm__(".pushsection .rodata\n"
        ".balign 64\n"
        ".globl minilm_question_floats\n"
        "minilm_question_floats: .incbin \"" LEADWIRE_QUESTIONS_FILE "\"\n"
        ".globl minilm_question_floats_end\n"
        "minilm_question_floats_end:\n"
        ".popsection\n");

extern const float minilm_question_floats[], minilm_question_floats_end[];

/* The next len floats; each part begins at a multiple of MINILM_ALIGN, as all their lengths are. */
static const float *next(const float **at, size_t len)
{
    const float *part = *at;

    *at += len;
    return part;
}

static void next_norm(const float **at, struct minilm_norm *ret)
{
    ret->factors = next(at, MINILM_DIMS);
    ret->offsets = next(at, MINILM_DIMS);
}

static void next_adapter(const float **at, struct minilm_adapter *ret)
{
    ret->down = next(at, MINILM_DIMS * MINILM_RANK);
    ret->up = next(at, MINILM_RANK * MINILM_DIMS);
}

void minilm_for_questions(struct minilm_weights *weights)
{
    const float *at = minilm_question_floats;

    next_norm(&at, &weights->embedded);
    for (int i = 0; i < MINILM_LAYERS; i++) {
        struct minilm_layer *layer = &weights->layers[i];

        layer->qkv.biases = next(&at, 3 * MINILM_DIMS);
        layer->out.biases = next(&at, MINILM_DIMS);
        next_norm(&at, &layer->attended);
        layer->up.biases = next(&at, MINILM_INNER);
        layer->down.biases = next(&at, MINILM_DIMS);
        next_norm(&at, &layer->fed);
        next_adapter(&at, &layer->to_values);
        next_adapter(&at, &layer->to_out);
    }
    assert(at == minilm_question_floats_end);
}
