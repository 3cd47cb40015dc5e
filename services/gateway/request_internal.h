/* request_internal.h - what request.c and request_body.c share. */
#pragma once

#include <jansson.h>

#include "libshared/codec.h"
#include "services/gateway/request.h"

void json_free(json_t **self_p);

/* NULL if the message has no such field, or the outside may not give it. */
const struct field *request_field(const struct route *route, const char *name);

/* ERR_INVALID about a field. Its name must be valid UTF-8; it is cut to what struct err holds. Always returns -1. */
int request_refuse(struct err *err, const char *field, const char *why);

/* A text of path, query or form as JSON of the field's type; NULL and *err if it is none. */
json_t *request_convert(const struct field *field, const char *text, struct err *err);

/* The body's members, or its parts' values, as an object; a file goes to *upload. NULL and *err on failure. */
json_t *request_read_body(const struct request_input *input, struct arena *arena, struct request_upload *upload,
                          struct err *err);

/* Moves the value of the route's upload field out of object if it is larger than a message may hold. */
int request_take_upload(json_t *object, const struct route *route, struct request_upload *upload, struct err *err);
