/* httpd_exchange.c - what an exchange shows, and its answer. See httpd.h and the top of httpd.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libshared/clock.h"
#include "libshared/httpd_internal.h"
#include "libshared/text.h"
#include "libshared/uuid.h"

#define ANSWER_WRITE_MS 60000 /* for a client that reads slowly */
#define DETAIL_SIZE     1024

/* ---- lives ---- */

void httpd_release(struct httpd *self)
{
    bool last;

    pthread_mutex_lock(&self->lock);
    last = --self->holders == 0;
    pthread_mutex_unlock(&self->lock);
    if (!last)
        return;
    pthread_cond_destroy(&self->wake);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

void exchange_release(struct exchange *x)
{
    struct httpd *httpd = x->httpd;
    bool last;

    pthread_mutex_lock(&httpd->lock);
    last = --x->holders == 0;
    if (last)
        httpd->held -= x->body_held;
    pthread_mutex_unlock(&httpd->lock);
    if (!last)
        return;
    if (x->response)
        MHD_destroy_response(x->response);
    free(x->headers);
    buf_free(&x->body);
    free(x);
    httpd_release(httpd);
}

void exchange_hold(struct exchange *x)
{
    pthread_mutex_lock(&x->httpd->lock);
    x->holders++;
    pthread_mutex_unlock(&x->httpd->lock);
}

struct exchange *exchange_new(struct httpd *self, const char *target, struct connection *connection)
{
    size_t size = strlen(target) + 1;
    struct exchange *x = calloc(1, sizeof *x + 2 * size);

    if (!x)
        return NULL;
    x->target = memcpy(x->texts, target, size);
    x->path = x->texts + size;
    x->httpd = self;
    x->holders = 1;
    x->born_us = clock_mono_us();
    x->connection = connection;
    pthread_mutex_lock(&self->lock);
    self->holders++;
    pthread_mutex_unlock(&self->lock);
    return x;
}

/* ---- taking the head in ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The path of a target, decoded into path, which has as much room. False if it is not "/..." of valid UTF-8 without
 * control bytes. */
static bool decode_path(const char *target, char *path)
{
    size_t len = strcspn(target, "?"), n = 0;

    if (target[0] != '/')
        return false;
    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)target[i];

        if (c == '%') {
            int high = i + 2 < len ? hex_digit(target[i + 1]) : -1, low = i + 2 < len ? hex_digit(target[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = high * 16 + low;
            i += 2;
        }
        if (c < 0x20 || c == 0x7f)
            return false;
        path[n++] = (char)c;
    }
    path[n] = '\0';
    return utf8_valid(path, n);
}

/* What the header lines take as strings. */
static enum MHD_Result add_size(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    size_t *size = arg;

    (void)kind;
    *size += strlen(name) + 1 + (value ? strlen(value) : 0) + 1;
    return MHD_YES;
}

static char *put(char **end, const char *text)
{
    char *start = *end;

    *end = stpcpy(start, text) + 1;
    return start;
}

struct copying {
    struct exchange *x;
    char *end; /* of what is copied so far */
};

static enum MHD_Result copy_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct copying *self = arg;
    struct header *header = &self->x->headers[self->x->n_headers++];

    (void)kind;
    header->name = put(&self->end, name);
    header->value = put(&self->end, value ? value : "");
    return MHD_YES;
}

/* The method and all header lines, in one piece of memory. */
static bool copy_head(struct exchange *x, struct MHD_Connection *mhd, const char *method)
{
    size_t size = strlen(method) + 1;
    int n = MHD_get_connection_values(mhd, MHD_HEADER_KIND, add_size, &size);
    struct copying copying = {.x = x};

    if (n < 0 || !(x->headers = malloc((size_t)n * sizeof *x->headers + size)))
        return false;
    copying.end = (char *)(x->headers + n);
    x->method = put(&copying.end, method);
    return MHD_get_connection_values(mhd, MHD_HEADER_KIND, copy_header, &copying) == n;
}

/* What X-Request-Id says, if it can stand in a header and a log. */
static bool id_valid(const char *id)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(id);

    return len >= 1 && len < REQUEST_ID_SIZE && strspn(id, allowed) == len;
}

static void take_id(struct exchange *x)
{
    const char *given = exchange_header(x, "X-Request-Id");

    if (given && id_valid(given))
        snprintf(x->id, sizeof x->id, "%s", given);
    else
        uuid_new(x->id);
}

int exchange_take_head(struct exchange *x, struct MHD_Connection *mhd, const char *method, const char **detail)
{
    *detail = "The server has no memory left.";
    if (!copy_head(x, mhd, method))
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    take_id(x);
    *detail = "The address is not valid.";
    if (!decode_path(x->target, x->path))
        return MHD_HTTP_BAD_REQUEST;
    x->query = strchr(x->target, '?');
    x->query = x->query ? x->query + 1 : "";
    return 0;
}

