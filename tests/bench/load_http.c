/* load_http.c - posts JSON bodies over connections that are kept open, each asking again as soon as it is answered, and
 * prints as JSON how fast that went.
 *
 * usage: leadwire-bench-load PORT PATH KEY BODIES CONNECTIONS SECONDS
 *
 * BODIES is a file with one body a line; they are posted in turn, by all connections together. SECONDS 0: each body
 * once. Python would need as much of the machine as what is measured. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define ANSWER_MAX      ((size_t)4 * 1024 * 1024)
#define SILENCE_MS      30000

struct connection {
    int fd;
    char *answer;
    size_t have;
    double asked_at;
};

static struct {
    int port;
    const char *path, *key;
    double seconds;
    char **requests; /* head and body of each */
    size_t *lengths, n_requests, next;
    double *ms; /* of each answer */
    size_t n_ms, room;
    size_t errors;
    char first_error[200];
} load;

__attribute__((noreturn, format(printf, 1, 2))) static void give_up(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fputs("leadwire-bench-load: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static void *must(void *p)
{
    if (!p)
        give_up("out of memory");
    return p;
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void read_bodies(const char *file)
{
    FILE *in = fopen(file, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    if (!in)
        give_up("%s: %s", file, strerror(errno));
    while ((len = getline(&line, &size, in)) > 0) {
        char *request;
        int n;

        if (line[len - 1] == '\n')
            line[--len] = '\0';
        n = asprintf(&request,
                     "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zd\r\n\r\n%s",
                     load.path, load.port, load.key, len, line);
        if (n < 0)
            give_up("out of memory");
        load.requests = must(realloc(load.requests, (load.n_requests + 1) * sizeof *load.requests));
        load.lengths = must(realloc(load.lengths, (load.n_requests + 1) * sizeof *load.lengths));
        load.lengths[load.n_requests] = (size_t)n;
        load.requests[load.n_requests++] = request;
    }
    free(line);
    fclose(in);
    if (!load.n_requests)
        give_up("%s holds no bodies", file);
}

static int open_connection(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        give_up("port %d: %s", load.port, strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* Small enough for the socket's buffer: it does not block. */
static void ask(struct connection *c)
{
    size_t i = load.next++ % load.n_requests;

    c->have = 0;
    c->asked_at = now();
    if (send(c->fd, load.requests[i], load.lengths[i], MSG_NOSIGNAL) != (ssize_t)load.lengths[i])
        give_up("send: %s", strerror(errno));
}

/* The length of the whole answer, 0 as long as it is not known. */
static size_t answer_length(const struct connection *c)
{
    const char *head_end = memmem(c->answer, c->have, "\r\n\r\n", 4), *header;

    if (!head_end)
        return 0;
    header = strcasestr(c->answer, "\r\nContent-Length:");
    if (!header || header > head_end)
        give_up("an answer without Content-Length: %.300s", c->answer);
    return (size_t)(head_end + 4 - c->answer) + strtoul(header + 17, NULL, 10);
}

static void count(const struct connection *c)
{
    const char *body;

    if (load.n_ms == load.room) {
        load.room = load.room ? load.room * 2 : 65536;
        load.ms = must(realloc(load.ms, load.room * sizeof *load.ms));
    }
    load.ms[load.n_ms++] = (now() - c->asked_at) * 1000;
    if (strncmp(c->answer, "HTTP/1.1 200", 12) == 0)
        return;
    if (load.errors++ == 0) {
        body = strstr(c->answer, "\r\n\r\n");
        snprintf(load.first_error, sizeof load.first_error, "%.12s: %.150s", c->answer, body ? body + 4 : "");
    }
}

/* Whether the answer is complete. */
static bool receive(struct connection *c)
{
    ssize_t n = recv(c->fd, c->answer + c->have, ANSWER_MAX - c->have, 0);
    size_t length;

    if (n <= 0)
        give_up("the connection was closed: %s", n < 0 ? strerror(errno) : "by the server");
    c->have += (size_t)n;
    c->answer[c->have] = '\0';
    length = answer_length(c);
    if (length >= ANSWER_MAX)
        give_up("an answer of %zu bytes", length);
    if (!length || c->have < length)
        return false;
    count(c);
    return true;
}

static bool is_over(double begin)
{
    return load.seconds > 0 ? now() - begin >= load.seconds : load.next >= load.n_requests;
}

/* Returns how long it took, in seconds. */
static double run(struct connection *connections, size_t n)
{
    struct pollfd fds[CONNECTIONS_MAX];
    double begin = now();
    size_t busy = 0;

    for (size_t i = 0; i < n; i++) {
        fds[i] = (struct pollfd){.fd = connections[i].fd, .events = POLLIN};
        if (load.seconds > 0 || load.next < load.n_requests) {
            ask(&connections[i]);
            busy++;
        }
    }
    while (busy) {
        if (poll(fds, n, SILENCE_MS) <= 0)
            give_up("no answer within %d s", SILENCE_MS / 1000);
        for (size_t i = 0; i < n; i++) {
            if (!fds[i].revents || !receive(&connections[i]))
                continue;
            if (is_over(begin))
                busy--;
            else
                ask(&connections[i]);
        }
    }
    return now() - begin;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double percentile(double p)
{
    size_t i = (size_t)((double)load.n_ms * p / 100);

    return load.ms[i < load.n_ms ? i : load.n_ms - 1];
}

static void print_text(const char *text)
{
    putchar('"');
    for (const char *p = text; *p; p++)
        if (*p == '"' || *p == '\\')
            printf("\\%c", *p);
        else if ((unsigned char)*p >= 0x20)
            putchar(*p);
    putchar('"');
}

int main(int argc, char **argv)
{
    struct connection connections[CONNECTIONS_MAX];
    double took;
    int n;

    if (argc != 7)
        give_up("usage: leadwire-bench-load PORT PATH KEY BODIES CONNECTIONS SECONDS");
    load.port = atoi(argv[1]);
    load.path = argv[2];
    load.key = argv[3];
    n = atoi(argv[5]);
    load.seconds = atof(argv[6]);
    if (n < 1 || n > CONNECTIONS_MAX)
        give_up("1 to %d connections", CONNECTIONS_MAX);
    read_bodies(argv[4]);
    for (int i = 0; i < n; i++)
        connections[i] = (struct connection){.fd = open_connection(), .answer = must(malloc(ANSWER_MAX + 1))};
    took = run(connections, (size_t)n);
    qsort(load.ms, load.n_ms, sizeof *load.ms, compare);
    printf("{\"requests\":%zu,\"errors\":%zu,\"first_error\":", load.n_ms, load.errors);
    print_text(load.first_error);
    printf(",\"seconds\":%.3f,\"rate\":%.1f,\"p50_ms\":%.3f,\"p95_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n", took,
           (double)load.n_ms / took, percentile(50), percentile(95), percentile(99), percentile(100));
    return 0;
}
