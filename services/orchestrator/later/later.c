/* later.c - see later.h. A wish is a verb of writing or calling that is asked of us, and a time in the same part of the
 * sentence, or as the part before it. */
#include "services/orchestrator/later/later.h"

#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "services/orchestrator/later/later_phrases.h"
#include "services/orchestrator/later/later_time.h"
#include "services/orchestrator/scripted/plain.h"
#include "services/orchestrator/scripted/words.h"

#define SENTENCES_MAX 40
#define WORDS_MAX     80
#define BETWEEN_MAX   4        /* words between the verb and its time that say what is to be written */
#define LATER_TODAY   (3 * 60) /* minutes: of today without an hour */
#define HOUR_MINUTES  60
#define DAY_MINUTES   1440

static bool is_one_of(const struct later_word *word, const char *const *words)
{
    for (; *words; words++)
        if (later_word_is(word, *words))
            return true;
    return false;
}

/* ---- words of a sentence ---- */

static bool is_break(const char *p)
{
    return strchr(",;.!?()-", *p) != NULL || strncmp(p, "،", strlen("،")) == 0 || strncmp(p, "؛", strlen("؛")) == 0 ||
           strncmp(p, "؟", strlen("؟")) == 0;
}

static bool is_mark(const char *p)
{
    return strncmp(p, "¿", strlen("¿")) == 0 || strncmp(p, "¡", strlen("¡")) == 0;
}

static size_t apostrophe(const char *p)
{
    return *p == '\'' ? 1 : strncmp(p, "’", strlen("’")) == 0 ? strlen("’") : 0;
}

static bool in_word(const char *p)
{
    unsigned char c = (unsigned char)*p;

    return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* "a.m.": the dot of an abbreviation, or of an hour: "5.30". */
static bool is_inner_dot(const char *text, const char *p)
{
    return *p == '.' && p > text && in_word(p - 1) && in_word(p + 1) &&
           (p - text < 2 || !in_word(p - 2) || (p[1] >= '0' && p[1] <= '9') || p[-1] == 'p' || p[-1] == 'a');
}

/* Lower case, one space between words, " , " for what ends a part; ':' stays between digits. NULL without memory. */
static const char *spell(struct arena *arena, const char *text)
{
    const char *plain = plain_letters(arena, text);
    AUTO(buf_free) struct buf out = {0};

    for (const char *p = plain; p && *p;) {
        size_t skip = apostrophe(p);

        if (skip) {
            p += skip;
        } else if (is_inner_dot(plain, p)) {
            if (p[1] >= '0' && p[1] <= '9')
                buf_puts(&out, ":");
            p++;
        } else if (is_break(p)) {
            buf_puts(&out, " , ");
            p += (unsigned char)*p >= 0x80 ? strlen("،") : 1;
        } else if (is_mark(p)) {
            p += strlen("¿");
        } else if (in_word(p) || (*p == ':' && p > plain && p[-1] >= '0' && p[-1] <= '9')) {
            char c = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);

            buf_append(&out, &c, 1);
            p++;
        } else {
            buf_puts(&out, " ");
            p++;
        }
    }
    return !plain || out.failed ? NULL : plain_mend(arena, out.data ? out.data : "", NULL);
}

/* ---- one sentence ---- */

struct reading {
    struct later_word words[WORDS_MAX];
    size_t n;
    struct later_now now;
};

static void split(const char *spelt, struct reading *self)
{
    self->n = 0;
    for (const char *p = spelt + strspn(spelt, " "); *p && self->n < WORDS_MAX; p += strspn(p, " ")) {
        self->words[self->n] = (struct later_word){p, strcspn(p, " ")};
        p += self->words[self->n++].len;
    }
}

static size_t part_begin(const struct reading *self, size_t i)
{
    while (i > 0 && !later_word_is(&self->words[i - 1], ","))
        i--;
    return i;
}

static size_t part_end(const struct reading *self, size_t i)
{
    while (i < self->n && !later_word_is(&self->words[i], ","))
        i++;
    return i;
}

/* Whether the words before the verb at i leave it a request. */
static bool is_asked(const struct reading *self, size_t i)
{
    for (size_t begin = part_begin(self, i); i > begin; i--) {
        for (const char *const *ask = later_asks; *ask; ask++) {
            size_t len = strchr(*ask, ' ') ? 2 : 1;

            if (i - begin >= len && later_phrase_first(&self->words[i - len], len, *ask) == len)
                return true;
        }
        if (is_one_of(&self->words[i - 1], later_refused_before))
            return false;
    }
    return true;
}

/* The words from begin to end are a time, with no more than later_fillers beside it. */
static bool is_only_time(const struct reading *self, size_t begin, size_t end, struct later_when *when)
{
    bool found = false;

    while (begin < end) {
        size_t taken = later_time_read(&self->words[begin], end - begin, &self->now, when);

        if (taken == 0 && !is_one_of(&self->words[begin], later_fillers))
            return false;
        found |= taken > 0;
        begin += taken ? taken : 1;
    }
    return found;
}