/* ---- the body ---- */

bool exchange_hold_body(struct exchange *x, size_t body_len)
{
    struct httpd *httpd = x->httpd;
    bool fits;

    if (body_len <= HTTPD_SMALL_BODY || !httpd->options.max_held)
        return true;
    pthread_mutex_lock(&httpd->lock);
    if ((fits = httpd->held - x->body_held + body_len <= httpd->options.max_held)) {
        httpd->held += body_len - x->body_held;
        x->body_held = body_len;
    }
    pthread_mutex_unlock(&httpd->lock);
    return fits;
}

void exchange_drop_body(struct exchange *x, int status)
{
    x->refused = status;
    buf_free(&x->body);
    pthread_mutex_lock(&x->httpd->lock);
    x->httpd->held -= x->body_held;
    x->body_held = 0;
    pthread_mutex_unlock(&x->httpd->lock);
}

void exchange_forget_body(struct exchange *x)
{
    x->unwanted = true; /* its memory is the server thread's */
}

bool exchange_body_forgotten(const struct exchange *x)
{
    return x->unwanted;
}

/* ---- answers ---- */

static struct MHD_Response *make_response(const char *content_type, const void *body, size_t len,
                                          const char *const *headers)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, len ? (void *)(uintptr_t)body : "", MHD_RESPMEM_MUST_COPY);
    char name[128];
    const char *colon;

    if (!response)
        return NULL;
    if (content_type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    for (const char *const *h = headers; h && *h; h++) {
        if (!(colon = strchr(*h, ':')) || (size_t)(colon - *h) >= sizeof name)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(colon - *h), *h);
        colon++;
        colon += strspn(colon, " \t");
        MHD_add_response_header(response, name, colon);
    }
    return response;
}

struct MHD_Response *httpd_problem(const struct httpd *self, const struct exchange *x, int status, const char *detail)
{
    const char *headers[3] = {NULL}, *id = x ? x->id : "";
    char body[DETAIL_SIZE], made_id[UUID_SIZE], id_header[REQUEST_ID_SIZE + 16];
    const char *type = "text/plain; charset=utf-8";

    if (!*id) {
        uuid_new(made_id);
        id = made_id;
    }
    snprintf(id_header, sizeof id_header, "X-Request-Id: %s", id);
    headers[0] = id_header;
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        headers[1] = "Retry-After: 1";
    if (self->options.problem)
        type = self->options.problem(status, detail, id, body, sizeof body);
    else
        snprintf(body, sizeof body, "%s\n", detail);
    return make_response(type, body, strlen(body), headers);
}

void exchange_settle(struct exchange *x, int status, struct MHD_Response *response)
{
    if (x->answered || !x->mhd) {
        if (response)
            MHD_destroy_response(response);
        return;
    }
    x->answered = true;
    x->status = status;
    x->response = response;
    x->cut = !response;
    x->connection->waiting = NULL;
    x->connection->deadline_ms = clock_mono_ms() + ANSWER_WRITE_MS;
    if (x->suspended) {
        x->suspended = false;
        MHD_resume_connection(x->mhd);
    }
}

void exchange_reply(struct exchange *x, int status, const char *content_type, const void *body, size_t len,
                    const char *const *headers)
{
    struct MHD_Response *response = make_response(content_type, body, len, headers);

    pthread_mutex_lock(&x->httpd->lock);
    exchange_settle(x, status, response);
    pthread_mutex_unlock(&x->httpd->lock);
    exchange_release(x);
}

void exchange_cut(struct exchange *x)
{
    pthread_mutex_lock(&x->httpd->lock);
    exchange_settle(x, 0, NULL);
    pthread_mutex_unlock(&x->httpd->lock);
    exchange_release(x);
}

/* ---- what an exchange shows ---- */

const char *exchange_method(const struct exchange *x)
{
    return x->method;
}

const char *exchange_path(const struct exchange *x)
{
    return x->path;
}

const char *exchange_target(const struct exchange *x)
{
    return x->target;
}

const char *exchange_query(const struct exchange *x)
{
    return x->query;
}

const char *exchange_header(const struct exchange *x, const char *name)
{
    for (size_t i = 0; i < x->n_headers; i++)
        if (strcasecmp(x->headers[i].name, name) == 0)
            return x->headers[i].value;
    return NULL;
}

const char *exchange_body(const struct exchange *x)
{
    return x->body.data ? x->body.data : "";
}

size_t exchange_body_len(const struct exchange *x)
{
    return x->body.len;
}

const char *exchange_id(const struct exchange *x)
{
    return x->id;
}

const char *exchange_remote(const struct exchange *x)
{
    return x->remote;
}

long long exchange_age_us(const struct exchange *x)
{
    return clock_mono_us() - x->born_us;
}
