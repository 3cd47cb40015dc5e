/* claim_things.c - see claim_things.h. */
#include "services/orchestrator/guards/claim_things.h"

#include <stdint.h>
#include <string.h>

#include "services/orchestrator/guards/claim_support.h"
#include "services/orchestrator/guards/claim_text.h"
#include "services/orchestrator/scripted/terms.h"

/* ---- which claims compare ---- */

static bool is_time_length(const struct claim *claim)
{
    return claim->unit == UNIT_MINUTE || claim->unit == UNIT_DAY || claim->unit == UNIT_WORKING_DAY ||
           claim->unit == UNIT_MONTH;
}

/* A time of the day, also "from 8 to 18 hours". */
static bool is_hour(const struct claim *claim)
{
    bool hours = claim->unit == UNIT_NONE || (claim->unit == UNIT_MINUTE && claim->factor > 1);

    return claim->kind == CLAIM_TIME || (claim->kind == CLAIM_NUMBER && claim->in_range && claim->value <= 24 && hours);
}

static bool is_day(const struct claim *claim)
{
    return claim->kind == CLAIM_DATE || claim->kind == CLAIM_WEEKDAY || claim->kind == CLAIM_WEEKDAYS;
}

bool claim_has_thing(const struct claim *claim)
{
    switch (claim->kind) {
    case CLAIM_MONEY:
    case CLAIM_PERCENT:
    case CLAIM_TIME:
    case CLAIM_DATE:
    case CLAIM_WEEKDAY:
    case CLAIM_PHONE:
    case CLAIM_EMAIL:
    case CLAIM_URL:
        return true;
    case CLAIM_NUMBER:
        return claim->unit >= UNIT_OTHER || is_hour(claim);
    default:
        return false;
    }
}

bool claim_compares(const struct claim *a, const struct claim *b)
{
    if ((is_hour(a) && is_hour(b)) || (is_day(a) && is_day(b)))
        return true;
    if (a->kind != b->kind)
        return false;
    if (a->kind != CLAIM_NUMBER)
        return true;
    if (a->unit == UNIT_OTHER)
        return b->unit == UNIT_OTHER && claim_counts_same(a, b);
    return a->unit == b->unit || (is_time_length(a) && is_time_length(b));
}

/* ---- the part of a sentence that is a claim's own ---- */

struct span {
    size_t from, to;
};

static bool is_mark(const char *p)
{
    return strchr(",;.|()\n", *p) && (p[1] == ' ' || p[1] == '\n' || p[1] == '\0' || *p == '|');
}

/* Bytes of a word that joins two parts, at p; 0: none. Arabic's "and" is written with the next word. */
static size_t conjunction_at(const char *p)
{
    static const char *const words[] = {" and ", " or ", " y ", " o ", " but ", " pero ", " plus ", " لكن "};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncasecmp(p, words[i], strlen(words[i])) == 0)
            return strlen(words[i]) - 1;
    return strncmp(p, " و", strlen(" و")) == 0 && (unsigned char)p[strlen(" و")] >= 0x80 ? 1 : 0;
}

/* Where the text between two claims is cut: at its first mark where names stand before their values, else at its last;
 * at a conjunction where there is no mark. */
static size_t cut(const char *plain, size_t from, size_t to, bool names_first)
{
    size_t mark = 0, conjunction = 0;

    for (size_t i = from; i < to; i++) {
        if (is_mark(plain + i) && (mark == 0 || !names_first))
            mark = i + 1;
        if (conjunction_at(plain + i) && (conjunction == 0 || !names_first))
            conjunction = i + 1;
    }
    if (mark > 0 || conjunction > 0)
        return mark > 0 ? mark : conjunction;
    return names_first ? from : to;
}

/* "3 to 4 hours", "between 9 and 5", "Sunday, November 29": two claims that are one. */
static bool is_one_range(const struct claim_text *self, size_t a, size_t b)
{
    const struct claim *left = &self->claims[a], *right = &self->claims[b];
    size_t at;

    if (b == a + 1 && left->kind != right->kind && is_day(left) && is_day(right) && right->start >= left->end &&
        right->start - left->end <= strlen(", "))
        return true; /* "Sunday, November 29" */
    if (b != a + 1 || !left->in_range || !right->in_range || right->start < left->end)
        return false;
    for (at = left->end; at < right->start; at++)
        if (conjunction_at(self->plain + at)) {
            static const struct term between[] = {{"between", 0}, {"entre", 0}, {"بين", 0}, {NULL, 0}};

            return phrase_before(self->plain, self->plain + left->start, between);
        }
    return true;
}

/* The comparable claim before i (step -1) or behind it (step 1) in the sentence that is in no range with it, and the
 * end of i's range; SIZE_MAX: none. */
