/* problem.h - RFC 9457 problem documents. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libshared/err.h"

struct buf;
struct exchange;

struct problem_info {
    int status;
    const char *detail;     /* for a person */
    const char *field;      /* the input field at fault; NULL or "": none */
    const char *request_id; /* NULL: none */
    int retry_after_s;      /* 0: none */
    const char *missing;    /* a JSON array of what is not there (readyz); NULL: none */
    bool any_origin;        /* scripts of any page may read it */
};

/* The HTTP status of an error kind. */
int problem_status(enum err_kind kind);

/* "Not Found", as titles have it. */
const char *problem_title(int status);

/* Appends the document. */
void problem_write(const struct problem_info *info, struct buf *out);

/* Answers x with the document. header is one more header line; NULL: none. */
void problem_reply(struct exchange *x, const struct problem_info *info, const char *header);

#define ANY_ORIGIN_HEADER "Access-Control-Allow-Origin: *"

/* Answers x with what err says. An internal error's text is for the log alone. */
void problem_reply_err(struct exchange *x, const struct err *err, const char *request_id);

/* For httpd_options.problem: writes the document into out, returns its content type. */
const char *problem_of_server(int status, const char *detail, const char *request_id, char *out, size_t size);
