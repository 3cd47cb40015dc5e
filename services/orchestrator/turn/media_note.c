/* media_note.c - see media_note.h. */
#include "services/orchestrator/turn/media_note.h"

#include <jansson.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"

/* The last one is whatever else there is. */
static const struct {
    const char *type; /* of the content, or its beginning */
    const char *one, *many;
} kinds[] = {
    {"image/", "a photo", "photos"},
    {"video/", "a video", "videos"},
    {"audio/", "an audio message", "audio messages"},
    {"application/pdf", "a PDF", "PDFs"},
    {"text/vcard", "a contact card", "contact cards"},
    {"text/x-vcard", "a contact card", "contact cards"},
    {"", "a file", "files"},
};

static size_t kind_of(const json_t *item)
{
    const char *type = json_string_value(json_object_get(item, "content_type"));
    size_t kind = 0;

    while (strncmp(type ? type : "", kinds[kind].type, strlen(kinds[kind].type)) != 0)
        kind++;
    return kind;
}

const char *media_note(const char *media, struct arena *arena)
{
    json_auto_t *items = media ? json_loads(media, 0, NULL) : NULL;
    size_t counts[COUNT_OF(kinds)] = {0}, n_kinds = 0, told = 0;
    AUTO(buf_free) struct buf note = {0};

    for (size_t i = 0; i < json_array_size(items); i++)
        n_kinds += counts[kind_of(json_array_get(items, i))]++ == 0;
    if (n_kinds == 0)
        return NULL;
    buf_puts(&note, "[the lead sent ");
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        if (counts[k] == 0)
            continue;
        buf_puts(&note, told == 0 ? "" : told + 1 == n_kinds ? " and " : ", ");
        if (counts[k] == 1)
            buf_puts(&note, kinds[k].one);
        else
            buf_printf(&note, "%zu %s", counts[k], kinds[k].many);
        told++;
    }
    buf_puts(&note, "]");
    return note.failed ? NULL : arena_strdup(arena, note.data);
}
