/* request.h - from an HTTP request to the message that a service is asked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libshared/uuid.h"

struct arena;
struct err;
struct route_match;

/* Whose key it was. */
struct caller {
    bool admin;
    char client_id[UUID_SIZE]; /* "" for an administrator */
};

struct request_input {
    const struct route_match *match;
    const struct caller *caller;
    const char *query; /* raw; "" if none */
    const char *body;
    size_t body_len;
};

/* Fills a message of the route's request type, by field name, from the body's members, the query and the path; path and
 * query are converted to the field's type. ERR_INVALID names the field: unknown, given twice with different values, or
 * out of bounds. ERR_NOT_FOUND where a client's key names another client: it does not exist for it.
 *
 * ret_client_id is the client the request concerns: of a client's key its own, of an administrator's the message's
 * client_id, NULL where it has none. Both outputs live in arena. */
int request_build(const struct request_input *input, struct arena *arena, void **ret_msg, const char **ret_client_id,
                  struct err *err);

/* Whether a Content-Type is JSON; parameters do not matter. NULL is not. */
bool request_is_json(const char *content_type);
bool request_is_form(const char *content_type);

/* 1 to 255 visible ASCII characters. */
bool idempotency_key_valid(const char *key);
