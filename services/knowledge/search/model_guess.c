/* model_guess.c - see model_guess.h. A scope has one place, which it may lose to another. */
#include "services/knowledge/search/model_guess.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/uuid.h"

#define PLACES     512
#define MODELS_MAX 3
#define NAME_SIZE  129 /* as long as a model's name may be */

static struct place {
    char scope[UUID_SIZE];
    char models[MODELS_MAX][NAME_SIZE];
    size_t n;
} places[PLACES]; /* 220 KB, of which only what is used becomes memory */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct place *place_of(const char *scope)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (; *scope; scope++)
        hash = (hash ^ (unsigned char)*scope) * 16777619u;
    return &places[hash % PLACES];
}

size_t model_guess_get(const char *scope, struct arena *arena, const char **ret_models, size_t max)
{
    struct place *place = place_of(scope);
    size_t n = 0;

    pthread_mutex_lock(&lock);
    if (strcmp(place->scope, scope) == 0)
        while (n < place->n && n < max && (ret_models[n] = arena_strdup(arena, place->models[n])))
            n++;
    pthread_mutex_unlock(&lock);
    return n;
}

void model_guess_put(const char *scope, const char *const *models, size_t n)
{
    struct place *place = place_of(scope);

    pthread_mutex_lock(&lock);
    snprintf(place->scope, sizeof place->scope, "%s", scope);
    for (place->n = 0; place->n < n && place->n < MODELS_MAX; place->n++)
        snprintf(place->models[place->n], NAME_SIZE, "%s", models[place->n]);
    pthread_mutex_unlock(&lock);
}
