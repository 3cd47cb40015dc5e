/* claim_number.c - numbers, in digits and in words. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "services/orchestrator/guards/claim_readers.h"

static const struct term word_terms[] = {{"one", 1},
                                         {"two", 2},
                                         {"three", 3},
                                         {"four", 4},
                                         {"five", 5},
                                         {"six", 6},
                                         {"seven", 7},
                                         {"eight", 8},
                                         {"nine", 9},
                                         {"ten", 10},
                                         {"eleven", 11},
                                         {"twelve", 12},
                                         {"thirteen", 13},
                                         {"fourteen", 14},
                                         {"fifteen", 15},
                                         {"sixteen", 16},
                                         {"seventeen", 17},
                                         {"eighteen", 18},
                                         {"nineteen", 19},
                                         {"twenty", 20},
                                         {"thirty", 30},
                                         {"forty", 40},
                                         {"fifty", 50},
                                         {"sixty", 60},
                                         {"seventy", 70},
                                         {"eighty", 80},
                                         {"ninety", 90},
                                         {"hundred", 100},
                                         {"thousand", 1000},
                                         {"million", 1000000},
                                         {"dozen", 12},
                                         {"uno", 1},
                                         {"dos", 2},
                                         {"tres", 3},
                                         {"cuatro", 4},
                                         {"cinco", 5},
                                         {"seis", 6},
                                         {"siete", 7},
                                         {"ocho", 8},
                                         {"nueve", 9},
                                         {"diez", 10},
                                         {"once", 11},
                                         {"doce", 12},
                                         {"trece", 13},
                                         {"catorce", 14},
                                         {"quince", 15},
                                         {"dieciseis", 16},
                                         {"diecisiete", 17},
                                         {"dieciocho", 18},
                                         {"diecinueve", 19},
                                         {"veinte", 20},
                                         {"veintiuno", 21},
                                         {"veintiun", 21},
                                         {"veintidos", 22},
                                         {"veintitres", 23},
                                         {"veinticuatro", 24},
                                         {"veinticinco", 25},
                                         {"veintiseis", 26},
                                         {"veintisiete", 27},
                                         {"veintiocho", 28},
                                         {"veintinueve", 29},
                                         {"treinta", 30},
                                         {"cuarenta", 40},
                                         {"cincuenta", 50},
                                         {"sesenta", 60},
                                         {"setenta", 70},
                                         {"ochenta", 80},
                                         {"noventa", 90},
                                         {"cien", 100},
                                         {"ciento", 100},
                                         {"doscientos", 200},
                                         {"doscientas", 200},
                                         {"trescientos", 300},
                                         {"trescientas", 300},
                                         {"cuatrocientos", 400},
                                         {"quinientos", 500},
                                         {"seiscientos", 600},
                                         {"setecientos", 700},
                                         {"ochocientos", 800},
                                         {"novecientos", 900},
                                         {"mil", 1000},
                                         {"millon", 1000000},
                                         {"millones", 1000000},
                                         {"docena", 12},
                                         {"واحد", 1},
                                         {"واحده", 1},
                                         {"اثنان", 2},
                                         {"اثنين", 2},
                                         {"اثنتان", 2},
                                         {"اثنتين", 2},
                                         {"ثلاث", 3},
                                         {"ثلاثه", 3},
                                         {"اربع", 4},
                                         {"اربعه", 4},
                                         {"خمس", 5},
                                         {"خمسه", 5},
                                         {"ست", 6},
                                         {"سته", 6},
                                         {"سبع", 7},
                                         {"سبعه", 7},
                                         {"ثمان", 8},
                                         {"ثماني", 8},
                                         {"ثمانيه", 8},
                                         {"تسع", 9},
                                         {"تسعه", 9},
                                         {"عشر", 10},
                                         {"عشره", 10},
                                         {"احد عشر", 11},
                                         {"اثنا عشر", 12},
                                         {"اثني عشر", 12},
                                         {"عشرون", 20},
                                         {"عشرين", 20},
                                         {"ثلاثون", 30},
                                         {"ثلاثين", 30},
                                         {"اربعون", 40},
                                         {"اربعين", 40},
                                         {"خمسون", 50},
                                         {"خمسين", 50},
                                         {"ستون", 60},
                                         {"ستين", 60},
                                         {"سبعون", 70},
                                         {"سبعين", 70},
                                         {"ثمانون", 80},
                                         {"ثمانين", 80},
                                         {"تسعون", 90},
                                         {"تسعين", 90},
                                         {"مئه", 100},
                                         {"مائه", 100},
                                         {"ميه", 100},
                                         {"مئتان", 200},
                                         {"مئتا", 200},
                                         {"مائتا", 200},
                                         {"مائتان", 200},
                                         {"مئتين", 200},
                                         {"مئتي", 200},
                                         {"مائتين", 200},
                                         {"مائتي", 200},
                                         {"ثلاثمئه", 300},
                                         {"ثلاثمائه", 300},
                                         {"اربعمئه", 400},
                                         {"اربعمائه", 400},
                                         {"خمسمئه", 500},
                                         {"خمسمائه", 500},
                                         {"ستمئه", 600},
                                         {"ستمائه", 600},
                                         {"سبعمئه", 700},
                                         {"سبعمائه", 700},
                                         {"ثمانمئه", 800},
                                         {"ثمانمائه", 800},
                                         {"تسعمئه", 900},
                                         {"تسعمائه", 900},
                                         {"الف", 1000},
                                         {"الفين", 2000},
                                         {"الفان", 2000},
                                         {"الاف", 1000},
                                         {"مليون", 1000000},
                                         {NULL, 0}};
static struct terms words = {.list = word_terms};

enum joint { JOINT_NONE, JOINT_SPACE, JOINT_AND };

/* What joins a word to the number before it, at p; *ret_len its bytes. Arabic's "and" is part of the next word. */
static enum joint joint_at(const char *p, size_t *ret_len)
{
    *ret_len = 1;
    if (*p != ' ' && *p != '-')
        return JOINT_NONE;
    if (strncasecmp(p, " and ", 5) == 0) {
        *ret_len = 5;
        return JOINT_AND;
    }
    if (strncasecmp(p, " y ", 3) == 0) {
        *ret_len = 3;
        return JOINT_AND;
    }
    return strncmp(p + 1, "و", strlen("و")) == 0 && strncmp(p + 1, "واحد", strlen("واحد")) != 0 ? JOINT_AND
                                                                                                : JOINT_SPACE;
}

