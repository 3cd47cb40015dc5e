/* gatewayfix.c - see gatewayfix.h. */
#include "gatewayfix.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "testdb.h"

struct db_pool *gw_root, *gw_gateway;
char gw_client[UUID_SIZE], gw_number[16], gw_lead[16];
bool gw_together;

void gw_open(void)
{
    struct err err = {0};
    char id[UUID_SIZE];

    gw_root = db_pool_new(testdb_url(), NULL, 2, &err);
    gw_gateway = db_pool_new(testdb_url(), "leadwire_gateway", 1, &err);
    cr_assert(gw_root && gw_gateway, "%s", err.text);
    uuid_new(gw_client);
    uuid_new(id);
    snprintf(gw_number, sizeof gw_number, "+1%09lu", strtoul(id + 28, NULL, 16) % 1000000000);
    snprintf(gw_lead, sizeof gw_lead, "+2%09lu", strtoul(id + 28, NULL, 16) % 1000000000);
    gw_change("INSERT INTO clients (client_id, name) VALUES ($1, 'Rapid Plumbing')");
    cr_assert_eq(db_run(gw_root, NULL, NULL, &err,
                        "INSERT INTO client_numbers VALUES ($1, 'sms', $2), ($1, 'whatsapp', $2)", db_text(gw_client),
                        db_text(gw_number)),
                 2, "%s", err.text);
}

void gw_close(void)
{
    db_pool_destroy(&gw_gateway);
    db_pool_destroy(&gw_root);
}

int64_t gw_ask(const char *sql)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert_eq(db_run(gw_root, NULL, &rows, &err, sql, db_text(gw_client)), 1, "%s: %s", sql, err.text);
    return db_get_int(rows, 0, "n");
}

void gw_change(const char *sql)
{
    struct err err = {0};

    cr_assert_geq(db_run(gw_root, NULL, NULL, &err, sql, db_text(gw_client)), 0, "%s: %s", sql, err.text);
}

struct inbound gw_text(const char *sid, const char *body)
{
    return (struct inbound){.channel = "sms",
                            .account = GW_ACCOUNT,
                            .from = gw_lead,
                            .to = gw_number,
                            .service = "",
                            .body = body,
                            .sid = sid,
                            .trace_id = "trace-1",
                            .consent = "",
                            .language = "en"};
}

struct inbound gw_whatsapp(const char *sid, const char *body)
{
    struct inbound in = gw_text(sid, body);

    in.channel = "whatsapp";
    return in;
}

void gw_store(struct inbound *items, size_t n, struct stored *stored)
{
    struct inbound *pointers[8];
    struct err err = {0};

    for (size_t i = 0; i < n; i++)
        pointers[i] = &items[i];
    cr_assert_eq(accept_store(gw_gateway, GW_ACCOUNT, GW_BURST_MS, pointers, n, stored, &err), 0, "%s", err.text);
}

struct stored gw_store_one(struct inbound in)
{
    struct inbound items[] = {in, gw_text("SM0", "Who is this?")};
    struct stored stored[2];

    items[1].to = "+19999999999"; /* nobody's: nothing is stored */
    gw_store(items, gw_together ? 2 : 1, stored);
    return stored[0];
}
