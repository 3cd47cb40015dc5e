/* later.c - see later.h. A wish is a verb of writing or calling that is asked of us, and a time in the same part of the
 * sentence, or as the part before it. */
#include "services/orchestrator/later.h"

#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "services/orchestrator/later_time.h"
#include "services/orchestrator/plain.h"
#include "services/orchestrator/words.h"

#define SENTENCES_MAX 40
#define WORDS_MAX     80
#define BETWEEN_MAX   4        /* words between the verb and its time that say what is to be written */
#define LATER_TODAY   (3 * 60) /* minutes: of today without an hour */
#define HOUR_MINUTES  60
#define DAY_MINUTES   1440

/* ---- phrases, folded ---- */

struct verb {
    const char *words;
    enum later_kind kind;
};

static const struct verb verbs[] = {
    {"text me", LATER_WRITE},
    {"texting me", LATER_WRITE},
    {"messaging me", LATER_WRITE},
    {"hit me back", LATER_WRITE},
    {"reach back out", LATER_WRITE},
    {"txt me", LATER_WRITE},
    {"text us", LATER_WRITE},
    {"message me", LATER_WRITE},
    {"msg me", LATER_WRITE},
    {"message us", LATER_WRITE},
    {"write me", LATER_WRITE},
    {"write to me", LATER_WRITE},
    {"write us", LATER_WRITE},
    {"write back", LATER_WRITE},
    {"text back", LATER_WRITE},
    {"ping me", LATER_WRITE},
    {"contact me", LATER_WRITE},
    {"contact us", LATER_WRITE},
    {"remind me", LATER_WRITE},
    {"get back to me", LATER_WRITE},
    {"get back to us", LATER_WRITE},
    {"get in touch", LATER_WRITE},
    {"check back", LATER_WRITE},
    {"check in with me", LATER_WRITE},
    {"check with me", LATER_WRITE},
    {"follow up", LATER_WRITE},
    {"reach out", LATER_WRITE},
    {"circle back", LATER_WRITE},
    {"touch base", LATER_WRITE},
    {"hit me up", LATER_WRITE},
    {"try again", LATER_WRITE},
    {"try me", LATER_WRITE},
    {"try", LATER_WRITE},
    {"ask again", LATER_WRITE},
    {"ask me again", LATER_WRITE},
    {"ask me", LATER_WRITE},
    {"send me a message", LATER_WRITE},
    {"send me a text", LATER_WRITE},
    {"send me a reminder", LATER_WRITE},
    {"shoot me a text", LATER_WRITE},
    {"shoot me a message", LATER_WRITE},
    {"drop me a line", LATER_WRITE},
    {"drop me a message", LATER_WRITE},
    {"drop me a text", LATER_WRITE},
    {"lets talk", LATER_WRITE},
    {"can we talk", LATER_WRITE},
    {"pick this up", LATER_WRITE},
    {"continue this", LATER_WRITE},
    {"call me", LATER_CALL},
    {"call us", LATER_CALL},
    {"call back", LATER_CALL},
    {"phone me", LATER_CALL},
    {"ring me", LATER_CALL},
    {"give me a call", LATER_CALL},
    {"give us a call", LATER_CALL},
    {"give me a ring", LATER_CALL},
    {"give me a buzz", LATER_CALL},
    /* Spanish */
    {"escribame", LATER_WRITE},
    {"escribeme", LATER_WRITE},
    {"escribanme", LATER_WRITE},
    {"escribirme", LATER_WRITE},
    {"me puede escribir", LATER_WRITE},
    {"me pueden escribir", LATER_WRITE},
    {"me puedes escribir", LATER_WRITE},
    {"me podria escribir", LATER_WRITE},
    {"me podrian escribir", LATER_WRITE},
    {"me escribe", LATER_WRITE},
    {"me escribes", LATER_WRITE},
    {"me escriben", LATER_WRITE},
    {"contacteme", LATER_WRITE},
    {"contactame", LATER_WRITE},
    {"contactenme", LATER_WRITE},
    {"contactarme", LATER_WRITE},
    {"mandeme un mensaje", LATER_WRITE},
    {"mandame un mensaje", LATER_WRITE},
    {"mandenme un mensaje", LATER_WRITE},
    {"envieme un mensaje", LATER_WRITE},
    {"enviame un mensaje", LATER_WRITE},
    {"envienme un mensaje", LATER_WRITE},
    {"recuerdemelo", LATER_WRITE},
    {"recuerdamelo", LATER_WRITE},
    {"recuerdeme", LATER_WRITE},
    {"recuerdame", LATER_WRITE},
    {"aviseme", LATER_WRITE},
    {"avisame", LATER_WRITE},
    {"avisenme", LATER_WRITE},
    {"intentelo", LATER_WRITE},
    {"intentalo", LATER_WRITE},
    {"intente", LATER_WRITE},
    {"llameme", LATER_CALL},
    {"llamame", LATER_CALL},
    {"llamenme", LATER_CALL},
    {"llamarme", LATER_CALL},
    {"me puede llamar", LATER_CALL},
    {"me pueden llamar", LATER_CALL},
    {"me puedes llamar", LATER_CALL},
    {"me podria llamar", LATER_CALL},
    {"me podrian llamar", LATER_CALL},
    {"me llama", LATER_CALL},
    {"me llaman", LATER_CALL},
    /* Arabic */
    {"راسلني", LATER_WRITE},
    {"راسلوني", LATER_WRITE},
    {"راسليني", LATER_WRITE},
    {"تراسلني", LATER_WRITE},
    {"تراسلوني", LATER_WRITE},
    {"اكتب لي", LATER_WRITE},
    {"اكتبوا لي", LATER_WRITE},
    {"تكتب لي", LATER_WRITE},
    {"ابعث لي رساله", LATER_WRITE},
    {"ابعث لي", LATER_WRITE},
    {"ابعثوا لي", LATER_WRITE},
    {"ارسل لي رساله", LATER_WRITE},
    {"ارسل لي", LATER_WRITE},
    {"ارسلوا لي رساله", LATER_WRITE},
    {"ارسلوا لي", LATER_WRITE},
    {"تواصل معي", LATER_WRITE},
    {"تواصلوا معي", LATER_WRITE},
    {"تتواصل معي", LATER_WRITE},
    {"تتواصلوا معي", LATER_WRITE},
    {"ذكرني", LATER_WRITE},
    {"ذكروني", LATER_WRITE},
    {"حاول", LATER_WRITE},
    {"حاولوا", LATER_WRITE},
    {"اتصل بي", LATER_CALL},
    {"اتصلوا بي", LATER_CALL},
    {"تتصل بي", LATER_CALL},
    {"تتصلوا بي", LATER_CALL},
    {"اتصل علي", LATER_CALL},
    {"اتصلوا علي", LATER_CALL},
    {"كلمني", LATER_CALL},
    {"كلموني", LATER_CALL},
    {"تكلمني", LATER_CALL},
};

