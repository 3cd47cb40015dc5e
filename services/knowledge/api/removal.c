/* removal.c - see removal.h. */
#include "services/knowledge/api/removal.h"

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "proto/messages.h"
#include "services/knowledge/api/kb_store.h"
#include "services/knowledge/embedding/embedding_store.h"

/* The document, and whether a version of it is on its way. */
static int find_document(struct db_tx *tx, const struct kb *kb, const char *kind, const char *document_id,
                         bool *ret_pending, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n = db_query(tx, &rows, err,
                     "SELECT EXISTS (SELECT FROM pending_documents p"
                     "                WHERE p.client_id = $1 AND p.document_id = $4) AS pending"
                     "  FROM documents WHERE client_id = $1 AND kb_id = $2 AND kind = $3 AND document_id = $4",
                     db_text(kb->client_id), db_text(kb->kb_id), db_text(kind), db_text(document_id));

    if (n == 0)
        return err_set_field(err, ERR_NOT_FOUND, "document_id", "this knowledge base has no %s %.40s",
                             kind[0] == 'f' ? "FAQ" : "document", document_id);
    if (n < 0)
        return -1;
    *ret_pending = db_get_bool(rows, 0, "pending");
    return 0;
}

int removal_document(struct db_tx *tx, const struct kb *kb, const char *kind, const char *document_id,
                     struct arena *arena, struct removed *ret_removed, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *hashes;
    bool pending = false;

    if (find_document(tx, kb, kind, document_id, &pending, err) < 0 ||
        db_query(tx, &rows, err,
                 "DELETE FROM chunks WHERE client_id = $1 AND kb_id = $2 AND document_id = $3 RETURNING text_hash",
                 db_text(kb->client_id), db_text(kb->kb_id), db_text(document_id)) < 0 ||
        !(hashes = embeddings_hashes(rows, arena, err)) ||
        db_query(tx, NULL, err, "DELETE FROM documents WHERE client_id = $1 AND kb_id = $2 AND document_id = $3",
                 db_text(kb->client_id), db_text(kb->kb_id), db_text(document_id)) < 0)
        return -1;
    *ret_removed = (struct removed){
        .documents = kind[0] == 'd',
        .faqs = kind[0] == 'f',
        .chunks = db_result_count(rows),
    };
    return pending ? embeddings_drop_all_unused(tx, kb->client_id, err)
                   : embeddings_drop_unused(tx, kb->client_id, hashes, err);
}

int removal_contents(struct db_tx *tx, const struct kb *kb, struct removed *ret_removed, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int chunks;

    /* Chunks first, in one statement: the foreign key would look for them document by document. */
    if ((chunks = db_query(tx, NULL, err, "DELETE FROM chunks WHERE client_id = $1 AND kb_id = $2",
                           db_text(kb->client_id), db_text(kb->kb_id))) < 0 ||
        db_query(tx, &rows, err,
                 "WITH gone AS (DELETE FROM documents WHERE client_id = $1 AND kb_id = $2 RETURNING kind)"
                 " SELECT count(*) FILTER (WHERE kind = 'document') AS documents,"
                 "        count(*) FILTER (WHERE kind = 'faq') AS faqs FROM gone",
                 db_text(kb->client_id), db_text(kb->kb_id)) < 0 ||
        db_query(tx, NULL, err, "DELETE FROM kb_words WHERE client_id = $1 AND kb_id = $2", db_text(kb->client_id),
                 db_text(kb->kb_id)) < 0)
        return -1;
    *ret_removed = (struct removed){
        .documents = db_get_int(rows, 0, "documents"),
        .faqs = db_get_int(rows, 0, "faqs"),
        .chunks = chunks,
    };
    return embeddings_drop_all_unused(tx, kb->client_id, err);
}
