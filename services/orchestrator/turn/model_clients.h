/* model_clients.h - the clients whose last turn was a model's to answer.
 *
 * What a turn wants is known only when it is loaded. Where no place is free to wait for a model, one that will want it
 * is better put off before: else all of it is loaded twice. So the client's last turn is taken as a sign of the next.
 * The sign errs for one turn after a client's setting was changed; of a client that has not asked for a model there is
 * none.
 *
 * Shared by all workers of the process. */
#pragma once

#include <stdbool.h>

struct err;
struct model_clients;

struct model_clients *model_clients_new(struct err *err);
void model_clients_destroy(struct model_clients **self_p);

/* Whether the last turn noted of it wanted a model. It may be forgotten: then false. self may be NULL: false. */
bool model_clients_has(struct model_clients *self, const char *client_id);

/* What a turn of it wanted. self may be NULL. */
void model_clients_note(struct model_clients *self, const char *client_id, bool wants_model);
