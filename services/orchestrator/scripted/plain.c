/* plain.c - see plain.h. */
#include "services/orchestrator/scripted/plain.h"

#include <stdbool.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"

#define MENDED_MIN 6 /* letters: shorter words are too like each other */
#define MENDED_MAX 24

static const struct {
    const char *from, *to;
} letters[] = {
    {"á", "a"}, {"é", "e"}, {"í", "i"}, {"ó", "o"}, {"ú", "u"}, {"ü", "u"}, {"ñ", "n"}, {"Á", "A"}, {"É", "E"},
    {"Í", "I"}, {"Ó", "O"}, {"Ú", "U"}, {"Ü", "U"}, {"Ñ", "N"}, {"أ", "ا"}, {"إ", "ا"}, {"آ", "ا"}, {"ٱ", "ا"},
    {"ى", "ي"}, {"ة", "ه"}, {"ؤ", "و"}, {"ئ", "ي"}, {"ـ", ""},  {"ً", ""},   {"ٌ", ""},   {"ٍ", ""},   {"َ", ""},
    {"ُ", ""},   {"ِ", ""},   {"ّ", ""},   {"ْ", ""},   {"٠", "0"}, {"١", "1"}, {"٢", "2"}, {"٣", "3"}, {"٤", "4"},
    {"٥", "5"}, {"٦", "6"}, {"٧", "7"}, {"٨", "8"}, {"٩", "9"}, {"۰", "0"}, {"۱", "1"}, {"۲", "2"}, {"۳", "3"},
    {"۴", "4"}, {"۵", "5"}, {"۶", "6"}, {"۷", "7"}, {"۸", "8"}, {"۹", "9"}, {"٬", ","}, {"٫", "."}, {"٪", "%"},
};

const char *plain_letters(struct arena *arena, const char *text)
{
    char *out = arena_alloc(arena, strlen(text) + 1), *w = out;

    if (!out)
        return NULL;
    while (*text) {
        size_t taken = 0;

        for (size_t i = 0; (unsigned char)*text >= 0x80 && i < COUNT_OF(letters) && !taken; i++)
            if (text[0] == letters[i].from[0] && text[1] == letters[i].from[1]) {
                w = stpcpy(w, letters[i].to);
                taken = 2;
            }
        if (!taken)
            *w++ = *text++;
        text += taken;
    }
    *w = '\0';
    return out;
}

/* ---- slips of the pen ---- */

static const struct {
    const char *written, *meant;
} habits[] = {
    {"tmrw", "tomorrow"},
    {"tmr", "tomorrow"},
    {"tmw", "tomorrow"},
    {"tommorow", "tomorrow"},
    {"tommorrow", "tomorrow"},
    {"2moro", "tomorrow"},
    {"tomoro", "tomorrow"},
    {"2day", "today"},
    {"wen", "when"},
    {"2mrw", "tomorrow"},
    {"tomoz", "tomorrow"},
    {"tmoz", "tomorrow"},
    {"tmro", "tomorrow"},
    {"tmrow", "tomorrow"},
    {"tomo", "tomorrow"},
    {"tonite", "tonight"},
    {"2nite", "tonight"},
    {"assap", "asap"},
    {"appt", "appointment"},
    {"apptmt", "appointment"},
    {"appointement", "appointment"},
    {"apt", "apartment"},
    {"wknd", "weekend"},
    {"wk", "week"},
    {"wks", "weeks"},
    {"pls", "please"},
    {"plz", "please"},
    {"urgnt", "urgent"},
    {"emergancy", "emergency"},
    {"stoped", "stopped"},
    {"bugdet", "budget"},
    {"budjet", "budget"},
    {"nxt", "next"},
    {"mon", "monday"},
    {"tues", "tuesday"},
    {"tue", "tuesday"},
    {"wed", "wednesday"},
    {"thurs", "thursday"},
    {"thur", "thursday"},
    {"thu", "thursday"},
    {"fri", "friday"},
    {"immediatly", "immediately"},
    {"ahorita", "ahora mismo"},
    {"q", "que"},
    {"xq", "porque"},
};

static const char *const matters[] = {
    "tomorrow",  "tonight",        "urgent",     "urgently",  "emergency",   "immediately", "appointment",
    "schedule",  "booking",        "budget",     "possible",  "weekend",     "monday",      "tuesday",
    "wednesday", "thursday",       "friday",     "saturday",  "sunday",      "leaking",     "flooding",
    "flooded",   "overflowing",    "stopped",    "working",   "broken",      "stranded",    "somebody",
    "someone",   "looking",        "interested", "afternoon", "morning",     "evening",     "dollars",
    "available", "representative", "manager",    "urgente",   "presupuesto", "semana",      "proxima",
    "viernes",   "sabado",         "domingo",    "jueves",    "martes",      "miercoles",   "emergencia",
    "posible",   "necesito",       "apartment",  NULL,
};

/* One letter more, less or another, or two that changed places. */
static bool is_near(const char *a, size_t la, const char *b, size_t lb)
{
    size_t head = 0, tail = 0, shorter = la < lb ? la : lb;

    if ((la > lb ? la - lb : lb - la) > 1 || a[0] != b[0])
        return false;
    while (head < shorter && a[head] == b[head])
        head++;
    while (tail < shorter - head && a[la - 1 - tail] == b[lb - 1 - tail])
        tail++;
    if (la != lb || head + tail >= la)
        return head + tail >= shorter;
    return head + tail + 1 == la || (head + tail + 2 == la && a[head] == b[head + 1] && a[head + 1] == b[head]);
}

/* NULL: it is right as it is, or nobody knows it. Sets *ret_known if it is right. */
static const char *near_word(const char *word, size_t len, const char *const *words, bool *ret_known)
{
    const char *found = NULL;

    for (; words && *words; words++) {
        size_t n;

        if (**words != *word) /* nor are they near each other */
            continue;
        n = strlen(*words);
        if (n == len && memcmp(word, *words, n) == 0) {
            *ret_known = true;
            return NULL;
        }
        if (!found && n >= MENDED_MIN && is_near(word, len, *words, n))
            found = *words;
    }
    return found;
}

static const char *mended(const char *word, size_t len, const char *const *vocabulary)
{
    const char *ours, *theirs;
    bool known = false;

    for (size_t i = 0; i < COUNT_OF(habits); i++)
        if (*habits[i].written == *word && strlen(habits[i].written) == len &&
            memcmp(habits[i].written, word, len) == 0)
            return habits[i].meant;
    if (len < MENDED_MIN - 1 || len > MENDED_MAX || (unsigned char)*word >= 0x80 || (*word >= '0' && *word <= '9'))
        return NULL;
    ours = near_word(word, len, matters, &known);
    theirs = near_word(word, len, vocabulary, &known);
    return known ? NULL : ours ? ours : theirs;
}

const char *plain_mend(struct arena *arena, const char *folded, const char *const *vocabulary)
{
    AUTO(buf_free) struct buf out = {0};

    for (const char *p = folded; *p;) {
        size_t len = strcspn(p, " ");
        const char *word = len > 0 ? mended(p, len, vocabulary) : NULL;

        if (word)
            buf_puts(&out, word);
        else
            buf_append(&out, p, len);
        p += len;
        if (*p == ' ')
            buf_append(&out, p++, 1);
    }
    return out.failed ? NULL : arena_strdup(arena, out.data ? out.data : "");
}
