/* dbproxy.c - see dbproxy.h. One thread, one poll loop. */
#include "dbproxy.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS_MAX 8

struct pair {
    int client, server; /* -1: free */
};

struct dbproxy {
    pthread_t thread;
    struct sockaddr_in upstream;
    char url[1200];
    int listener;
    struct pair pairs[PAIRS_MAX];
    atomic_bool drop, frozen, stop;
};

static void close_pair(struct pair *pair)
{
    close(pair->client);
    close(pair->server);
    *pair = (struct pair){-1, -1};
}

static void take_client(struct dbproxy *self)
{
    int client = accept(self->listener, NULL, NULL), server = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert(connect(server, (struct sockaddr *)&self->upstream, sizeof self->upstream) == 0);
    for (int i = 0; i < PAIRS_MAX; i++)
        if (self->pairs[i].client < 0) {
            self->pairs[i] = (struct pair){client, server};
            return;
        }
    cr_assert_fail("too many connections for the proxy");
}

/* False when one side has closed. */
static bool forward(int from, int to)
{
    char data[16384];
    ssize_t n = recv(from, data, sizeof data, 0);

    return n > 0 && send(to, data, (size_t)n, MSG_NOSIGNAL) == n;
}

static void serve_pair(struct dbproxy *self, struct pair *pair, short client_events, short server_events)
{
    bool open = true;

    if (client_events)
        open = forward(pair->client, pair->server);
    if (open && server_events)
        open = !atomic_exchange(&self->drop, false) && forward(pair->server, pair->client);
    if (!open)
        close_pair(pair);
}

static void *run(void *arg)
{
    struct dbproxy *self = arg;

    while (!self->stop) {
        struct pollfd fds[1 + 2 * PAIRS_MAX] = {{.fd = self->listener, .events = POLLIN}};

        if (self->frozen) {
            usleep(10000);
            continue;
        }
        for (int i = 0; i < PAIRS_MAX; i++) {
            fds[1 + 2 * i] = (struct pollfd){.fd = self->pairs[i].client, .events = POLLIN};
            fds[2 + 2 * i] = (struct pollfd){.fd = self->pairs[i].server, .events = POLLIN};
        }
        if (poll(fds, 1 + 2 * PAIRS_MAX, 20) <= 0 || self->frozen)
            continue;
        for (int i = 0; i < PAIRS_MAX; i++)
            if (self->pairs[i].client >= 0)
                serve_pair(self, &self->pairs[i], fds[1 + 2 * i].revents, fds[2 + 2 * i].revents);
        if (fds[0].revents)
            take_client(self);
    }
    return NULL;
}

struct dbproxy *dbproxy_new(const char *url)
{
    struct dbproxy *self = calloc(1, sizeof *self);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof own;
    PGconn *pg = PQconnectdb(url);

    for (int i = 0; i < PAIRS_MAX; i++)
        self->pairs[i] = (struct pair){-1, -1};
    if (!PQhost(pg) || PQhost(pg)[0] == '/')
        cr_skip_test("the test database is not reached by TCP");
    self->upstream =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(PQport(pg), NULL, 10))};
    if (inet_pton(AF_INET, PQhostaddr(pg), &self->upstream.sin_addr) != 1)
        cr_skip_test("the test database is not reached by IPv4");
    self->listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(bind(self->listener, (struct sockaddr *)&own, sizeof own) == 0 && listen(self->listener, 8) == 0);
    getsockname(self->listener, (struct sockaddr *)&own, &size);
    /* A parameter of the URL wins over what stands before it. */
    snprintf(self->url, sizeof self->url, "%s%shost=127.0.0.1&port=%d&sslmode=disable&gssencmode=disable", url,
             strchr(url, '?') ? "&" : "?", ntohs(own.sin_port));
    PQfinish(pg);
    cr_assert(pthread_create(&self->thread, NULL, run, self) == 0);
    return self;
}

void dbproxy_destroy(struct dbproxy *self)
{
    self->stop = true;
    pthread_join(self->thread, NULL);
    for (int i = 0; i < PAIRS_MAX; i++)
        if (self->pairs[i].client >= 0)
            close_pair(&self->pairs[i]);
    close(self->listener);
    free(self);
}

const char *dbproxy_url(const struct dbproxy *self)
{
    return self->url;
}

void dbproxy_drop_next_answer(struct dbproxy *self)
{
    self->drop = true;
}

void dbproxy_freeze(struct dbproxy *self)
{
    self->frozen = true;
}
