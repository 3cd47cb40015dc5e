/* knowledge.c - leadctl kb list: what each knowledge base holds. */
#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "tools/leadctl/ctl.h"

static const struct ctl_column base_columns[] = {
    {"kb_id", "KNOWLEDGE BASE", CTL_TEXT},
    {"client_id", "CLIENT", CTL_TEXT},
    {"name", "NAME", CTL_TEXT},
    {"language", "LANGUAGE", CTL_TEXT},
    {"embedding_model", "MODEL", CTL_TEXT},
    {"next_model", "NEXT", CTL_TEXT},
    {"documents", "DOCUMENTS", CTL_NUMBER},
    {"failed", "FAILED", CTL_NUMBER},
    {"faqs", "FAQS", CTL_NUMBER},
    {"chunks", "CHUNKS", CTL_NUMBER},
    {"waiting", "WAITING", CTL_NUMBER}, /* for their vector */
    {0},
};

int cmd_kb_list(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct ctl_table *table = ctl_table_new(base_columns, ctl->arena, err);
    const char *client_id = ctl_option(ctl, "client");

    if (!table || (client_id && ctl_check_uuid(ctl, client_id, "--client", err) < 0) || !ctl_db(ctl, err) ||
        db_run(ctl->db, DB_EVERY_CLIENT, &rows, err,
               "SELECT b.kb_id, b.client_id, b.name, b.language, b.embedding_model, b.next_model, d.*, c.*"
               "  FROM knowledge_bases b"
               " CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE kind = 'document') AS documents,"
               "                            count(*) FILTER (WHERE state = 'failed') AS failed,"
               "                            count(*) FILTER (WHERE kind = 'faq') AS faqs"
               "                       FROM documents d WHERE d.client_id = b.client_id AND d.kb_id = b.kb_id) AS d"
               " CROSS JOIN LATERAL (SELECT count(*) AS chunks, count(*) FILTER (WHERE made.waits) AS waiting"
               "                       FROM chunks c CROSS JOIN LATERAL ("
               "                              SELECT m.model <> '' AND NOT EXISTS ("
               "                                       SELECT FROM embeddings e WHERE e.client_id = c.client_id"
               "                                          AND e.model = m.model AND e.text_hash = c.text_hash) AS waits"
               "                                FROM (SELECT coalesce(b.next_model, b.embedding_model) AS model) AS m"
               "                            ) AS made"
               "                      WHERE c.client_id = b.client_id AND c.kb_id = b.kb_id) AS c"
               " WHERE $1::uuid IS NULL OR b.client_id = $1::uuid ORDER BY b.client_id, b.kb_id",
               db_text(client_id)) < 0)
        return -1;
    ctl_table_put_rows(table, rows);
    return ctl_table_print(table, ctl_option(ctl, "json"), err);
}
