/* httpd_internal.h - what httpd.c, httpd_request.c and httpd_exchange.c share. */
#pragma once

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
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
    size_t held;               /* bytes of large bodies */
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
    const char *target, *query, *method;
    char *path;
    struct header *headers; /* with their strings and method behind them */
    size_t n_headers;
    struct httpd_terms terms;
    struct buf body;
    size_t body_seen, body_held; /* held: of httpd->held */
    int refused;                 /* with this status; what comes of the body is dropped. 0: not */
    char remote[64];
    char id[REQUEST_ID_SIZE]; /* "" until the head has come */

    atomic_bool unwanted; /* the body: exchange_forget_body */

    bool begun, handed, suspended;
    bool answered, cut; /* cut: the answer is to close the connection */
    int status;
    struct MHD_Response *response;

    char texts[]; /* target and path */
};

/* libmicrohttpd's callbacks (httpd_request.c). */
void *httpd_on_uri(void *arg, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result httpd_on_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
                                 const char *version, const char *upload, size_t *upload_len, void **context);
void httpd_on_over(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode how);

/* Gives up one hold; the last one frees. */
void httpd_release(struct httpd *self);

/* Held by its connection. target is copied. NULL when out of memory. */
struct exchange *exchange_new(struct httpd *self, const char *target, struct connection *connection);

/* Room for body_len bytes of a body; false if the large ones are too many. */
bool exchange_hold_body(struct exchange *x, size_t body_len);
/* Frees the body and its room. What comes is dropped, and the answer will be status; 0: the handler's. */
void exchange_drop_body(struct exchange *x, int status);

/* Fills method, path, query, headers and id. 0, or the status with which to refuse and its *detail. */
int exchange_take_head(struct exchange *x, struct MHD_Connection *mhd, const char *method, const char **detail);

/* Gives x its answer; response NULL: to be cut. The first one counts. Called with the lock held; takes response. */
void exchange_settle(struct exchange *x, int status, struct MHD_Response *response);

/* The server's own answer; NULL when out of memory. x may be NULL. */
struct MHD_Response *httpd_problem(const struct httpd *self, const struct exchange *x, int status, const char *detail);
