/* gatewayfix.h - a client with a number and a lead of its own, and what accept_inbound makes of texts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/uuid.h"
#include "services/gateway/accept_store.h"

struct db_pool;

#define GW_BURST_MS 1000
#define GW_ACCOUNT  "AC00000000000000000000000000000001" /* the environment's */

/* gw_root may do everything, gw_gateway what the gateway may. */
extern struct db_pool *gw_root, *gw_gateway;
extern char gw_client[UUID_SIZE], gw_number[16], gw_lead[16];

/* For TestSuite's init and fini. */
void gw_open(void);
void gw_close(void);

/* One number out of the database, the column n; $1 is this test's client. */
int64_t gw_ask(const char *sql);
void gw_change(const char *sql);

/* A text of the lead to the number. */
struct inbound gw_text(const char *sid, const char *body);
/* The same by WhatsApp. */
struct inbound gw_whatsapp(const char *sid, const char *body);

/* n is at most 8. */
void gw_store(struct inbound *items, size_t n, struct stored *stored);
struct stored gw_store_one(struct inbound in);
extern bool gw_together; /* gw_store_one stores it together with another; false until set */
