/* model_clients.c - see model_clients.h. */
#include "services/orchestrator/turn/model_clients.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/err.h"

enum { N_SLOTS = 1024, ID_MAX = 40 };

/* One client per slot: the last of those that fall on it. */
struct model_clients {
    pthread_mutex_t lock;
    char ids[N_SLOTS][ID_MAX];
};

struct model_clients *model_clients_new(struct err *err)
{
    struct model_clients *self = calloc(1, sizeof *self);

    if (!self) {
        err_set(err, ERR_INTERNAL, "orchestrator: out of memory");
        return NULL;
    }
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void model_clients_destroy(struct model_clients **self_p)
{
    struct model_clients *self = *self_p;

    if (!self)
        return;
    *self_p = NULL;
    pthread_mutex_destroy(&self->lock);
    free(self);
}

static char *slot_of(struct model_clients *self, const char *client_id)
{
    uint32_t hash = 2166136261U; /* FNV-1a */

    for (const char *at = client_id; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619U;
    return self->ids[hash % N_SLOTS];
}

bool model_clients_has(struct model_clients *self, const char *client_id)
{
    bool has;

    if (!self)
        return false;
    pthread_mutex_lock(&self->lock);
    has = strcmp(slot_of(self, client_id), client_id) == 0;
    pthread_mutex_unlock(&self->lock);
    return has;
}

void model_clients_note(struct model_clients *self, const char *client_id, bool wants_model)
{
    char *slot;

    if (!self || strlen(client_id) >= ID_MAX)
        return;
    slot = slot_of(self, client_id);
    pthread_mutex_lock(&self->lock);
    if (wants_model)
        strcpy(slot, client_id);
    else if (strcmp(slot, client_id) == 0)
        *slot = '\0';
    pthread_mutex_unlock(&self->lock);
}
