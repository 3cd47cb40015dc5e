/* alert.h - telling the client's own people: a lead has become hot, or needs a person.
 *
 * They get a text, and for a hot lead a call where the client wants one. Each is told once: of a lead that is hot, and
 * of a conversation that is escalated within one epoch. */
#pragma once

#include <stdbool.h>

struct arena;
struct bus;
struct db_tx;
struct err;
struct turn;

/* Puts what there is to tell with the turn's transaction; nothing where the client has nobody to be told. is_hot: the
 * lead has become hot for the first time. Where the client has no number to send from, a notice is raised. */
int alert_put(struct db_tx *tx, struct bus *bus, const struct turn *turn, bool is_hot, const char *trace_id,
              struct arena *arena, struct err *err);

/* What is texted, and what is said by a call. In arena; NULL when out of memory. */
const char *alert_text(const struct turn *turn, bool is_hot, struct arena *arena);
const char *alert_speech(const struct turn *turn, struct arena *arena);
