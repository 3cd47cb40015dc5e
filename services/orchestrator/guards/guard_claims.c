/* guard_claims.c - see guard_claims.h. */
#include "services/orchestrator/guards/guard_claims.h"

#include <math.h>
#include <string.h>

#include "libshared/arena.h"
#include "services/orchestrator/guards/claim_support.h"
#include "services/orchestrator/guards/claim_things.h"
#include "services/orchestrator/guards/guard_days.h"
#include "services/orchestrator/guards/guard_things.h"
#include "services/orchestrator/scripted/words.h"

/* The claim that is checked. */
struct checked {
    struct guard_sources *sources;
    struct claim_text *draft;
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

    for (spaces = 0; start > 0 && strchr(" ,", checked->draft->plain[start - 1]); spaces++)
        start--;
    if (spaces == 0 || claim->unit != UNIT_NONE)
        return false;
    len = start;
    while (start > 0 && !strchr(" ,.\n", checked->draft->plain[start - 1]))
        start--;
    if (len - start < 4 || !(folded = arena_strndup(arena, checked->draft->plain + start, claim->end - start)) ||
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

/* How many of the things that the draft tells the claim of are that near to claim i of the source; those that tell one
 * of several ("first") are not counted. False when out of memory. */
static bool count_shared(const struct checked *checked, struct claim_text *source, size_t i, enum nearness wanted,
                         size_t *ret_shared, size_t *ret_all)
{
    struct things things;
    struct things_near near;

    *ret_shared = *ret_all = 0;
    if (!claim_things(checked->draft, (size_t)(checked->claim - checked->draft->claims), -1, false, &things) ||
        !claim_things_near(&things, source, i, NULL, -1, &near))
        return false;
    for (size_t w = 0; w < things.n_words; w++)
        if (things.words[w].meaning < TOPIC_FURTHER) {
            ++*ret_all;
            *ret_shared += near.words[w] >= wanted;
        }
    return true;
}

/* Whether the lead has written a word of what claim i of the source is told of. */
static bool lead_asked(const struct checked *checked, struct claim_text *source, size_t i)
{
    struct things things;
    unsigned named = 0;

    if (!claim_things(source, i, -1, false, &things))
        return false;
    for (size_t s = 0; s < checked->sources->n; s++) {
        struct claim_text *said = checked->sources->items[s].leads ? guard_source_read(checked->sources, s) : NULL;

        if (said && !claim_things_named(&things, said, &named))
            return false;
    }
    return named != 0;
}

/* Whether the claim of the source is told of most of what the draft tells it of; where the draft names nothing ("Yes,
 * it's free."), of what the lead has asked about. A guarantee holds for all that its text is about, "free" for one
 * thing alone. */
static bool shares_things(const struct checked *checked, struct claim_text *source, size_t i)
{
    bool guarantee = checked->claim->kind == CLAIM_WORD && checked->claim->value == WORD_GUARANTEE;
    size_t shared, all;

    if (!count_shared(checked, source, i, guarantee ? NEAR_TEXT : NEAR_SENTENCE, &shared, &all))
        return false;
    return all > 0 ? shared * 2 > all : guarantee || lead_asked(checked, source, i);
}

/* Told as a time at which the business is there. */
static bool is_open(const struct claim_context *context)
{
    return (context->opening || context->committing) && !context->excepted && !context->negated;
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
    if (source->leads)
        return true;
    if (claim->kind == CLAIM_DATE || claim->kind == CLAIM_MONTH)
        return !is_open(checked->context) ||
               ((context = claim_text_context(source->read, i)) && !context->excepted && !context->negated);
    if (!needs_topic(stands, claim))
        return true;
    context = claim_text_context(source->read, i);
    return context && !context->unsure && shares_things(checked, source->read, i);
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

/* Whether one of the business's sources supports the claim, or one of the lead's. -1 when out of memory. */
static int ask_sources(struct guard_sources *from, const struct checked *checked, bool leads)
{
    for (size_t s = 0; s < from->n; s++) {
        struct source source = {.leads = from->items[s].leads};

        if (source.leads != leads)
            continue;
        if (!(source.read = guard_source_read(from, s)))
            return -1;
        if (source_supports(&source, checked))
            return 1;
    }
    return 0;
}

/* "We have no discount for students": what the draft promises is said not to be. -1 when out of memory. */
static int is_denied(const struct checked *checked)
{
    for (size_t s = 0; s < checked->sources->n && checked->claim->kind == CLAIM_WORD; s++) {
        struct claim_text *source;
        size_t shared, all;

        if (checked->sources->items[s].leads)
            continue;
        if (!(source = guard_source_read(checked->sources, s)))
            return -1;
        for (size_t i = 0; i < source->n; i++) {
            const struct claim_context *context;

            if (source->claims[i].kind != CLAIM_WORD || source->claims[i].value != checked->claim->value)
                continue;
            if (!(context = claim_text_context(source, i)) ||
                !count_shared(checked, source, i, NEAR_SENTENCE, &shared, &all))
                return -1;
            if (context->unsure && shared * 2 > all)
                return 1;
        }
    }
    return 0;
}

/* The business must tell it of the same thing; or the lead has said it, where that is enough. */
static int is_supported(struct guard_sources *from, struct claim_text *draft, size_t i, const struct checked *checked)
{
    int rc;

    if (claims_nothing(checked))
        return 1;
    if ((rc = is_denied(checked)) != 0)
        return rc < 0 ? -1 : 0;
    if ((rc = ask_sources(from, checked, false)) == 1)
        rc = guard_things(from, draft, i, checked->now.weekday);
    return rc == 0 && lead_is_enough(checked) ? ask_sources(from, checked, true) : rc;
}

size_t guard_claims(const char *text, struct guard_sources *from, const char ***ret_unsupported)
{
    struct claim_text draft;
    struct checked checked = {.sources = from, .draft = &draft, .now = guard_now(from->local_time)};
    const char **unsupported;
    size_t n = 0;

    if (!claim_text_read(from->arena, text, &draft) ||
        !(*ret_unsupported = unsupported = arena_calloc(from->arena, draft.n + 1, sizeof *unsupported)))
        return (size_t)-1;
    for (size_t i = 0; i < draft.n; i++) {
        int supported;

        checked.claim = &draft.claims[i];
        if (!(checked.context = claim_text_context(&draft, i)) ||
            (supported = is_supported(from, &draft, i, &checked)) < 0)
            return (size_t)-1;
        if (!supported)
            unsupported[n++] = arena_strndup(from->arena, draft.plain + checked.claim->start,
                                             checked.claim->end - checked.claim->start);
    }
    return n;
}
