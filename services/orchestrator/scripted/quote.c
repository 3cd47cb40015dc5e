/* quote.c - see quote.h. */
#include "services/orchestrator/scripted/quote.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "services/orchestrator/scripted/words.h"
#include "services/orchestrator/turn/reply.h"

#define LINES_MAX     160 /* sentences of a passage: it has some 500 tokens */
#define WORDS_MAX     32  /* of the question: bits of a mask */
#define HEADING_MAX   70  /* bytes of a line that is taken for a heading; longer ones are text */
#define HEADING_SHARE 0.5
#define ALIKE_SHARE   0.6  /* of a word, for another form of it */
#define FOLLOWS_SHARE 0.4  /* of the best one's score, for the next sentence to be said too */
#define MONEY_SHARE   0.75 /* of a rare word, for an amount where a price is asked */

/* A sentence, a heading, a row of a table or an entry of a list. */
struct line {
    struct sentence s;
    bool is_heading, is_item, is_row;
    double score;
};

struct word {
    const char *text;
    size_t len;
    bool is_exact; /* the passage has it in this form: others do not count */
    double weight;
};

/* What stands in any question and says nothing about its subject. That a price is asked counts by its amount. */
static const char *const fillers[] = {"a",     "about", "am",    "an",   "and",   "any",    "are",   "as",     "at",
                                      "be",    "but",   "by",    "can",  "come",  "cost",   "costs", "could",  "did",
                                      "do",    "does",  "for",   "from", "get",   "give",   "had",   "has",    "have",
                                      "hello", "hey",   "hi",    "how",  "i",     "if",     "im",    "in",     "is",
                                      "it",    "its",   "know",  "like", "many",  "me",     "much",  "my",     "need",
                                      "of",    "offer", "on",    "or",   "our",   "please", "price", "prices", "so",
                                      "take",  "tell",  "that",  "the",  "there", "they",   "this",  "to",     "us",
                                      "want",  "was",   "we",    "what", "whats", "when",   "where", "which",  "who",
                                      "will",  "with",  "would", "you",  "your",  NULL};
static const char *const price_words[] = {"how much", "cost", "costs", "price", "prices", "cuánto", "cuanto",
                                          "precio",   "سعر",  "السعر", "تكلفة", "بكم",    NULL};

/* The next word of folded text; NULL behind the last. */
static const char *next_word(const char **folded, size_t *ret_len)
{
    const char *start = *folded + strspn(*folded, " ");

    *ret_len = strcspn(start, " ");
    *folded = start + *ret_len;
    return *ret_len > 0 ? start : NULL;
}

static bool is_filler(const char *word, size_t len)
{
    for (size_t i = 0; fillers[i]; i++)
        if (strlen(fillers[i]) == len && memcmp(fillers[i], word, len) == 0)
            return true;
    return false;
}

static size_t read_words(const char *folded, struct word *words)
{
    const char *text;
    size_t n = 0, len;

    while (n < WORDS_MAX && (text = next_word(&folded, &len)))
        if (!is_filler(text, len))
            words[n++] = (struct word){.text = text, .len = len};
    return n;
}

/* One word in two forms, "pay" and "payment", "install" and "installed". Numbers are equal or not. Beyond ASCII a
 * letter has two bytes or more, and an article may stand before it. */
static bool is_alike(const struct word *a, const char *b, size_t b_len)
{
    size_t shorter = a->len < b_len ? a->len : b_len, longer = a->len < b_len ? b_len : a->len, same = 0;
    bool is_ascii = (unsigned char)a->text[0] < 0x80;

    while (same < shorter && a->text[same] == b[same])
        same++;
    if (same == longer)
        return true;
    if (isdigit((unsigned char)a->text[0]) || isdigit((unsigned char)b[0]))
        return false;
    if (!is_ascii)
        return same >= 10 ||
               (shorter >= 6 && memmem(a->len < b_len ? b : a->text, longer, a->len < b_len ? a->text : b, shorter));
    return same >= 5 || (same == shorter && shorter >= 3 && longer - shorter <= 4);
}

