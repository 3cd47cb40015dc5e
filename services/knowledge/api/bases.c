/* bases.c - knowledge bases: create, get, list. */
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/knowledge/api/base_checks.h"
#include "services/knowledge/embedding/embed.h"
#include "services/knowledge/knowledge.h"

const char *call_client(const struct call *call, const char *named, struct err *err)
{
    if (call->client_id && named && strcasecmp(call->client_id, named) != 0) {
        err_set_field(err, ERR_NOT_FOUND, "client_id", "there is no client %.40s", named);
        return NULL;
    }
    if (!call->client_id && !named)
        err_set_field(err, ERR_INVALID, "client_id", "client_id is missing: an administrator's key needs it");
    return call->client_id ? call->client_id : named;
}

static int check_client(struct db_tx *tx, const char *client_id, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n = db_query(tx, &rows, err, "SELECT 1 FROM clients WHERE client_id = $1", db_text(client_id));

    if (n == 0)
        return err_set_field(err, ERR_NOT_FOUND, "client_id", "there is no client %.40s", client_id);
    return n < 0 ? -1 : 0;
}

/* The model that is asked for, or the language's own; NULL and *err if nobody can run it. */
static const char *choose_model(const struct worker *self, const char *asked, const char *language, struct err *err)
{
    const struct knowledge *state = self->state;
    const char *model = asked ? asked : embedder_default_model(state->embedder, language);

    return base_check_model(self, model, err) < 0 ? NULL : model;
}

int on_create_knowledge_base(struct worker *self, struct call *call, struct err *err)
{
    const struct create_knowledge_base *in = call->request;
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *client_id = call_client(call, in->client_id, err), *model;
    const char *language = in->language ? in->language : "english";
    char kb_id[UUID_SIZE];
    int n;

    if (!client_id || !(model = choose_model(self, in->embedding_model, language, err)))
        return -1;
    if (base_check_name(in->name, err) < 0)
        return -1;
    if (db_set_client(call->tx, client_id, err) < 0 || check_client(call->tx, client_id, err) < 0 ||
        base_check_language(call->tx, language, err) < 0)
        return -1;
    uuid_new(kb_id);
    n = db_query(call->tx, &rows, err,
                 "INSERT INTO knowledge_bases"
                 " (client_id, kb_id, name, description, language, embedding_model, similarity_threshold)"
                 " VALUES ($1, $2, $3, $4, $5, $6, $7)"
                 " ON CONFLICT ON CONSTRAINT knowledge_bases_name DO NOTHING RETURNING *",
                 db_text(client_id), db_text(kb_id), db_text(in->name), db_text(in->description ? in->description : ""),
                 db_text(language), db_text(model), db_float(in->similarity_threshold));
    if (n == 0)
        return err_set_field(err, ERR_CONFLICT, "name", "this client has a knowledge base of that name already");
    if (n < 0)
        return -1;
    return codec_from_row(&knowledge_base_type, rows, 0, call->arena, call->reply, err);
}

int on_get_knowledge_base(struct worker *self, struct call *call, struct err *err)
{
    const struct get_knowledge_base *in = call->request;
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n = db_query(call->tx, &rows, err, "SELECT * FROM knowledge_bases WHERE kb_id = $1", db_text(in->kb_id));

    (void)self;
    if (n == 0)
        return err_set_field(err, ERR_NOT_FOUND, "kb_id", "there is no knowledge base %.40s", in->kb_id);
    return n < 0 ? -1 : codec_from_row(&knowledge_base_type, rows, 0, call->arena, call->reply, err);
}

/* Ids are UUIDv7: their order is that of creation. */
int on_list_knowledge_bases(struct worker *self, struct call *call, struct err *err)
{
    const struct list_knowledge_bases *in = call->request;
    struct knowledge_base_page *page = call->reply;
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *client_id = call_client(call, in->client_id, err);
    int n;

    (void)self;
    if (!client_id)
        return -1;
    if (in->after && !uuid_is_valid(in->after))
        return err_set_field(err, ERR_INVALID, "after", "after must be the next_after of an earlier page");
    if (check_client(call->tx, client_id, err) < 0)
        return -1;
    n = db_query(call->tx, &rows, err,
                 "SELECT * FROM knowledge_bases WHERE client_id = $1 AND ($2::uuid IS NULL OR kb_id > $2)"
                 " ORDER BY kb_id LIMIT $3",
                 db_text(client_id), db_text(in->after), db_int(in->limit + 1));
    if (n < 0)
        return -1;
    page->n_items = (size_t)(n > in->limit ? in->limit : n);
    if (!(page->items = arena_calloc(call->arena, page->n_items, sizeof *page->items)))
        return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
    for (size_t i = 0; i < page->n_items; i++)
        if (codec_from_row(&knowledge_base_type, rows, (int)i, call->arena, &page->items[i], err) < 0)
            return -1;
    if (n > in->limit)
        page->next_after = page->items[page->n_items - 1].kb_id;
    return 0;
}
