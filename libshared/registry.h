/* registry.h - who is alive, kept in PostgreSQL (table mailboxes).
 *
 * A thread registers this process, refreshes its row every 2 s, reads the others
 * when NOTIFY leadwire_registry tells of a change (and every 5 s regardless), and
 * tells the bus. A row not refreshed for 6 s is stale: its tasks are orphaned and
 * nobody connects to it. While the database is away the known peers stay. */
#pragma once

struct bus;
struct db_pool;
struct err;
struct registry;

#define REGISTRY_REFRESH_MS 2000
#define REGISTRY_STALE_S    6 /* also in migrations/0002 */

#define REGISTRY_DRAINING "draining" /* the role of a process that takes no new work */

/* Registers at once (waits for the database at most wait_ms) and starts the thread. bus_self(bus) is what is
 * registered. pool should have a connection to spare for the thread alone, so that being alive never waits for work.
 * stats_json() gives what is stored beside it as jsonb (may be NULL; caller frees with free()). */
struct registry *registry_new(const char *database_url, struct db_pool *pool, struct bus *bus, int wait_ms,
                              char *(*stats_json)(void *arg), void *arg, struct err *err);

/* From here on the others send no new work here, but answers still arrive and what runs here is not taken for orphaned:
 * the row stays, with the role REGISTRY_DRAINING. Returns when that is written, or at once without a database. */
void registry_drain(struct registry *self);

/* Removes the row and ends the thread. */
void registry_destroy(struct registry **self_p);
