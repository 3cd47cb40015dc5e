/* chunker.c - see chunker.h. Blocks are put into chunks; what does not fit is put in parts, and those in smaller ones.
 * Each part is looked at once at each level, so the time is linear. */
#include "services/knowledge/ingest/chunker.h"

#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "services/knowledge/ingest/chunker_internal.h"
#include "services/knowledge/ingest/chunker_sections.h"

#define GAP_BYTES    100                       /* blanks between two parts are kept up to so many */
#define OVERLAP_MAX  (CHUNK_OVERLAP * 13 / 10) /* tokens; sentences do not come in sizes */
#define HEADER_MAX   (CHUNK_TOKENS / 4)        /* a table's header that is longer is not repeated */
#define HEADER_BYTES 2000

/* What is cut into, from coarse to fine. Entries: of a list, rows of a table, lines of code. */
enum level { LEVEL_BLOCK, LEVEL_ENTRY, LEVEL_SENTENCE, LEVEL_LINE, LEVEL_WORD, LEVEL_SCRAP };

struct part {
    size_t from, to; /* without blanks at the ends */
    int64_t tokens;
    enum level level;
};

struct chunker {
    const char *text;
    struct arena *arena;
    struct sections sections;
    struct piece *pieces;
    size_t n, cap;

    /* The chunk that is being filled. */
    struct buf body;
    size_t fresh;              /* where what is new begins: behind the overlap, or the table's header */
    int64_t tokens;            /* of body */
    int64_t budget;            /* of body: what the headings leave */
    size_t section;            /* whose headings stand above it */
    size_t floor;              /* the section that it must stay in */
    size_t shown;              /* the last section that was put: its headings are above the chunk, or lines of it */
    size_t last_to;            /* of the text: where its last part ends */
    size_t prose;              /* of body: from here on it is text and lists alone, which may overlap */
    const struct block *block; /* which is being put; NULL at its start */
    bool failed;
};

static bool has_new(const struct chunker *self)
{
    return self->body.len > self->fresh;
}

static void body_clear(struct chunker *self)
{
    buf_clear(&self->body);
    self->fresh = self->prose = 0;
    self->tokens = 0;
}

static void piece_add(struct chunker *self)
{
    const char *heading = section_path(&self->sections, self->section, self->text, self->arena);
    char *body = arena_strndup(self->arena, self->body.data, self->body.len);

    if (self->n == self->cap) {
        size_t cap = self->cap ? self->cap * 2 : 16;
        struct piece *grown = reallocarray(self->pieces, cap, sizeof *grown);

        if (grown) {
            self->pieces = grown;
            self->cap = cap;
        }
    }
    if (!heading || !body || self->n == self->cap) {
        self->failed = true;
        return;
    }
    self->pieces[self->n++] = (struct piece){
        .heading = heading,
        .body = body,
        .tokens = token_estimate(heading, strlen(heading)) + token_estimate(body, self->body.len),
    };
}

/* Where the last whole sentences of body begin, about CHUNK_OVERLAP tokens; its end if there are none so short. */
static size_t overlap_from(const struct chunker *self)
{
    size_t at = self->prose, len = self->body.len;
    int64_t left = token_estimate(self->body.data + at, len - at);

    while (at < len && (left > OVERLAP_MAX || (len - at) * 2 > len)) {
        size_t end = sentence_end(self->body.data, at, len);

        left -= token_estimate(self->body.data + at, end - at);
        at = end;
    }
    return at;
}

/* Tokens of the header of the table that is being put; 0: it is none, or its header is not repeated. */
static int64_t header_tokens(const struct chunker *self)
{
    const struct block *block = self->block;
    size_t len = block && block->kind == BLOCK_TABLE ? block->rows - block->from : 0;
    int64_t tokens = len > 0 && len <= HEADER_BYTES ? token_estimate(self->text + block->from, len) : 0;

    return tokens <= HEADER_MAX ? tokens : 0;
}

/* The chunk is full; the next one begins with the end of this one, or with the header of the table that goes on. */
static void chunk_end(struct chunker *self)
{
    size_t from = overlap_from(self);
    size_t len = self->body.len - from;
    int64_t header = header_tokens(self);

    piece_add(self);
    if (header > 0 && self->last_to >= self->block->rows) {
        body_clear(self);
        buf_append(&self->body, self->text + self->block->from, self->block->rows - self->block->from);
        self->tokens = header;
    } else {
        memmove(self->body.data, self->body.data + from, len);
        self->body.len = len;
        self->body.data[len] = '\0';
        self->prose = 0;
        self->tokens = token_estimate(self->body.data, len);
    }
    self->fresh = self->body.len;
}

