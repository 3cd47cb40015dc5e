/* request.h - from an HTTP request to the message that a service is asked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libshared/uuid.h"

struct arena;
struct err;
struct route;
struct route_match;

/* Whose key it was. */
struct caller {
    bool admin;
    char client_id[UUID_SIZE]; /* "" for an administrator */
};

struct request_input {
    const struct route_match *match;
    const struct caller *caller;
    const char *query;        /* raw; "" if none */
    const char *content_type; /* NULL: none */
    const char *body;
    size_t body_len;
};

/* What is too large for the message, or a file: it is to be put down with the role that answers (upload.h) before that
 * is asked. The message then has its id in the field upload_id. */
struct request_upload {
    const char *data; /* NULL: there is none. Lies within the body, or below */
    size_t len;
    char id[UUID_SIZE];
    void *holder; /* the parsed value */
    char *text;
};
void request_upload_free(struct request_upload *self);

/* Fills a message of the route's request type, by field name, from the body's members, the query and the path; path,
 * query and the parts of a form are converted to the field's type. ERR_INVALID names the field: unknown, given twice
 * with different values, or out of bounds. ERR_NOT_FOUND where a client's key names another client: it does not exist
 * for it.
 *
 * ret_client_id is the client the request concerns: of a client's key its own, of an administrator's the message's
 * client_id, NULL where it has none. Both outputs live in arena. ret_upload is to be freed, also on failure. */
int request_build(const struct request_input *input, struct arena *arena, void **ret_msg, const char **ret_client_id,
                  struct request_upload *ret_upload, struct err *err);

/* Whether a Content-Type is of this type; parameters do not matter. NULL is of none. */
bool request_is_type(const char *content_type, const char *want);

/* The types that the body of a route may have: "application/json", "application/json, multipart/form-data". */
const char *request_types(const struct route *route);
bool request_type_accepted(const struct route *route, const char *content_type);

bool request_is_form(const char *content_type);

/* 1 to 255 visible ASCII characters. */
bool idempotency_key_valid(const char *key);
