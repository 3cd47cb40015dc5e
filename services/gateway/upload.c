/* upload.c - see upload.h. */
#include "services/gateway/upload.h"

#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/seal.h"
#include "proto/messages.h"

#define PART_MAX     524288 /* bytes; see PUT_UPLOAD */
#define ANSWER_ARENA 65536

void upload_make_id(const char *client_id, const void *data, size_t len, char out[UUID_SIZE])
{
    char named[UUID_SIZE + 65], hex[65];

    sha256_hex(data, len, hex);
    snprintf(named, sizeof named, "%s\n%s", client_id ? client_id : "", hex);
    sha256_hex(named, strlen(named), hex);
    hex[12] = '8';                                /* the version: of a kind of one's own */
    hex[16] = "89ab"[(unsigned char)hex[16] & 3]; /* the variant */
    snprintf(out, UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static int put_part(struct bus *bus, const struct bus_request *request, const struct put_upload *part, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ANSWER_ARENA);
    struct bus_request ask = *request;
    struct empty answer;

    if (!arena)
        return err_set(err, ERR_INTERNAL, "no memory for an upload");
    ask.type = &put_upload_type;
    ask.msg = part;
    ask.idempotency_key = NULL;
    return bus_ask(bus, &ask, &empty_type, arena, &answer, err);
}

int upload_put(struct bus *bus, const struct bus_request *request, const char *id, const void *data, size_t len,
               struct err *err)
{
    struct put_upload part = {.client_id = request->client_id, .upload_id = id};
    const uint8_t *bytes = data;

    for (size_t at = 0; at < len; at += part.data.len) {
        part.data = (struct bytes){.data = bytes + at, .len = len - at < PART_MAX ? len - at : PART_MAX};
        if (put_part(bus, request, &part, err) < 0)
            return -1;
        part.part++;
        failpoint("gateway.after_upload_part");
    }
    return 0;
}
