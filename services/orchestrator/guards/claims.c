/* claims.c - see claims.h. A scanner: at the start of each word the readers are asked in turn, the most special
 * first. */
#include "services/orchestrator/guards/claims.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/guards/claim_readers.h"

#define CLAIMS_FIRST 4 /* room at first; CLAIMS_MAX is reached in steps of four times */

static size_t read_claim(struct arena *arena, const char *text, const char *p, struct claim *ret)
{
    size_t len;

    if ((len = read_email(arena, p, ret)) || (len = read_url(arena, p, ret)) || (len = read_address(arena, p, ret)) ||
        (len = read_word(text, p, ret)) || (len = read_date(p, ret)) || (len = read_duration(p, ret)) ||
        (len = read_time(text, p, ret)) || (len = read_phone(arena, p, ret)) || (len = read_day(text, p, ret)))
        return len;
    return read_amount(p, ret);
}

/* Whether nothing but a dash or "to" stands between two claims. */
static bool is_joint(const char *p, size_t len)
{
    static const char *const joints[] = {
        "-",     " - ",  " to ", " and ", " or ",         " until ",      " till ",  " through ",
        " a ",   " al ", " y ",  " o ",   " hasta ",      " hasta las ",  " a las ", " الي ",
        " حتي ", " و",   " او ", " ل",    " الي الساعه ", " حتي الساعه ", " y las ", " to the "};

    for (size_t i = 0; i < COUNT_OF(joints); i++)
        if (strlen(joints[i]) == len && strncasecmp(p, joints[i], len) == 0)
            return true;
    return false;
}

/* 17 or 17.30 as a time of the day. */
static bool number_to_time(struct claim *claim)
{
    double minutes = round(fmod(claim->value, 1) * 100);

    if (claim->kind != CLAIM_NUMBER || claim->unit != UNIT_NONE || claim->value < 0 || claim->value > 24 ||
        minutes > 59)
        return false;
    claim->kind = CLAIM_TIME;
    claim->half_known = claim->value < 13;
    claim->value = floor(claim->value) * 60 + minutes;
    return true;
}

/* In "8-5pm", "10 to 20 %", "3 to 4 hours" and "$80-120" the kind is said once. */
static void join(struct claim *a, struct claim *b)
{
    a->in_range = b->in_range = true;
    if (a->kind == CLAIM_TIME && a->by_word && b->kind != CLAIM_TIME && b->unit > UNIT_OTHER) {
        a->kind = CLAIM_NUMBER;
        a->value /= 60;
    }
    if (b->kind == CLAIM_TIME)
        number_to_time(a);
    else if (a->kind == CLAIM_TIME)
        number_to_time(b);
    if (a->kind == CLAIM_NUMBER && b->kind == CLAIM_DATE && a->value >= 1 && a->value <= 31) {
        a->kind = CLAIM_DATE;
        a->value += floor(b->value / 100) * 100;
    } else if (a->kind == CLAIM_NUMBER && (b->kind == CLAIM_MONEY || b->kind == CLAIM_PERCENT)) {
        a->kind = b->kind;
        a->currency = b->currency;
    } else if (b->kind == CLAIM_NUMBER && a->kind == CLAIM_MONEY && b->unit == UNIT_NONE) {
        b->kind = CLAIM_MONEY;
        b->currency = a->currency;
    } else if (a->kind == CLAIM_NUMBER && b->kind == CLAIM_NUMBER && a->unit == UNIT_NONE) {
        a->unit = b->unit;
        a->factor = b->factor;
    }
}

static struct term_starts starts;

static void build_starts(void)
{
    static const struct term *const *const all[] = {date_starts,   time_starts,   unit_starts,   word_starts,
                                                    number_starts, amount_starts, address_starts};

    for (size_t i = 0; i < COUNT_OF(all); i++)
        for (const struct term *const *list = all[i]; *list; list++)
            term_starts_add(&starts, *list);
}

/* Whether a word in small Latin letters may begin a claim: most do not, and need not be shown to the readers. */
static bool may_begin(const char *p)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    size_t len = 0;

    if (!(*p >= 'a' && *p <= 'z'))
        return true;
    pthread_once(&once, build_starts);
    if (term_starts_at(&starts, p))
        return true;
    while (isalnum((unsigned char)p[len]) || (p[len] && strchr("_%+-", p[len])))
        len++;
    /* An address of the web or of mail. */
    return p[len] == '@' || (p[len] == '.' && isalnum((unsigned char)p[len + 1])) || strncmp(p + len, "://", 3) == 0;
}

static bool may_start(const char *text, const char *p)
{
    char before = p == text ? ' ' : p[-1];

    if (*p == ' ')
        return false;
    if (!is_word_byte(before))
        return may_begin(p);
    /* The digits of a word that is joined to them: 50 in ب50; a sign such as the euro's. */
    return (unsigned char)before >= 0x80 && (unsigned char)*p < 0x80;
}

