/* twilio.c - see twilio.h. How each answer is understood: the README of the provider contracts, and Twilio's error
 * dictionary. */
#include "services/delivery/twilio.h"

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

#define SEND_TIMEOUT_MS 30000 /* Twilio itself may work for 26 s on a message */
#define ANSWER_MAX      ((size_t)64 * 1024)

struct twilio *twilio_new(const char *base_url, const char *account_sid, const char *auth_token, struct err *err)
{
    AUTO(twilio_destroy) struct twilio *self = calloc(1, sizeof *self);

    if (!self || !(self->base_url = strdup(base_url)) || !(self->account_sid = strdup(account_sid)) ||
        !(self->auth_token = strdup(auth_token))) {
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
    free(self->base_url);
    free(self->account_sid);
    free(self->auth_token);
    free(self);
    *self_p = NULL;
}

/* ---- sending ---- */

int twilio_send(struct twilio *self, const struct twilio_message *message, char ret_sid[TWILIO_SID_SIZE],
                struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(4 * ANSWER_MAX);
    AUTO(buf_free) struct buf url = {0}, body = {0};
    struct http_response response;

    buf_puts(&url, self->base_url);
    buf_puts(&url, "/2010-04-01/Accounts/");
    url_encode(&url, self->account_sid);
    buf_puts(&url, "/Messages.json");
    form_put(&body, "To", message->to);
    form_put(&body, "From", message->from);
    form_put(&body, "Body", message->body);
    if (message->status_callback)
        form_put(&body, "StatusCallback", message->status_callback);
    if (!arena || url.failed || body.failed)
        return err_set(err, ERR_UNAVAILABLE, "twilio: out of memory");

    struct http_request request = {
        .method = "POST",
        .url = url.data,
        .content_type = "application/x-www-form-urlencoded",
        .body = body.data,
        .body_len = body.len,
        .basic_user = self->account_sid,
        .basic_password = self->auth_token,
        .timeout_ms = SEND_TIMEOUT_MS,
        .max_response = ANSWER_MAX,
    };
    if (http_do(self->http, &request, arena, &response, err) < 0)
        return -1;
    return twilio_read_send_answer(&response, ret_sid, err);
}

/* Codes with which Twilio says: not now, but later (README of the contracts, "Retry with backoff"). */
static bool is_retryable(int code)
{
    static const int codes[] = {20429, 21611, 30001, 30022, 30023, 63009, 63010, 63012, 63018, 63038};

    for (size_t i = 0; i < COUNT_OF(codes); i++)
        if (codes[i] == code)
            return true;
    return false;
}

const char *twilio_remedy(int code)
{
    static const struct {
        int code;
        const char *text;
    } remedies[] = {
        {20003, "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN do not belong together or are not valid"},
        {20404, "TWILIO_ACCOUNT_SID or TWILIO_BASE_URL is wrong"},
        {21408, "enable the recipient's region in the account's messaging geographic permissions"},
        {21601, "the client's number cannot send texts: check it in Twilio's console"},
        {21603, "the client has no number to send from: set its twilio_phone_number"},
        {21604, "the message has no recipient"},
        {21602, "the message has no text"},
        {21606, "the client's twilio_phone_number is not a number of this account that can send texts"},
        {21608, "a trial account sends to verified numbers alone: verify the number or upgrade"},
        {21219, "a trial account sends to verified numbers alone: verify the number or upgrade"},
        {21609, "PUBLIC_URL is not an address that Twilio accepts for status callbacks"},
        {21703, "the messaging service has no sender: check it in Twilio's console"},
        {30002, "the account is suspended"},
        {30034, "the number is not registered for A2P 10DLC"},
    };

    for (size_t i = 0; i < COUNT_OF(remedies); i++)
        if (remedies[i].code == code)
            return remedies[i].text;
    return NULL;
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

static int refused(const struct http_response *response, struct err *err)
{
    char message[160];
    int code = read_refusal(response, message, sizeof message);
    enum err_kind kind = ERR_INVALID;

    if (response->status >= 500 || response->status < 400 || response->status == 408)
        kind = ERR_UNCERTAIN;
    else if (response->status == 429 || is_retryable(code))
        kind = ERR_UNAVAILABLE;
    else if (response->status == 401 || twilio_remedy(code))
        kind = ERR_DENIED;
    err_set(err, kind, "Twilio answers %d, code %d: %s", response->status, code, message);
    if (err) {
        err->provider_code = code;
        err->retry_after_s = response->retry_after_s;
    }
    return -1;
}

int twilio_read_send_answer(const struct http_response *response, char ret_sid[TWILIO_SID_SIZE], struct err *err)
{
    json_t *json;
    const char *sid;
    bool accepted;

    if (response->status < 200 || response->status > 299)
        return refused(response, err);
    json = json_loadb(response->body, response->body_len, 0, NULL);
    sid = json_string_value(json_object_get(json, "sid"));
    accepted = twilio_is_sid(sid);
    if (accepted)
        snprintf(ret_sid, TWILIO_SID_SIZE, "%s", sid);
    json_decref(json);
    if (!accepted)
        return err_set(err, ERR_UNCERTAIN, "Twilio answers %d without a readable sid", response->status);
    return 0;
}
