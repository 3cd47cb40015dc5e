/* guard_claims.c - see guard_claims.h. */
#include "services/orchestrator/guard_claims.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/claims.h"
#include "services/orchestrator/words.h"

static bool is_amount(enum claim_kind kind)
{
    return kind == CLAIM_NUMBER || kind == CLAIM_MONEY || kind == CLAIM_PERCENT;
}

static bool same_value(const struct claim *a, const struct claim *b)
{
    return fabs(a->value - b->value) < 0.005;
}

/* Two phone numbers are the same when the shorter one, of seven digits at least, is the end of the longer. */
static bool same_phone(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);

    return la <= lb ? strcmp(b + lb - la, a) == 0 : strcmp(a + la - lb, b) == 0;
}

static bool same_time(const struct claim *a, const struct claim *b)
{
    if (same_value(a, b))
        return true;
    return (a->half_known || b->half_known) && fabs(fmod(a->value, 720) - fmod(b->value, 720)) < 0.5;
}

/* What a source's claim supports. A bare number may stand for a sum ("costs 99"), not for a percentage or a time,
 * except that hours are often given as "9 to 5". */
static bool supports(const struct claim *source, const struct claim *draft)
{
    if (is_amount(draft->kind) && is_amount(source->kind))
        return same_value(source, draft) && (draft->kind == source->kind || draft->kind == CLAIM_NUMBER ||
                                             (draft->kind == CLAIM_MONEY && source->kind == CLAIM_NUMBER));
    if (draft->kind == CLAIM_TIME && source->kind == CLAIM_NUMBER && source->in_range)
        return source->value <= 24 && fabs(fmod(draft->value, 720) - fmod(source->value * 60, 720)) < 0.5;
    if (draft->kind == CLAIM_NUMBER && source->kind == CLAIM_TIME)
        return fmod(source->value, 60) == 0 && (same_value(draft, &(struct claim){.value = source->value / 60}) ||
                                                fmod(source->value / 60, 12) == fmod(draft->value, 12));
    if (draft->kind == CLAIM_MONTH && source->kind == CLAIM_DATE)
        return (int)source->value / 100 == (int)draft->value;
    if (draft->kind != source->kind)
        return false;
    switch (draft->kind) {
    case CLAIM_PHONE:
        return same_phone(source->key, draft->key);
    case CLAIM_EMAIL:
        return strcmp(source->key, draft->key) == 0;
    case CLAIM_URL: /* the page itself, or the site that it is on */
        return strncmp(source->key, draft->key, strlen(draft->key)) == 0 &&
               (source->key[strlen(draft->key)] == '\0' || source->key[strlen(draft->key)] == '/');
    case CLAIM_TIME:
        return same_time(source, draft);
    case CLAIM_FREE:
        return true;
    default:
        return same_value(source, draft);
    }
}

/* A source, read once. */
struct source {
    const char *folded;
    struct claim *claims;
    size_t n;
};

/* "Mon-Fri" and "weekdays" hold the days between. */
static bool weekday_in_range(const struct source *source, const struct claim *draft)
{
    static const char *const all[] = {"every day", "daily", "seven days a week", "7 days a week", NULL};
    static const char *const working[] = {"weekdays", "weekday", "every weekday", "working days", NULL};
    static const char *const weekend[] = {"weekend", "weekends", NULL};

    if (words_find(source->folded, all) || words_find(source->folded, draft->value < 5 ? working : weekend))
        return true;
    for (size_t i = 0; i + 1 < source->n; i++) {
        const struct claim *a = &source->claims[i], *b = &source->claims[i + 1];
        bool joined = a->kind == CLAIM_WEEKDAY && b->kind == CLAIM_WEEKDAY && a->in_range && b->in_range;

        if (joined && fmod(draft->value - a->value + 7, 7) <= fmod(b->value - a->value + 7, 7))
            return true;
    }
    return false;
}

static bool source_supports(const struct source *source, const struct claim *draft)
{
    for (size_t i = 0; i < source->n; i++)
        if (supports(&source->claims[i], draft))
            return true;
    return draft->kind == CLAIM_WEEKDAY && weekday_in_range(source, draft);
}

static struct source *read_sources(struct arena *arena, const char *const *texts, size_t n)
{
    struct source *sources = arena_calloc(arena, n, sizeof *sources);

    for (size_t i = 0; sources && i < n; i++) {
        sources[i].n = claims_find(arena, texts[i], &sources[i].claims);
        sources[i].folded = words_fold(arena, texts[i]);
        if (!sources[i].claims || !sources[i].folded)
            return NULL;
    }
    return sources;
}

size_t guard_claims(struct arena *arena, const char *draft, const char *const *sources, size_t n_sources,
                    const char ***ret_unsupported)
{
    struct claim *claims;
    size_t n = claims_find(arena, draft, &claims), n_unsupported = 0;
    const char **unsupported = arena_calloc(arena, n, sizeof *unsupported);
    struct source *read;

    *ret_unsupported = unsupported;
    if (n == 0 && claims)
        return 0; /* nothing is claimed: the sources need not be read */
    if (!claims || !unsupported || !(read = read_sources(arena, sources, n_sources)))
        return (size_t)-1;
    for (size_t i = 0; i < n; i++) {
        bool supported = false;

        for (size_t s = 0; s < n_sources && !supported; s++)
            supported = source_supports(&read[s], &claims[i]);
        if (!supported)
            unsupported[n_unsupported++] =
                arena_strndup(arena, draft + claims[i].start, claims[i].end - claims[i].start);
    }
    return n_unsupported;
}
