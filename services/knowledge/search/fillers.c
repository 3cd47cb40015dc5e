/* fillers.c - see fillers.h. Only migrations change them, and those end before a service starts. */
#include "services/knowledge/search/fillers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"

struct entry {
    struct entry *next;
    char *language;
    struct fillers fillers;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry *entries; /* never freed: one for each language in use, of some thirty */

static const struct entry *find(const char *language)
{
    const struct entry *entry;

    pthread_mutex_lock(&lock);
    for (entry = entries; entry && strcmp(entry->language, language) != 0;)
        entry = entry->next;
    pthread_mutex_unlock(&lock);
    return entry;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct entry *read_entry(const struct db_result *rows, const char *language)
{
    struct entry *entry = calloc(1, sizeof *entry);
    size_t n = (size_t)db_result_count(rows);
    struct common_word *words = calloc(n + 1, sizeof *words);

    if (!entry || !words || !(entry->language = strdup(language)) ||
        !(entry->fillers.items = calloc(n + 1, sizeof *entry->fillers.items)))
        return NULL;
    entry->fillers.words = words;
    for (size_t i = 0; i < n; i++) {
        struct common_word *word = &words[entry->fillers.n_words++];
        word->word = strdup(db_get(rows, (int)i, "word"));
        word->lexeme = strdup(db_get(rows, (int)i, "lexeme"));
        word->concept = strdup(db_get(rows, (int)i, "concept"));
        if (!word->word || !word->lexeme || !word->concept)
            return NULL;
        if (!*word->concept)
            entry->fillers.items[entry->fillers.n++] = word->lexeme; /* the same one twice does no harm */
    }
    qsort(entry->fillers.items, entry->fillers.n, sizeof *entry->fillers.items, compare);
    return entry;
}

const struct fillers *fillers_of(struct db_pool *db, const char *language, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const struct entry *known = find(language);
    struct entry *entry;

    if (known)
        return &known->fillers;
    if (db_run(db, NULL, &rows, err, "SELECT word, lexeme, concept FROM search_words WHERE language = $1 ORDER BY ctid",
               db_text(language)) < 0)
        return NULL;
    if (!(entry = read_entry(rows, language))) {
        err_set(err, ERR_INTERNAL, "knowledge: out of memory");
        return NULL;
    }
    pthread_mutex_lock(&lock);
    entry->next = entries; /* another thread may have been first: then there are two, which are the same */
    entries = entry;
    pthread_mutex_unlock(&lock);
    return &entry->fillers;
}
