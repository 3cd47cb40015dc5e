#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/knowledge/ingest/chunker.h"

#define OVERLAP_BYTES 600 /* no overlap has more */

static struct arena *arena;
static struct buf text;
static struct piece *pieces;
static size_t n;

static void release(void)
{
    arena_destroy(&arena);
    buf_free(&text);
}

TestSuite(chunker, .timeout = 120, .fini = release);

/* What holds for every text. */
static void check_pieces(void)
{
    for (size_t i = 0; i < n; i++) {
        const struct piece *piece = &pieces[i];
        size_t body = strlen(piece->body), heading = strlen(piece->heading);

        cr_assert(utf8_valid(piece->body, body), "%zu", i);
        cr_assert(utf8_valid(piece->heading, heading), "%zu", i);
        cr_assert(le(sz, body, CHUNK_BYTES), "%zu", i);
        cr_assert(le(sz, heading, HEADING_BYTES), "%zu", i);
        cr_assert(lt(sz, strspn(piece->body, " \n\t"), body), "%zu is blank", i);
        cr_assert(eq(i64, piece->tokens, token_estimate(piece->heading, heading) + token_estimate(piece->body, body)));
        cr_assert(le(i64, token_estimate(piece->body, body), CHUNK_TOKENS * 5 / 4), "%zu", i);
    }
}

static void cut(const char *from, bool is_markdown)
{
    struct err err = {0};

    arena_destroy(&arena);
    arena = arena_new(1 << 30);
    cr_assert(eq(int, chunk_text(from, is_markdown, arena, &pieces, &n, &err), 0), "%s", err.text);
    check_pieces();
}

static void expect_piece(size_t i, const char *heading, const char *body)
{
    cr_assert(lt(sz, i, n));
    cr_expect(eq(str, (char *)pieces[i].heading, (char *)heading));
    cr_expect(eq(str, (char *)pieces[i].body, (char *)body));
}

static bool starts_with(const char *whole, const char *start)
{
    return strncmp(whole, start, strlen(start)) == 0;
}

static bool ends_with(const char *whole, const char *end)
{
    return strlen(whole) >= strlen(end) && strcmp(whole + strlen(whole) - strlen(end), end) == 0;
}

static void repeat(const char *part, size_t times)
{
    for (size_t i = 0; i < times; i++)
        buf_puts(&text, part);
}

/* Sentences of ten words, about 12 tokens; each word is there once. */
static void put_sentences(int from, int to)
{
    for (int i = from; i < to; i++)
        for (int k = 0; k < 10; k++)
            buf_printf(&text, "%sw%dx%d%s", k == 0 ? "The " : "", i, k, k == 9 ? ". " : " ");
}

/* ---- small texts ---- */

Test(chunker, a_blank_text_has_no_chunk)
{
    cut("", true);
    cr_expect(eq(sz, n, 0));
    cut(" \n\t\n", false);
    cr_expect(eq(sz, n, 0));
    cut("---\ntitle: x\n---\n\n***\n", true);
    cr_expect(eq(sz, n, 0));
}

Test(chunker, a_short_text_is_one_chunk)
{
    cut("# Not a heading\n\nhere.", false);
    cr_expect(eq(sz, n, 1));
    expect_piece(0, "", "# Not a heading\n\nhere.");
}

Test(chunker, headings_travel_with_their_text)
{
    buf_puts(&text, "Prices ##\n======\n\n## Boilers ##\n\n");
    put_sentences(0, 5);
    buf_puts(&text, "\n### Repair C#\n");
    put_sentences(12, 17);
    buf_puts(&text, "\n\nDrains\n---\n");
    put_sentences(24, 29);
    cut(text.data, true);
    cr_assert(eq(sz, n, 3));
    cr_expect(eq(str, (char *)pieces[0].heading, "Prices ## > Boilers"));
    cr_expect(eq(str, (char *)pieces[1].heading, "Prices ## > Boilers > Repair C#"));
    cr_expect(eq(str, (char *)pieces[2].heading, "Prices ## > Drains"));
    cr_expect(starts_with(pieces[1].body, "The w12x0"), "no overlap from another section");
}

Test(chunker, small_sections_of_one_parent_share_a_chunk)
{
    cut("# FAQ\n\n## Open on Sunday?\n\nNo.\n\n## Price?\n\n$90.\n\n### Weekend?\n\n$120.\n\n# Contact\n\nCall us.",
        true);
    cr_assert(eq(sz, n, 2));
    expect_piece(0, "FAQ", "## Open on Sunday?\n\nNo.\n\n## Price?\n\n$90.\n\n### Weekend?\n\n$120.");
    expect_piece(1, "Contact", "Call us.");
}

