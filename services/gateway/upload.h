/* upload.h - what is larger than a message is put down in parts with the service that will read it.
 *
 * Parts alone have no effect: a gateway that is killed between them leaves nothing that anybody sees, and what nobody
 * asks for is cleaned away. */
#pragma once

#include <stddef.h>

#include "libshared/uuid.h"

struct arena;
struct bus_request;
struct bus;
struct err;

/* A UUID (version 8) made from whose it is (NULL: an administrator's) and what it is: the same again has the same. */
void upload_make_id(const char *client_id, const void *data, size_t len, char out[UUID_SIZE]);

/* Sends the parts, each answered before the next one goes, within request's timeout each. request says who is asked,
 * and for whom; its message is not read. */
int upload_put(struct bus *bus, const struct bus_request *request, const char *id, const void *data, size_t len,
               struct err *err);
