/* tasks_give_back.c - undoing claims that nobody has begun to work on.
 *
 * The row stays running, with its deadline passed: so it is an orphan, which any
 * claim may take, and the rule of one ready answer per conversation is not touched. */
#include <inttypes.h>
#include <stdlib.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/tasks.h"

/* {1,2,3} */
static void write_array(struct buf *out, const int64_t *values, size_t n)
{
    buf_puts(out, "{");
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s%" PRId64, i ? "," : "", values[i]);
    buf_puts(out, "}");
}

int tasks_give_back(struct db_pool *pool, const char *instance, const int64_t *tokens, size_t n, struct err *err)
{
    AUTO(buf_free) struct buf array = {0};

    write_array(&array, tokens, n);
    if (array.failed)
        return err_set(err, ERR_INTERNAL, "out of memory");
    return db_run(pool, DB_EVERY_CLIENT, NULL, err,
                  "UPDATE tasks SET attempt = greatest(attempt - 1, 0), deadline_at = now(), updated_at = now()"
                  " WHERE instance = $1 AND state = 'running' AND token = ANY ($2::bigint[])",
                  db_text(instance), db_text(array.data));
}

int tasks_give_back_except(struct db_pool *pool, const char *instance, const int64_t *tokens, size_t n, struct err *err)
{
    AUTO(buf_free) struct buf array = {0};

    write_array(&array, tokens, n);
    if (array.failed)
        return err_set(err, ERR_INTERNAL, "out of memory");
    return db_run(pool, DB_EVERY_CLIENT, NULL, err,
                  "UPDATE tasks SET attempt = greatest(attempt - 1, 0), deadline_at = now(), updated_at = now()"
                  " WHERE instance = $1 AND state = 'running' AND token <> ALL ($2::bigint[])",
                  db_text(instance), db_text(array.data));
}