static bool multiplies(int next)
{
    return next == 12 || next == 100 || next == 1000 || next == 1000000;
}

/* Whether next belongs to the number whose last word is last. */
static bool belongs(int last, int next, enum joint joint)
{
    bool tens = last >= 20 && last < 100 && last % 10 == 0;

    if (joint == JOINT_SPACE)
        return (multiplies(next) && last < next && (next != 12 || last < 10)) || (tens && next < 10) ||
               (last >= 100 && next < last) || (last < 10 && next == 10 && last > 1);
    return (tens && next < 10) || (last >= 100 && next < last) || (last < 10 && next >= 20 && next < 100);
}

/* "mil" alone and Arabic's teens are added or multiplied as their places say. */
static void take(double *total, double *part, int value, enum joint joint)
{
    if (joint != JOINT_AND && multiplies(value) && *part > 0 && *part < value) {
        *part *= value;
        if (value >= 1000) {
            *total += *part;
            *part = 0;
        }
    } else {
        *part += value;
    }
}

size_t number_words_at(const char *p, double *ret_value)
{
    double total = 0, part = 0;
    int value = 0, last;
    size_t len = phrase_at(p, &words, &value), joint_len, next;

    if (len == 0)
        return 0;
    take(&total, &part, value, JOINT_NONE);
    for (;;) {
        enum joint joint = joint_at(p + len, &joint_len);

        last = value;
        /* "ten per cent": not a hundred of them */
        if (joint == JOINT_NONE || strncmp(p + len + joint_len, "ب", strlen("ب")) == 0 ||
            !(next = phrase_at(p + len + joint_len, &words, &value)) || !belongs(last, value, joint))
            break;
        take(&total, &part, value, joint);
        len += joint_len + next;
    }
    *ret_value = total + part;
    return len;
}

/* How many digits of a group stand at p. */
static size_t group(const char *p)
{
    return strspn(p, "0123456789");
}

/* 1,200.50 and 1.200,50 and 1 200: a mark before a group of three parts thousands, else decimals. */
size_t number_digits_at(const char *p, double *ret_value)
{
    char digits[32];
    size_t n = 0, i = 0, first = group(p);
    bool decimals = false;

    for (; n + 1 < sizeof digits; i++) {
        bool mark = i > 0 && (p[i] == ',' || p[i] == '.' || p[i] == '\'') && isdigit((unsigned char)p[i + 1]);
        bool thousands = mark && group(p + i + 1) == 3 && first <= 3 && p[0] != '0' && !decimals;

        if (isdigit((unsigned char)p[i]))
            digits[n++] = p[i];
        else if (mark && !thousands && !decimals && p[i] != '\'' && (p[i] == '.' || group(p + i + 1) <= 2)) {
            digits[n++] = '.';
            decimals = true;
        } else if (!thousands)
            break;
    }
    digits[n] = '\0';
    if (n > 0)
        *ret_value = strtod(digits, NULL);
    return n > 0 ? i : 0;
}

const struct term *const number_starts[] = {word_terms, NULL};
