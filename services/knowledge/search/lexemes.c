/* lexemes.c - see lexemes.h. */
#include "services/knowledge/search/lexemes.h"

#include <string.h>

const char *lexeme_next(const char **at_p, char buffer[LEXEME_SIZE], size_t *ret_len)
{
    const char *begin = strchr(*at_p, '\''), *at;
    size_t len = 0;

    if (!begin)
        return NULL;
    at = ++begin;
    while (*at && *at != '\'' && *at != '\\')
        at++;
    if (*at != '\\' && at[*at != '\0'] != '\'') {
        *ret_len = (size_t)(at - begin);
        *at_p = at + (*at != '\0');
        return begin;
    }
    for (at = begin; *at && (*at != '\'' || at[1] == '\'') && len < LEXEME_SIZE; at++) {
        at += (*at == '\'' || *at == '\\') && at[1];
        buffer[len++] = *at;
    }
    *ret_len = len;
    *at_p = at + (*at != '\0');
    return buffer;
}

int lexeme_compare(const char *text, size_t len, const char *lexeme)
{
    int order = (unsigned char)*text - (unsigned char)*lexeme;

    if (len > 0 && order != 0) /* nearly always */
        return order;
    order = strncmp(text, lexeme, len);
    return order ? order : -(lexeme[len] != '\0');
}
