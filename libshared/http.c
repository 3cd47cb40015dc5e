/* http.c - see http.h. One curl easy handle, reset for each request: its connections stay. After a failure it is
 * replaced: libcurl 8.14 keeps in it, past curl_easy_reset(), that a body could not be rewound, and fails the next
 * request, whatever it is, for that. */
#include "libshared/http.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/http_trust.h"
#include "libshared/text.h"

#define IDLE_MAX_S        60L  /* an older idle connection is not used again */
#define CONNECTION_MAX_S  600L /* then the certificate is checked anew */
#define CONNECTIONS_MAX   8L
#define RETRY_AFTER_MAX_S 86400

/* What libcurl reads into and sends from, for an exchange that is small: with its own 16 KiB and 64 KiB, hundreds
 * of threads hold megabytes. The second is the least that it takes. */
#define SMALL_ANSWER (1024 * 1024)
#define READ_BUFFER  2048L
#define SMALL_BODY   16384

struct http {
    CURL *curl; /* NULL after a failure, until the next request */
};

/* One exchange, as the callbacks see it. */
struct transfer {
    const struct http_request *request;
    size_t body_pos;
    bool begun; /* the connection stood and the request was about to leave */
    bool too_large;
    struct buf answer;
    size_t max_answer;
    char request_id[128];
    int64_t retry_after_s, retry_after_ms;
    int should_retry;
};

int http_global_init(struct err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "http: libcurl cannot start");
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL, and CURLOPT_NOSIGNAL leaves it to us */
    return 0;
}

struct http *http_new(struct err *err)
{
    AUTO(http_destroy) struct http *self = calloc(1, sizeof *self);

    if (!self || !(self->curl = curl_easy_init())) {
        err_set(err, ERR_INTERNAL, "http: out of memory");
        return NULL;
    }
    return TAKE(self);
}

void http_destroy(struct http **self_p)
{
    struct http *self = *self_p;

    if (!self)
        return;
    curl_easy_cleanup(self->curl);
    free(self);
    *self_p = NULL;
}

static size_t on_read(char *out, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    size_t left = t->request->body_len - t->body_pos, len = size * n < left ? size * n : left;

    if (len)
        memcpy(out, (const char *)t->request->body + t->body_pos, len);
    t->body_pos += len;
    return len;
}

/* libcurl asks to start the body again when it wants to repeat the request. It must not. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    (void)arg;
    (void)offset;
    (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

/* Called when the connection is ready, new or reused, before the first byte of the request. */
static int on_ready(void *arg, char *peer_ip, char *local_ip, int peer_port, int local_port)
{
    struct transfer *t = arg;

    (void)peer_ip;
    (void)local_ip;
    (void)peer_port;
    (void)local_port;
    t->begun = true;
    return CURL_PREREQFUNC_OK;
}

static size_t on_write(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * n;

    if (len > t->max_answer - t->answer.len) {
        t->too_large = true;
        return 0;
    }
    buf_append(&t->answer, data, len);
    return t->answer.failed ? 0 : len;
}

/* Retry-After is a number of seconds or a date. */
static int64_t retry_after(const char *value)
{
    int64_t seconds;
    time_t date;

    if (text_to_int(value, 0, RETRY_AFTER_MAX_S, &seconds))
        return seconds;
    if ((date = curl_getdate(value, NULL)) == -1)
        return 0;
    seconds = (int64_t)date - (int64_t)time(NULL);
    return seconds < 0 ? 0 : seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : seconds;
}

