/* templates.h - Twilio's content templates. Thread-safe. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "libshared/buf.h"
#include "tools/sandbox/twilio_check.h"

struct err;
struct templates;

struct templates *templates_new(void);
void templates_destroy(struct templates **self_p);
void templates_clear(struct templates *self);

/* Reads {"content_sid", "account_sid"?, "friendly_name"?, "language"?, "body"? or "types"?, "variables"?, "status"?,
 * "category"?, "rejection_reason"?}; replaces one of the same content_sid. account_sid: whose it is if none is given.
 */
int templates_put(struct templates *self, const json_t *json, const char *account_sid, struct err *err);

/* As the API shows it: Content, its approval. base: "http://host". NULL: the account has no such template. */
json_t *templates_get(struct templates *self, const char *account_sid, const char *sid, const char *base);
json_t *templates_approval(struct templates *self, const char *account_sid, const char *sid, const char *base);
/* All of the account, oldest first. */
json_t *templates_list(struct templates *self, const char *account_sid, const char *base);

/* What the template says with these variables (a JSON object as text; NULL: none), into out. in_window: whether the
 * recipient wrote by WhatsApp within 24 hours; whatsapp: whether the template goes that way. False: it is refused. */
bool templates_render(struct templates *self, const char *account_sid, const char *sid, const char *variables,
                      bool whatsapp, bool in_window, struct buf *out, struct twilio_refusal *ret);
