/* httpd_request.c - a request comes in: its head, its body, its handing out. See the top of httpd.c. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "libshared/clock.h"
#include "libshared/httpd_internal.h"
#include "libshared/text.h"

#define BODY_BYTES_PER_MS 64 /* 0.5 Mbit/s: a large body may be as slow */
/* Of a body that is refused, so that the client sees the answer. */
#define TOO_LARGE_READ_MAX ((size_t)32 * 1024 * 1024)

/* An answer that the server gives itself, in a call of libmicrohttpd. x may be NULL. */
static enum MHD_Result refuse(struct httpd *self, const struct exchange *x, struct MHD_Connection *mhd, int status,
                              const char *detail)
{
    struct MHD_Response *response = httpd_problem(self, x, status, detail);
    enum MHD_Result queued = MHD_NO;

    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    queued = MHD_queue_response(mhd, (unsigned)status, response);
    MHD_destroy_response(response);
    return queued;
}

/* Because of its body. */
static enum MHD_Result refuse_body(struct exchange *x, struct MHD_Connection *mhd, int status)
{
    const struct httpd_terms *terms = &x->terms;
    char detail[256];

    if (status == MHD_HTTP_CONTENT_TOO_LARGE)
        snprintf(detail, sizeof detail, "The body is larger than %zu bytes (%.4g MiB)%s%s.", terms->max_body,
                 (double)terms->max_body / (1024.0 * 1024.0),
                 terms->max_body_name ? ", the limit that is set by " : ", the limit",
                 terms->max_body_name ? terms->max_body_name : "");
    else
        snprintf(detail, sizeof detail, "Too many large bodies are being received.");
    return refuse(x->httpd, x, mhd, status, detail);
}

static struct connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

/* The request line has come; uri is what stood in it, untouched. The result is what the later calls get. */
void *httpd_on_uri(void *arg, const char *uri, struct MHD_Connection *mhd)
{
    struct connection *connection = connection_of(mhd);

    return connection ? exchange_new(arg, uri, connection) : NULL;
}

static int count_header(const struct exchange *x, const char *name)
{
    int n = 0;

    for (size_t i = 0; i < x->n_headers; i++)
        n += strcasecmp(x->headers[i].name, name) == 0;
    return n;
}

/* A client that does not ask first (Expect: 100-continue) writes its body whatever we answer, and many see no answer
 * that comes while they write: what is not absurdly long is read and dropped before the 413. */
static bool will_be_written(const struct exchange *x, uint64_t excess)
{
    return !exchange_header(x, "Expect") && excess <= TOO_LARGE_READ_MAX;
}

/* All header lines are there, the body is not. Returns 0 to go on, or the status to refuse with and its *detail. */
static int check_head(struct exchange *x, struct MHD_Connection *mhd, const char *method, const char **detail,
                      int64_t *ret_body_len)
{
    struct httpd *self = x->httpd;
    const char *length;
    bool busy;
    int status;

    *detail = "The server is busy.";
    pthread_mutex_lock(&self->lock);
    busy = self->stopping || self->n_connections > self->options.max_connections * 4 / 5;
    pthread_mutex_unlock(&self->lock);
    if (busy)
        return MHD_HTTP_SERVICE_UNAVAILABLE;

    if ((status = exchange_take_head(x, mhd, method, detail)))
        return status;

    *detail = "The length of the body is told twice.";
    if (count_header(x, "Content-Length") + count_header(x, "Transfer-Encoding") > 1)
        return MHD_HTTP_BAD_REQUEST;
    length = exchange_header(x, "Content-Length");
    *detail = "The length of the body is not a number.";
    *ret_body_len = 0;
    if (length && !text_to_int(length, 0, INT64_MAX, ret_body_len))
        return MHD_HTTP_BAD_REQUEST;
    return 0;
}

/* What this request may do; a large body may take the longer to arrive. */
static void set_terms(struct exchange *x)
{
    struct httpd *self = x->httpd;

    x->terms =
        (struct httpd_terms){.max_body = self->options.max_body, .answer_timeout_ms = self->options.answer_timeout_ms};
    if (self->options.terms)
        self->options.terms(self->options.arg, x, &x->terms);
    if (x->terms.max_body <= self->options.max_body)
        return;
    pthread_mutex_lock(&self->lock);
    x->connection->deadline_ms += (int64_t)(x->terms.max_body / BODY_BYTES_PER_MS);
    pthread_mutex_unlock(&self->lock);
}

/* Of what a client announces no room is set aside: it takes what it sends. */
static bool has_room(struct httpd *self, size_t body_len)
{
    bool result;

    if (body_len <= HTTPD_SMALL_BODY || !self->options.max_held)
        return true;
    pthread_mutex_lock(&self->lock);
    result = self->held + body_len <= self->options.max_held;
    pthread_mutex_unlock(&self->lock);
    return result;
}