/* The same word, the plural aside. */
static bool is_same(const struct word *a, const char *b, size_t b_len)
{
    size_t a_len = a->len - (a->len > 3 && a->text[a->len - 1] == 's');

    b_len -= b_len > 3 && b[b_len - 1] == 's';
    return a_len == b_len && memcmp(a->text, b, b_len) == 0;
}

static bool has_word(const struct line *line, const struct word *word)
{
    const char *folded = line->s.folded, *text;
    size_t len;

    while ((text = next_word(&folded, &len)))
        if (word->is_exact ? is_same(word, text, len) : is_alike(word, text, len))
            return true;
    return false;
}

/* ---- the lines ---- */

static bool has_digit(const char *text)
{
    return text[strcspn(text, "0123456789")] != '\0';
}

static bool has_amount(const char *text)
{
    return has_digit(text) && (strpbrk(text, "$%") || strstr(text, "€") || strstr(text, "£") || strstr(text, "USD") ||
                               strstr(text, "دولار") || strstr(text, "درهم") || strstr(text, "ريال"));
}

/* Markdown's, or a short line that does not end as a sentence does, which is all that is left of one in a PDF. */
static bool is_heading(const char *text, bool is_last)
{
    size_t len = strlen(text);

    if (text[0] == '#')
        return true;
    return !is_last && len < HEADING_MAX && !strchr(".!?:;,|", text[len - 1]) && !has_digit(text);
}

/* "| a | b |" is said as "a, b". */
static const char *plain_row(struct arena *arena, const char *text)
{
    AUTO(buf_free) struct buf out = {0};

    for (const char *p = text; *p;) {
        size_t len;

        p += strspn(p, "| ");
        len = strcspn(p, "|");
        while (len > 0 && p[len - 1] == ' ')
            len--;
        if (len > 0 && out.len > 0)
            buf_puts(&out, ", ");
        buf_append(&out, p, len);
        p += strcspn(p, "|");
    }
    return out.failed ? NULL : arena_strdup(arena, out.data ? out.data : "");
}

/* The lines that say something: a rule, or a table's, does not. */
static size_t read_lines(struct arena *arena, const char *body, struct line *lines)
{
    struct sentence *sentences = arena_calloc(arena, LINES_MAX, sizeof *sentences);
    size_t n = sentences ? words_sentences(arena, body, sentences, LINES_MAX) : 0, kept = 0;

    for (size_t i = 0; i < n; i++) {
        struct line line = {.s = sentences[i]};

        if (!line.s.folded[strspn(line.s.folded, " ")])
            continue;
        line.is_row = line.s.text[0] == '|';
        line.is_item = strncmp(line.s.text, "- ", 2) == 0 || strncmp(line.s.text, "* ", 2) == 0 ||
                       strncmp(line.s.text, "• ", 4) == 0;
        line.is_heading = !line.is_row && !line.is_item && is_heading(line.s.text, i + 1 == n);
        lines[kept++] = line;
    }
    return kept;
}

/* ---- the choice ---- */

static size_t count_having(const struct word *word, const struct line *lines, size_t n)
{
    size_t having = 0;

    for (size_t i = 0; i < n; i++)
        having += has_word(&lines[i], word);
    return having;
}

static void weigh(struct word *words, size_t n_words, const struct line *lines, size_t n_lines)
{
    for (size_t w = 0; w < n_words; w++) {
        size_t having;

        words[w].is_exact = true;
        if ((having = count_having(&words[w], lines, n_lines)) > 0) {
            words[w].weight = 1.0 / (double)having;
            continue;
        }
        words[w].is_exact = false;
        having = count_having(&words[w], lines, n_lines);
        words[w].weight = having > 0 ? ALIKE_SHARE / (double)having : 0;
    }
}

static uint32_t words_of(const struct line *line, const struct word *words, size_t n)
{
    uint32_t has = 0;

    for (size_t w = 0; w < n; w++)
        if (words[w].weight > 0 && has_word(line, &words[w]))
            has |= (uint32_t)1 << w;
    return has;
}

static double weight_of(uint32_t which, const struct word *words, size_t n)
{
    double weight = 0;

    for (size_t w = 0; w < n; w++)
        if (which >> w & 1)
            weight += words[w].weight;
    return weight;
}

