/* chunker.h - a text cut into chunks that can be searched and quoted. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

#define CHUNK_TOKENS  500   /* about; estimated */
#define CHUNK_OVERLAP 50    /* about; of the end of the chunk before, whole sentences */
#define CHUNK_BYTES   16000 /* at most */
#define HEADING_BYTES 1000  /* at most */

struct piece {
    const char *heading; /* the headings above it, outermost first, " > " between them; "" if there is none */
    const char *body;
    int64_t tokens; /* estimated, of heading and body */
};

/* Cuts at the ends of paragraphs, then of sentences (English, Spanish, Arabic), then of words, never inside a UTF-8
 * sequence. Headings of Markdown are not chunks but travel with theirs; a table or a list that fits a chunk is not
 * torn; a table that must be keeps its header row in every chunk. text must be valid UTF-8. 0 pieces for a blank text.
 */
int chunk_text(const char *text, bool is_markdown, struct arena *arena, struct piece **ret_pieces, size_t *ret_n,
               struct err *err);

/* About how many tokens OpenAI's and BERT's tokenisers make of a text. */
int64_t token_estimate(const char *text, size_t len);
