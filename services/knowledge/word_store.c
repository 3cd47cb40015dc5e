/* word_store.c - see word_store.h. */
#include "services/knowledge/word_store.h"

#include <stdio.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/uuid.h"
#include "services/knowledge/kb_store.h"

#define PAGE_CHUNKS 500 /* in one statement, which may take 15 s; of 500 tokens each: 0.6 s, 3 s on a busy machine */

/* The next page of chunks behind after; after becomes its last. Returns how many. */
static int page_make_anew(struct db_tx *tx, const struct kb *kb, const char *language, char after[UUID_SIZE],
                          struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n;

    if (db_query(tx, &rows, err,
                 "WITH page AS MATERIALIZED ("
                 "  SELECT chunk_id, heading || E'\\n' || body AS body FROM chunks WHERE client_id = $1 AND kb_id = $2 "
                 "AND chunk_id > $3"
                 "   ORDER BY chunk_id LIMIT $5"
                 "), made AS ("
                 "  UPDATE chunks c SET words = leadwire_tsvector($4::text::regconfig, page.body)"
                 "    FROM page WHERE c.client_id = $1 AND c.chunk_id = page.chunk_id"
                 "), vocabulary AS ("
                 "  INSERT INTO kb_words (client_id, kb_id, word, lexeme)"
                 "  SELECT $1, $2, word, lexeme"
                 "    FROM (SELECT DISTINCT word FROM page, leadwire_words(page.body) AS word"
                 "           WHERE length(word) BETWEEN 3 AND 40) AS words,"
                 "         leadwire_lexeme($4::text::regconfig, word) AS lexeme"
                 "   WHERE lexeme IS NOT NULL ORDER BY word"
                 "  ON CONFLICT DO NOTHING"
                 ") SELECT count(*) AS n, (array_agg(chunk_id ORDER BY chunk_id DESC))[1] AS last FROM page",
                 db_text(kb->client_id), db_text(kb->kb_id), db_text(after), db_text(language),
                 db_int(PAGE_CHUNKS)) < 0)
        return -1;
    if ((n = (int)db_get_int(rows, 0, "n")) > 0)
        snprintf(after, UUID_SIZE, "%s", db_get(rows, 0, "last"));
    return n;
}

int words_make_anew(struct db_tx *tx, const struct kb *kb, const char *language, struct err *err)
{
    char after[UUID_SIZE];
    int n;

    snprintf(after, sizeof after, "%s", UUID_NIL);
    if (db_query(tx, NULL, err, "DELETE FROM kb_words WHERE client_id = $1 AND kb_id = $2", db_text(kb->client_id),
                 db_text(kb->kb_id)) < 0)
        return -1;
    while ((n = page_make_anew(tx, kb, language, after, err)) == PAGE_CHUNKS)
        ;
    return n < 0 ? -1 : 0;
}
