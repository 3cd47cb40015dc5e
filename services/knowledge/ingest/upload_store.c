/* upload_store.c - see upload_store.h. Each part travels alone, so that the hexadecimal digits of a large upload are
 * never in memory at once. */
#include "services/knowledge/ingest/upload_store.h"

#include <stdint.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/knowledge/knowledge.h"

int on_put_upload(struct worker *self, struct call *call, struct err *err)
{
    const struct put_upload *in = call->request;
    const char *owner = in->client_id || call->client_id ? call_client(call, in->client_id, err) : UUID_NIL;
    char *hex = arena_alloc(call->arena, 2 * in->data.len + 1);

    (void)self;
    if (!owner)
        return -1;
    if (!hex)
        return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
    hex_encode(in->data.data, in->data.len, hex);
    /* A part that is put again lives as long as a new one. */
    return db_query(call->tx, NULL, err,
                    "INSERT INTO upload_parts (client_id, upload_id, part, data) VALUES ($1, $2, $3, decode($4, 'hex'))"
                    " ON CONFLICT (client_id, upload_id, part) DO UPDATE SET created_at = now()",
                    db_text(owner), db_text(in->upload_id), db_int(in->part), db_text(hex)) < 0
               ? -1
               : 0;
}

static int no_upload(const char *upload_id, struct err *err)
{
    return err_set_field(err, ERR_NOT_FOUND, "upload_id", "there is no upload %.40s, or a part of it is missing",
                         upload_id);
}

/* The bytes of all parts together; their number is that of rows. */
static int measure(struct db_tx *tx, const char *upload_id, size_t max, struct db_result **ret_rows, size_t *ret_len,
                   struct err *err)
{
    uint64_t len = 0;
    int n = db_query(tx, ret_rows, err,
                     "SELECT DISTINCT ON (part) part, length(data) AS bytes FROM upload_parts"
                     " WHERE upload_id = $1 ORDER BY part",
                     db_text(upload_id));

    if (n < 0)
        return -1;
    if (n == 0)
        return no_upload(upload_id, err);
    for (int i = 0; i < n; i++) {
        if (db_get_int(*ret_rows, i, "part") != i)
            return no_upload(upload_id, err);
        len += (uint64_t)db_get_int(*ret_rows, i, "bytes");
    }
    if (len > max)
        return err_set_field(err, ERR_INVALID, "upload_id", "the upload has %llu bytes; %zu are taken at most",
                             (unsigned long long)len, max);
    *ret_len = (size_t)len;
    return 0;
}

static int read_part(struct db_tx *tx, const char *upload_id, int part, char *out, size_t len, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *hex;
    int n = db_query(tx, &rows, err,
                     "SELECT encode(data, 'hex') AS data FROM upload_parts WHERE upload_id = $1 AND part = $2 LIMIT 1",
                     db_text(upload_id), db_int(part));

    if (n < 0)
        return -1;
    if (n == 0 || strlen(hex = db_get(rows, 0, "data")) != 2 * len)
        return no_upload(upload_id, err); /* it was cleaned away in between */
    for (size_t i = 0; i < 2 * len; i++) {
        unsigned digit = (unsigned)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
        out[i / 2] = (char)(i % 2 ? (unsigned char)out[i / 2] | digit : digit << 4);
    }
    return 0;
}

/* Two owners' uploads of one id have the same content, since the id is made from it: where an administrator's
 * transaction sees both, either will do. */
int upload_read(struct db_tx *tx, const char *upload_id, size_t max, struct arena *arena, const char **ret_data,
                size_t *ret_len, struct err *err)
{
    AUTO(db_result_free) struct db_result *parts = NULL;
    size_t len = 0, at = 0;
    char *data;

    if (measure(tx, upload_id, max, &parts, &len, err) < 0)
        return -1;
    if (!(data = arena_alloc(arena, len + 1)))
        return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
    for (int i = 0; i < db_result_count(parts); i++) {
        size_t bytes = (size_t)db_get_int(parts, i, "bytes");
        if (read_part(tx, upload_id, i, data + at, bytes, err) < 0)
            return -1;
        at += bytes;
    }
    *ret_data = data;
    *ret_len = len;
    return 0;
}