static size_t neighbour(const struct claim_text *self, size_t i, int step, struct span sentence, size_t *ret_edge)
{
    size_t edge = i;

    for (size_t k = i + (size_t)step; k < self->n; k += (size_t)step) {
        const struct claim *claim = &self->claims[k];

        if (claim->start < sentence.from || claim->end > sentence.to)
            break;
        if (!claim_compares(claim, &self->claims[i]))
            continue;
        if (step < 0 ? is_one_range(self, k, edge) : is_one_range(self, edge, k)) {
            edge = k;
            continue;
        }
        *ret_edge = edge;
        return k;
    }
    *ret_edge = edge;
    return SIZE_MAX;
}

static size_t first_comparable(const struct claim_text *self, size_t i, struct span sentence)
{
    size_t first = i;

    for (size_t k = i; k-- > 0 && self->claims[k].start >= sentence.from;)
        if (claim_compares(&self->claims[k], &self->claims[i]))
            first = k;
    return first;
}

/* ret_head: the part of the first of the list, empty where i is the first. */
static struct span own_part(const struct claim_text *self, size_t i, struct span sentence, struct span *ret_head)
{
    size_t first = first_comparable(self, i, sentence), left, right, from, to;
    bool names_first = topic_between(self->bare, sentence.from, self->claims[first].start);
    size_t before = neighbour(self, i, -1, sentence, &left), behind = neighbour(self, i, 1, sentence, &right);

    from = before == SIZE_MAX ? sentence.from
                              : cut(self->plain, self->claims[before].end, self->claims[left].start, names_first);
    to = behind == SIZE_MAX ? sentence.to
                            : cut(self->plain, self->claims[right].end, self->claims[behind].start, names_first);
    *ret_head = (struct span){sentence.from, before == SIZE_MAX ? sentence.from : self->claims[first].end};
    return (struct span){from, to > from ? to : from};
}

/* ---- what a draft tells of ---- */

static void add_words(struct things *things, const struct claim_text *self, struct span span, const struct claim * not )
{
    for (size_t i = 0; i < self->n_topics && things->n_words < THINGS_WORDS_MAX; i++) {
        size_t at = (size_t)(self->topics[i].word - self->bare);

        if (at >= span.from && at < span.to && !(at >= not ->start && at < not ->end))
            things->words[things->n_words++] = self->topics[i];
    }
}

static bool is_count(const struct claim *claim)
{
    return claim->kind == CLAIM_NUMBER && claim->unit <= UNIT_OTHER;
}

static void add_numbers(struct things *things, const struct claim_text *self, struct span span)
{
    for (size_t i = 0; i < self->n && things->n_numbers < THINGS_NUMBERS_MAX; i++)
        if (is_count(&self->claims[i]) && self->claims[i].start >= span.from && self->claims[i].end <= span.to)
            things->numbers[things->n_numbers++] = self->claims[i].value;
}

static unsigned days_of(const struct claim *claim, int today)
{
    static const unsigned sets[] = {0x1f, 0x60, 0x7f};

    if (claim->kind == CLAIM_WEEKDAY)
        return 1u << (int)claim->value;
    if (claim->kind == CLAIM_WEEKDAYS)
        return sets[(int)claim->value];
    return claim->kind == CLAIM_DAY && claim->value < 3 && today >= 0 ? 1u << (today + (int)claim->value) % 7 : 0;
}

/* The weekdays that are named in the span, "Monday to Friday" with what lies between. */
static unsigned days_in(const struct claim_text *self, struct span span, int today)
{
    unsigned days = 0;

    for (size_t i = 0; i < self->n; i++) {
        const struct claim *a = &self->claims[i], *b = a + 1;

        if (a->start < span.from || a->end > span.to)
            continue;
        days |= days_of(a, today);
        if (i + 1 < self->n && a->kind == CLAIM_WEEKDAY && b->kind == CLAIM_WEEKDAY && b->end <= span.to &&
            is_one_range(self, i, i + 1))
            for (int day = (int)a->value; day != (int)b->value; day = (day + 1) % 7)
                days |= 1u << day;
    }
    return days;
}

static struct span sentence_before(const struct claim_text *self, struct span sentence)
{
    size_t to = sentence.from, from;

    while (to > 0 && strchr(" .!?\n", self->plain[to - 1]))
        to--;
    for (from = to; from > 0 && !claim_ends_sentence(self->plain + from - 1);)
        from--;
    return (struct span){from, to};
}