/* The head of a request: it is refused, or its body may come. */
static enum MHD_Result take_head(struct exchange *x, struct MHD_Connection *mhd, const char *method)
{
    const char *detail;
    int64_t body_len;
    size_t max;
    int status = check_head(x, mhd, method, &detail, &body_len);

    if (status)
        return refuse(x->httpd, x, mhd, status, detail);
    snprintf(x->remote, sizeof x->remote, "%s", x->connection->remote);
    set_terms(x);
    max = x->terms.max_body;
    if ((uint64_t)body_len > max)
        exchange_drop_body(x, MHD_HTTP_CONTENT_TOO_LARGE);
    else if (!has_room(x->httpd, (size_t)body_len))
        exchange_drop_body(x, MHD_HTTP_SERVICE_UNAVAILABLE);
    if (x->refused && !will_be_written(x, (uint64_t)body_len > max ? (uint64_t)body_len - max : 0))
        return refuse_body(x, mhd, x->refused);
    return MHD_YES;
}

/* A piece of the body. What is beyond the limit is read and dropped up to a point, so that the client, which is still
 * writing, gets to read the answer. */
static enum MHD_Result take_body(struct exchange *x, const char *data, size_t *len_p)
{
    x->body_seen += *len_p;
    if (!x->refused && x->body_seen > x->terms.max_body)
        exchange_drop_body(x, MHD_HTTP_CONTENT_TOO_LARGE);
    if (!x->refused && x->unwanted)
        exchange_drop_body(x, 0);
    else if (!x->refused && !exchange_hold_body(x, x->body_seen))
        exchange_drop_body(x, MHD_HTTP_SERVICE_UNAVAILABLE);
    if (!x->refused && !x->unwanted)
        buf_append(&x->body, data, *len_p);
    if (x->body_seen > x->terms.max_body + TOO_LARGE_READ_MAX)
        return MHD_NO;
    *len_p = 0;
    return MHD_YES;
}

/* The request is complete: it is handed to the handler, and the connection waits unless the answer is there at once. */
static void hand_out(struct exchange *x, struct MHD_Connection *mhd)
{
    struct httpd *self = x->httpd;

    pthread_mutex_lock(&self->lock);
    x->handed = true;
    x->mhd = mhd;
    x->holders++; /* whoever answers */
    self->n_open++;
    x->connection->waiting = x;
    x->connection->deadline_ms = clock_mono_ms() + x->terms.answer_timeout_ms;
    pthread_mutex_unlock(&self->lock);

    self->options.handler(self->options.arg, x);
}

/* The answer goes out, or the connection goes to sleep until it is there. */
static enum MHD_Result answer_or_wait(struct exchange *x, struct MHD_Connection *mhd)
{
    struct httpd *self = x->httpd;
    enum MHD_Result result = MHD_YES;

    pthread_mutex_lock(&self->lock);
    if (!x->answered && self->stopping)
        exchange_settle(x, MHD_HTTP_SERVICE_UNAVAILABLE,
                        httpd_problem(self, x, MHD_HTTP_SERVICE_UNAVAILABLE, "The server is stopping."));
    if (!x->answered) {
        x->suspended = true;
        MHD_suspend_connection(mhd);
    } else {
        result = x->cut ? MHD_NO : MHD_queue_response(mhd, (unsigned)x->status, x->response);
    }
    pthread_mutex_unlock(&self->lock);
    return result;
}

/* libmicrohttpd's one callback: after the head, for each piece of the body, at its end, and after each resuming. */
enum MHD_Result httpd_on_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
                                 const char *version, const char *upload, size_t *upload_len, void **context)
{
    struct httpd *self = arg;
    struct exchange *x = *context;

    (void)url;
    (void)version;
    if (!x)
        return refuse(self, NULL, mhd, MHD_HTTP_SERVICE_UNAVAILABLE, "The server has no memory left.");
    if (!x->begun) {
        x->begun = true;
        return take_head(x, mhd, method);
    }
    if (*upload_len)
        return take_body(x, upload, upload_len);
    if (!x->handed) {
        if (x->refused)
            return refuse_body(x, mhd, x->refused);
        if (x->body.failed)
            return refuse(self, x, mhd, MHD_HTTP_SERVICE_UNAVAILABLE, "The server has no memory left.");
        if (x->unwanted)
            exchange_drop_body(x, 0);
        hand_out(x, mhd);
    }
    return answer_or_wait(x, mhd);
}

/* The answer is out, or the client is gone. */
void httpd_on_over(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode how)
{
    struct httpd *self = arg;
    struct exchange *x = *context;

    (void)mhd;
    (void)how;
    if (!x)
        return;
    *context = NULL;
    pthread_mutex_lock(&self->lock);
    if (x->handed && --self->n_open == 0)
        pthread_cond_broadcast(&self->wake);
    x->mhd = NULL;
    x->suspended = false;
    x->connection->waiting = NULL;
    x->connection->deadline_ms = clock_mono_ms() + self->options.request_timeout_ms;
    x->connection = NULL;
    pthread_mutex_unlock(&self->lock);
    exchange_release(x);
}