static void take_header(struct transfer *t, const char *name, const char *value)
{
    if (strcasecmp(name, "retry-after") == 0) {
        t->retry_after_s = retry_after(value);
    } else if (strcasecmp(name, "retry-after-ms") == 0) {
        if (!text_to_int(value, 0, RETRY_AFTER_MAX_S * 1000LL, &t->retry_after_ms))
            t->retry_after_ms = 0;
    } else if (strcasecmp(name, "x-should-retry") == 0) {
        t->should_retry = strcmp(value, "true") == 0 ? 1 : strcmp(value, "false") == 0 ? 0 : -1;
    } else if (strcasecmp(name, "request-id") == 0 || strcasecmp(name, "x-request-id") == 0 ||
               strcasecmp(name, "twilio-request-id") == 0) {
        if (utf8_valid(value, strlen(value)) && !text_has_control(value))
            snprintf(t->request_id, sizeof t->request_id, "%.*s",
                     (int)utf8_cut(value, strlen(value), sizeof t->request_id - 1), value);
    }
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * n, end = len;
    char line[512];
    char *colon, *value;

    if (len > 5 && memcmp(data, "HTTP/", 5) == 0) { /* a new answer: what an interim one said is void */
        t->request_id[0] = '\0';
        t->retry_after_s = t->retry_after_ms = 0;
        t->should_retry = -1;
        return len;
    }
    while (end && (data[end - 1] == '\r' || data[end - 1] == '\n' || data[end - 1] == ' ' || data[end - 1] == '\t'))
        end--;
    if (end >= sizeof line || memchr(data, '\0', end))
        return len; /* too long to be one of ours */
    memcpy(line, data, end);
    line[end] = '\0';
    if ((colon = strchr(line, ':'))) {
        *colon = '\0';
        value = colon + 1;
        value += strspn(value, " \t");
        take_header(t, line, value);
    }
    return len;
}

static void headers_free(struct curl_slist **list_p)
{
    curl_slist_free_all(*list_p);
    *list_p = NULL;
}

static int header_add(struct curl_slist **list_p, const char *line, struct err *err)
{
    struct curl_slist *grown;

    if (text_has_control(line) || !strchr(line, ':'))
        return err_set(err, ERR_INVALID, "http: a request header is not valid");
    if (!(grown = curl_slist_append(*list_p, line)))
        return err_set(err, ERR_INTERNAL, "http: out of memory");
    *list_p = grown;
    return 0;
}

static int build_headers(const struct http_request *request, struct curl_slist **list_p, struct err *err)
{
    char line[256];

    /* No waiting for "100 Continue"; no "Content-Type: form" that libcurl would add by itself. */
    if (header_add(list_p, "Expect:", err) < 0)
        return -1;
    if ((size_t)snprintf(line, sizeof line, "Content-Type:%s%s", request->content_type ? " " : "",
                         request->content_type ? request->content_type : "") >= sizeof line)
        return err_set(err, ERR_INVALID, "http: the content type is too long");
    if (header_add(list_p, line, err) < 0)
        return -1;
    for (const char *const *h = request->headers; h && *h; h++)
        if (header_add(list_p, *h, err) < 0)
            return -1;
    return 0;
}

static void set_method(CURL *curl, struct transfer *t)
{
    const struct http_request *request = t->request;

    if (strcmp(request->method, "GET") == 0 && !request->body_len) {
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
        return;
    }
    if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
        return;
    }
    /* Whatever changes something goes out as libcurl's POST, under its own name: a body that cannot be rewound is sent
     * once. Without a body nothing needs rewinding and libcurl would repeat it, but only on a reused connection. */
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
    if (request->body_len <= SMALL_BODY)
        curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, (long)SMALL_BODY);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, t);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek);
    if (!request->body_len)
        curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
}

