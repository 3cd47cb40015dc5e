/* httpd.c - see httpd.h.
 *
 * An exchange has two holders: its connection, until libmicrohttpd says that the
 * request is over, and whoever has to answer it. So it owns copies of all it
 * shows, and an answer that comes too late falls into the void.
 *
 * Suspended connections do not time out in libmicrohttpd, and its timeout is
 * one of inactivity, which a client that sends a byte now and then never meets.
 * So each connection has a deadline of its own, kept by a thread that looks
 * every TICK_MS. */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/httpd_internal.h"

#define TICK_MS           250
#define IDLE_TIMEOUT_S    10
#define DEADLINE_MS       30000
#define DRAIN_MS          2000
#define HEADERS_MAX_BYTES (32 * 1024)
#define BACKLOG           1024

/* ---- connections and their deadlines ---- */

static void remote_address(struct MHD_Connection *mhd, char out[64])
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    socklen_t len;
    char text[64] = "";

    if (address) {
        len = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
        if (getnameinfo(address, len, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
            text[0] = '\0';
    }
    snprintf(out, 64, "%s", strncmp(text, "::ffff:", 7) == 0 ? text + 7 : text);
}

static void connection_opened(struct httpd *self, struct MHD_Connection *mhd, void **context)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct connection *c = info ? calloc(1, sizeof *c) : NULL;

    if (!(*context = c))
        return;
    c->fd = info->connect_fd;
    c->deadline_ms = clock_mono_ms() + self->options.request_timeout_ms;
    remote_address(mhd, c->remote);
    pthread_mutex_lock(&self->lock);
    c->next = self->connections;
    if (c->next)
        c->next->prev = c;
    self->connections = c;
    self->n_connections++;
    pthread_mutex_unlock(&self->lock);
}

static void connection_closed(struct httpd *self, struct connection *c)
{
    pthread_mutex_lock(&self->lock);
    if (c->next)
        c->next->prev = c->prev;
    if (c->prev)
        c->prev->next = c->next;
    else
        self->connections = c->next;
    self->n_connections--;
    pthread_mutex_unlock(&self->lock);
    free(c);
}

/* libmicrohttpd closes the socket after this, so that fd of a connection in our list is always its own. */
static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        connection_opened(arg, mhd, context);
    else if (*context)
        connection_closed(arg, *context);
}

/* With the lock held. */
static void enforce_deadline(struct httpd *self, struct connection *c, int64_t now_ms)
{
    if (now_ms < c->deadline_ms)
        return;
    if (c->waiting) {
        exchange_settle(c->waiting, MHD_HTTP_SERVICE_UNAVAILABLE,
                        httpd_problem(self, c->waiting, MHD_HTTP_SERVICE_UNAVAILABLE, "No answer was found in time."));
        return;
    }
    shutdown(c->fd, SHUT_RDWR);
    c->deadline_ms = INT64_MAX;
}

static void *tick(void *arg)
{
    struct httpd *self = arg;
    struct timespec next;

    pthread_mutex_lock(&self->lock);
    while (!self->stopping) {
        int64_t now_ms = clock_mono_ms();

        for (struct connection *c = self->connections; c; c = c->next)
            enforce_deadline(self, c, now_ms);
        clock_gettime(CLOCK_MONOTONIC, &next);
        next.tv_nsec += TICK_MS * 1000000L;
        next.tv_sec += next.tv_nsec / 1000000000L;
        next.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&self->wake, &self->lock, &next);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

/* ---- starting and stopping ---- */

static int listen_on(struct httpd *self, struct err *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_PASSIVE};
    struct addrinfo *found = NULL;
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    const int on = 1;
    char port[16];
    bool ok;

    snprintf(port, sizeof port, "%d", self->options.port);
    if (getaddrinfo(self->options.bind_address, port, &hints, &found) != 0)
        return err_set(err, ERR_INVALID, "httpd: %s is not an IP address", self->options.bind_address);
    self->listen_fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ok = self->listen_fd >= 0 && setsockopt(self->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
         bind(self->listen_fd, found->ai_addr, found->ai_addrlen) == 0 && listen(self->listen_fd, BACKLOG) == 0 &&
         getsockname(self->listen_fd, (struct sockaddr *)&bound, &len) == 0;
    freeaddrinfo(found);
    if (!ok)
        return err_set(err, ERR_UNAVAILABLE, "httpd: cannot listen on %s port %s: %m", self->options.bind_address,
                       port);
    self->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                   : ((struct sockaddr_in *)&bound)->sin_port);
    return 0;
}

