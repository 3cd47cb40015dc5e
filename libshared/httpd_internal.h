/* httpd_internal.h - what httpd.c and httpd_exchange.c share. */
#pragma once

#include <microhttpd.h>
#include <pthread.h>
#include <stdint.h>

#include "libshared/buf.h"
#include "libshared/httpd.h"

/* One TCP connection. Lives from libmicrohttpd's notice that it started to that that it closed. */
struct connection {
    struct connection *prev, *next;
    int fd;
    int64_t deadline_ms;      /* monotonic; then it is answered 503 or cut */
    struct exchange *waiting; /* handed out and not yet answered */
    char remote[64];
};

struct httpd {
    struct httpd_options options;
    struct MHD_Daemon *daemon;
    int listen_fd, port;

    pthread_mutex_t lock; /* guards all below, and the answers of exchanges */
    pthread_cond_t wake;  /* stopping was set, or n_open fell to 0 */
    struct connection *connections;
    int n_connections, n_open; /* n_open: exchanges that were handed out and are not over */
    int holders;               /* the owner, and each exchange */
    bool stopping;
    pthread_t ticker;
    bool ticking;
};

struct header {
    const char *name, *value;
};

struct exchange {
    struct httpd *httpd;
    struct connection *connection;
    struct MHD_Connection *mhd; /* NULL once the request is over */
    int holders;

    int64_t born_us;
    char *target, *path, *method;
    const char *query;
    struct header *headers;
    size_t n_headers;
    struct buf body;
    size_t body_seen;
    char remote[64];

    bool begun, too_large, handed, suspended;
    bool answered, cut; /* cut: the answer is to close the connection */
    int status;
    struct MHD_Response *response;
};

/* Gives up one hold; the last one frees. */
void httpd_release(struct httpd *self);
void exchange_release(struct exchange *x);

/* Held by its connection. target is copied. NULL when out of memory. */
struct exchange *exchange_new(struct httpd *self, const char *target, struct connection *connection);

/* Fills method, path, query and headers. 0, or the status with which to refuse and its *detail. */
int exchange_take_head(struct exchange *x, struct MHD_Connection *mhd, const char *method, const char **detail);

/* Gives x its answer; response NULL: to be cut. The first one counts. Called with the lock held; takes response. */
void exchange_settle(struct exchange *x, int status, struct MHD_Response *response);

/* The server's own answer; NULL when out of memory. */
struct MHD_Response *httpd_problem(const struct httpd *self, int status, const char *detail);
