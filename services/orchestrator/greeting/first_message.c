/* first_message.c - see first_message.h. */
#include "services/orchestrator/greeting/first_message.h"

#include <stdbool.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/text.h"
#include "services/orchestrator/scripted/words.h"
#include "services/orchestrator/turn/reply.h"

/* Whether the text has the name as whole words, whatever case and marks it is written with. */
static bool has_name(struct arena *arena, const char *text, const char *name)
{
    const char *folded = words_fold(arena, text), *wanted = words_fold(arena, name);
    size_t len = wanted ? strlen(wanted) : 0;
    char *bare;

    if (!folded || len < 3) /* the name is marks alone */
        return strstr(text, name) != NULL;
    bare = arena_strndup(arena, wanted + 1, len - 2);
    return bare && words_have(folded, bare);
}

static const char *cut(struct arena *arena, const char *draft, size_t max, size_t taken)
{
    size_t room = taken + FIRST_MESSAGE_DRAFT_MIN < max ? max - taken : FIRST_MESSAGE_DRAFT_MIN;

    return max > 0 && utf8_count(draft) > room ? reply_fit(arena, draft, room) : draft;
}

const char *first_message(struct arena *arena, const struct first_message *says, const char *draft, size_t max)
{
    const char *line = says->line, *disclosure = says->disclosure, *text;
    size_t name_len = utf8_count(says->name) + 2, taken;

    if (line && strstr(draft, line))
        line = NULL;
    if (disclosure && strstr(draft, disclosure))
        disclosure = NULL;
    taken = (line ? utf8_count(line) + 1 : 0) + (disclosure ? utf8_count(disclosure) + 1 : 0);
    if (!(text = cut(arena, draft, max, taken)))
        return NULL;
    if (has_name(arena, text, says->name) || (disclosure && has_name(arena, disclosure, says->name)))
        name_len = 0;
    else if (!(text = cut(arena, draft, max, taken + name_len)))
        return NULL;
    return arena_printf(arena, "%s%s%s%s%s%s%s", name_len ? says->name : "", name_len ? ": " : "",
                        disclosure ? disclosure : "", disclosure ? " " : "", text, line ? "\n" : "", line ? line : "");
}
