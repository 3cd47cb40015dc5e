/* test_httpd.c - libshared/httpd over real sockets. */
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
#include "libshared/httpd.h"

static struct httpd *server;

/* What the handler was given and does with it. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t came;
    struct exchange *held[64];
    int n_held;
} hand = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

/* /hold keeps the exchange, /cut cuts it, all else is answered with what was seen. */
static void handle(void *arg, struct exchange *x)
{
    char text[2048];
    const char *seen = exchange_header(x, "x-seen");

    (void)arg;
    if (strcmp(exchange_path(x), "/hold") == 0) {
        pthread_mutex_lock(&hand.lock);
        hand.held[hand.n_held++] = x;
        pthread_cond_signal(&hand.came);
        pthread_mutex_unlock(&hand.lock);
        return;
    }
    if (strcmp(exchange_path(x), "/cut") == 0) {
        exchange_cut(x);
        return;
    }
    snprintf(text, sizeof text, "%s|%s|%s|%s|%s|%zu|%.200s|%s", exchange_method(x), exchange_path(x),
             exchange_target(x), exchange_query(x), exchange_remote(x), exchange_body_len(x), exchange_body(x),
             seen ? seen : "-");
    exchange_reply(x, 200, "text/plain", text, strlen(text), (const char *const[]){"X-One: 1", NULL});
}

/* /large takes 200,000 bytes, /unwanted forgets its body. */
static void large_takes_more(void *arg, struct exchange *x, struct httpd_terms *terms)
{
    (void)arg;
    if (strcmp(exchange_path(x), "/unwanted") == 0) {
        exchange_hold(x);
        exchange_forget_body(x);
        exchange_release(x);
    }
    if (strcmp(exchange_path(x), "/large") != 0)
        return;
    terms->max_body = 200000;
    terms->max_body_name = "LARGE_MAX";
}

static const char *problem(int status, const char *detail, const char *request_id, char *out, size_t size)
{
    snprintf(out, size, "{\"status\":%d,\"detail\":\"%s\",\"id\":\"%s\"}", status, detail, request_id);
    return "application/problem+json";
}

static struct exchange *held(int n)
{
    struct exchange *x;

    pthread_mutex_lock(&hand.lock);
    while (hand.n_held < n)
        pthread_cond_wait(&hand.came, &hand.lock);
    x = hand.held[n - 1];
    pthread_mutex_unlock(&hand.lock);
    return x;
}

static void start(struct httpd_options options)
{
    struct err err = {0};

    options.bind_address = options.bind_address ? options.bind_address : "127.0.0.1";
    options.threads = options.threads ? options.threads : 1;
    options.max_body = 1000;
    options.max_connections = options.max_connections ? options.max_connections : 100;
    options.handler = handle;
    options.terms = large_takes_more;
    options.problem = problem;
    server = httpd_new(&options, &err);
    cr_assert(server != NULL, "%s", err.text);
}

static void stop(void)
{
    httpd_destroy(&server);
}

TestSuite(httpd, .fini = stop, .timeout = 30);

static int dial(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(httpd_port(server))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert(zero(int, connect(fd, (struct sockaddr *)&address, sizeof address)));
    return fd;
}

static void say(int fd, const char *text)
{
    cr_assert(eq(sz, (size_t)send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text)));
}

/* Reads one answer (head and body by Content-Length), or what comes until the end. "" when closed at once. */
static const char *hear(int fd)
{
    static char text[65536];
    size_t len = 0;
    char *end, *length;

    text[0] = '\0';
    while (len < sizeof text - 1) {
        ssize_t n = read(fd, text + len, sizeof text - 1 - len);

        if (n <= 0)
            break;
        len += (size_t)n;
        text[len] = '\0';
        if (!(end = strstr(text, "\r\n\r\n")))
            continue;
        length = strcasestr(text, "content-length:");
        if (length && len >= (size_t)(end + 4 - text) + strtoul(length + 15, NULL, 10))
            break;
    }
    return text;
}

static bool closed(int fd)
{
    char c;

    return read(fd, &c, 1) <= 0;
}

static const char *ask(const char *request)
{
    int fd = dial();
    const char *answer;

    say(fd, request);
    answer = hear(fd);
    close(fd);
    return answer;
}

#define HOST "Host: x\r\n"

Test(httpd, a_request_is_shown_whole)
{
    const char *answer;

    start((struct httpd_options){0});
    answer = ask("POST /a%20b/%C3%A9?q=%31&r HTTP/1.1\r\n" HOST "X-Seen: yes\r\nContent-Length: 5\r\n\r\nhello");
    cr_expect(strstr(answer, "HTTP/1.1 200 ") == answer, "%s", answer);
    cr_expect(strstr(answer, "\r\nX-One: 1\r\n") != NULL);
    cr_expect(strstr(answer, "\r\n\r\nPOST|/a b/\xC3\xA9|/a%20b/%C3%A9?q=%31&r|q=%31&r|127.0.0.1|5|hello|yes") != NULL,
              "%s", answer);
}