Test(chunker, a_heading_with_nothing_below_it_is_not_lost)
{
    cut("# A\n\n## B\n\n## C\n\n# D", true);
    cr_assert(eq(sz, n, 2));
    expect_piece(0, "A", "## B\n\n## C");
    expect_piece(1, "", "# D");
}

Test(chunker, long_headings_are_cut_within_bounds_or_are_text)
{
    for (int level = 1; level <= 6; level++) {
        repeat("#", level);
        buf_puts(&text, " ");
        repeat("\xc3\xa4", 140);
        buf_puts(&text, "\n\n");
    }
    buf_puts(&text, "x\n");
    cut(text.data, true);
    cr_assert(eq(sz, n, 1));
    cr_expect(eq(str, (char *)pieces[0].body, "x"));
    buf_clear(&text);
    buf_puts(&text, "# ");
    repeat("word ", 100);
    cut(text.data, true);
    cr_expect(eq(str, (char *)pieces[0].heading, ""));
    cr_expect(starts_with(pieces[0].body, "# word word"));
}

Test(chunker, front_matter_is_left_out_and_other_text_between_lines_is_not)
{
    cut("---\ntitle: x\ntags:\n  - a\n---\nText.", true);
    expect_piece(0, "", "Text.");
    cut("---\nA sentence without a key\n---\nText.", true);
    cr_expect(starts_with(pieces[0].body, "## A sentence") || strstr(pieces[0].heading, "A sentence") != NULL);
}

/* ---- where it is cut ---- */

Test(chunker, cuts_are_at_sentence_ends_and_the_last_sentences_come_again)
{
    put_sentences(0, 200);
    cut(text.data, false);
    cr_assert(gt(sz, n, 3));
    for (size_t i = 1; i < n; i++) {
        char first[32];
        const char *again;

        cr_expect(starts_with(pieces[i].body, "The w"));
        cr_expect(ends_with(pieces[i - 1].body, "."));
        snprintf(first, sizeof first, "%.12s", pieces[i].body);
        again = strstr(pieces[i - 1].body, first);
        cr_assert(again != NULL, "no overlap");
        cr_expect(starts_with(pieces[i].body, again));
        cr_expect(le(i64, token_estimate(again, strlen(again)), CHUNK_OVERLAP * 2));
    }
}

static void expect_cut(const char *before, const char *after)
{
    for (size_t i = 1; i < n; i++)
        if (strstr(pieces[i].body, after) && !strstr(pieces[i - 1].body, after)) {
            cr_expect(ends_with(pieces[i - 1].body, before), "%s", pieces[i - 1].body);
            return;
        }
    cr_expect(false, "not cut before %s", after);
}

/* One long sentence that ends with "before", then another: whatever looks like an end within is none. */
static void cut_between(const char *before, const char *after)
{
    buf_clear(&text);
    put_sentences(0, 1);
    text.len -= 2;
    text.data[text.len] = '\0';
    repeat(" word", 320);
    buf_printf(&text, " %s %s", before, after);
    repeat(" more", 320);
    cut(text.data, false);
    cr_assert(gt(sz, n, 1));
    expect_cut(before, after);
}

Test(chunker, abbreviations_and_numbers_end_no_sentence)
{
    cut_between("Call Mr. Smith or Dr. J. Jones at 3.5 p.m. for $1.50, e.g. today.", "Then we come");
    cut_between("Pregunte por la Sra. Garc\xc3\xad"
                "a.",
                "\xc2\xbf"
                "Cu\xc3\xa1nto cuesta");
    cut_between("\xd9\x83\xd9\x85 \xd8\xa7\xd9\x84\xd8\xb3\xd8\xb9\xd8\xb1\xd8\x9f",
                "\xd8\xaa\xd8\xb3\xd8\xb9\xd9\x88\xd9\x86");
    cut_between("\xe2\x80\x9cReally?\xe2\x80\x9d", "Yes");
}

Test(chunker, a_list_or_table_that_fits_is_not_torn)
{
    put_sentences(0, 10);
    buf_puts(&text, "\n\n");
    for (int i = 0; i < 30; i++)
        buf_printf(&text, "- item %d of the list\n\n", i);
    buf_puts(&text, "  more of the last\n\nAfter.\n\n");
    cut(text.data, true);
    cr_assert(eq(sz, n, 2));
    cr_expect(strstr(pieces[1].body, "- item 0 of") &&
              strstr(pieces[1].body, "- item 29 of the list\n\n  more of the last"));
}

