/* lead_event.h - what has happened to a lead or a conversation, published once it is true. */
#pragma once

struct bus;
struct db_tx;
struct err;

struct lead_news {
    const char *event; /* "lead.opted_out", "conversation.taken_over", ...: see proto/events.h. A literal */
    const char *client_id, *lead_id;
    const char *conversation_id; /* NULL: of no conversation alone */
    const char *reason;          /* NULL: none; cut to what an event holds */
};

/* Published after the commit, and not at all where there is none. Copies news. bus may be NULL: then nobody is told. */
int lead_event_later(struct bus *bus, struct db_tx *tx, const struct lead_news *news, struct err *err);