static void score(struct line *lines, size_t n, const struct word *words, size_t n_words, bool asks_price)
{
    uint32_t heading = 0; /* the words of the headings above: those that follow each other count together */

    for (size_t i = 0; i < n; i++) {
        uint32_t own = words_of(&lines[i], words, n_words);

        if (lines[i].is_heading) {
            heading = own | (i > 0 && lines[i - 1].is_heading ? heading : 0);
            continue;
        }
        lines[i].score = weight_of(own, words, n_words) + HEADING_SHARE * weight_of(heading & ~own, words, n_words);
        if (asks_price && lines[i].score > 0 && has_amount(lines[i].s.text))
            lines[i].score += MONEY_SHARE;
    }
}

/* The first of the best ones; n if there are but headings. */
static size_t best_line(const struct line *lines, size_t n)
{
    size_t best = n;

    for (size_t i = 0; i < n; i++)
        if (!lines[i].is_heading && (best == n || lines[i].score > lines[best].score + 1e-9))
            best = i;
    /* What is asked in the text is answered behind it. */
    if (best + 1 < n && lines[best].s.question && !lines[best + 1].is_heading)
        best++;
    return best;
}

static bool ends_as_sentence(const char *text)
{
    return text[0] && strchr(".!?", text[strlen(text) - 1]);
}

/* The lines [from, to) that are said. What is no sentence, such as a table's cell in a PDF, is said with what stands
 * above it. */
static void choose(const struct line *lines, size_t n, size_t best, size_t *from, size_t *to)
{
    *from = best;
    *to = best + 1;
    if (lines[best].is_item) {
        while (*from > 0 && lines[*from - 1].is_item)
            --*from;
        while (*to < n && lines[*to].is_item)
            ++*to;
        if (*from > 0 && lines[*from - 1].s.text[strlen(lines[*from - 1].s.text) - 1] == ':')
            --*from;
    } else if (best > 0 && lines[best - 1].is_heading && !ends_as_sentence(lines[best].s.text)) {
        --*from;
    } else if (*to < n && !lines[best].is_row && !lines[*to].is_heading && !lines[*to].is_row &&
               lines[*to].score >= FOLLOWS_SHARE * lines[best].score) {
        ++*to;
    }
}

static const char *between(const struct line *before, const struct line *line)
{
    if (before->is_heading)
        return ": ";
    return before->is_item && line->is_item ? ", " : " ";
}

const char *quote_answer(struct arena *arena, const char *body, const char *question, size_t max)
{
    struct line *lines = arena_calloc(arena, LINES_MAX, sizeof *lines);
    const char *folded = words_fold(arena, question);
    AUTO(buf_free) struct buf out = {0};
    struct word words[WORDS_MAX];
    size_t n, n_words, best, from, to;

    if (!lines || !folded)
        return NULL;
    n = read_lines(arena, body, lines);
    n_words = read_words(folded, words);
    weigh(words, n_words, lines, n);
    score(lines, n, words, n_words, words_find(folded, price_words) != NULL);
    if ((best = best_line(lines, n)) == n)
        return reply_quote(arena, body, 2, max);
    choose(lines, n, best, &from, &to);
    for (size_t i = from; i < to; i++) {
        const char *text = lines[i].is_row ? plain_row(arena, lines[i].s.text) : lines[i].s.text;

        if (!text)
            return NULL;
        text += lines[i].is_item ? strcspn(text, " ") : 0;
        text += strspn(text, lines[i].is_heading ? " #" : " :");
        if (i > from)
            buf_puts(&out, between(&lines[i - 1], &lines[i]));
        buf_puts(&out, text);
    }
    return out.failed ? NULL : reply_quote(arena, out.data, 2, max);
}

bool quote_has_common_word(const char *question, const char *other)
{
    struct word words[WORDS_MAX];
    size_t n = read_words(question, words);
    const char *text;
    size_t len;

    while ((text = next_word(&other, &len)))
        for (size_t i = 0; i < n && !is_filler(text, len); i++)
            if (len >= 3 && is_alike(&words[i], text, len))
                return true;
    return false;
}
