/* chunker_sections.h - a text's headings and what stands below each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/knowledge/ingest/chunker_internal.h"

struct arena;

#define CHUNK_SMALL 100 /* tokens; a chunk that has less may take in the next section */

struct section {
    uint32_t from, to; /* its heading */
    uint32_t parent;   /* the section above it; of the first one itself */
    uint32_t first_block, n_blocks;
    uint32_t bytes; /* of its headings down from the parent's, and its blocks; with what stands between them */
    uint32_t tokens;
    uint8_t level; /* 0: of the first one, which has no heading */
};

struct sections {
    struct section *items; /* the first one has what stands before all headings */
    size_t n, cap;
    struct blocks blocks;
    size_t path_of; /* the section whose path this is, which many chunks in a row share */
    const char *path;
};

/* False: out of memory. */
bool sections_parse(struct sections *out, const char *text, size_t len, bool is_markdown);
void sections_free(struct sections *self);

/* Whether section is above, or below it. */
bool section_is_within(const struct sections *self, size_t section, size_t above);

/* "Prices > Boilers > Repair" in arena; NULL: out of memory. */
const char *section_path(struct sections *self, size_t section, const char *text, struct arena *arena);