bool claim_things(struct claim_text *self, size_t i, int today, bool wide, struct things *ret)
{
    struct claim_bounds at = claim_bounds(self->plain, &self->claims[i]);
    struct span sentence, own, wider, head;

    *ret = (struct things){.n_words = 0};
    if (!claim_text_topics(self))
        return false;
    sentence = (struct span){at.start, at.end};
    own = own_part(self, i, (struct span){at.clause_start, at.clause_end}, &head);
    wider = own_part(self, i, sentence, &head);
    if (wide)
        own = wider;
    add_words(ret, self, own, &self->claims[i]);
    add_numbers(ret, self, own);
    ret->days = is_day(&self->claims[i]) ? 0 : days_in(self, own, today);
    if (ret->n_words == 0) {
        add_words(ret, self, wider, &self->claims[i]);
        add_numbers(ret, self, wider);
    }
    if (ret->days == 0 && !is_day(&self->claims[i]))
        ret->days = days_in(self, wider, today);
    if (ret->n_words == 0 && ret->days == 0) {
        ret->before = true;
        add_words(ret, self, sentence_before(self, sentence), &self->claims[i]);
    }
    return true;
}

/* ---- how near it is in a source ---- */

struct regions {
    struct span own, head, sentence, before;
    bool own_is_empty; /* the sentence before names the thing */
};

static bool holds(struct span span, size_t at)
{
    return at >= span.from && at < span.to;
}

static enum nearness nearness_at(const struct regions *regions, size_t at)
{
    if (holds(regions->own, at))
        return NEAR_CLAIM;
    if (holds(regions->head, at))
        return NEAR_HEAD;
    if (holds(regions->before, at))
        return regions->own_is_empty ? NEAR_HEAD : NEAR_BEFORE;
    return holds(regions->sentence, at) ? NEAR_SENTENCE : NEAR_TEXT;
}

static void note(enum nearness *known, enum nearness nearness)
{
    if (nearness > *known)
        *known = nearness;
}

static void note_word(const struct things *things, const struct topic *topic, enum nearness nearness,
                      struct things_near *near)
{
    for (size_t w = 0; w < things->n_words; w++)
        if (near->words[w] < nearness && topic_same(&things->words[w], topic))
            near->words[w] = nearness;
}

static void note_text(const struct things *things, const struct claim_text *source, const struct regions *regions,
                      struct things_near *near)
{
    for (size_t t = 0; t < source->n_topics; t++)
        note_word(things, &source->topics[t], nearness_at(regions, (size_t)(source->topics[t].word - source->bare)),
                  near);
    for (size_t c = 0; c < source->n && things->n_numbers > 0; c++)
        for (size_t k = 0; k < things->n_numbers; k++)
            if (is_count(&source->claims[c]) && source->claims[c].value == things->numbers[k])
                note(&near->numbers[k], nearness_at(regions, source->claims[c].start));
}

bool claim_things_near(const struct things *things, struct claim_text *source, size_t i, struct claim_text *title,
                       int today, struct things_near *ret)
{
    struct claim_bounds at = claim_bounds(source->plain, &source->claims[i]);
    struct regions regions = {0};
    unsigned days, common;

    *ret = (struct things_near){.score = 0};
    if (!claim_text_topics(source) || (title && !claim_text_topics(title)))
        return false;
    regions.sentence = (struct span){at.start, at.end};
    regions.own = own_part(source, i, regions.sentence, &regions.head);
    regions.before = sentence_before(source, regions.sentence);
    ret->alone = regions.own_is_empty = !topic_between(source->bare, regions.own.from, regions.own.to);
    note_text(things, source, &regions, ret);
    for (size_t t = 0; title && t < title->n_topics; t++)
        note_word(things, &title->topics[t], NEAR_HEAD, ret);
    days = things->days ? days_in(source, regions.own, today) : 0;
    if (things->days && days == 0)
        days = days_in(source, regions.sentence, today);
    common = days & things->days;
    ret->score = common == 0 ? 0 : common == things->days ? NEAR_CLAIM : NEAR_SENTENCE;
    for (size_t w = 0; w < things->n_words; w++)
        ret->score += (int)ret->words[w];
    for (size_t k = 0; k < things->n_numbers; k++)
        ret->score += (int)ret->numbers[k];
    return true;
}

int claim_things_full(const struct things *things)
{
    return NEAR_CLAIM * (int)(things->n_words + things->n_numbers + (things->days != 0));
}

bool claim_things_named(const struct things *things, struct claim_text *text, unsigned *ret_words)
{
    if (!claim_text_topics(text))
        return false;
    for (size_t t = 0; t < text->n_topics; t++)
        for (size_t w = 0; w < things->n_words; w++)
            if (topic_same(&things->words[w], &text->topics[t]))
                *ret_words |= 1u << w;
    return true;
}
