/* base_checks.h - what may be said of a knowledge base, when it is made and when it is changed. */
#pragma once

struct db_tx;
struct err;
struct worker;

/* ERR_INVALID with field "name" if it is blank, or not one line. */
int base_check_name(const char *name, struct err *err);

/* ERR_INVALID with field "language" unless it is a text search configuration. */
int base_check_language(struct db_tx *tx, const char *language, struct err *err);

/* ERR_INVALID with field "embedding_model" unless it can be run here; "" is none, and fine. */
int base_check_model(const struct worker *self, const char *model, struct err *err);