/* The section ends: nothing is carried over. */
static void chunk_close(struct chunker *self)
{
    if (has_new(self))
        piece_add(self);
    body_clear(self);
}

static bool fits(const struct chunker *self, const struct part *part)
{
    return self->tokens + part->tokens <= self->budget &&
           self->body.len + GAP_BYTES + (part->to - part->from) <= CHUNK_BYTES;
}

static bool fits_alone(const struct chunker *self, const struct part *part)
{
    int64_t header = header_tokens(self);

    return header + part->tokens <= self->budget &&
           (header ? HEADER_BYTES : 0) + GAP_BYTES + (part->to - part->from) <= CHUNK_BYTES;
}

/* What stands between the last part and this one, if it is not too much. */
static void put_gap(struct chunker *self, size_t from)
{
    size_t start = self->body.len;
    size_t len = from > self->last_to ? from - self->last_to : 0;

    if (start == 0)
        return;
    if (!self->block)
        buf_puts(&self->body, "\n\n");
    else if (len <= GAP_BYTES)
        buf_append(&self->body, self->text + self->last_to, len);
    else
        buf_puts(&self->body, memchr(self->text + self->last_to, '\n', len) ? "\n" : " ");
    self->tokens += token_estimate(self->body.data + start, self->body.len - start);
}

static void put(struct chunker *self, const struct block *block, const struct part *part)
{
    put_gap(self, part->from);
    buf_append(&self->body, self->text + part->from, part->to - part->from);
    self->tokens += part->tokens;
    self->last_to = part->to;
    self->block = block;
    if (block->kind == BLOCK_TABLE || block->kind == BLOCK_CODE)
        self->prose = self->body.len;
}

static size_t part_end(const struct block *block, const char *text, size_t from, size_t to, enum level level)
{
    switch (level) {
    case LEVEL_ENTRY:
        return block->kind == BLOCK_LIST ? entry_end(text, from, to) : line_end(text, from, to);
    case LEVEL_SENTENCE:
        return sentence_end(text, from, to);
    case LEVEL_LINE:
        return line_end(text, from, to);
    case LEVEL_WORD:
        return word_end(text, from, to);
    case LEVEL_SCRAP:
    case LEVEL_BLOCK:
        break;
    }
    return scrap_end(text, from, to);
}

/* Puts a part: into the chunk, into the next one, or torn. A paragraph is torn only to fill a chunk that is not half
 * full; a list, a table or code only if it fits no chunk; a sentence too. */
static void put_part(struct chunker *self, const struct block *block, size_t from, size_t to, enum level level)
{
    struct part part = {.from = from, .to = to, .tokens = token_estimate(self->text + from, to - from), .level = level};
    bool may_tear = level == LEVEL_BLOCK && block->kind == BLOCK_TEXT && self->tokens * 2 < self->budget;
    enum level finer = level == LEVEL_BLOCK && block->kind == BLOCK_TEXT ? LEVEL_SENTENCE : level + 1;

    if (self->failed || self->body.failed)
        return;
    if (fits(self, &part)) {
        put(self, block, &part);
        return;
    }
    if (level == LEVEL_SCRAP || (fits_alone(self, &part) && !(has_new(self) && may_tear))) {
        if (has_new(self))
            chunk_end(self);
        if (!fits(self, &part))
            body_clear(self); /* without what was carried over */
        put(self, block, &part);
        return;
    }
    for (size_t at = from, end; at < to; at = end) {
        size_t last = end = part_end(block, self->text, at, to, finer);

        while (last > at && is_blank(self->text[last - 1]))
            last--;
        put_part(self, block, at, last, finer);
    }
}

/* "## Prices" within a chunk of several sections. */
static void put_heading_line(struct buf *out, const struct chunker *self, size_t section)
{
    const struct section *s = &self->sections.items[section];

    if (s->level == 0)
        return;
    if (out->len > 0)
        buf_puts(out, "\n\n");
    buf_append(out, "######", s->level);
    buf_puts(out, " ");
    buf_append(out, self->text + s->from, s->to - s->from);
}

