/* clients.c - the requests about clients and their configuration. */
#include <string.h>

#include "libshared/arena.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "libshared/uuid.h"
#include "proto/clients.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/api/client_store.h"
#include "services/orchestrator/handlers.h"

/* A number and the key that it stands under. */
struct number {
    const char *key, *number;
};

/* Makes these, and no others, the client's numbers of a channel. They decide which client an inbound text belongs to.
 */
static int set_channel(struct db_tx *tx, const char *client_id, const char *channel, const struct number *numbers,
                       size_t n, const char *account_sid, struct arena *arena, struct err *err)
{
    const char **texts = arena_calloc(arena, n, sizeof *texts), *array;

    for (size_t i = 0; texts && i < n; i++)
        texts[i] = numbers[i].number;
    if (!texts || !(array = db_array(arena, texts, n)))
        return err_set(err, ERR_INTERNAL, "client numbers: out of memory");
    if (client_store_keep_numbers(tx, client_id, channel, array, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (client_store_set_number(tx, client_id, channel, numbers[i].number, account_sid, err) == 0)
            continue;
        if (err && err->kind == ERR_CONFLICT)
            err_set_field(err, ERR_CONFLICT, numbers[i].key, "%s: %s belongs to another client", numbers[i].key,
                          numbers[i].number);
        return -1;
    }
    return 0;
}

static int set_numbers(struct db_tx *tx, const char *client_id, const char *config, struct arena *arena,
                       struct err *err)
{
    const char *account_sid = client_config_text(config, "twilio_account_sid", arena);
    struct number whatsapp = {"twilio_whatsapp_number", client_config_text(config, "twilio_whatsapp_number", arena)};
    const char *first = client_config_text(config, "twilio_phone_number", arena);
    size_t n_more = 0, n = 0;
    const char *const *more = client_config_texts(config, "twilio_phone_numbers", arena, &n_more);
    struct number *sms = arena_calloc(arena, n_more + 1, sizeof *sms);

    if (!more || !sms)
        return err_set(err, ERR_INTERNAL, "client numbers: out of memory");
    if (first)
        sms[n++] = (struct number){"twilio_phone_number", first};
    for (size_t i = 0; i < n_more; i++)
        sms[n++] = (struct number){"twilio_phone_numbers", more[i]};
    if (set_channel(tx, client_id, "sms", sms, n, account_sid, arena, err) < 0)
        return -1;
    return set_channel(tx, client_id, "whatsapp", &whatsapp, whatsapp.number != NULL, account_sid, arena, err);
}

/* What the configuration says also stands in tables, for those who ask by number, lane or account. */
static int apply_changes(struct db_tx *tx, const char *client_id, const char *config, unsigned changes,
                         struct arena *arena, struct err *err)
{
    if ((changes & CLIENT_CHANGED_TWILIO) &&
        (set_numbers(tx, client_id, config, arena, err) < 0 || client_store_refresh_lanes(tx, client_id, err) < 0))
        return -1;
    if ((changes & CLIENT_CHANGED_HOURS) && client_store_wake_started(tx, client_id, err) < 0)
        return -1;
    if ((changes & CLIENT_CHANGED_FOLLOW_UPS) &&
        client_config_ints(config, "follow_up_after_hours", &(int){0}, 1) == 0 &&
        client_store_end_silence(tx, client_id, err) < 0)
        return -1;
    return (changes & CLIENT_CHANGED_CREDENTIALS) ? client_store_unpause_account(tx, client_id, err) : 0;
}

static int check_timezone(struct db_tx *tx, const char *timezone, struct err *err)
{
    int known = client_store_timezone_is_known(tx, timezone, err);

    if (known == 0)
        err_set_field(err, ERR_INVALID, "timezone", "timezone is not a known IANA name, e.g. America/New_York");
    return known > 0 ? 0 : -1;
}

/* Nobody outside sees a sealed secret either. */
static int show(struct client *client, struct arena *arena, struct err *err)
{
    client->config = client_config_show(client->config, arena, err);
    return client->config ? 0 : -1;
}

static int reply_client(struct call *call, const char *client_id, struct err *err)
{
    struct client *reply = call->reply;

    if (client_store_get(call->tx, client_id, call->arena, reply, err) < 0)
        return -1;
    return show(reply, call->arena, err);
}

int on_create_client(struct worker *self, struct call *call, struct err *err)
{
    const struct create_client *request = call->request;
    const char *timezone = request->timezone ? request->timezone : "UTC";
    const char *config;
    char client_id[UUID_SIZE];
    unsigned changes;

    if (call->client_id)
        return err_set(err, ERR_DENIED, "only an administrator creates clients");
    uuid_new(client_id);
    if (client_config_merge(self->config->master_key, client_id, "{}", request->config ? request->config : "{}",
                            call->arena, &config, &changes, err) < 0 ||
        db_set_client(call->tx, client_id, err) < 0 || check_timezone(call->tx, timezone, err) < 0 ||
        client_store_insert(call->tx, client_id, request->name, timezone, config, err) < 0 ||
        apply_changes(call->tx, client_id, config, changes, call->arena, err) < 0)
        return -1;
    return reply_client(call, client_id, err);
}

int on_get_client(struct worker *self, struct call *call, struct err *err)
{
    const struct get_client *request = call->request;

    (void)self;
    return reply_client(call, request->client_id, err);
}

int on_list_clients(struct worker *self, struct call *call, struct err *err)
{
    const struct list_clients *request = call->request;
    struct client_page *page = call->reply;
    bool more;

    (void)self;
    if (request->after && !uuid_is_valid(request->after))
        return err_set_field(err, ERR_INVALID, "after", "after must be the next_after of a page");
    if (client_store_list(call->tx, request->after, request->limit, call->arena, &page->items, &page->n_items, &more,
                          err) < 0)
        return -1;
    if (more)
        page->next_after = page->items[page->n_items - 1].client_id;
    for (size_t i = 0; i < page->n_items; i++)
        if (show(&page->items[i], call->arena, err) < 0)
            return -1;
    return 0;
}

int on_update_client(struct worker *self, struct call *call, struct err *err)
{
    const struct update_client *request = call->request;
    struct client client = {0};

    (void)self;
    if (client_store_lock(call->tx, request->client_id, call->arena, &client, err) < 0 ||
        (request->timezone && check_timezone(call->tx, request->timezone, err) < 0) ||
        client_store_update(call->tx, request->client_id, request->name, request->timezone, err) < 0 ||
        (request->timezone && client_store_wake_started(call->tx, request->client_id, err) < 0))
        return -1;
    return reply_client(call, request->client_id, err);
}

int on_update_client_config(struct worker *self, struct call *call, struct err *err)
{
    const struct update_client_config *request = call->request;
    struct client client = {0};
    const char *config;
    unsigned changes;

    if (client_store_lock(call->tx, request->client_id, call->arena, &client, err) < 0 ||
        client_config_merge(self->config->master_key, request->client_id, client.config, request->config, call->arena,
                            &config, &changes, err) < 0)
        return -1;
    if (changes && (client_store_set_config(call->tx, request->client_id, config, err) < 0 ||
                    apply_changes(call->tx, request->client_id, config, changes, call->arena, err) < 0))
        return -1;
    return reply_client(call, request->client_id, err);
}
