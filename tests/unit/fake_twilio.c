/* fake_twilio.c - see fake_twilio.h. One request a connection, one connection at a time. */
#include "tests/unit/fake_twilio.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Reads headers and as much of a body as Content-Length says. */
static void read_request(int fd, char *request, size_t size)
{
    size_t len = 0, want = 0;

    request[0] = '\0';
    while (len + 1 < size && (want == 0 || len < want)) {
        ssize_t n = read(fd, request + len, size - 1 - len);
        char *end, *length;

        if (n <= 0)
            return;
        len += (size_t)n;
        request[len] = '\0';
        if (!want && (end = strstr(request, "\r\n\r\n"))) {
            length = strcasestr(request, "\r\nContent-Length:");
            want = (size_t)(end + 4 - request) + (length ? (size_t)strtoul(length + 17, NULL, 10) : 0);
        }
    }
}

static void *serve(void *arg)
{
    struct fake_twilio *self = arg;

    for (;;) {
        char request[4096], head[256];
        int fd = accept(self->listener, NULL, NULL), status = 0;
        char body[2048] = "";

        if (fd < 0 || self->ending) {
            if (fd >= 0)
                close(fd);
            return NULL;
        }
        read_request(fd, request, sizeof request);
        pthread_mutex_lock(&self->lock);
        memcpy(self->last, request, sizeof request);
        self->n_posts += strncmp(request, "POST ", 5) == 0;
        self->n_gets += strncmp(request, "GET ", 4) == 0;
        if (self->next < self->n_answers) {
            status = self->answers[self->next].status;
            memcpy(body, self->answers[self->next++].body, sizeof body);
        }
        pthread_mutex_unlock(&self->lock);
        if (self->on_request)
            self->on_request(self->on_request_arg);
        if (status) {
            int len = snprintf(head, sizeof head,
                               "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                               "Connection: close\r\nRetry-After: 3\r\n\r\n",
                               status, strlen(body));

            if (write(fd, head, (size_t)len) < 0 || write(fd, body, strlen(body)) < 0)
                perror("fake twilio");
        }
        close(fd);
    }
}

void fake_twilio_start(struct fake_twilio *self)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    *self = (struct fake_twilio){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    pthread_mutex_init(&self->lock, NULL);
    cr_assert(bind(self->listener, (struct sockaddr *)&address, len) == 0 && listen(self->listener, 8) == 0 &&
              getsockname(self->listener, (struct sockaddr *)&address, &len) == 0);
    snprintf(self->url, sizeof self->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    cr_assert(pthread_create(&self->thread, NULL, serve, self) == 0);
}

void fake_twilio_stop(struct fake_twilio *self)
{
    self->ending = true;
    shutdown(self->listener, SHUT_RDWR);
    pthread_join(self->thread, NULL);
    close(self->listener);
    pthread_mutex_destroy(&self->lock);
}

void fake_twilio_answer(struct fake_twilio *self, int status, const char *fmt, ...)
{
    va_list args;

    pthread_mutex_lock(&self->lock);
    cr_assert(self->n_answers < FAKE_ANSWERS_MAX);
    self->answers[self->n_answers].status = status;
    va_start(args, fmt);
    vsnprintf(self->answers[self->n_answers++].body, sizeof self->answers[0].body, fmt, args);
    va_end(args);
    pthread_mutex_unlock(&self->lock);
}