/* The chunk comes to stand under the section above its own: its own heading becomes a line of it. */
static void lift(struct chunker *self)
{
    AUTO(buf_free) struct buf body = {0};

    put_heading_line(&body, self, self->section);
    if (body.len > 0)
        buf_puts(&body, "\n\n");
    buf_append(&body, self->body.data, self->body.len);
    self->section = self->sections.items[self->section].parent;
    buf_clear(&self->body);
    buf_append(&self->body, body.data, body.len);
    self->body.failed |= body.failed;
}

static void put_headings_down_to(struct chunker *self, size_t section)
{
    if (section == self->section || section_is_within(&self->sections, self->shown, section))
        return;
    put_headings_down_to(self, self->sections.items[section].parent);
    put_heading_line(&self->body, self, section);
}

static void chunk_begin(struct chunker *self, size_t section)
{
    const char *heading;
    int64_t tokens;

    body_clear(self);
    self->section = self->shown = section;
    self->floor = self->sections.items[section].parent;
    if (!(heading = section_path(&self->sections, section, self->text, self->arena))) {
        self->failed = true;
        return;
    }
    tokens = token_estimate(heading, strlen(heading));
    self->budget = tokens * 2 < CHUNK_TOKENS ? CHUNK_TOKENS - tokens : CHUNK_TOKENS / 2;
}

/* Small sections share a chunk: if what there is is small, all of the next one fits, and they have the same parent. */
static bool joins(struct chunker *self, size_t section)
{
    const struct section *s = &self->sections.items[section];
    size_t above = self->section;

    if (!has_new(self) || self->tokens >= CHUNK_SMALL || self->tokens + s->tokens > self->budget ||
        self->body.len + s->bytes > CHUNK_BYTES)
        return false;
    if (!section_is_within(&self->sections, section, above)) {
        above = self->sections.items[above].parent;
        if (self->section == self->floor || above != self->floor || !section_is_within(&self->sections, section, above))
            return false;
        lift(self);
    }
    return true;
}

static void section_put(struct chunker *self, size_t section)
{
    const struct section *s = &self->sections.items[section];
    bool is_bare = s->n_blocks == 0;

    if (is_bare && section + 1 < self->sections.n && self->sections.items[section + 1].parent == section)
        return; /* it travels with those below it */
    self->block = NULL;
    if (is_bare && s->level == 0)
        return;
    if (joins(self, section)) {
        put_headings_down_to(self, section);
        self->shown = section;
        self->tokens = token_estimate(self->body.data, self->body.len);
    } else {
        chunk_close(self);
        chunk_begin(self, is_bare ? s->parent : section);
        if (is_bare) {
            self->floor = self->section;
            self->shown = section;
            put_heading_line(&self->body, self, section);
            self->tokens = token_estimate(self->body.data, self->body.len);
        }
    }
    for (size_t i = 0; i < s->n_blocks; i++) {
        const struct block *block = &self->sections.blocks.items[s->first_block + i];

        self->block = NULL;
        put_part(self, block, block->from, block->to, LEVEL_BLOCK);
    }
}

static void chunker_free(struct chunker *self)
{
    sections_free(&self->sections);
    free(self->pieces);
    buf_free(&self->body);
}

int chunk_text(const char *text, bool is_markdown, struct arena *arena, struct piece **ret_pieces, size_t *ret_n,
               struct err *err)
{
    AUTO(chunker_free) struct chunker self = {.text = text, .arena = arena};
    size_t len = strlen(text);
    struct piece *pieces;

    if (len > UINT32_MAX)
        return err_set_field(err, ERR_INVALID, "content", "is longer than 4 GB");
    self.failed = !sections_parse(&self.sections, text, len, is_markdown);
    for (size_t i = 0; i < self.sections.n && !self.failed && !self.body.failed; i++)
        section_put(&self, i);
    if (!self.failed && !self.body.failed)
        chunk_close(&self);
    pieces = arena_calloc(arena, self.n, sizeof *pieces);
    if (self.failed || self.body.failed || !pieces)
        return err_set(err, ERR_INTERNAL, "chunker: out of memory");
    if (self.n > 0)
        memcpy(pieces, self.pieces, self.n * sizeof *pieces);
    *ret_pieces = pieces;
    *ret_n = self.n;
    return 0;
}
