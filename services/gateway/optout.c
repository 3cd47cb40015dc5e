/* optout.c - see optout.h. */
#include "services/gateway/optout.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "libshared/auto.h"

#define KEYWORD_MAX 16

/* What Twilio takes as keywords, and "OPT OUT". */
static const char *const out_words[] = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL",  "END",
                                        "QUIT", "REVOKE",  "OPTOUT",      "OPT OUT", "OPT-OUT"};
static const char *const in_words[] = {"START", "UNSTOP", "YES"};
static const char *const help_words[] = {"HELP", "INFO"};

static bool is_word_byte(unsigned char c)
{
    return isalnum(c) || c >= 0x80;
}

/* Letters in upper case, without what is not a letter around them, each run of spaces as one. 0 if it is too long. */
static size_t normalize(const char *text, char out[KEYWORD_MAX])
{
    size_t len = strlen(text), n = 0;

    while (len > 0 && !is_word_byte((unsigned char)*text)) {
        text++;
        len--;
    }
    while (len > 0 && !is_word_byte((unsigned char)text[len - 1]))
        len--;
    for (size_t i = 0; i < len; i++) {
        bool space = isspace((unsigned char)text[i]);

        if (space && n > 0 && out[n - 1] == ' ')
            continue;
        if (n == KEYWORD_MAX - 1)
            return 0;
        out[n++] = space ? ' ' : (char)toupper((unsigned char)text[i]);
    }
    out[n] = '\0';
    return n;
}

const char *optout_keyword(const char *text)
{
    char word[KEYWORD_MAX];

    if (normalize(text, word) == 0)
        return "";
    for (size_t i = 0; i < COUNT_OF(out_words); i++)
        if (strcmp(word, out_words[i]) == 0)
            return "out";
    for (size_t i = 0; i < COUNT_OF(in_words); i++)
        if (strcmp(word, in_words[i]) == 0)
            return "in";
    for (size_t i = 0; i < COUNT_OF(help_words); i++)
        if (strcmp(word, help_words[i]) == 0)
            return "help";
    return "";
}
