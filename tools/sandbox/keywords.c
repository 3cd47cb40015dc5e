/* keywords.c - see keywords.h. */
#include "tools/sandbox/keywords.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"

#define ANSWERS_MAX 1000

static const char *const names[] = {"", "STOP", "START", "HELP"};

struct keywords {
    pthread_mutex_t lock;
    json_t *answers;
};

struct keywords *keywords_new(void)
{
    struct keywords *self = calloc(1, sizeof *self);

    if (self) {
        pthread_mutex_init(&self->lock, NULL);
        self->answers = json_array();
    }
    return self;
}

void keywords_destroy(struct keywords **self_p)
{
    if (!*self_p)
        return;
    json_decref((*self_p)->answers);
    pthread_mutex_destroy(&(*self_p)->lock);
    free(*self_p);
    *self_p = NULL;
}

void keywords_clear(struct keywords *self)
{
    pthread_mutex_lock(&self->lock);
    json_array_clear(self->answers);
    pthread_mutex_unlock(&self->lock);
}

static bool is_toll_free(const char *number)
{
    static const char *const prefixes[] = {"+1800", "+1833", "+1844", "+1855", "+1866", "+1877", "+1888"};

    for (size_t i = 0; i < COUNT_OF(prefixes); i++)
        if (strncmp(number, prefixes[i], 5) == 0)
            return true;
    return false;
}

enum keyword keyword_of(const char *body, const char *to)
{
    static const struct {
        const char *word;
        enum keyword keyword;
        bool toll_free;
    } words[] = {
        {"STOP", KEYWORD_STOP, true},   {"UNSUBSCRIBE", KEYWORD_STOP, true}, {"END", KEYWORD_STOP, true},
        {"QUIT", KEYWORD_STOP, true},   {"STOPALL", KEYWORD_STOP, true},     {"REVOKE", KEYWORD_STOP, true},
        {"OPTOUT", KEYWORD_STOP, true}, {"CANCEL", KEYWORD_STOP, true},      {"START", KEYWORD_START, true},
        {"YES", KEYWORD_START, false},  {"UNSTOP", KEYWORD_START, true},     {"HELP", KEYWORD_HELP, true},
        {"INFO", KEYWORD_HELP, true},
    };
    size_t lead = strspn(body, " \t\r\n"), len = strlen(body + lead);
    char word[16];

    while (len && strchr(" \t\r\n", body[lead + len - 1]))
        len--;
    if (len >= sizeof word)
        return KEYWORD_NONE;
    snprintf(word, sizeof word, "%.*s", (int)len, body + lead);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcasecmp(words[i].word, word) == 0 && (words[i].toll_free || !is_toll_free(to)))
            return words[i].keyword;
    return KEYWORD_NONE;
}

void keywords_answered(struct keywords *self, enum keyword keyword, const char *from, const char *to)
{
    pthread_mutex_lock(&self->lock);
    if (json_array_size(self->answers) == ANSWERS_MAX)
        json_array_remove(self->answers, 0);
    json_array_append_new(self->answers, json_pack("{ss ss ss}", "from", to, "to", from, "keyword", names[keyword]));
    pthread_mutex_unlock(&self->lock);
}

json_t *keywords_list(struct keywords *self, const char *to)
{
    json_t *list = json_array(), *answer;
    size_t i;

    pthread_mutex_lock(&self->lock);
    json_array_foreach (self->answers, i, answer)
        if (!to || strcmp(json_string_value(json_object_get(answer, "to")), to) == 0)
            json_array_append_new(list, json_deep_copy(answer));
    pthread_mutex_unlock(&self->lock);
    return list;
}
