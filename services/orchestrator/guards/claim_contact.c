/* claim_contact.c - e-mail and web addresses, phone numbers, streets. */
#include <ctype.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/guards/claim_readers.h"
#include "services/orchestrator/scripted/words.h"

#define KEY_MAX 256

static const char *lower_copy(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_strndup(arena, text, len);

    for (size_t i = 0; copy && i < len; i++)
        copy[i] = (char)tolower((unsigned char)copy[i]);
    return copy;
}

static bool is_ascii_word(char c)
{
    return isalnum((unsigned char)c);
}

/* Letters, digits, dots and dashes. */
static size_t host_bytes(const char *p)
{
    size_t len = 0;

    while (is_ascii_word(p[len]) || p[len] == '.' || p[len] == '-')
        len++;
    return len;
}

size_t read_email(struct arena *arena, const char *p, struct claim *ret)
{
    size_t local = 0, domain;

    while (is_ascii_word(p[local]) || (p[local] && strchr("._%+-", p[local])))
        local++;

    if (local == 0 || p[local] != '@')
        return 0;
    domain = host_bytes(p + local + 1);
    while (domain > 0 && strchr(".-", p[local + domain]))
        domain--;
    if (!memchr(p + local + 1, '.', domain))
        return 0;
    *ret = (struct claim){.kind = CLAIM_EMAIL, .key = lower_copy(arena, p, local + 1 + domain)};
    return local + 1 + domain;
}

/* The bytes of a host name that ends in a well-known top level domain, 0 if there is none. */
static size_t host_length(const char *p)
{
    static const char *const ends[] = {"com", "net",  "org", "io",    "co",     "us",  "info", "biz",  "app",
                                       "dev", "ai",   "me",  "uk",    "ca",     "de",  "es",   "mx",   "au",
                                       "nz",  "shop", "xyz", "site",  "online", "edu", "gov",  "link", "ly",
                                       "ae",  "sa",   "fr",  "store", "tv",     "eu"};
    size_t len = host_bytes(p), dot;

    while (len > 0 && strchr(".-", p[len - 1]))
        len--;
    for (dot = len; dot > 0 && p[dot - 1] != '.'; dot--)
        ;
    if (dot < 2)
        return 0;
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        if (strlen(ends[i]) == len - dot && strncasecmp(p + dot, ends[i], len - dot) == 0)
            return len;
    return 0;
}

size_t read_url(struct arena *arena, const char *p, struct claim *ret)
{
    size_t scheme = strncasecmp(p, "https://", 8) == 0 ? 8 : strncasecmp(p, "http://", 7) == 0 ? 7 : 0;
    size_t www = strncasecmp(p + scheme, "www.", 4) == 0 ? 4 : 0;
    size_t host = host_length(p + scheme + www), len = scheme + www + host, key;

    if (host == 0 && scheme == 0)
        return 0;
    if (p[len] == '/' || p[len] == '?' || p[len] == '#' || p[len] == ':' || host == 0)
        len += strcspn(p + len, " \n\t<>\"");
    while (len > 0 && strchr(".,;:!?)/'", p[len - 1]))
        len--;
    key = scheme + www;
    if (len <= key || len > KEY_MAX * 8)
        return 0;
    *ret = (struct claim){.kind = CLAIM_URL, .key = lower_copy(arena, p + key, len - key)};
    return len;
}

/* Whether the digits are two groups of the same length, as in "1200-1500": a range. */
static bool is_range(const char *p, size_t len)
{
    size_t first = strspn(p, "0123456789");

    return first * 2 + 1 == len && p[first] == '-' && strspn(p + first + 1, "0123456789") == first;
}

/* Seven digits and more, with the marks that phone numbers have. */
size_t read_phone(struct arena *arena, const char *p, struct claim *ret)
{
    char digits[24];
    size_t n = 0, len = 0, i = 0;

    if (is_word_byte(*p) && !isdigit((unsigned char)*p))
        return 0;
    if (*p == '+' || *p == '(')
        i++;
    for (; p[i]; i++) {
        if (isdigit((unsigned char)p[i])) {
            if (n + 1 >= sizeof digits)
                return 0;
            digits[n++] = p[i];
            len = i + 1;
        } else if (!strchr("-.() ", p[i]) || (p[i] == ' ' && p[i + 1] == ' ') || i - len > 2) {
            break;
        }
    }
    digits[n] = '\0';
    if (is_range(p, len) || n < 7 || isalpha((unsigned char)p[len]) || p[len] == '%' || n > 15)
        return 0;
    /* 1234567 may as well be a sum: only with marks, or ten digits and more, it is a phone number. */
    if (n == len && n < 10)
        return 0;
    *ret = (struct claim){.kind = CLAIM_PHONE, .key = arena_strdup(arena, digits)};
    return len;
}

