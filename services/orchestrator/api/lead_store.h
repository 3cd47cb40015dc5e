/* lead_store.h - leads as the API shows and changes them. Into arena; ERR_NOT_FOUND also for another tenant's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct create_lead;
struct db_tx;
struct err;
struct lead;
struct lead_page;
struct list_leads;
struct update_lead;

int lead_store_get(struct db_tx *tx, const char *lead_id, struct arena *arena, struct lead *ret_lead, struct err *err);
/* The same, and nobody else changes it until the transaction ends. */
int lead_store_lock(struct db_tx *tx, const char *lead_id, struct arena *arena, struct lead *ret_lead, struct err *err);

/* A page (see libshared/page.h), last first in the order that is asked for. */
int lead_store_list(struct db_tx *tx, const struct list_leads *request, struct arena *arena, struct lead_page *ret_page,
                    struct err *err);

/* The client's leads with this phone and with this email (either may be NULL), locked: none, one, or two where they
 * belong to different leads. Ids into arena; a place without a lead is NULL. */
int lead_store_find(struct db_tx *tx, const char *client_id, const char *phone, const char *email, struct arena *arena,
                    const char **ret_by_phone, const char **ret_by_email, struct err *err);

/* 1, or 0 if just now somebody else has made one with this phone or email; -1. */
int lead_store_insert(struct db_tx *tx, const char *lead_id, const struct create_lead *request, struct err *err);

/* Sets what the lead lacks and keeps what it has. */
int lead_store_fill(struct db_tx *tx, const char *lead_id, const struct create_lead *request, struct err *err);

/* Sets what is given; "" is nothing. ERR_CONFLICT if phone or email are another lead's. */
int lead_store_update(struct db_tx *tx, const struct lead *lead, const struct update_lead *request, struct err *err);

/* wanted: "out" or "in". 1, or 0 if it was so already; -1. */
int lead_store_set_opt_out(struct db_tx *tx, const struct lead *lead, const char *wanted, const char *reason,
                           const char *who, struct err *err);
