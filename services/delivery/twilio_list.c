/* twilio_list.c - finding a message at Twilio whose sending had no clear answer.
 *
 * The listing is asked for the two numbers alone, or for the recipient's where a messaging service has chosen the
 * sender: until it has, a message has none. A filter by DateSent would hide what Twilio has accepted but not sent yet:
 * such a message has no date_sent. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/http.h"
#include "services/delivery/twilio_internal.h"

#define PAGE_SIZE       200
#define PAGES_MAX       5
#define PAGE_BYTES_MAX  ((size_t)2 * 1024 * 1024)
#define PAGE_TIMEOUT_MS 10000
#define URI_MAX         1024

/* "Fri, 24 May 2019 17:44:46 +0000" */
static int parse_date(const char *text, int64_t *ret_us)
{
    struct tm tm = {0};
    const char *end = text ? strptime(text, "%a, %d %b %Y %H:%M:%S %z", &tm) : NULL;
    long offset = tm.tm_gmtoff;

    if (!end || *end)
        return -1;
    *ret_us = ((int64_t)timegm(&tm) - offset) * 1000000;
    return 0;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* Whether an address in a listing is that number on the wanted channel. */
static bool is_number(const char *address, const char *number, bool whatsapp)
{
    if (whatsapp && strncmp(address, TWILIO_WHATSAPP, strlen(TWILIO_WHATSAPP)) != 0)
        return false;
    return strcmp(address + (whatsapp ? strlen(TWILIO_WHATSAPP) : 0), number) == 0;
}

/* Whether it went the wanted way: to that recipient, from our number or through our messaging service. */
static bool is_between(const json_t *item, const struct twilio_wanted *wanted)
{
    if (!is_number(text_of(item, "to"), wanted->to, wanted->whatsapp))
        return false;
    if (wanted->messaging_service)
        return strcmp(text_of(item, "messaging_service_sid"), wanted->messaging_service) == 0;
    return is_number(text_of(item, "from"), wanted->from, wanted->whatsapp);
}

static int add_message(const json_t *item, const struct twilio_wanted *wanted, struct twilio_matches *matches,
                       struct err *err)
{
    const char *sid = text_of(item, "sid");
    struct twilio_match match = {0};

    if (strcmp(text_of(item, "direction"), "outbound-api") != 0 || !is_between(item, wanted))
        return 0;
    if (!twilio_is_sid(sid) || parse_date(text_of(item, "date_created"), &match.created_at_us) < 0)
        return err_set(err, ERR_UNAVAILABLE, "Twilio lists a message without a readable sid or date_created");
    if (match.created_at_us < wanted->not_before_us)
        return 0;
    if (matches->n == TWILIO_MATCHES_MAX)
        return err_set(err, ERR_UNAVAILABLE, "Twilio lists more than %d messages that it could be", TWILIO_MATCHES_MAX);
    memcpy(match.sid, sid, strlen(sid));
    match.same_body = strcmp(text_of(item, "body"), wanted->body) == 0;
    matches->items[matches->n++] = match;
    return 0;
}

int twilio_read_page(const char *body, size_t len, const struct twilio_wanted *wanted, struct twilio_matches *matches,
                     char **ret_next, struct err *err)
{
    json_t *json = json_loadb(body, len, 0, NULL);
    json_t *messages = json_object_get(json, "messages"), *item;
    const char *next = json_string_value(json_object_get(json, "next_page_uri"));
    char *copy = NULL;
    int result = 0;
    size_t i;

    if (!json_is_array(messages))
        result = err_set(err, ERR_UNAVAILABLE, "Twilio's listing cannot be read");
    json_array_foreach (messages, i, item) {
        if (result == 0)
            result = add_message(item, wanted, matches, err);
    }
    /* A path on Twilio's own host: the credentials go nowhere else. */
    if (result == 0 && next && (next[0] != '/' || strlen(next) > URI_MAX))
        result = err_set(err, ERR_UNAVAILABLE, "Twilio's listing has a next_page_uri that is no path");
    if (result == 0 && next && !(copy = strdup(next)))
        result = err_set(err, ERR_UNAVAILABLE, "twilio: out of memory");
    json_decref(json);
    if (result == 0)
        *ret_next = copy;
    return result;
}

static int get_page(struct twilio *self, const struct twilio_account *account, const struct buf *url,
                    const struct twilio_wanted *wanted, struct twilio_matches *matches, char **ret_next,
                    struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(2 * PAGE_BYTES_MAX);
    struct http_response response;

    if (twilio_get(self, account, url, PAGE_TIMEOUT_MS, PAGE_BYTES_MAX, arena, &response, err) < 0)
        return -1;
    return twilio_read_page(response.body, response.body_len, wanted, matches, ret_next, err);
}

int twilio_find(struct twilio *self, const struct twilio_account *account, const struct twilio_wanted *wanted,
                struct twilio_matches *ret_matches, struct err *err)
{
    struct twilio_matches matches = {0};
    AUTO(buf_free) struct buf url = {0}, query = {0};

    twilio_put_address(&query, "To", wanted->whatsapp, wanted->to);
    if (!wanted->messaging_service)
        twilio_put_address(&query, "From", wanted->whatsapp, wanted->from);
    if (query.failed)
        return err_set(err, ERR_UNAVAILABLE, "twilio: out of memory");
    twilio_url(&url, self, account, "/Messages.json?");
    buf_printf(&url, "%s&PageSize=%d", query.data, PAGE_SIZE);

    for (int page = 0; page < PAGES_MAX; page++) {
        char *next = NULL;

        if (get_page(self, account, &url, wanted, &matches, &next, err) < 0)
            return -1;
        if (!next) {
            *ret_matches = matches;
            return 0;
        }
        buf_clear(&url);
        buf_puts(&url, self->api_url);
        buf_puts(&url, next);
        free(next);
    }
    return err_set(err, ERR_UNAVAILABLE, "Twilio lists more than %d messages to the recipient", PAGES_MAX * PAGE_SIZE);
}
