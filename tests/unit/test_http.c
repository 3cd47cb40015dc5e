/* test_http.c - libshared/http against a small server that misbehaves on purpose. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "libshared/http.h"

/* Plays one script entry for each request it receives, over as many connections as the client opens. */
struct server {
    const char *const *script; /* what to answer; "" closes without an answer, NULL is silent; ends with STOP */
    int fd, port;
    int received, connections; /* whole requests; read after the thread was joined */
    char last[4096];           /* the last request */
    pthread_t thread;
};

static const char STOP[] = "stop";

/* Reads one request of at most sizeof last bytes. 0, or -1 when the client has closed or sends nothing for a while. */
static int read_request(struct server *self, int fd)
{
    size_t len = 0, need = 0;
    char *end, *length;

    while (len < sizeof self->last - 1) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        ssize_t n;

        if (poll(&readable, 1, 1000) <= 0 || (n = read(fd, self->last + len, sizeof self->last - 1 - len)) <= 0)
            return -1;
        len += (size_t)n;
        self->last[len] = '\0';
        if (!(end = strstr(self->last, "\r\n\r\n")))
            continue;
        length = strcasestr(self->last, "content-length:");
        need = (size_t)(end + 4 - self->last) + (length ? strtoul(length + 15, NULL, 10) : 0);
        if (len >= need)
            return 0;
    }
    return -1;
}

static void *serve(void *arg)
{
    struct server *self = arg;
    const char *const *next = self->script;

    for (;;) {
        struct pollfd acceptable = {.fd = self->fd, .events = POLLIN};
        int fd;

        if (poll(&acceptable, 1, 500) <= 0)
            return NULL;
        fd = accept(self->fd, NULL, NULL);
        self->connections++;
        while (read_request(self, fd) == 0) {
            self->received++;
            if (*next == STOP || (*next && !**next)) {
                next += *next != STOP;
                break;
            }
            if (*next && write(fd, *next, strlen(*next)) < 0)
                break;
            if (*next && strstr(*next, "Connection: close")) {
                next++;
                break;
            }
            next++;
        }
        close(fd);
    }
}

static void server_start(struct server *self, const char *const *script)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    *self = (struct server){.script = script, .fd = socket(AF_INET, SOCK_STREAM, 0)};
    cr_assert(zero(int, bind(self->fd, (struct sockaddr *)&address, len)));
    cr_assert(zero(int, listen(self->fd, 16)));
    cr_assert(zero(int, getsockname(self->fd, (struct sockaddr *)&address, &len)));
    self->port = ntohs(address.sin_port);
    cr_assert(zero(int, pthread_create(&self->thread, NULL, serve, self)));
}

static void server_stop(struct server *self)
{
    pthread_join(self->thread, NULL);
    close(self->fd);
}

static struct http *client;
static struct arena *arena;
static char url[64];

static void set_up(void)
{
    cr_assert(zero(int, http_global_init(NULL)));
    client = http_new(NULL);
    arena = arena_new(16 * 1024 * 1024);
    cr_assert(client && arena);
}

static void tear_down(void)
{
    http_destroy(&client);
    arena_destroy(&arena);
}

TestSuite(http, .init = set_up, .fini = tear_down, .timeout = 30);

static int post(const struct server *server, const char *body, struct http_response *ret, struct err *err)
{
    snprintf(url, sizeof url, "http://127.0.0.1:%d/send", server->port);
    return http_do(client,
                   &(struct http_request){
                       .method = "POST",
                       .url = url,
                       .content_type = "text/plain",
                       .body = body,
                       .body_len = strlen(body),
                   },
                   arena, ret, err);
}

static int get(const struct server *server, size_t max_response, int timeout_ms, struct http_response *ret,
               struct err *err)
{
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", server->port);
    return http_do(
        client,
        &(struct http_request){.method = "GET", .url = url, .max_response = max_response, .timeout_ms = timeout_ms},
        arena, ret, err);
}

#define OK "HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello"

Test(http, an_answer_is_given_whole)
{
    struct server server;
    struct http_response r = {0};
    struct err err = {0};

    server_start(&server, (const char *const[]){OK, STOP});
    cr_expect(zero(int, post(&server, "body of it", &r, &err)), "%s", err.text);
    server_stop(&server);
    cr_expect(eq(int, r.status, 201));
    cr_expect(eq(str, (char *)r.body, "hello"));
    cr_expect(eq(sz, r.body_len, 5));
    cr_expect(eq(int, r.should_retry, -1));
    cr_expect(eq(int, r.retry_after_s, 0));
    cr_expect(zero(ptr, (void *)r.request_id));
    cr_expect(r.request_sent);
    cr_expect(strstr(server.last, "\r\n\r\nbody of it") != NULL);
    cr_expect(strstr(server.last, "POST /send HTTP/1.1\r\n") == server.last);
    cr_expect(strstr(server.last, "Content-Type: text/plain\r\n") != NULL);
    cr_expect(strstr(server.last, "Expect") == NULL);
}