Test(chunker, a_torn_table_has_its_header_in_every_chunk)
{
    buf_puts(&text, "Our prices\n\n| Service | Price |\n|---|--:|\n");
    for (int i = 0; i < 300; i++)
        buf_printf(&text, "| service %d | $%d |\n", i, i);
    buf_puts(&text, "\nText behind.\n");
    cut(text.data, true);
    cr_assert(gt(sz, n, 3));
    for (size_t i = 1; i < n; i++) {
        cr_expect(starts_with(pieces[i].body, "| Service | Price |\n|---|--:|\n| service "), "%s", pieces[i].body);
        cr_expect(i + 1 == n || ends_with(pieces[i].body, " |"));
    }
    cr_expect(ends_with(pieces[n - 1].body, "|\n\nText behind."));
}

Test(chunker, code_keeps_its_lines_and_no_heading_is_found_in_it)
{
    cut("Do this:\n\n```sh\n# not a heading\n\n  indented\n```\n\n# Heading\nText", true);
    cr_assert(eq(sz, n, 1));
    expect_piece(0, "", "Do this:\n\n```sh\n# not a heading\n\n  indented\n```\n\n# Heading\n\nText");
}

/* ---- every text ---- */

/* Bytes that are no blanks. */
static char *squeezed(const char *from, size_t *ret_len)
{
    char *out = malloc(strlen(from) + 1);
    size_t len = 0;

    for (; *from; from++)
        if (!strchr(" \n\t\r\f\v", *from))
            out[len++] = *from;
    out[len] = '\0';
    *ret_len = len;
    return out;
}

/* Each piece is the end of what was there before it, and then what comes next. In a text that repeats itself there may
 * be several such places: all that are possible so far are in places. */
static void check_all_there(const char *from)
{
    size_t len, n_places = 1;
    char *all = squeezed(from, &len);
    bool *possible = calloc(len + 1, 1), *next = calloc(len + 1, 1);

    possible[0] = true;
    for (size_t i = 0; i < n; i++) {
        size_t size;
        char *body = squeezed(pieces[i].body, &size);

        n_places = 0;
        memset(next, 0, len + 1);
        for (size_t at = 0; at < len; at++)
            for (size_t again = 0; possible[at] && again < size && again <= at && again < OVERLAP_BYTES; again++)
                if (size - again <= len - at && memcmp(all + at - again, body, size) == 0) {
                    n_places += !next[at + size - again];
                    next[at + size - again] = true;
                }
        memcpy(possible, next, len + 1);
        free(body);
        if (n_places == 0)
            break;
    }
    cr_expect(gt(sz, n_places, 0), "something between is missing");
    cr_expect(possible[len], "the end is missing");
    free(possible);
    free(next);
    free(all);
}

static unsigned seed;

static unsigned pick(unsigned below)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 8) % below;
}

static const char *const bits[] = {
    " ",
    " ",
    " ",
    " ",
    "\n",
    "\n\n",
    ". ",
    "? ",
    "word",
    "Word",
    "pressure",
    "$1.50",
    "3.5",
    "e.g. ",
    "U.S. ",
    "- ",
    "# ",
    "* ",
    "|",
    "---",
    "```",
    "\n```\n",
    "\n|---|\n",
    "\xd8\xa8\xd9\x8a\xd8\xaa",
    "\xd8\x9f ",
    "\xc2\xbf",
    "\xcc\x81",
    "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd",
    "\xe4\xb8\xad",
    "\xe3\x80\x82",
    "\t",
    "=",
    "\n====\n",
    "    ",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "\r\n",
};

static void put_random(unsigned max_bits)
{
    buf_clear(&text);
    for (unsigned i = pick(max_bits) + 1; i > 0; i--) {
        unsigned which = pick(sizeof bits / sizeof *bits);

        for (unsigned times = pick(20) == 0 ? pick(300) + 1 : 1; times > 0; times--)
            buf_puts(&text, bits[which]);
    }
}

Test(chunker, nothing_of_a_plain_text_is_lost_or_moved)
{
    for (seed = 1; seed < 100 * 7919; seed += 7919) {
        unsigned kept = seed;

        put_random(600);
        cut(text.data, false);
        check_all_there(text.data);
        seed = kept;
    }
}

Test(chunker, every_markdown_is_cut_within_bounds)
{
    for (seed = 1; seed < 600 * 7919; seed += 7919) {
        unsigned kept = seed;

        put_random(3000);
        cut(text.data, true);
        seed = kept;
    }
}