/* Before the verb: it is not asked of us, or not asked at all. */
static const char *const refused_before[] = {"i",      "ill",  "id",     "ive",  "he",    "she",  "they",   "who",
                                             "said",   "told", "not",    "dont", "never", "stop", "did",    "didnt",
                                             "do",     "does", "doesnt", "why",  "if",    "when", "cant",   "wont",
                                             "nobody", "let",  "to",     "no",   "nunca", "yo",   "cuando", "si",
                                             "لا",     "لم",   "لن",     "ما",   "سوف",   "اذا",  "عندما",  NULL};
/* Of those, what "can you" and its like make good again: "i was hoping you could text me". */
static const char *const asks[] = {"can you",   "could you", "would you", "will you", "can u",        "you can",
                                   "you could", "please",    "pls",       "so",       "but",          "and",
                                   "then",      "just",      "better to", "able to",  "have someone", "have somebody",
                                   "por favor", "pero",      "y",         "vuelva a", "volver a",     "ممكن",
                                   "و",         "هل يمكن",   NULL};
/* Between the verb and a time: the time is another thing's. */
static const char *const refused_between[] = {"if",     "when",  "before",    "once", "unless", "whether", "who",
                                              "what",   "where", "that",      "i",    "ill",    "im",      "you",
                                              "we",     "he",    "she",       "they", "your",   "because", "how",
                                              "which",  "last",  "yesterday", "from", "until",  "till",    "si",
                                              "cuando", "antes", "que",       "su",   "hasta",  "اذا",     "عندما",
                                              "قبل",    "لما",   "متي",       NULL};
/* Says nothing of what is to be written. */
static const char *const fillers[] = {"back",  "again", "please", "pls",   "out",     "with",    "me",     "sometime",
                                      "maybe", "about", "this",   "it",    "instead", "or",      "a",      "message",
                                      "text",  "call",  "first",  "thing", "at",      "on",      "in",     "and",
                                      "now",   "not",   "right",  "ok",    "okay",    "yes",     "thanks", "lets",
                                      "say",   "how",   "then",   "otra",  "vez",     "de",      "nuevo",  "por",
                                      "favor", "el",    "la",     "mejor", "un",      "mensaje", "من",     "فضلك",
                                      "رساله", "مره",   "اخري",   NULL};

static bool is_one_of(const struct later_word *word, const char *const *words)
{
    for (; *words; words++)
        if (later_word_is(word, *words))
            return true;
    return false;
}

static size_t phrase_first(const struct later_word *words, size_t n, const char *phrase)
{
    size_t i = 0;

    for (; *phrase; i++) {
        size_t len = strcspn(phrase, " ");

        if (i == n || words[i].len != len || memcmp(words[i].text, phrase, len) != 0)
            return 0;
        phrase += len + (phrase[len] == ' ');
    }
    return i;
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
        for (const char *const *ask = asks; *ask; ask++) {
            size_t len = strchr(*ask, ' ') ? 2 : 1;

            if (i - begin >= len && phrase_first(&self->words[i - len], len, *ask) == len)
                return true;
        }
        if (is_one_of(&self->words[i - 1], refused_before))
            return false;
    }
    return true;
}

/* The words from begin to end are a time, with no more than fillers beside it. */
static bool is_only_time(const struct reading *self, size_t begin, size_t end, struct later_when *when)
{
    bool found = false;

    while (begin < end) {
        size_t taken = later_time_read(&self->words[begin], end - begin, &self->now, when);

        if (taken == 0 && !is_one_of(&self->words[begin], fillers))
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
        if (is_one_of(&self->words[i], refused_between))
            return false;
        others += !is_one_of(&self->words[i], fillers);
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

static const struct verb *verb_at(const struct reading *self, size_t i, size_t *ret_taken)
{
    for (size_t v = 0; v < COUNT_OF(verbs); v++)
        if ((*ret_taken = phrase_first(&self->words[i], self->n - i, verbs[v].words)) > 0)
            return &verbs[v];
    return NULL;
}

static int minute_of(const char *clock)
{
    return atoi(clock) * 60 + (strlen(clock) >= 5 ? atoi(clock + 3) : 0);
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
        const struct verb *verb = verb_at(self, i, &taken);
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
