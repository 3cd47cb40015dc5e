/* multipart.h - multipart/form-data bodies (RFC 7578, RFC 2046), which are not trusted in any way. */
#pragma once

#include <stddef.h>

struct arena;
struct err;

#define MULTIPART_PARTS_MAX   64
#define MULTIPART_HEADERS_MAX 4096 /* bytes of the headers of one part */

struct multipart_part {
    const char *name;         /* valid UTF-8 without control characters, not "" */
    const char *filename;     /* the same, as it was given; NULL: none. filename* is ignored (RFC 7578, 4.2) */
    const char *content_type; /* as it was given; NULL: none */
    const char *data;         /* within the body; may be anything, has no NUL behind it */
    size_t len;
};

struct multipart {
    struct multipart_part parts[MULTIPART_PARTS_MAX]; /* in the order of arrival, repeated names kept */
    size_t n;
};

/* content_type is the request's header. Lines end with CR LF, never with LF alone. Texts are copied into arena. 0, or
 * -1 with ERR_INVALID that says what is wrong and in which part, counted from 1. */
int multipart_parse(const char *content_type, const char *body, size_t len, struct arena *arena,
                    struct multipart *ret_multipart, struct err *err);
