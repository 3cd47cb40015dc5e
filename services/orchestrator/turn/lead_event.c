/* lead_event.c - see lead_event.h. */
#include "services/orchestrator/turn/lead_event.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/bus.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "proto/events.h"

struct told {
    struct bus *bus;
    const char *event;
    char client_id[UUID_SIZE], lead_id[UUID_SIZE], conversation_id[UUID_SIZE], reason[2000];
};

static void publish(void *arg, bool committed)
{
    struct told *told = arg;

    if (committed)
        bus_publish(told->bus, told->event, told->client_id, &lead_event_type,
                    &(struct lead_event){.lead_id = told->lead_id,
                                         .conversation_id = *told->conversation_id ? told->conversation_id : NULL,
                                         .reason = *told->reason ? told->reason : NULL});
    free(told);
}

int lead_event_later(struct bus *bus, struct db_tx *tx, const struct lead_news *news, struct err *err)
{
    struct told *told;
    const char *reason = news->reason ? news->reason : "";

    if (!bus)
        return 0;
    if (!(told = calloc(1, sizeof *told)))
        return err_set(err, ERR_INTERNAL, "an event: out of memory");
    told->bus = bus;
    told->event = news->event;
    snprintf(told->client_id, sizeof told->client_id, "%s", news->client_id);
    snprintf(told->lead_id, sizeof told->lead_id, "%s", news->lead_id);
    snprintf(told->conversation_id, sizeof told->conversation_id, "%s",
             news->conversation_id ? news->conversation_id : "");
    memcpy(told->reason, reason, utf8_cut(reason, strlen(reason), sizeof told->reason - 1));
    return db_after(tx, publish, told, err);
}
