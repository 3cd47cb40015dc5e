/* chunker_sections.c - see chunker_sections.h. */
#include "services/knowledge/ingest/chunker_sections.h"

#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/text.h"
#include "services/knowledge/ingest/chunker.h"

#define LEVELS         6
#define BETWEEN        " > "
#define CUT_HEADING    150 /* bytes of each, if all of them are too long together */
#define BLOCK_OVERHEAD 2   /* bytes between blocks */

_Static_assert(LEVELS *(CUT_HEADING + sizeof BETWEEN) <= HEADING_BYTES, "a path is within HEADING_BYTES");

static struct section *section_add(struct sections *self, struct section section)
{
    if (self->n == self->cap) {
        size_t cap = self->cap ? self->cap * 2 : 16;
        struct section *grown = reallocarray(self->items, cap, sizeof *grown);

        if (!grown)
            return NULL;
        self->items = grown;
        self->cap = cap;
    }
    self->items[self->n] = section;
    return &self->items[self->n++];
}

/* A size of more than a chunk is as good as any. */
static uint32_t capped(uint64_t size)
{
    return size < CHUNK_BYTES * 2 ? (uint32_t)size : CHUNK_BYTES * 2;
}

static uint32_t parent_of(const struct sections *self, uint8_t level)
{
    size_t parent = self->n - 1;

    while (self->items[parent].level >= level)
        parent = self->items[parent].parent;
    return (uint32_t)parent;
}

bool sections_parse(struct sections *out, const char *text, size_t len, bool is_markdown)
{
    struct section *section;

    blocks_parse(text, len, is_markdown, &out->blocks);
    if (out->blocks.failed || !(section = section_add(out, (struct section){0})))
        return false;
    for (size_t i = 0; i < out->blocks.n; i++) {
        const struct block *block = &out->blocks.items[i];
        uint64_t bytes = block->to - block->from;
        uint64_t tokens = (uint64_t)token_estimate(text + block->from, bytes);

        if (block->kind == BLOCK_HEADING) {
            /* Headings between it and a chunk's own may be bare: room for all of them */
            struct section next = {.from = block->from,
                                   .to = block->to,
                                   .parent = parent_of(out, block->level),
                                   .first_block = (uint32_t)i + 1,
                                   .level = block->level,
                                   .bytes = LEVELS * (HEADING_LINE_MAX + 10),
                                   .tokens = capped(tokens + 2)};

            if (!(section = section_add(out, next)))
                return false;
        } else {
            section->n_blocks++;
            section->bytes = capped(section->bytes + bytes + BLOCK_OVERHEAD);
            section->tokens = capped(section->tokens + tokens + 1);
        }
    }
    return true;
}

void sections_free(struct sections *self)
{
    free(self->blocks.items);
    free(self->items);
}

bool section_is_within(const struct sections *self, size_t section, size_t above)
{
    while (section > above)
        section = self->items[section].parent;
    return section == above;
}

static void put_path(struct buf *out, const struct sections *self, size_t section, const char *text, size_t max)
{
    const struct section *s = &self->items[section];

    if (s->level == 0)
        return;
    put_path(out, self, s->parent, text, max);
    if (out->len > 0)
        buf_puts(out, BETWEEN);
    buf_append(out, text + s->from, utf8_cut(text + s->from, s->to - s->from, max));
}

const char *section_path(struct sections *self, size_t section, const char *text, struct arena *arena)
{
    AUTO(buf_free) struct buf path = {0};

    if (self->path && self->path_of == section)
        return self->path;
    put_path(&path, self, section, text, HEADING_LINE_MAX);
    if (path.len > HEADING_BYTES) {
        buf_clear(&path);
        put_path(&path, self, section, text, CUT_HEADING);
    }
    if (path.failed)
        return NULL;
    self->path = arena_strndup(arena, path.data ? path.data : "", path.len);
    self->path_of = section;
    return self->path;
}
