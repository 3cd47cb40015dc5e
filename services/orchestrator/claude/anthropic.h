/* anthropic.h - the part of Anthropic's Messages API that Leadwire uses. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct http;

struct anthropic {
    const char *base_url; /* without trailing slash */
    const char *api_key;
    struct http *http; /* of this worker */
};

/* What came back. message is the caller's to json_decref; NULL when there is none. Texts are in the arena. */
struct anthropic_answer {
    int status;             /* HTTP; 0: no answer at all */
    const char *error_type; /* "overloaded_error"; NULL if none was told */
    const char *request_id; /* NULL if none was told */
    json_t *message; /* the Message object; stop_reason, content and its text and tool_use blocks are sound, none is
                      * nested deeply */
    int64_t took_us;
};

/* POST /v1/messages, once; request is the body, len bytes. 0 and a message, or -1 with *err; ret_answer is filled in
 * both cases as far as known. err->provider_code is the HTTP status. ERR_UNAVAILABLE  worth another try: 408, 409, 429,
 * 5xx with 529, no answer, an answer that makes no sense ERR_INVALID, ERR_DENIED  not worth one: 400, 401, 402, 403,
 * 404, 413 */
int anthropic_create(const struct anthropic *self, const char *request, size_t len, int timeout_ms, struct arena *arena,
                     struct anthropic_answer *ret_answer, struct err *err);

/* Whether it is a Message object that can be relied on as struct anthropic_answer says. */
bool anthropic_is_message(const json_t *body);
