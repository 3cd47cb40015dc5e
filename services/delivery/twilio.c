/* twilio.c - see twilio.h: what all requests to Twilio share. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/http.h"
#include "libshared/text.h"
#include "services/delivery/twilio_internal.h"

#define SEND_TIMEOUT_MS 30000 /* Twilio itself may work for 26 s on a message */
#define ANSWER_MAX      ((size_t)64 * 1024)
#define SEGMENTS_MAX    1000
#define NEXT_DAY_S      (6 * 3600) /* nobody tells when the day of a daily limit ends: asked four times in it */

#define API_URL     "https://api.twilio.com"
#define CONTENT_URL "https://content.twilio.com"
#define LOOKUPS_URL "https://lookups.twilio.com"

struct twilio *twilio_new(const char *base_url, struct err *err)
{
    AUTO(twilio_destroy) struct twilio *self = calloc(1, sizeof *self);
    bool is_twilio = strcmp(base_url, API_URL) == 0;

    if (!self || !(self->api_url = strdup(base_url)) ||
        !(self->content_url = strdup(is_twilio ? CONTENT_URL : base_url)) ||
        !(self->lookups_url = strdup(is_twilio ? LOOKUPS_URL : base_url))) {
        err_set(err, ERR_INTERNAL, "twilio: out of memory");
        return NULL;
    }
    if (!(self->http = http_new(err)))
        return NULL;
    return TAKE(self);
}

void twilio_destroy(struct twilio **self_p)
{
    struct twilio *self = *self_p;

    if (!self)
        return;
    http_destroy(&self->http);
    free(self->api_url);
    free(self->content_url);
    free(self->lookups_url);
    free(self);
    *self_p = NULL;
}

void twilio_url(struct buf *url, const struct twilio *self, const struct twilio_account *account, const char *path)
{
    buf_puts(url, self->api_url);
    buf_puts(url, "/2010-04-01/Accounts/");
    url_encode(url, account->sid);
    buf_puts(url, path);
}

void twilio_put_address(struct buf *form, const char *name, bool whatsapp, const char *number)
{
    AUTO(buf_free) struct buf address = {0};

    buf_puts(&address, whatsapp ? TWILIO_WHATSAPP : "");
    buf_puts(&address, number);
    form->failed |= address.failed;
    if (!form->failed)
        form_put(form, name, address.data);
}

/* Copies what Twilio says. It repeats numbers in its texts, and these go to the log: of a long run of digits only the
 * ends are kept. */
static void copy_masked(const char *text, char *out, size_t size)
{
    size_t n = 0;

    while (*text && n + 16 < size) {
        size_t digits = strspn(text, "0123456789");

        if (digits >= 7) {
            n += (size_t)snprintf(out + n, size - n, "%.4s***%.*s", text, digits >= 11 ? 4 : 0, text + digits - 4);
            text += digits;
        } else if (digits > 0) {
            memcpy(out + n, text, digits);
            n += digits;
            text += digits;
        } else {
            out[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text;
            text++;
        }
    }
    out[utf8_cut(out, n, n)] = '\0';
}

bool twilio_is_sid(const char *text)
{
    size_t len = text ? strlen(text) : 0;

    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]))
            return false;
    return len > 0 && len < TWILIO_SID_SIZE;
}

/* Reads {"code", "message"}, as far as it is there. Returns the code; 0: none. */
static int read_refusal(const struct http_response *response, char *message, size_t size)
{
    json_t *json = json_loadb(response->body, response->body_len, 0, NULL);
    const char *text = json_string_value(json_object_get(json, "message"));
    json_int_t code = json_integer_value(json_object_get(json, "code"));

    copy_masked(text ? text : "no explanation", message, size);
    json_decref(json);
    if (code > 0 && code < 1000000)
        return (int)code;
    return response->status == 401 ? 20003 : response->status == 404 ? 20404 : response->status == 429 ? 20429 : 0;
}