static int set_up(CURL *curl, struct transfer *t, struct curl_slist *headers, char error[CURL_ERROR_SIZE])
{
    const struct http_request *request = t->request;
    CURLcode code;

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "leadwire/" LEADWIRE_VERSION);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
    curl_easy_setopt(curl, CURLOPT_MAXLIFETIME_CONN, CONNECTION_MAX_S);
    curl_easy_setopt(curl, CURLOPT_MAXCONNECTS, CONNECTIONS_MAX);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(request->connect_timeout_ms ? request->connect_timeout_ms : 5000));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(request->timeout_ms ? request->timeout_ms : 30000));
    curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, on_ready);
    curl_easy_setopt(curl, CURLOPT_PREREQDATA, t);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (request->max_response && request->max_response <= SMALL_ANSWER)
        curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, READ_BUFFER);
    set_method(curl, t);
    if (request->basic_user) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME, request->basic_user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, request->basic_password ? request->basic_password : "");
    }
    if (strncmp(request->url, "https:", 6) == 0 && http_trust(curl) != CURLE_OK)
        return -1;
    if ((code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https")) == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_URL, request->url);
    return code == CURLE_OK ? 0 : -1;
}

/* What a failure means for whoever must not send twice. The text of libcurl names hosts and system errors, no secrets.
 */
static int tell_failure(CURLcode code, const struct transfer *t, const char *error, struct err *err)
{
    const char *what = error[0] ? error : curl_easy_strerror(code);

    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        return err_set(err, ERR_INVALID, "http: %s", what);
    if (t->too_large)
        return err_set(err, ERR_UNCERTAIN, "http: the answer is larger than %zu bytes", t->max_answer);
    if (code == CURLE_SEND_FAIL_REWIND)
        return err_set(err, ERR_UNCERTAIN, "http: the connection broke before an answer");
    if (t->begun)
        return err_set(err, ERR_UNCERTAIN, "http: %s", what);
    if (code == CURLE_OUT_OF_MEMORY)
        return err_set(err, ERR_INTERNAL, "http: out of memory");
    return err_set(err, ERR_UNAVAILABLE, "http: %s", what);
}

static int fill_response(CURL *curl, const struct transfer *t, struct arena *arena, struct http_response *ret,
                         struct err *err)
{
    long status = 0;
    char *body;

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (!(body = arena_alloc(arena, t->answer.len + 1)))
        return err_set(err, ERR_UNCERTAIN, "http: no memory for the answer");
    if (t->answer.len)
        memcpy(body, t->answer.data, t->answer.len);
    body[t->answer.len] = '\0';
    *ret = (struct http_response){
        .status = (int)status,
        .body = body,
        .body_len = t->answer.len,
        .retry_after_s = (int)(t->retry_after_ms ? (t->retry_after_ms + 999) / 1000 : t->retry_after_s),
        .request_id = t->request_id[0] ? arena_strdup(arena, t->request_id) : NULL,
        .should_retry = t->should_retry,
        .request_sent = true,
    };
    return 0;
}

int http_do(struct http *self, const struct http_request *request, struct arena *arena,
            struct http_response *ret_response, struct err *err)
{
    struct transfer t = {
        .request = request,
        .max_answer = request->max_response ? request->max_response : 1024 * 1024,
        .should_retry = -1,
    };
    AUTO(headers_free) struct curl_slist *headers = NULL;
    char error[CURL_ERROR_SIZE] = "";
    CURLcode code;
    int rc;

    if (text_has_control(request->url))
        return err_set(err, ERR_INVALID, "http: the URL is not valid");
    if (build_headers(request, &headers, err) < 0)
        return -1;
    if (!self->curl && !(self->curl = curl_easy_init()))
        return err_set(err, ERR_INTERNAL, "http: out of memory");
    if (set_up(self->curl, &t, headers, error) < 0)
        return err_set(err, ERR_INTERNAL, "http: libcurl refuses an option");

    code = curl_easy_perform(self->curl);
    rc =
        code == CURLE_OK ? fill_response(self->curl, &t, arena, ret_response, err) : tell_failure(code, &t, error, err);
    buf_free(&t.answer);
    if (code == CURLE_OK) {
        curl_easy_reset(self->curl); /* forgets the pointers to what is gone now */
    } else {
        curl_easy_cleanup(self->curl);
        self->curl = NULL;
    }
    return rc;
}
