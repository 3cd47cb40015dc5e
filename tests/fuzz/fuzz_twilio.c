/* fuzz_twilio.c - what Twilio answers: any bytes. The first byte chooses what was asked; of a template, what stands
 * behind a NUL byte are the values that fill it. */
#include "tests/fuzz/fuzz.h"

#include "libshared/http.h"
#include "libshared/text.h"
#include "services/delivery/templates.h"
#include "services/delivery/twilio_internal.h"

static void read_sent(const struct http_response *response)
{
    struct twilio_sent sent = {0};
    struct err err = {0};

    if (twilio_read_send_answer(response, &sent, &err) == 0)
        CHECK(twilio_is_sid(sent.sid) && sent.segments >= 0 && sent.segments <= 1000, "%s %d", sent.sid, sent.segments);
    else
        CHECK(err.kind == ERR_UNCERTAIN || response->status >= 300, "a success is %s", err_kind_name(err.kind));
}

static void read_page(const struct http_response *response)
{
    const struct twilio_wanted wanted = {.to = "+15550001111", .from = "+15550002222", .body = "hello"};
    const struct twilio_wanted by_service = {.to = "+15550001111", .messaging_service = "MG1", .body = "hello"};
    struct twilio_matches matches = {0};
    char *next = NULL;

    if (twilio_read_page(response->body, response->body_len, &wanted, &matches, &next, NULL) == 0 && next)
        CHECK(next[0] == '/', "%s", next);
    free(next);
    next = NULL;
    if (twilio_read_page(response->body, response->body_len, &by_service, &matches, &next, NULL) == 0)
        CHECK(matches.n <= TWILIO_MATCHES_MAX, "%zu", matches.n);
    free(next);
}

static void read_phone(const struct http_response *response)
{
    struct twilio_phone phone;

    if (twilio_read_phone(response, &phone, NULL) < 0)
        return;
    CHECK(*phone.phone && utf8_valid(phone.phone, strlen(phone.phone)), "%s", phone.phone);
    CHECK(utf8_valid(phone.carrier, strlen(phone.carrier)) && !text_has_control(phone.carrier), "%s", phone.carrier);
    CHECK(phone.valid || !*phone.line_type, "%s", phone.line_type);
}

static void read_template(const struct http_response *response, const char *variables, struct arena *arena)
{
    struct twilio_template template = {.approval = "", .rejection = ""};
    const char *body;
    struct err err = {0};

    if (twilio_read_template(response, arena, &template, &err) < 0)
        return;
    if (template_fill(&template, variables, arena, &body, &err) == 0)
        CHECK(utf8_valid(body, strlen(body)) && utf8_count(body) <= TWILIO_BODY_CHARS_MAX, "%s", body);
    else
        CHECK(err.kind == ERR_INVALID || err.kind == ERR_INTERNAL, "%s", err.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 201, 302, 400, 401, 429, 500};
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_LIMIT);
    const uint8_t *behind;
    struct http_response response;
    char *body;

    if (size < 1)
        return 0;
    body = arena_strndup(arena, (const char *)data + 1, size - 1);
    CHECK(body, "no memory");
    response = (struct http_response){.status = statuses[(data[0] >> 2) % 7], .body = body, .body_len = strlen(body)};
    behind = memchr(data + 1, 0, size - 1);
    switch (data[0] & 3) {
    case 0:
        read_sent(&response);
        break;
    case 1:
        read_page(&response);
        break;
    case 2:
        read_phone(&response);
        break;
    default:
        read_template(&response,
                      behind ? arena_strndup(arena, (const char *)behind + 1, size - (size_t)(behind + 1 - data))
                             : NULL,
                      arena);
    }
    return 0;
}