/* An answer that says nothing about whether the request was done. */
static bool is_uncertain(const struct http_response *response)
{
    return response->status >= 500 || response->status < 400 || response->status == 408;
}

int twilio_refused(const struct http_response *response, bool repeatable, struct err *err)
{
    char message[160];
    int code = read_refusal(response, message, sizeof message);
    enum twilio_meaning meaning = twilio_meaning(code);
    enum err_kind kind = twilio_meaning_kind(meaning);

    if (is_uncertain(response))
        kind = repeatable ? ERR_UNAVAILABLE : ERR_UNCERTAIN;
    else if (response->status == 429)
        kind = ERR_UNAVAILABLE;
    else if (response->status == 401)
        kind = ERR_DENIED;
    else if (kind == ERR_NONE)
        kind = ERR_INVALID;
    err_set(err, kind, "Twilio answers %d, code %d: %s", response->status, code, message);
    if (err) {
        err->provider_code = code;
        err->retry_after_s = response->retry_after_s;
        if (meaning == TWILIO_MEANS_NEXT_DAY && err->retry_after_s == 0)
            err->retry_after_s = NEXT_DAY_S;
    }
    return -1;
}

int twilio_read_send_answer(const struct http_response *response, struct twilio_sent *ret_sent, struct err *err)
{
    struct twilio_sent sent = {0};
    int64_t segments;
    json_t *json;
    const char *sid, *told;
    bool accepted;

    if (response->status < 200 || response->status > 299)
        return twilio_refused(response, false, err);
    json = json_loadb(response->body, response->body_len, 0, NULL);
    sid = json_string_value(json_object_get(json, "sid"));
    told = json_string_value(json_object_get(json, "num_segments"));
    accepted = twilio_is_sid(sid);
    if (accepted)
        snprintf(sent.sid, sizeof sent.sid, "%s", sid);
    if (told && text_to_int(told, 0, SEGMENTS_MAX, &segments))
        sent.segments = (int)segments;
    json_decref(json);
    if (!accepted)
        return err_set(err, ERR_UNCERTAIN, "Twilio answers %d without a readable sid", response->status);
    *ret_sent = sent;
    return 0;
}

int twilio_post(struct twilio *self, const struct twilio_account *account, const struct buf *url,
                const struct buf *form, struct twilio_sent *ret_sent, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(4 * ANSWER_MAX);
    struct http_response response;

    if (!arena || url->failed || form->failed)
        return err_set(err, ERR_UNAVAILABLE, "twilio: out of memory");

    struct http_request request = {
        .method = "POST",
        .url = url->data,
        .content_type = "application/x-www-form-urlencoded",
        .body = form->data,
        .body_len = form->len,
        .basic_user = account->sid,
        .basic_password = account->token,
        .timeout_ms = SEND_TIMEOUT_MS,
        .max_response = ANSWER_MAX,
    };
    if (http_do(self->http, &request, arena, &response, err) < 0)
        return -1;
    return twilio_read_send_answer(&response, ret_sent, err);
}

int twilio_get(struct twilio *self, const struct twilio_account *account, const struct buf *url, int timeout_ms,
               size_t max_bytes, struct arena *arena, struct http_response *ret_response, struct err *err)
{
    if (!arena || url->failed)
        return err_set(err, ERR_UNAVAILABLE, "twilio: out of memory");

    struct http_request request = {
        .method = "GET",
        .url = url->data,
        .basic_user = account->sid,
        .basic_password = account->token,
        .timeout_ms = timeout_ms,
        .max_response = max_bytes,
    };
    if (http_do(self->http, &request, arena, ret_response, err) < 0) {
        if (err && err->kind == ERR_UNCERTAIN)
            err->kind = ERR_UNAVAILABLE;
        return -1;
    }
    return ret_response->status == 200 ? 0 : twilio_refused(ret_response, true, err);
}
