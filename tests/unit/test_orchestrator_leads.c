/* The requests about leads, with the rights of the orchestrator's role. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/orchestrator/handlers.h"
#include "tests/unit/testdb.h"

static struct db_pool *pool;
static struct arena *arena;
static struct err err;
static struct config config;
static struct worker worker;
static char ours[UUID_SIZE], theirs[UUID_SIZE];

static int ask(request_fn *run, const char *client_id, const void *request, void *reply)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(pool, client_id ? client_id : DB_EVERY_CLIENT, &err);
    struct call call = {.client_id = client_id, .request = request, .reply = reply, .arena = arena, .tx = tx};

    memset(&err, 0, sizeof err);
    cr_assert(tx);
    if (run(&worker, &call, &err) < 0)
        return -1;
    return db_commit(&tx, &err);
}

static void make_client(char ret_client_id[UUID_SIZE])
{
    struct client made = {0};

    cr_assert_eq(ask(on_create_client, NULL, &(struct create_client){.name = "Acme", .config = "{}"}, &made), 0);
    snprintf(ret_client_id, UUID_SIZE, "%s", made.client_id);
}

static const char *create(const char *client_id, const char *phone, const char *email)
{
    struct created_lead made = {0};
    struct create_lead request = {.client_id = client_id, .phone = phone, .email = email};

    return ask(on_create_lead, client_id, &request, &made) == 0 ? made.lead->lead_id : NULL;
}

static void set_up(void)
{
    arena = arena_new(16 << 20);
    pool = db_pool_new(testdb_url(), "leadwire_orchestrator", 3, &err);
    cr_assert(arena && pool);
    config = (struct config){.master_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"};
    worker = (struct worker){.config = &config, .db = pool};
    make_client(ours);
    make_client(theirs);
}

static void tear_down(void)
{
    db_pool_destroy(&pool);
    arena_destroy(&arena);
}

TestSuite(orchestrator_leads, .init = set_up, .fini = tear_down, .timeout = 60);

Test(orchestrator_leads, what_is_no_address_is_refused)
{
    static const char *const wrong[] = {"ada",      "@b.de",    "a@b",          "a@.de",      "a@b.",
                                        "a@b@c.de", "a b@c.de", "a@b.de,c@d.e", "a\x01@b.de", "\"a\"@b.de"};

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        cr_expect_null(create(ours, NULL, wrong[i]), "%s", wrong[i]);
        cr_expect_str_eq(err.field, "email", "%s", wrong[i]);
    }
    cr_expect_not_null(create(ours, NULL, "Ada.Lovelace+web@mail.example.co.uk"), "%s", err.text);
}

Test(orchestrator_leads, a_phone_is_one_lead_of_each_client)
{
    const char *lead = create(ours, "+15550001111", NULL), *other = create(theirs, "+15550001111", NULL);

    cr_assert(lead && other, "%s", err.text);
    cr_expect_str_neq(lead, other);
    cr_expect_str_eq(create(ours, "+15550001111", "ada@example.com"), lead);
}

Test(orchestrator_leads, another_clients_lead_is_not_there)
{
    const char *lead = create(theirs, "+15550001111", NULL);
    struct erased_lead gone = {0};
    struct export_page page = {0};
    struct lead got = {0};

    cr_assert_not_null(lead);
    cr_expect_eq(ask(on_get_lead, ours, &(struct get_lead){lead}, &got), -1);
    cr_expect_eq(err.kind, ERR_NOT_FOUND);
    cr_expect_eq(ask(on_export_lead, ours, &(struct export_lead){.lead_id = lead, .limit = 9}, &page), -1);
    cr_expect_eq(err.kind, ERR_NOT_FOUND);
    cr_expect_eq(ask(on_erase_lead, ours, &(struct erase_lead){lead}, &gone), -1);
    cr_expect_eq(err.kind, ERR_NOT_FOUND);
    cr_expect_eq(ask(on_get_lead, theirs, &(struct get_lead){lead}, &got), 0);
}

/* The hash and its key are for the functions of the database alone. */
Test(orchestrator_leads, who_had_opted_out_cannot_be_read_after_the_erasure)
{
    const char *lead = create(ours, "+15550001111", NULL);
    struct erased_lead gone = {0};
    struct lead got = {0};

    cr_assert_eq(ask(on_opt_out_lead, ours, &(struct opt_out_lead){.lead_id = lead}, &got), 0, "%s", err.text);
    cr_assert_eq(ask(on_erase_lead, ours, &(struct erase_lead){lead}, &gone), 0, "%s", err.text);
    cr_expect(gone.opt_out_kept);
    cr_expect_lt(db_run(pool, ours, NULL, &err, "SELECT FROM erasure_keys"), 0);
    cr_expect_lt(db_run(pool, ours, NULL, &err, "SELECT FROM erased_opt_outs"), 0);
    cr_expect_lt(db_run(pool, ours, NULL, &err, "SELECT erased_address_hash($1, '+15550001111')", db_text(ours)), 0);
    lead = create(ours, "+15550001111", NULL);
    cr_assert_eq(ask(on_get_lead, ours, &(struct get_lead){lead}, &got), 0);
    cr_expect_neq(got.opted_out_at, 0);
    cr_expect_str_eq(got.opted_out_words, "before it was erased");
}
