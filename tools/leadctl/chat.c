/* chat.c - leadctl chat: writes as a lead and shows what the lead would get, by the sandbox that stands for Twilio. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/http.h"
#include "libshared/text.h"
#include "tools/leadctl/ctl.h"

#define DEFAULT_LEAD      "+15557654321"
#define DEFAULT_TIMEOUT_S 30
#define POLL_MS           20
#define ROUND_BYTES       (8 * 1024 * 1024)
#define TEXT_MAX          1600 /* characters that Twilio passes on */

struct chat {
    struct http *http;
    const char *sandbox, *from, *to;
    bool whatsapp;
    int64_t timeout_ms;
    json_int_t seen; /* index of the last message that was shown, or there before */
};

static void json_free(json_t **self_p)
{
    json_decref(*self_p);
    *self_p = NULL;
}

/* One request to the sandbox; its JSON answer, or NULL and *err. */
static json_t *ask(struct chat *chat, const char *method, const char *url, const char *body, int64_t timeout_ms,
                   struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ROUND_BYTES);
    const struct http_request request = {
        .method = method,
        .url = url,
        .content_type = body ? "application/json" : NULL,
        .body = body,
        .body_len = body ? strlen(body) : 0,
        .timeout_ms = (int)timeout_ms,
        .max_response = ROUND_BYTES / 2,
    };
    struct http_response response;
    json_t *answer;

    if (!arena) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    if (http_do(chat->http, &request, arena, &response, err) < 0)
        return NULL;
    answer = json_loadb(response.body, response.body_len, 0, NULL);
    if (response.status >= 300 || !json_is_object(answer)) {
        err_set(err, ERR_UNAVAILABLE, "the sandbox answers %d: %.150s", response.status, response.body);
        json_decref(answer);
        return NULL;
    }
    return answer;
}

/* The messages to the lead with an index above the last seen. NULL and *err. */
static json_t *fetch(struct chat *chat, struct err *err)
{
    AUTO(buf_free) struct buf url = {0};
    AUTO(json_free) json_t *answer = NULL;
    json_t *messages;

    buf_printf(&url, "%s/_sandbox/messages?to=", chat->sandbox);
    url_encode(&url, chat->whatsapp ? "whatsapp:" : "");
    url_encode(&url, chat->from);
    buf_printf(&url, "&after=%" JSON_INTEGER_FORMAT, chat->seen);
    if (url.failed) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    if (!(answer = ask(chat, "GET", url.data, NULL, 10000, err)))
        return NULL;
    if (!json_is_array(messages = json_object_get(answer, "messages"))) {
        err_set(err, ERR_UNAVAILABLE, "the sandbox's answer has no messages");
        return NULL;
    }
    return json_incref(messages);
}

static void mark_seen(struct chat *chat, const json_t *message)
{
    json_int_t index = json_integer_value(json_object_get(message, "index"));

    if (index > chat->seen)
        chat->seen = index;
}

/* What the lead got before this chat is not shown. */
static int skip_earlier(struct chat *chat, struct err *err)
{
    const json_t *message;
    size_t i, n;

    do {
        AUTO(json_free) json_t *messages = fetch(chat, err);
        if (!messages)
            return -1;
        n = json_array_size(messages);
        json_array_foreach (messages, i, message)
            mark_seen(chat, message);
    } while (n > 0);
    return 0;
}

/* Prints them, with the time from the lead's text to Twilio's POST; returns how many there were. */
static int show(struct chat *chat, int64_t since_us, struct err *err)
{
    AUTO(json_free) json_t *messages = fetch(chat, err);
    const json_t *message;
    size_t i;

    if (!messages)
        return -1;
    json_array_foreach (messages, i, message) {
        const char *body = json_string_value(json_object_get(message, "body"));
        const char *received = json_string_value(json_object_get(message, "received_at"));
        int64_t at_us = 0;

        printf("  < %s", body ? body : "(no text)");
        if (received && clock_parse(received, &at_us) == 0 && at_us >= since_us)
            printf("   (%" PRId64 " ms)", (at_us - since_us + 500) / 1000);
        printf("\n");
        mark_seen(chat, message);
    }
    fflush(stdout);
    return (int)json_array_size(messages);
}

