/* dbproxy.h - stands between a test and PostgreSQL, and can lose what the server says. */
#pragma once

struct dbproxy;

/* Listens on a port of its own and forwards to the server of url (loopback, TCP). */
struct dbproxy *dbproxy_new(const char *url);
void dbproxy_destroy(struct dbproxy *self);

/* url with the proxy's port. */
const char *dbproxy_url(const struct dbproxy *self);

/* What the client says next still reaches the server; when the server answers, the connection is cut instead. */
void dbproxy_drop_next_answer(struct dbproxy *self);

/* From here on nothing is forwarded, and nothing is closed. */
void dbproxy_freeze(struct dbproxy *self);
