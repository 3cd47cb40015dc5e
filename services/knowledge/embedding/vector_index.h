/* vector_index.h - how a client's vectors of a model are searched: one by one, or by an HNSW index of their own.
 *
 * The table vector_indexes holds what was decided. A row is 'wanted' when its task is inserted, 'building' while the
 * index is made, 'ready' when searches use it (leadwire_candidates reads it), 'unwanted' until the index is gone. At
 * any place where the process is killed searches are right: they use an index only where the row says ready.
 *
 * Beside each index stands a function of its name that searches by it, whose plan a session keeps: planning a query
 * that names its client took a tenth of a search. It takes 35 KB of each session that searches for the client. An
 * index that has none is searched all the same.
 *
 * What is worth it, by the median time of the nearest nine, one by one against by the index, in us:
 *     vectors             250       500       1,000     2,000
 *     of 384 numbers      81/139    154/170   314/234   668/325
 *     of 1,536 numbers    121/197   231/258   454/342
 * It is equal at about 600 (measured when each search by an index was still planned). The default of
 * LEADWIRE_HNSW_MIN_VECTORS is somewhat above, since an index is to be built, and each that there is adds 2 us to what
 * a session plans once. */
#pragma once

struct db_tx;
struct err;
struct worker;

/* To be called in the transaction that stored or removed vectors. Inserts the task build_vector_index when the client's
 * vectors have become LEADWIRE_HNSW_MIN_VECTORS or more, or less than half of that. */
int vector_index_check(struct worker *self, struct db_tx *tx, const char *client_id, const char *model,
                       struct err *err);

/* The same for each model of which the client has an index: to be called where vectors were removed. */
int vector_index_check_all(struct worker *self, struct db_tx *tx, const char *client_id, struct err *err);

/* At the start of a process: refuses pgvector before 0.8, and says if indexes are built by one process alone. A
 * database that does not answer is no reason not to start. */
int vector_index_check_version(struct worker *self, struct err *err);
