/* guard_claims.c - see guard_claims.h. */
#include "services/orchestrator/guard_claims.h"

#include <math.h>
#include <string.h>

#include "libshared/arena.h"
#include "services/orchestrator/claim_support.h"
#include "services/orchestrator/claim_topic.h"
#include "services/orchestrator/guard_days.h"
#include "services/orchestrator/words.h"

/* The claim that is checked. */
struct checked {
    const char *text; /* the draft, plain */
    const struct claim *claim;
    const struct claim_context *context;
    struct guard_now now;
};

/* A source that is asked. */
struct source {
    struct claim_text *read;
    bool leads;
};

/* A number and the word before it: "Alcala 120", "floor 3". */
static bool stands_with_its_name(const struct source *source, const struct checked *checked)
{
    const struct claim *claim = checked->claim;
    struct arena *arena = source->read->arena;
    size_t start = claim->start, spaces, len;
    const char *folded, *theirs;

    for (spaces = 0; start > 0 && strchr(" ,", checked->text[start - 1]); spaces++)
        start--;
    if (spaces == 0 || claim->unit != UNIT_NONE)
        return false;
    len = start;
    while (start > 0 && !strchr(" ,.\n", checked->text[start - 1]))
        start--;
    if (len - start < 4 || !(folded = arena_strndup(arena, checked->text + start, claim->end - start)) ||
        !(folded = words_fold(arena, folded)) || !(theirs = claim_text_folded(source->read)))
        return false;
    return strstr(theirs, folded) != NULL;
}

/* A word such as "free" is true of one thing alone; a bare number may be a price if it stands by that thing. */
static bool needs_topic(const struct claim *source, const struct claim *draft)
{
    return draft->kind == CLAIM_WORD || (draft->kind == CLAIM_MONEY && source->kind == CLAIM_NUMBER);
}

/* What a source supports by more than one of its claims, or by none. */
static bool source_names(const struct source *source, const struct checked *checked)
{
    const char *folded;

    switch (checked->claim->kind) {
    case CLAIM_WEEKDAY:
    case CLAIM_WEEKDAYS:
        return guard_days_named(source->read, checked->claim, checked->context);
    case CLAIM_DAY:
        return !source->leads && guard_today_named(source->read, &checked->now, checked->claim, checked->context);
    case CLAIM_NUMBER:
        return stands_with_its_name(source, checked);
    case CLAIM_ADDRESS:
        folded = claim_text_folded(source->read);
        return folded && words_have(folded, checked->claim->key);
    default:
        return false;
    }
}

static bool claim_stands(const struct source *source, size_t i, const struct checked *checked)
{
    const struct claim *claim = checked->claim, *stands = &source->read->claims[i];
    const struct claim_context *context;

    if ((claim->kind == CLAIM_WEEKDAY || claim->kind == CLAIM_WEEKDAYS) && stands->kind == claim->kind)
        return false; /* source_names was asked */
    if (source->leads && (guard_same_day(&checked->now, claim, stands) || guard_same_day(&checked->now, stands, claim)))
        return true;
    if (!claim_supports(stands, claim, source->leads))
        return false;
    if (source->leads || !needs_topic(stands, claim))
        return true;
    context = claim_text_context(source->read, i);
    return context &&
           claim_topic_shared(source->read->arena, checked->text, checked->context, source->read->plain, context);
}

static bool source_supports(const struct source *source, const struct checked *checked)
{
    if (source_names(source, checked))
        return true;
    for (size_t i = 0; i < source->read->n; i++)
        if (claim_stands(source, i, checked))
            return true;
    return false;
}

/* One that counts nothing, and is neither an hour nor a year; or pounds. */
static bool may_be_price(const struct claim *number)
{
    bool year = number->value >= 1900 && number->value < 2100 && fmod(number->value, 1) == 0;

    return number->unit == UNIT_POUND || (number->unit == UNIT_NONE && number->value >= 13 && !year);
}

/* Whether the lead's own words are enough for a claim that is put so. */
static bool lead_is_enough(const struct checked *checked)
{
    const struct claim_context *context = checked->context;

    switch (checked->claim->kind) {
    case CLAIM_WORD:
        return false;
    case CLAIM_MONEY:
    case CLAIM_PERCENT:
        return context->leads || context->unsure;
    case CLAIM_PHONE:
    case CLAIM_EMAIL:
    case CLAIM_URL:
    case CLAIM_ADDRESS:
        return context->leads || context->unsure || context->question;
    case CLAIM_NUMBER:
        return !may_be_price(checked->claim) || context->leads || context->unsure || context->question;
    default:
        return context->leads || context->unsure || context->question || !(context->opening || context->committing);
    }
}

/* What claims nothing by the way it is put: "I don't know whether it is free", "How can we help you today?" */
static bool claims_nothing(const struct checked *checked)
{
    const struct claim *claim = checked->claim;

    return (claim->kind == CLAIM_WORD && checked->context->unsure) ||
           (claim->kind == CLAIM_DAY && claim->value == 0 && checked->context->question);
}

/* *ret_supported; false when out of memory. */
static bool ask_sources(struct guard_sources *from, const struct checked *checked, bool *ret_supported)
{
    bool lead = lead_is_enough(checked);

    *ret_supported = claims_nothing(checked);
    for (size_t s = 0; s < from->n && !*ret_supported; s++) {
        struct source source = {.leads = from->items[s].leads};

        if (source.leads && !lead)
            continue;
        if (!(source.read = guard_source_read(from, s)))
            return false;
        *ret_supported = source_supports(&source, checked);
    }
    return true;
}

size_t guard_claims(const char *text, struct guard_sources *from, const char ***ret_unsupported)
{
    struct checked checked = {.now = guard_now(from->local_time)};
    struct claim_text draft;
    const char **unsupported;
    size_t n = 0;
    bool supported;

    if (!claim_text_read(from->arena, text, &draft) ||
        !(*ret_unsupported = unsupported = arena_calloc(from->arena, draft.n + 1, sizeof *unsupported)))
        return (size_t)-1;
    checked.text = draft.plain;
    for (size_t i = 0; i < draft.n; i++) {
        checked.claim = &draft.claims[i];
        if (!(checked.context = claim_text_context(&draft, i)) || !ask_sources(from, &checked, &supported))
            return (size_t)-1;
        if (!supported)
            unsupported[n++] = arena_strndup(from->arena, draft.plain + checked.claim->start,
                                             checked.claim->end - checked.claim->start);
    }
    return n;
}