Test(httpd, a_body_in_chunks_is_put_together)
{
    const char *answer;

    start((struct httpd_options){0});
    answer = ask("POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    cr_expect(strstr(answer, "|5|abcde|-") != NULL, "%s", answer);
}

Test(httpd, one_connection_serves_many_requests)
{
    int fd;

    start((struct httpd_options){0});
    fd = dial();
    for (int i = 0; i < 3; i++) {
        say(fd, "GET /again HTTP/1.1\r\n" HOST "\r\n");
        cr_expect(strstr(hear(fd), "GET|/again|") != NULL);
    }
    close(fd);
}

Test(httpd, a_head_is_answered_without_a_body)
{
    int fd;
    char text[4096];
    size_t len = 0;
    ssize_t n;

    start((struct httpd_options){0});
    fd = dial();
    say(fd, "HEAD /h HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    while ((n = read(fd, text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    cr_expect(strstr(text, "HTTP/1.1 200 ") == text, "%s", text);
    cr_expect(len > 4 && strcmp(text + len - 4, "\r\n\r\n") == 0, "%s", text);
    close(fd);
}

Test(httpd, an_address_that_is_not_one_is_refused)
{
    static const char *const targets[] = {"/%zz", "/%4", "/%00", "/a%0Ab", "/%FF", "x"};
    char request[256];
    const char *answer;

    start((struct httpd_options){0});
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "\r\n", targets[i]);
        answer = ask(request);
        cr_expect(strstr(answer, "HTTP/1.1 400 ") == answer, "%s: %s", targets[i], answer);
        cr_expect(strstr(answer, "application/problem+json") != NULL);
        cr_expect(strstr(answer, "\"status\":400") != NULL);
    }
}