/* Documents of numbered words: each is there, and first in its order, in a body or in a heading. */
Test(chunker, no_word_of_a_markdown_is_lost)
{
    for (seed = 1; seed < 200 * 7919; seed += 7919) {
        unsigned kept = seed, words = 0, next = 0;
        static const char *const between[] = {
            "\n\n",    "\n",      " ",        " ",      " ",       ". ",  "\n- ",
            "\n\n1. ", "\n\n## ", "\n\n### ", "\n\n# ", "\n```\n", " | ", "\n|---|---|\n",
            "\n===\n", "\n> "};

        buf_clear(&text);
        for (unsigned i = pick(2000) + 1; i > 0; i--)
            buf_printf(&text, "q%uq%s", words++, between[pick(sizeof between / sizeof *between)]);
        cut(text.data, true);
        for (size_t i = 0; i < n; i++) {
            const char *sides[] = {pieces[i].heading, pieces[i].body};

            for (int side = 0; side < 2; side++)
                for (const char *p = sides[side]; (p = strchr(p, 'q')) != NULL;) {
                    unsigned word = (unsigned)strtoul(p + 1, (char **)&p, 10);

                    cr_assert(le(uint, word, next), "seed %u: q%uq is missing", kept, next);
                    next += word == next;
                    p++;
                }
        }
        cr_assert(eq(uint, next, words), "seed %u: the end is missing", kept);
        seed = kept;
    }
}

Test(chunker, malicious_texts_are_cut_too)
{
    const struct {
        const char *before, *part;
        size_t times;
    } texts[] = {
        {"", "a", 5000000},
        {"", "# h\n", 1000000},
        {"", "\xcc\x81", 500000},
        {"", ".", 1000000},
        {"", "\n", 1000000},
        {"", "a\n\n", 300000},
        {"```\n", "code\n", 200000},
        {"", "a. ", 300000},
        {"", "- a\n", 300000},
        {"", "a |\n", 300000},
        {"", "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd", 100000},
        {"", "### a\nx\n## b\ny\n# c\nz\n", 50000},
        {"| a | b |\n|---|---|\n| ", "x", 100000},
        {"", "\xd8\xb3\xd8\xb9\xd8\xb1\xd8\x9f ", 100000},
        {"| a |\n|---|\n", "| \xe4\xb8\xad\xe6\x96\x87 |\n", 30000},
        {"", "> ", 300000},
        {"---\n", "a: b\n", 100000},
        {"x", " ", 1000000},
        {"", "\xe2\x80\x8d", 300000},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        buf_clear(&text);
        buf_puts(&text, texts[i].before);
        repeat(texts[i].part, texts[i].times);
        cut(text.data, true);
        cut(text.data, false);
        cr_expect(texts[i].part[0] == '\n' || n > 0);
    }
    buf_clear(&text);
    for (size_t i = 0; i < 3000; i++) {
        repeat("  ", i);
        buf_puts(&text, "- item\n");
    }
    cut(text.data, true);
}

Test(chunker, tokens_are_estimated_near_those_of_openai_and_bert)
{
    const struct {
        const char *text;
        int cl100k, bert;
    } known[] = {
        {"Our technicians are available every day of the week, including public holidays. If your boiler stops working "
         "at night, call our emergency line and somebody will be at your door within two hours. We repair all common",
         41, 41},
        {"A slow drain is usually the first sign of a blockage further down the pipe. Pouring chemicals into it may "
         "help for a while, but it often damages older pipes. We use a small camera to find the cause and clear it",
         47, 46},
        {"Nuestros técnicos están disponibles todos los días de la semana, incluidos los festivos. Si su caldera deja "
         "de funcionar por la noche, llame a nuestra línea de emergencia y alguien estará en su puerta en menos de dos",
         53, 73},
        {"¿Cuánto cuesta una visita? La primera visita cuesta noventa euros e incluye la primera hora de trabajo. ¡No "
         "cobramos nada si no encontramos la avería! Las horas siguientes se facturan por cuartos de hora, y los fines "
         "de",
         57, 70},
        {"قبل أن نبدأ أي عمل نعطيك عرض سعر مكتوباً. السعر الذي تراه هو السعر الذي تدفعه: لا توجد رسوم خفية للتنقل أو "
         "لمواقف السيارات أو للقطع. إذا لم تكن راضياً عن النتيجة، نعود ونصلح الأمر دون أي تكلفة",
         146, 153},
        {"Mon-Fri 8:00-18:30, Sat 9:00-13:00. VAT no. DE123456789, IBAN DE89 3704 0044 0532 0130 00. Order #A-20931, "
         "12.11.2026, 3.5 h x $75 =",
         73, 70},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        int64_t tokens = token_estimate(known[i].text, strlen(known[i].text));

        cr_expect(tokens * 100 >= known[i].cl100k * 80 && tokens * 100 <= known[i].cl100k * 125, "%s: %d",
                  known[i].text, (int)tokens);
        cr_expect(ge(i64, tokens * 100, known[i].bert * 60), "%s: %d", known[i].text, (int)tokens);
    }
    cr_expect(eq(i64, token_estimate("", 0), 0));
    cr_expect(eq(i64, token_estimate("a", 1), 1));
    cr_expect(eq(i64, token_estimate("\1", 1), 1), "what is not blank is a token");
}