/* ---- streets ---- */

/* The word at p; 0 if none starts there. */
static size_t word_length(const char *p)
{
    size_t len = 0;

    while (is_word_byte(p[len]) || (len > 0 && p[len] == '\''))
        len++;
    return len;
}

static const char *folded_key(struct arena *arena, const char *p, size_t len)
{
    const char *copy = arena_strndup(arena, p, len), *folded = copy ? words_fold(arena, copy) : NULL;

    return folded && strlen(folded) > 2 ? arena_strndup(arena, folded + 1, strlen(folded) - 2) : NULL;
}

/* "412 Cedar Street", "Bay Road": up to three names in capitals, then what kind of street it is. */
static size_t read_street(struct arena *arena, const char *p, struct claim *ret)
{
    static const struct term kind_terms[] = {{"street", 0},    {"st", 0},      {"avenue", 0},  {"ave", 0},
                                             {"road", 0},      {"rd", 0},      {"lane", 0},    {"ln", 0},
                                             {"boulevard", 0}, {"blvd", 0},    {"drive", 0},   {"dr", 0},
                                             {"court", 0},     {"square", 0},  {"terrace", 0}, {"place", 0},
                                             {"highway", 0},   {"parkway", 0}, {"way", 0},     {NULL, 0}};
    static struct terms kinds = {.list = kind_terms};
    size_t len = 0, name = isdigit((unsigned char)*p) ? strspn(p, "0123456789") : 0;
    int value;

    if (name > 0 && name < 6)
        len = name + (isalpha((unsigned char)p[name]) ? 1 : 0) + 1;
    if (len > 0 && p[len - 1] != ' ')
        return 0;
    for (int words = 0; words < 3 && isupper((unsigned char)p[len]); words++) {
        size_t kind;

        len += word_length(p + len);
        if (p[len] != ' ')
            return 0;
        kind = phrase_at(p + len + 1, &kinds, &value);
        if (kind > 0 && isupper((unsigned char)p[len + 1])) {
            *ret = (struct claim){.kind = CLAIM_ADDRESS, .key = folded_key(arena, p, len)};
            return ret->key ? len + 1 + kind : 0;
        }
        len++;
    }
    return 0;
}

static const struct term calle_terms[] = {{"calle", 0},     {"avenida", 0}, {"avda", 0}, {"plaza", 0}, {"paseo", 0},
                                          {"carretera", 0}, {"شارع", 0},    {"طريق", 0}, {NULL, 0}};
static struct terms calles = {.list = calle_terms};

/* "calle de Alcala, 120", "شارع الوصل 25": the name, and the number where it follows. */
static size_t read_calle(struct arena *arena, const char *p, struct claim *ret)
{
    static const struct term articles[] = {{"de la", 0}, {"de los", 0}, {"del", 0}, {"de", 0}, {"la", 0}, {NULL, 0}};
    int value;
    size_t start = phrase_at(p, &calles, &value), len, number;

    if (start == 0 || p[start] != ' ')
        return 0;
    start++;
    if ((len = (unsigned char)p[start] < 0x80 ? term_at(p + start, articles, &value) : 0))
        start += len + (p[start + len] == ' ');
    len = word_length(p + start);
    if (len == 0 || ((unsigned char)p[start] < 0x80 && !isupper((unsigned char)p[start])))
        return 0;
    number = strspn(p + start + len, " ,");
    if (isdigit((unsigned char)p[start + len + number]))
        len += number + strspn(p + start + len + number, "0123456789");
    *ret = (struct claim){.kind = CLAIM_ADDRESS, .key = folded_key(arena, p + start, len)};
    return ret->key ? start + len : 0;
}

size_t read_address(struct arena *arena, const char *p, struct claim *ret)
{
    size_t len = read_street(arena, p, ret);

    return len > 0 ? len : read_calle(arena, p, ret);
}

const struct term *const address_starts[] = {calle_terms, NULL};