static void sleep_ms(int64_t ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

/* Posts one text as Twilio would. 0, or -1 if the gateway has not taken it. */
static int post(struct chat *chat, const char *text, struct err *err)
{
    AUTO(buf_free) struct buf url = {0}, body = {0};
    AUTO(json_free) json_t *answer = NULL;
    const json_t *status;

    buf_printf(&url, "%s/_sandbox/inbound", chat->sandbox);
    buf_puts(&body, "{\"from\":");
    buf_json_string(&body, chat->from);
    buf_puts(&body, ",\"to\":");
    buf_json_string(&body, chat->to);
    buf_puts(&body, ",\"body\":");
    buf_json_string(&body, text);
    buf_printf(&body, ",\"channel\":\"%s\",\"wait\":true}", chat->whatsapp ? "whatsapp" : "sms");
    if (url.failed || body.failed)
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (!(answer = ask(chat, "POST", url.data, body.data, 40000, err)))
        return -1;
    status = json_object_get(answer, "status");
    if (json_integer_value(status) < 200 || json_integer_value(status) >= 300) {
        const char *why = json_string_value(json_object_get(answer, "error"));
        if (!why)
            why = json_string_value(json_object_get(answer, "body"));
        return err_set(err, ERR_UNAVAILABLE, "the gateway has not taken it: status %d, %.150s",
                       (int)json_integer_value(status), why ? why : "");
    }
    return 0;
}

/* One text, and its answer if one comes in time. */
static int say(struct chat *chat, const char *text, struct err *err)
{
    int64_t since_us = clock_wall_us(), until_ms = clock_mono_ms() + chat->timeout_ms;
    int n;

    if (!utf8_valid(text, strlen(text)) || utf8_count(text) > TEXT_MAX)
        return err_set(err, ERR_INVALID, "a text is at most %d characters of UTF-8", TEXT_MAX);
    if (post(chat, text, err) < 0)
        return -1;
    while ((n = show(chat, since_us, err)) == 0) {
        if (clock_mono_ms() > until_ms) {
            printf("  (no answer within %" PRId64 " s)\n", chat->timeout_ms / 1000);
            return 0;
        }
        sleep_ms(POLL_MS);
    }
    return n < 0 ? -1 : 0;
}

static int say_lines(struct chat *chat, struct err *err)
{
    bool terminal = isatty(STDIN_FILENO);
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    int rc = 0;

    while (rc == 0 &&
           (terminal ? (void)(printf("> "), fflush(stdout)) : (void)0, len = getline(&line, &cap, stdin)) > 0) {
        line[strcspn(line, "\r\n")] = '\0';
        if (!*line)
            continue;
        if (!terminal)
            printf("> %s\n", line);
        rc = say(chat, line, err);
    }
    if (terminal)
        printf("\n");
    free(line);
    return rc;
}

/* The texts of the command line in their order; says whether there were any. */
static int say_script(struct chat *chat, const struct ctl *ctl, bool *ret_any, struct err *err)
{
    *ret_any = false;
    for (size_t i = 0; i < ctl->n_options + ctl->n_args; i++) {
        bool once = i < ctl->n_options && strcmp(ctl->options[i].name, "once") == 0;
        const char *text = once ? ctl->options[i].value : i >= ctl->n_options ? ctl->args[i - ctl->n_options] : NULL;
        if (!text)
            continue;
        *ret_any = true;
        printf("> %s\n", text);
        fflush(stdout);
        if (say(chat, text, err) < 0)
            return -1;
    }
    return 0;
}

/* The number that a client's leads write to, the first of several. NULL and *err if it has none. */
static const char *client_number(struct ctl *ctl, const char *client_id, bool whatsapp, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (ctl_check_uuid(ctl, client_id, "--client", err) < 0 || !ctl_db(ctl, err) ||
        db_run(ctl->db, client_id, &rows, err,
               "SELECT number FROM client_numbers n JOIN clients USING (client_id)"
               " WHERE client_id = $1 AND channel = $2"
               " ORDER BY number IS DISTINCT FROM config->>'twilio_phone_number', number LIMIT 1",
               db_text(client_id), db_text(whatsapp ? "whatsapp" : "sms")) < 0)
        return NULL;
    if (db_result_count(rows) == 0) {
        err_set(err, ERR_NOT_FOUND, "client %s has no number for %s", client_id, whatsapp ? "WhatsApp" : "texts");
        return NULL;
    }
    return arena_strdup(ctl->arena, db_get(rows, 0, "number"));
}

static int read_options(struct ctl *ctl, struct chat *chat, struct err *err)
{
    const char *client = ctl_option(ctl, "client"), *timeout = ctl_option(ctl, "timeout");
    int64_t timeout_s = DEFAULT_TIMEOUT_S;

    chat->whatsapp = ctl_option(ctl, "whatsapp") != NULL;
    chat->to = ctl_option(ctl, "to");
    chat->from = ctl_option(ctl, "from");
    chat->sandbox = ctl_option(ctl, "sandbox");
    if (!chat->from)
        chat->from = DEFAULT_LEAD;
    if (!chat->sandbox)
        chat->sandbox = getenv("SANDBOX_URL");
    if (!chat->sandbox || !*chat->sandbox)
        return ctl_misuse(ctl, err, "chat wants --sandbox URL, or SANDBOX_URL");
    if (!client == !chat->to)
        return ctl_misuse(ctl, err, "chat wants either --client ID or --to NUMBER");
    if (timeout && !text_to_int(timeout, 1, 3600, &timeout_s))
        return ctl_misuse(ctl, err, "--timeout is a number of seconds from 1 to 3600");
    chat->timeout_ms = timeout_s * 1000;
    if (client && !(chat->to = client_number(ctl, client, chat->whatsapp, err)))
        return -1;
    if (!phone_is_e164(chat->from) || !phone_is_e164(chat->to))
        return ctl_misuse(ctl, err, "--from and --to are E.164 numbers, e.g. +15550100000");
    return 0;
}

int cmd_chat(struct ctl *ctl, struct err *err)
{
    struct chat chat = {.seen = -1};
    bool any;
    int rc;

    if (read_options(ctl, &chat, err) < 0 || !(chat.http = http_new(err)))
        return -1;
    if ((rc = skip_earlier(&chat, err)) == 0 && (rc = say_script(&chat, ctl, &any, err)) == 0 && !any)
        rc = say_lines(&chat, err);
    http_destroy(&chat.http);
    return rc;
}
