/* alert.h - telling the client's own people: a lead has become hot, or needs a person.
 *
 * They get a text, and for a hot lead a call where the client wants one. Each is told once: of a lead that has become
 * hot (again only behind the client's alert_again_after_hours), and of a conversation to which a person is called, for
 * each cause once (escalation.h). */
#pragma once

#include <stdbool.h>

struct arena;
struct bus;
struct db_tx;
struct err;
struct lead_change;
struct turn;

/* Puts what there is to tell with the turn's transaction; nothing where the client has nobody to be told. change: as
 * turn_store_lead gave it. Where the client has no number to send from, a notice is raised. Returns 1 if somebody is
 * told, 0 or -1. */
int alert_put(struct db_tx *tx, struct bus *bus, const struct turn *turn, const struct lead_change *change,
              const char *trace_id, struct arena *arena, struct err *err);

/* A lead that came by web form or API and is not written to, and why: once for a key. */
int alert_put_not_greeted(struct db_tx *tx, struct bus *bus, const struct turn *turn, const char *why,
                          const char *dedupe_key, const char *trace_id, struct arena *arena, struct err *err);

/* What is texted, and what is said by a call. In arena; NULL when out of memory. */
const char *alert_text(const struct turn *turn, bool is_hot, struct arena *arena);
const char *alert_speech(const struct turn *turn, struct arena *arena);