Test(httpd, a_length_told_twice_is_refused)
{
    const char *answer;

    start((struct httpd_options){0});
    answer = ask("POST /x HTTP/1.1\r\n" HOST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    cr_expect(strstr(answer, "HTTP/1.1 400 ") == answer, "%s", answer);
    answer = ask("POST /x HTTP/1.1\r\n" HOST "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd");
    cr_expect(strstr(answer, "HTTP/1.1 400 ") == answer, "%s", answer);
}

Test(httpd, a_body_that_is_announced_too_large_is_refused_before_it_is_read)
{
    const char *answer;

    start((struct httpd_options){0});
    answer = ask("POST /x HTTP/1.1\r\n" HOST "Content-Length: 40000000\r\n\r\n");
    cr_expect(strstr(answer, "HTTP/1.1 413 ") == answer, "%s", answer);
    answer = ask("POST /x HTTP/1.1\r\n" HOST "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
    cr_expect(strstr(answer, "HTTP/1.1 413 ") == answer, "%s", answer);
    cr_expect(strstr(answer, "\"status\":413") != NULL);
}

Test(httpd, a_body_that_grows_too_large_is_refused)
{
    char request[4096];
    const char *answer;
    int n;

    start((struct httpd_options){0});
    n = snprintf(request, sizeof request, "POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3E9\r\n");
    memset(request + n, 'x', 1001);
    memcpy(request + n + 1001, "\r\n0\r\n\r\n", 8);
    answer = ask(request);
    cr_expect(strstr(answer, "HTTP/1.1 413 ") == answer, "%s", answer);

    n = snprintf(request, sizeof request, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n");
    memset(request + n, 'x', 1000);
    request[n + 1000] = '\0';
    cr_expect(strstr(ask(request), "|1000|xxx") != NULL);
}

/* The head of a request for /large, and n bytes of its body. */
static int post_large(const char *header, size_t n)
{
    static char body[300000];
    char head[256];
    int fd = dial();

    memset(body, 'x', sizeof body - 1);
    snprintf(head, sizeof head, "POST /large HTTP/1.1\r\n" HOST "%s\r\n\r\n", header);
    say(fd, head);
    body[n] = '\0';
    say(fd, body);
    return fd;
}

/* What a client is told that asks before it writes. */
static bool may_send(int n)
{
    char request[256], answer[64] = "";
    int fd = dial();

    snprintf(request, sizeof request,
             "POST /large HTTP/1.1\r\n" HOST "Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", n);
    say(fd, request);
    cr_assert(read(fd, answer, sizeof answer - 1) > 12);
    close(fd);
    return strncmp(answer, "HTTP/1.1 100 ", 13) == 0;
}

Test(httpd, an_address_may_take_larger_bodies_than_the_others)
{
    const char *answer;
    int fd;

    start((struct httpd_options){0});
    fd = post_large("Content-Length: 200000", 200000);
    answer = hear(fd);
    cr_expect(strstr(answer, "|200000|xxx") != NULL, "%.300s", answer);
    close(fd);
    fd = post_large("Content-Length: 200001", 200001);
    answer = hear(fd);
    cr_expect(strstr(answer, "HTTP/1.1 413 ") == answer, "%.300s", answer);
    cr_expect(strstr(answer, "200000 bytes") && strstr(answer, "LARGE_MAX"), "the limit is named: %.300s", answer);
    close(fd);
    answer = ask("POST /large HTTP/1.1\r\n" HOST "Content-Length: 200001\r\nExpect: 100-continue\r\n\r\n");
    cr_expect(strstr(answer, "HTTP/1.1 413 ") == answer, "%.300s", answer);
    answer = ask("POST /x HTTP/1.1\r\n" HOST "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
    cr_expect(strstr(answer, "HTTP/1.1 413 ") == answer, "%.300s", answer);
    cr_expect(strstr(answer, "1000 bytes") != NULL, "%.300s", answer);
}

Test(httpd, large_bodies_together_have_a_bound_and_leave_room_when_they_end)
{
    const char *answer;
    int first, second;

    start((struct httpd_options){.max_held = 250000});
    first = post_large("Content-Length: 150001", 150000); /* one byte is missing: it stays */
    while (may_send(150000))                              /* until the first one is held */
        ;
    second = post_large("Content-Length: 150000", 150000);
    answer = hear(second);
    close(second);
    cr_expect(strstr(answer, "HTTP/1.1 503 ") == answer, "%.300s", answer);
    cr_expect(strstr(answer, "\r\nRetry-After: 1\r\n") != NULL, "%.300s", answer);
    cr_expect(strstr(ask("POST /x HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi"), "|2|hi") != NULL,
              "small ones are never held up");
    say(first, "x");
    cr_expect(strstr(hear(first), "|150001|xxx") != NULL);
    close(first);
    while (!may_send(200000)) /* its room is free shortly after its answer */
        ;
    second = post_large("Content-Length: 200000", 200000);
    cr_expect(strstr(hear(second), "|200000|xxx") != NULL);
    close(second);
}

Test(httpd, a_body_that_is_not_wanted_is_not_kept_and_the_handler_answers)
{
    const char *answer;

    start((struct httpd_options){0});
    answer = ask("POST /unwanted HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
    cr_expect(strstr(answer, "POST|/unwanted|/unwanted||127.0.0.1|0||") != NULL, "%s", answer);
    answer = ask("POST /unwanted HTTP/1.1\r\n" HOST "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
    cr_expect(strstr(answer, "HTTP/1.1 413 ") == answer, "%s", answer);
}

Test(httpd, what_the_server_answers_itself_names_the_request)
{
    const char *answer;

    start((struct httpd_options){0});
    answer = ask("POST /x HTTP/1.1\r\n" HOST "X-Request-Id: my-own.1\r\nContent-Length: 40000000\r\n\r\n");
    cr_expect(strstr(answer, "\r\nX-Request-Id: my-own.1\r\n") != NULL, "%s", answer);
    cr_expect(strstr(answer, "\"id\":\"my-own.1\"") != NULL, "%s", answer);
    answer = ask("POST /x HTTP/1.1\r\n" HOST "X-Request-Id: a b\r\nContent-Length: 40000000\r\n\r\n");
    cr_expect(strstr(answer, "\r\nX-Request-Id: ") != NULL, "%s", answer);
    cr_expect(strstr(answer, "a b") == NULL, "one that is not valid is replaced");
    answer = ask("GET /%zz HTTP/1.1\r\n" HOST "\r\n");
    cr_expect(strstr(answer, "\r\nX-Request-Id: ") != NULL, "%s", answer);
}

Test(httpd, another_thread_may_answer)
{
    int fd;

    start((struct httpd_options){.threads = 2});
    fd = dial();
    for (int i = 1; i <= 3; i++) {
        say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
        exchange_reply(held(i), 202, "text/plain", "later", 5, NULL);
        cr_expect(strstr(hear(fd), "HTTP/1.1 202 ") != NULL);
    }
    close(fd);
}

Test(httpd, many_wait_and_are_answered_by_another_thread_under_load)
{
    int fds[50];

    start((struct httpd_options){.threads = 2});
    for (int i = 0; i < 50; i++) {
        fds[i] = dial();
        say(fds[i], "GET /hold HTTP/1.1\r\n" HOST "\r\n");
        if (i % 2)
            close(fds[i]); /* gone before its answer */
    }
    for (int i = 1; i <= 50; i++)
        exchange_reply(held(i), 200, "text/plain", "ok", 2, NULL);
    for (int i = 0; i < 50; i += 2) {
        cr_expect(strstr(hear(fds[i]), "\r\n\r\nok") != NULL);
        close(fds[i]);
    }
}

Test(httpd, a_client_that_leaves_while_it_waits_does_no_harm)
{
    int fd;

    start((struct httpd_options){0});
    fd = dial();
    say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    held(1);
    close(fd);
    exchange_reply(held(1), 200, NULL, NULL, 0, NULL);
    cr_expect(strstr(ask("GET /fine HTTP/1.1\r\n" HOST "\r\n"), "GET|/fine") != NULL);
}

Test(httpd, a_cut_exchange_gets_no_answer)
{
    int fd;

    start((struct httpd_options){0});
    cr_expect(eq(str, (char *)ask("GET /cut HTTP/1.1\r\n" HOST "\r\n"), ""));
    fd = dial();
    say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    exchange_cut(held(1));
    cr_expect(eq(str, (char *)hear(fd), ""));
    close(fd);
}

Test(httpd, what_nobody_answers_is_answered_503_and_a_late_answer_is_harmless)
{
    const char *answer;

    start((struct httpd_options){.answer_timeout_ms = 50});
    answer = ask("GET /hold HTTP/1.1\r\n" HOST "\r\n");
    cr_expect(strstr(answer, "HTTP/1.1 503 ") == answer, "%s", answer);
    cr_expect(strstr(answer, "\r\nRetry-After: 1\r\n") != NULL);
    cr_expect(eq(str, (char *)exchange_path(held(1)), "/hold"), "what it shows is still there");
    exchange_reply(held(1), 200, NULL, "late", 4, NULL);
}

Test(httpd, a_request_that_drips_in_is_cut)
{
    int fd;

    start((struct httpd_options){.request_timeout_ms = 300});
    fd = dial();
    say(fd, "GET /slow HTTP/1.1\r\nHo");
    for (;;) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};

        if (poll(&readable, 1, 50) > 0)
            break;
        if (send(fd, "o", 1, MSG_NOSIGNAL) < 0)
            break;
    }
    cr_expect(closed(fd));
    close(fd);
}

Test(httpd, beyond_four_fifths_of_the_connections_it_is_busy)
{
    int fds[9];
    const char *answer = "";

    start((struct httpd_options){.max_connections = 10});
    for (int i = 0; i < 9; i++) {
        fds[i] = dial();
        say(fds[i], "GET /x HTTP/1.1\r\n" HOST "\r\n");
        answer = hear(fds[i]);
        cr_expect(strstr(answer, i < 8 ? "HTTP/1.1 200 " : "HTTP/1.1 503 ") == answer, "%d: %s", i, answer);
    }
    cr_expect(strstr(answer, "\r\nRetry-After: 1\r\n") != NULL);
    for (int i = 0; i < 9; i++)
        close(fds[i]);
}

static void *destroy(void *arg)
{
    httpd_destroy(arg);
    return NULL;
}

Test(httpd, destroying_answers_what_waits_and_later_answers_are_harmless)
{
    pthread_t destroyer;
    const char *answer;
    int fd, idle;

    start((struct httpd_options){.threads = 2});
    idle = dial();
    fd = dial();
    say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    held(1);
    cr_assert(zero(int, pthread_create(&destroyer, NULL, destroy, &server)));
    answer = hear(fd);
    cr_expect(strstr(answer, "HTTP/1.1 503 ") == answer, "%s", answer);
    pthread_join(destroyer, NULL);
    exchange_reply(held(1), 200, NULL, NULL, 0, NULL);
    close(fd);
    close(idle);
}

Test(httpd, a_taken_port_and_a_name_are_told)
{
    struct httpd_options options = {.bind_address = "127.0.0.1",
                                    .threads = 1,
                                    .max_connections = 10,
                                    .handler = handle};
    struct err err = {0};

    start((struct httpd_options){0});
    options.port = httpd_port(server);
    cr_expect(zero(ptr, httpd_new(&options, &err)));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE), "%s", err.text);
    options.bind_address = "localhost";
    cr_expect(zero(ptr, httpd_new(&options, &err)));
    cr_expect(eq(int, err.kind, ERR_INVALID), "%s", err.text);
}

Test(httpd, it_speaks_ipv6_too)
{
    struct arena *arena = arena_new(1 << 20);
    struct http *client;
    struct http_response r = {0};
    struct err err = {0};
    char url[64];

    start((struct httpd_options){.bind_address = "::1"});
    http_global_init(NULL);
    client = http_new(NULL);
    snprintf(url, sizeof url, "http://[::1]:%d/six", httpd_port(server));
    cr_expect(zero(int, http_do(client, &(struct http_request){.method = "GET", .url = url}, arena, &r, &err)), "%s",
              err.text);
    cr_expect(r.body && strstr(r.body, "|::1|"), "%s", r.body);
    http_destroy(&client);
    arena_destroy(&arena);
}
