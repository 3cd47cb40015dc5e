/* word_store.c - see word_store.h. */
#include "services/knowledge/search/word_store.h"

#include <stdio.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/uuid.h"
#include "services/knowledge/api/kb_store.h"

/* A chunk of 500 tokens takes 2 to 5 ms of a core, most of it in the index. */
#define AT_ONCE_CHUNKS 300 /* 1 s; the request has 10 s */
#define PAGE_CHUNKS    100 /* who else changes the client's knowledge waits for one page: 0.5 s */

/* How a page's words are made. */
struct page_words {
    const char *language;
    const char *next; /* NULL: of language alone */
    bool vocabulary;  /* words of the page that the vocabulary lacks are added */
};

/* Where a pass is: behind this chunk. */
struct place {
    char document_id[UUID_SIZE];
    int64_t position;
};

/* The next page of chunks, sorted by their keys alone: their texts would be sorted on disk. place becomes that of its
 * last. Question and answer of an FAQ are in one page, as they are counted as one. Returns how many. */
static int64_t page_make_anew(struct db_tx *tx, const struct kb *kb, const struct page_words *words,
                              struct place *place, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int64_t n;

    if (db_query(tx, &rows, err,
                 "WITH ids AS MATERIALIZED ("
                 "  SELECT chunk_id, document_id, position FROM chunks"
                 "   WHERE client_id = $1 AND kb_id = $2 AND (document_id, position) > ($3::uuid, $4::integer)"
                 "   ORDER BY document_id, position FETCH FIRST $5 ROWS WITH TIES"
                 "), page AS MATERIALIZED ("
                 "  SELECT ids.*, c.heading || E'\\n' || c.body AS body"
                 "    FROM ids JOIN chunks c ON c.client_id = $1 AND c.chunk_id = ids.chunk_id"
                 "), made AS ("
                 "  UPDATE chunks c"
                 "     SET words = leadwire_tsvector($6::text::regconfig, $7::text::regconfig, page.body)"
                 "    FROM page WHERE c.client_id = $1 AND c.chunk_id = page.chunk_id"
                 "), vocabulary AS ("
                 "  INSERT INTO kb_words (client_id, kb_id, word, lexeme)"
                 "  SELECT $1, $2, word, lexeme"
                 "    FROM leadwire_vocabulary((SELECT array_agg(body) FROM page WHERE $8::boolean)) AS word,"
                 "         leadwire_lexeme($6::text::regconfig, $7::text::regconfig, word) AS lexeme"
                 "   WHERE length(word) BETWEEN 3 AND 40 AND lexeme IS NOT NULL ORDER BY word"
                 "  ON CONFLICT DO NOTHING"
                 ") SELECT document_id, position, count(*) OVER () AS n FROM page"
                 "  ORDER BY document_id DESC, position DESC LIMIT 1",
                 db_text(kb->client_id), db_text(kb->kb_id), db_text(place->document_id), db_int(place->position),
                 db_int(PAGE_CHUNKS), db_text(words->language), db_text(words->next), db_bool(words->vocabulary)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return 0;
    n = db_get_int(rows, 0, "n");
    snprintf(place->document_id, sizeof place->document_id, "%s", db_get(rows, 0, "document_id"));
    place->position = db_get_int(rows, 0, "position");
    return n;
}

int words_are_few(struct db_tx *tx, const struct kb *kb, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err, "SELECT chunks FROM kb_sizes WHERE client_id = $1 AND kb_id = $2",
                 db_text(kb->client_id), db_text(kb->kb_id)) < 0)
        return -1;
    return db_result_count(rows) == 0 || db_get_int(rows, 0, "chunks") <= AT_ONCE_CHUNKS;
}

int words_make_anew(struct db_tx *tx, const struct kb *kb, const char *language, struct err *err)
{
    const struct page_words words = {.language = language, .vocabulary = true};
    struct place place = {.position = -1};
    int64_t n;

    snprintf(place.document_id, sizeof place.document_id, "%s", UUID_NIL);
    if (db_query(tx, NULL, err, "DELETE FROM kb_words WHERE client_id = $1 AND kb_id = $2", db_text(kb->client_id),
                 db_text(kb->kb_id)) < 0)
        return -1;
    while ((n = page_make_anew(tx, kb, &words, &place, err)) >= PAGE_CHUNKS)
        ;
    return n < 0 ? -1 : 0;
}

int words_change_vocabulary(struct db_tx *tx, const struct kb *kb, const char *language, struct err *err)
{
    if (db_query(tx, NULL, err,
                 "DELETE FROM kb_words WHERE client_id = $1 AND kb_id = $2"
                 "   AND leadwire_lexeme($3::text::regconfig, word) IS NULL",
                 db_text(kb->client_id), db_text(kb->kb_id), db_text(language)) < 0)
        return -1;
    return db_query(tx, NULL, err,
                    "UPDATE kb_words SET lexeme = leadwire_lexeme($3::text::regconfig, word)"
                    " WHERE client_id = $1 AND kb_id = $2"
                    "   AND lexeme <> leadwire_lexeme($3::text::regconfig, word)",
                    db_text(kb->client_id), db_text(kb->kb_id), db_text(language)) < 0
               ? -1
               : 0;
}

/* document_id NULL: the pass is over. */
static int put_place(struct db_tx *tx, const struct kb *kb, const char *document_id, int64_t position, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE knowledge_bases SET words_document = $3, words_position = $4"
                    " WHERE client_id = $1 AND kb_id = $2",
                    db_text(kb->client_id), db_text(kb->kb_id), db_text(document_id), db_int(position)) < 0
               ? -1
               : 0;
}

/* The next language takes over; a second pass begins. */
static int switch_language(struct db_tx *tx, const struct kb *kb, struct err *err)
{
    if (words_change_vocabulary(tx, kb, kb->next_language, err) < 0 || put_place(tx, kb, UUID_NIL, -1, err) < 0)
        return -1;
    return db_query(tx, NULL, err,
                    "UPDATE knowledge_bases SET language = next_language, next_language = NULL, updated_at = now()"
                    " WHERE client_id = $1 AND kb_id = $2",
                    db_text(kb->client_id), db_text(kb->kb_id)) < 0
               ? -1
               : 0;
}

int words_step(struct db_tx *tx, const struct kb *kb, struct err *err)
{
    const struct page_words words = {kb->language, kb->next_language, kb->next_language != NULL};
    struct place place = {.position = kb->words_position};
    int64_t n;
    int rc;

    if (!kb->words_document)
        return 0;
    snprintf(place.document_id, sizeof place.document_id, "%s", kb->words_document);
    if ((n = page_make_anew(tx, kb, &words, &place, err)) < 0)
        return -1;
    if (n >= PAGE_CHUNKS)
        rc = put_place(tx, kb, place.document_id, place.position, err);
    else
        rc = kb->next_language ? switch_language(tx, kb, err) : put_place(tx, kb, NULL, -1, err);
    return rc < 0 ? -1 : 1;
}