static int start_daemon(struct httpd *self, struct err *err)
{
    const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    const struct MHD_OptionItem pool[] = {
        {MHD_OPTION_THREAD_POOL_SIZE, self->options.threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    self->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, httpd_on_request, self, MHD_OPTION_LISTEN_SOCKET, self->listen_fd,
                         MHD_OPTION_URI_LOG_CALLBACK, httpd_on_uri, self, MHD_OPTION_NOTIFY_COMPLETED, httpd_on_over,
                         self, MHD_OPTION_NOTIFY_CONNECTION, on_connection, self, MHD_OPTION_CONNECTION_LIMIT,
                         (unsigned)self->options.max_connections, MHD_OPTION_CONNECTION_TIMEOUT,
                         (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX_BYTES,
#if MHD_VERSION >= 0x01000000
                         MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
#else
                         MHD_OPTION_STRICT_FOR_CLIENT, 1,
#endif
                         MHD_OPTION_ARRAY, self->options.threads > 1 ? pool : pool + 1, MHD_OPTION_END);
    if (!self->daemon) {
        self->listen_fd = -1; /* whether it is closed already is not told: better left than closed twice */
        return err_set(err, ERR_INTERNAL, "httpd: libmicrohttpd cannot start");
    }
    return 0;
}

struct httpd *httpd_new(const struct httpd_options *options, struct err *err)
{
    AUTO(httpd_destroy) struct httpd *self = calloc(1, sizeof *self);
    pthread_condattr_t monotonic;

    if (!self) {
        err_set(err, ERR_INTERNAL, "httpd: out of memory");
        return NULL;
    }
    self->options = *options;
    if (!self->options.answer_timeout_ms)
        self->options.answer_timeout_ms = DEADLINE_MS;
    if (!self->options.request_timeout_ms)
        self->options.request_timeout_ms = DEADLINE_MS;
    self->listen_fd = -1;
    self->holders = 1;
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);

    if (listen_on(self, err) < 0 || start_daemon(self, err) < 0)
        return NULL;
    if (pthread_create(&self->ticker, NULL, tick, self) != 0) {
        err_set(err, ERR_INTERNAL, "httpd: no thread");
        return NULL;
    }
    self->ticking = true;
    return TAKE(self);
}

/* Answers what waits with 503 and gives those answers DRAIN_MS to leave: a suspended connection must not meet
 * MHD_stop_daemon. */
static void drain(struct httpd *self)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += DRAIN_MS / 1000;
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    pthread_cond_broadcast(&self->wake);
    for (struct connection *c = self->connections; c; c = c->next)
        if (c->waiting)
            exchange_settle(c->waiting, MHD_HTTP_SERVICE_UNAVAILABLE,
                            httpd_problem(self, c->waiting, MHD_HTTP_SERVICE_UNAVAILABLE, "The server is stopping."));
    while (self->n_open && pthread_cond_timedwait(&self->wake, &self->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&self->lock);
}

void httpd_destroy(struct httpd **self_p)
{
    struct httpd *self = *self_p;
    bool own_fd;

    if (!self)
        return;
    own_fd = self->listen_fd >= 0;
    if (self->daemon) {
        MHD_quiesce_daemon(self->daemon); /* the socket is ours again */
        drain(self);
    }
    if (self->ticking)
        pthread_join(self->ticker, NULL);
    if (self->daemon)
        MHD_stop_daemon(self->daemon);
    if (own_fd)
        close(self->listen_fd);
    httpd_release(self);
    *self_p = NULL;
}

int httpd_port(const struct httpd *self)
{
    return self->port;
}
