/* problem.c - see problem.h. */
#include "services/gateway/problem.h"

#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/httpd.h"

#define RETRY_AFTER_S 5 /* where nothing better is known */

int problem_status(enum err_kind kind)
{
    switch (kind) {
    case ERR_INVALID:
        return 400;
    case ERR_DENIED:
        return 403;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_CONFLICT:
        return 409;
    case ERR_UNAVAILABLE:
        return 503;
    case ERR_NONE:
    case ERR_UNCERTAIN:
    case ERR_INTERNAL:
        break;
    }
    return 500;
}

const char *problem_title(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < COUNT_OF(titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

void problem_write(const struct problem_info *info, struct buf *out)
{
    buf_puts(out, "{\"type\":\"about:blank\",\"title\":");
    buf_json_string(out, problem_title(info->status));
    buf_printf(out, ",\"status\":%d,\"detail\":", info->status);
    buf_json_string(out, info->detail);
    if (info->field && *info->field) {
        buf_puts(out, ",\"field\":");
        buf_json_string(out, info->field);
    }
    if (info->missing)
        buf_printf(out, ",\"missing\":%s", info->missing);
    if (info->request_id) {
        buf_puts(out, ",\"request_id\":");
        buf_json_string(out, info->request_id);
    }
    buf_puts(out, "}\n");
}

void problem_reply(struct exchange *x, const struct problem_info *info, const char *header)
{
    AUTO(buf_free) struct buf body = {0};
    char request_id[96], retry_after[32];
    const char *headers[6];
    size_t n = 0;

    problem_write(info, &body);
    headers[n++] = "Cache-Control: no-store";
    if (info->request_id) {
        snprintf(request_id, sizeof request_id, "X-Request-Id: %s", info->request_id);
        headers[n++] = request_id;
    }
    if (info->retry_after_s > 0) {
        snprintf(retry_after, sizeof retry_after, "Retry-After: %d", info->retry_after_s);
        headers[n++] = retry_after;
    }
    if (header)
        headers[n++] = header;
    if (info->any_origin)
        headers[n++] = ANY_ORIGIN_HEADER;
    headers[n] = NULL;
    exchange_reply(x, info->status, "application/problem+json", body.failed ? "" : body.data,
                   body.failed ? 0 : body.len, headers);
}

void problem_reply_err(struct exchange *x, const struct err *err, const char *request_id)
{
    struct problem_info info = {.status = problem_status(err->kind),
                                .detail = err->text,
                                .field = err->field,
                                .request_id = request_id};

    if (info.status == 503)
        info.retry_after_s = err->retry_after_s ? err->retry_after_s : RETRY_AFTER_S;
    if (err->kind == ERR_INTERNAL || err->kind == ERR_NONE)
        info.detail = "an internal error; the log has it under this request's id";
    problem_reply(x, &info, NULL);
}

const char *problem_of_server(int status, const char *detail, const char *request_id, char *out, size_t size)
{
    AUTO(buf_free) struct buf body = {0};

    problem_write(&(struct problem_info){.status = status, .detail = detail, .request_id = request_id}, &body);
    if (body.failed || body.len >= size) {
        out[0] = '\0';
        return "text/plain";
    }
    memcpy(out, body.data, body.len + 1);
    return "application/problem+json";
}
