/* form_store.h - the table forms. Into arena; ERR_NOT_FOUND also for another tenant's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct create_form;
struct db_tx;
struct err;
struct form_token;
struct list_forms;
struct update_form;
struct web_form;
struct form_page;

int form_store_get(struct db_tx *tx, const char *form_id, struct arena *arena, struct web_form *ret_form,
                   struct err *err);

/* A page (see libshared/page.h), newest first. */
int form_store_list(struct db_tx *tx, const struct list_forms *request, struct arena *arena, struct form_page *ret_page,
                    struct err *err);

int form_store_insert(struct db_tx *tx, const char *form_id, const struct create_form *request,
                      const struct form_token *token, struct arena *arena, struct err *err);

/* Sets what is given; "" is nothing. */
int form_store_update(struct db_tx *tx, const struct update_form *request, struct arena *arena, struct err *err);

/* What was known by the token before is refused from now on. */
int form_store_set_token(struct db_tx *tx, const char *form_id, const struct form_token *token, struct err *err);

int form_store_disable(struct db_tx *tx, const char *form_id, struct err *err);