/* "Once it is booked" counts nothing, "las once" does. */
static bool is_english_once(const char *text, const char *p, size_t len)
{
    static const struct term spanish[] = {{"las", 0}, {"los", 0}, {"unos", 0},  {"unas", 0}, {"de", 0},      {"en", 0},
                                          {"son", 0}, {"a", 0},   {"hasta", 0}, {"y", 0},    {"tenemos", 0}, {NULL, 0}};

    return len == 4 && word_at(p, "once") && !phrase_before(text, p, spanish);
}

/* A bare number behind these is a price. */
static bool is_priced(const char *text, const char *p)
{
    static const struct term verbs[] = {{"costs", 0},    {"cost", 0},   {"price is", 0}, {"priced at", 0},
                                        {"pay", 0},      {"charge", 0}, {"cuesta", 0},   {"cuestan", 0},
                                        {"costaria", 0}, {"vale", 0},   {"paga", 0},     {"cobramos", 0},
                                        {"سعره", 0},     {"السعر", 0},  {"بسعر", 0},     {NULL, 0}};

    return phrase_before(text, p, verbs);
}

/* Who opens at eight opens in the morning. */
static bool opens_at(const char *text, const char *p)
{
    static const struct term verbs[] = {{"open at", 0},    {"opens at", 0},    {"abrimos a las", 0},
                                        {"abre a las", 0}, {"نفتح الساعه", 0}, {"نفتح في الساعه", 0},
                                        {NULL, 0}};

    return phrase_before(text, p, verbs);
}

/* What stands before a claim tells more of it. */
static void read_before(const char *text, const char *p, struct claim *claim)
{
    if (claim->kind == CLAIM_NUMBER && claim->unit == UNIT_NONE && is_priced(text, p))
        claim->kind = CLAIM_MONEY;
    if (claim->kind == CLAIM_TIME && claim->half_known && claim->value >= 360 && opens_at(text, p))
        claim->half_known = claim->value >= 720;
}

/* What a claim says beside what it is; the bytes of text that are read, *ret is valid where they are not 0.
 * A reduction is an offer, whatever it comes to ("10% off", "half price"); a unit behind a guarantee counts one. */
static bool says_more(const char *text, const struct claim *claim, struct claim *ret)
{
    static const struct term halves[] = {{"half", 0}, {"mitad", 0}, {"نصف", 0}, {NULL, 0}};
    bool sum = claim->kind == CLAIM_MONEY || claim->kind == CLAIM_PERCENT;
    int ignored;

    *ret = (struct claim){.kind = CLAIM_WORD, .value = WORD_DISCOUNT, .start = claim->start, .end = claim->end};
    if (sum && word_at(text + claim->end, " off"))
        ret->end += strlen(" off");
    else if (claim->kind == CLAIM_WORD && claim->value == WORD_GUARANTEE && text[claim->end] == ' ')
        return read_one_unit(text + claim->end + 1, ret);
    else if (!sum || term_at(text + claim->start, halves, &ignored) == 0)
        return false;
    return true;
}

/* Room for two more claims, or for as many as there may be. Grown, and not on the stack: hundreds of threads would each
 * keep what the longest text might need. */
static bool make_room(struct arena *arena, struct claim **claims, size_t n, size_t *room)
{
    size_t more = *room > 0 ? *room * 4 : CLAIMS_FIRST;
    struct claim *grown;

    if (n + 2 <= *room || *room == CLAIMS_MAX)
        return true;
    if (!(grown = arena_calloc(arena, more, sizeof *grown)))
        return false;
    if (n > 0)
        memcpy(grown, *claims, n * sizeof *grown);
    *claims = grown;
    *room = more;
    return true;
}

size_t claims_find(struct arena *arena, const char *text, struct claim **ret_claims)
{
    struct claim *claims = NULL;
    size_t n = 0, room = 0;

    *ret_claims = NULL;
    for (const char *p = text; n < CLAIMS_MAX;) {
        size_t len;

        if (!make_room(arena, &claims, n, &room))
            return 0;
        if (!*p)
            break;
        len = may_start(text, p) ? read_claim(arena, text, p, &claims[n]) : 0;
        if (len == 0 || is_english_once(text, p, len)) {
            p += len > 0 ? len : 1;
            continue;
        }
        read_before(text, p, &claims[n]);
        claims[n].start = (size_t)(p - text);
        claims[n].end = claims[n].start + len;
        p += len;
        n++;
        if (n < CLAIMS_MAX && says_more(text, &claims[n - 1], &claims[n]))
            n++;
    }
    if (n == CLAIMS_MAX) {
        claims[n - 1].kind = CLAIM_NUMBER;
        claims[n - 1].value = NAN;
    }
    for (size_t i = 0; i + 1 < n; i++)
        if (claims[i + 1].start > claims[i].end && claims[i + 1].start - claims[i].end < 40 &&
            is_joint(text + claims[i].end, claims[i + 1].start - claims[i].end))
            join(&claims[i], &claims[i + 1]);
    *ret_claims = claims;
    return n;
}