/* The time that follows the verb, which ends before i. A text that is to say something, today, is wanted now. */
static bool time_behind(const struct reading *self, size_t i, struct later_when *when)
{
    size_t end = part_end(self, i), others = 0;

    for (; i < end && others <= BETWEEN_MAX; i++) {
        struct later_when found = {0};

        if (later_time_read(&self->words[i], end - i, &self->now, &found) > 0) {
            if (others > 0 && (found.in_minutes || !found.has_day || found.day == 0))
                return false;
            *when = found;
            return true;
        }
        if (is_one_of(&self->words[i], later_refused_between))
            return false;
        others += !is_one_of(&self->words[i], later_fillers);
    }
    return false;
}

/* "Monday at 9, text me": the words before the verb at i, of so many words, in its part, or the part before. */
static bool time_before(const struct reading *self, size_t i, size_t taken, struct later_when *when)
{
    size_t begin = part_begin(self, i);
    struct later_when found = {0};

    if (begin < i && is_only_time(self, begin, i, &found)) {
        *when = found;
        return true;
    }
    if (i + taken < self->n && later_word_is(&self->words[i + taken], "then"))
        for (size_t k = 0; k < begin; k++) /* "Thursday would be better, can you message me then?" */
            if (later_time_read(&self->words[k], begin - k, &self->now, when) > 0)
                return true;
    found = (struct later_when){0};
    if (begin < 2 || !is_only_time(self, part_begin(self, begin - 1), begin - 1, &found))
        return false;
    *when = found;
    return true;
}

static const struct later_verb *verb_at(const struct reading *self, size_t i, size_t *ret_taken)
{
    for (const struct later_verb *verb = later_verbs; verb->words; verb++)
        if ((*ret_taken = later_phrase_first(&self->words[i], self->n - i, verb->words)) > 0)
            return verb;
    return NULL;
}

/* "08:00" */
static int minute_of(const char *clock)
{
    int hour = 0, minute = 0;

    return sscanf(clock, "%2d:%2d", &hour, &minute) == 2 ? hour * 60 + minute : 0;
}

/* Into the hours, and not before now. False: it is too far off. */
static bool resolve(const struct reading *self, const struct later_when *when, const char *opens, const char *closes,
                    char ret_at[LATER_AT_SIZE])
{
    int day = when->day, minute = when->minute, first = minute_of(opens), last = minute_of(closes);

    if (when->in_minutes) {
        minute = self->now.minute + when->minute;
        day = minute / DAY_MINUTES;
        minute %= DAY_MINUTES;
    } else if (!when->has_clock) {
        minute = day == 0 ? self->now.minute + LATER_TODAY : LATER_DEFAULT_HOUR * 60;
        if (day > 0 && (minute < first || minute >= last))
            minute = first;
    } else if (day == 0 && minute <= self->now.minute) {
        if (minute + DAY_MINUTES / 2 > self->now.minute && minute < DAY_MINUTES / 2 && when->has_day)
            minute += DAY_MINUTES / 2; /* "today at 8", said at noon */
        else if (when->has_day)
            minute = self->now.minute + HOUR_MINUTES; /* "tonight", said late */
        else
            day = 1;
    }
    if (minute >= last || minute >= DAY_MINUTES) {
        day++;
        minute = first;
    } else if (minute < first) {
        minute = first;
    }
    if (day > LATER_DAYS_MAX)
        return false;
    later_now_write(&self->now, day, minute, ret_at);
    return true;
}

static void read_sentence(struct reading *self, const char *text, const char *opens, const char *closes,
                          struct later *later)
{
    size_t taken;

    for (size_t i = 0; i < self->n; i++) {
        const struct later_verb *verb = verb_at(self, i, &taken);
        struct later_when when = {0};

        if (!verb || !is_asked(self, i) ||
            (!time_behind(self, i + taken, &when) && !time_before(self, i, taken, &when)) ||
            !resolve(self, &when, opens, closes, later->at))
            continue;
        later->kind = verb->kind;
        later->words = text;
    }
}

struct later later_read(struct arena *arena, const char *text, const char *local_time, const char *opens,
                        const char *closes)
{
    struct sentence sentences[SENTENCES_MAX];
    size_t n = words_sentences(arena, text, sentences, COUNT_OF(sentences));
    struct later later = {.kind = LATER_NONE};
    struct reading *self = arena_calloc(arena, 1, sizeof *self);

    if (!self || !later_now_read(local_time, &self->now))
        return later;
    for (size_t i = 0; i < n; i++) {
        const char *spelt = spell(arena, sentences[i].text);

        if (!spelt)
            return (struct later){.kind = LATER_NONE};
        split(spelt, self);
        read_sentence(self, sentences[i].text, opens, closes, &later);
    }
    return later;
}