Test(http, a_connection_is_used_again)
{
    struct server server;
    struct http_response r = {0};

    server_start(&server, (const char *const[]){OK, OK, OK, STOP});
    for (int i = 0; i < 3; i++)
        cr_expect(zero(int, post(&server, "x", &r, NULL)));
    http_destroy(&client);
    server_stop(&server);
    cr_expect(eq(int, server.received, 3));
    cr_expect(eq(int, server.connections, 1));
}

Test(http, a_post_on_a_kept_connection_that_breaks_is_sent_once_and_uncertain)
{
    struct server server;
    struct http_response r = {0};
    struct err err = {0};

    server_start(&server, (const char *const[]){OK, "", OK, OK, STOP});
    cr_expect(zero(int, post(&server, "first", &r, &err)));
    cr_expect(eq(int, post(&server, "second", &r, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNCERTAIN), "%s", err.text);
    server_stop(&server);
    cr_expect(eq(int, server.received, 2), "the second POST arrived %d times", server.received - 1);
    cr_expect(strstr(server.last, "\r\n\r\nsecond") != NULL, "nothing was sent after it");
}

Test(http, a_broken_connection_harms_no_later_request)
{
    struct server server;
    struct http_response r = {0};
    struct err err = {0};

    server_start(&server, (const char *const[]){OK, "", OK, OK, STOP});
    cr_expect(zero(int, post(&server, "first", &r, &err)));
    cr_expect(eq(int, post(&server, "second", &r, &err), -1));
    cr_expect(zero(int, get(&server, 0, 0, &r, &err)), "%s", err.text);
    cr_expect(zero(int, post(&server, "fourth", &r, &err)), "%s", err.text);
    http_destroy(&client);
    server_stop(&server);
    cr_expect(eq(int, server.received, 4));
}

Test(http, neither_is_one_without_a_body_sent_twice)
{
    struct server server;
    struct http_response r = {0};
    struct err err = {0};

    server_start(&server, (const char *const[]){OK, "", OK, OK, STOP});
    cr_expect(zero(int, post(&server, "first", &r, &err)));
    cr_expect(eq(int, post(&server, "", &r, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNCERTAIN), "%s", err.text);
    http_destroy(&client);
    server_stop(&server);
    cr_expect(eq(int, server.received, 2));
}

Test(http, a_large_body_on_a_kept_connection_is_sent_once)
{
    struct server server;
    struct http_response r = {0};
    struct err err = {0};
    char body[3000];

    memset(body, 'x', sizeof body);
    body[sizeof body - 1] = '\0';
    server_start(&server, (const char *const[]){OK, "", OK, STOP});
    cr_expect(zero(int, post(&server, "first", &r, &err)));
    cr_expect(eq(int, post(&server, body, &r, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNCERTAIN), "%s", err.text);
    server_stop(&server);
    cr_expect(eq(int, server.received, 2));
}

Test(http, nobody_listening_is_unavailable)
{
    struct server server;
    struct http_response r = {.status = 7};
    struct err err = {0};

    server_start(&server, (const char *const[]){STOP});
    server_stop(&server);
    cr_expect(eq(int, post(&server, "x", &r, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE), "%s", err.text);
    cr_expect(eq(int, r.status, 7), "the response is untouched");
}

Test(http, a_failed_tls_handshake_is_unavailable)
{
    struct server server;
    struct http_response r;
    struct err err = {0};

    server_start(&server, (const char *const[]){STOP});
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", server.port);
    cr_expect(
        eq(int,
           http_do(client, &(struct http_request){.method = "GET", .url = url, .timeout_ms = 300}, arena, &r, &err),
           -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE), "%s", err.text);
    server_stop(&server);
    cr_expect(eq(int, server.received, 0));
}

Test(http, silence_after_the_request_is_uncertain)
{
    struct server server;
    struct http_response r;
    struct err err = {0};

    server_start(&server, (const char *const[]){NULL, STOP});
    cr_expect(eq(int, get(&server, 0, 200, &r, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNCERTAIN), "%s", err.text);
    server_stop(&server);
}

Test(http, an_answer_that_breaks_off_is_uncertain)
{
    struct server server;
    struct http_response r;
    struct err err = {0};

    server_start(&server,
                 (const char *const[]){"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 50\r\n\r\nonly this",
                                       STOP});
    cr_expect(eq(int, post(&server, "x", &r, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNCERTAIN), "%s", err.text);
    server_stop(&server);
}

Test(http, an_answer_over_the_limit_is_uncertain_and_at_the_limit_is_fine)
{
    struct server server;
    struct http_response r = {0};
    struct err err = {0};

    server_start(&server, (const char *const[]){OK, OK, STOP});
    cr_expect(zero(int, get(&server, 5, 0, &r, &err)), "%s", err.text);
    cr_expect(eq(int, get(&server, 4, 0, &r, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNCERTAIN));
    server_stop(&server);
}

Test(http, what_the_provider_says_about_trying_again_is_read)
{
    struct server server;
    struct http_response r = {0};

    server_start(&server, (const char *const[]){
                              "HTTP/1.1 100 Continue\r\nRetry-After: 3\r\n\r\n"
                              "HTTP/1.1 529 Overloaded\r\nRetry-After:  7 \r\nx-should-retry: true\r\n"
                              "Request-Id: req_12\r\nContent-Length: 0\r\n\r\n",
                              "HTTP/1.1 429 Slow\r\nretry-after-ms: 1200\r\nX-Should-Retry: false\r\n"
                              "Twilio-Request-Id: RQ1\r\nContent-Length: 0\r\n\r\n",
                              "HTTP/1.1 503 No\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\nContent-Length: 0\r\n"
                              "\r\n",
                              "HTTP/1.1 503 No\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", STOP});
    cr_assert(zero(int, get(&server, 0, 0, &r, NULL)));
    cr_expect(eq(int, r.status, 529));
    cr_expect(eq(int, r.retry_after_s, 7));
    cr_expect(eq(int, r.should_retry, 1));
    cr_expect(eq(str, (char *)r.request_id, "req_12"));
    cr_assert(zero(int, get(&server, 0, 0, &r, NULL)));
    cr_expect(eq(int, r.retry_after_s, 2), "rounded up");
    cr_expect(eq(int, r.should_retry, 0));
    cr_expect(eq(str, (char *)r.request_id, "RQ1"));
    cr_assert(zero(int, get(&server, 0, 0, &r, NULL)));
    cr_expect(eq(int, r.retry_after_s, 0), "a date that is over");
    cr_assert(zero(int, get(&server, 0, 0, &r, NULL)));
    cr_expect(eq(int, r.retry_after_s, 0));
    http_destroy(&client);
    server_stop(&server);
}

Test(http, a_redirect_is_an_answer_and_not_followed)
{
    struct server server;
    struct http_response r = {0};

    server_start(&server,
                 (const char *const[]){
                     "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", STOP});
    cr_assert(zero(int, get(&server, 0, 0, &r, NULL)));
    cr_expect(eq(int, r.status, 302));
    http_destroy(&client);
    server_stop(&server);
}

Test(http, headers_and_credentials_are_sent)
{
    struct server server;
    struct http_response r = {0};

    server_start(&server, (const char *const[]){OK, STOP});
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x?a=b%%20c", server.port);
    cr_assert(zero(int, http_do(client,
                                &(struct http_request){.method = "PATCH",
                                                       .url = url,
                                                       .content_type = "application/json",
                                                       .body = "{}",
                                                       .body_len = 2,
                                                       .basic_user = "AC1",
                                                       .basic_password = "secret",
                                                       .headers = (const char *const[]){"X-One: 1", NULL}},
                                arena, &r, NULL)));
    http_destroy(&client);
    server_stop(&server);
    cr_expect(strstr(server.last, "PATCH /x?a=b%20c HTTP/1.1\r\n") == server.last, "%s", server.last);
    cr_expect(strstr(server.last, "\r\nX-One: 1\r\n") != NULL);
    cr_expect(strstr(server.last, "\r\nAuthorization: Basic QUMxOnNlY3JldA==\r\n") != NULL);
}

Test(http, what_cannot_be_sent_is_invalid)
{
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "http://127.0.0.1:1/\r\nX: y", "::"};
    struct http_response r;
    struct err err;

    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        err = (struct err){0};
        cr_expect(
            eq(int, http_do(client, &(struct http_request){.method = "GET", .url = urls[i]}, arena, &r, &err), -1));
        cr_expect(eq(int, err.kind, ERR_INVALID), "%s: %s", urls[i], err.text);
    }
    err = (struct err){0};
    cr_expect(eq(int,
                 http_do(client,
                         &(struct http_request){.method = "GET",
                                                .url = "http://127.0.0.1:1/",
                                                .headers = (const char *const[]){"X: y\r\nZ: 1", NULL}},
                         arena, &r, &err),
                 -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
}
