/* fuzz_signature.c - X-Twilio-Signature. A line with the public URL, one with the target, then the body.
 *
 * The text that Twilio signs is put together here a second time, the long way round. */
#include "tests/fuzz/fuzz.h"

#include "libshared/form.h"
#include "libshared/seal.h"
#include "services/gateway/twilio_signature.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

/* The fields by name, then by value, each pair once. */
static void put_fields(struct buf *text, const struct form *form)
{
    const struct form_field *last = NULL;

    for (;;) {
        const struct form_field *next = NULL;

        for (size_t i = 0; i < form->n; i++) {
            const struct form_field *field = &form->fields[i];
            int name, value;

            if (last) {
                name = strcmp(field->name, last->name);
                if (name < 0 || (name == 0 && strcmp(field->value, last->value) <= 0))
                    continue;
            }
            name = next ? strcmp(field->name, next->name) : -1;
            value = next ? strcmp(field->value, next->value) : -1;
            if (name < 0 || (name == 0 && value < 0))
                next = field;
        }
        if (!next)
            return;
        buf_puts(text, next->name);
        buf_puts(text, next->value);
        last = next;
    }
}

/* The text that is signed with the URL as it is given; ports are not touched. */
static void put_signed(struct buf *text, const char *url, const char *target, const struct form *form)
{
    buf_puts(text, url);
    buf_puts(text, target);
    put_fields(text, form);
}

/* A NUL-terminated copy of what is before the next line break, which is skipped. */
static const char *take_line(const uint8_t **at, size_t *left, struct arena *arena)
{
    const uint8_t *end = memchr(*at, '\n', *left);
    size_t len = end ? (size_t)(end - *at) : *left;
    char *line = arena_alloc(arena, len + 1);

    CHECK(line, "no memory");
    if (len > 0)
        memcpy(line, *at, len);
    *at += end ? len + 1 : len;
    *left -= end ? len + 1 : len;
    return line;
}

/* Any other body is accepted only if it says the same. */
static void check_other_body(const struct twilio_request *request, const struct buf *text, char *body, size_t len,
                             const char *signature, struct arena *arena)
{
    AUTO(buf_free) struct buf other_text = {0};
    struct twilio_request other = *request;
    struct form form;
    size_t at = len > 0 ? (unsigned char)signature[0] * 31U % len : 0;

    if (len == 0)
        return;
    body[at] = (char)(body[at] ^ (1 << (unsigned char)signature[1] % 8));
    if (form_parse(body, len, arena, &form, NULL) < 0)
        return;
    other.form = &form;
    put_signed(&other_text, request->public_url, request->target, &form);
    CHECK(twilio_signature_valid(TOKEN, &other, signature, arena) ==
              (other_text.len == text->len && memcmp(other_text.data, text->data, text->len) == 0),
          "byte %zu of the body", at);
}

/* Twilio may leave user and password out of the address. */
static void check_without_user(const struct twilio_request *request, struct arena *arena)
{
    AUTO(buf_free) struct buf text = {0};
    const char *start = strstr(request->public_url, "://");
    const char *at = start ? memrchr(start + 3, '@', strcspn(start + 3, "/?#")) : NULL;
    char signature[29];

    if (!at)
        return;
    buf_append(&text, request->public_url, (size_t)(start + 3 - request->public_url));
    put_signed(&text, at + 1, request->target, request->form);
    hmac_sha1_base64(TOKEN, text.data, text.len, signature);
    CHECK(twilio_signature_valid(TOKEN, request, signature, arena), "without user");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_LIMIT);
    AUTO(buf_free) struct buf text = {0};
    struct twilio_request request = {0};
    char signature[29], changed[29];
    struct form form;
    char *body;

    request.public_url = take_line(&data, &size, arena);
    request.target = take_line(&data, &size, arena);
    if (form_parse((const char *)data, size, arena, &form, NULL) < 0)
        return 0;
    request.form = &form;
    put_signed(&text, request.public_url, request.target, &form);
    if (text.len == 0) /* nothing at all is signed */
        buf_puts(&text, "");
    hmac_sha1_base64(TOKEN, text.data ? text.data : "", text.len, signature);
    if (strchr(request.public_url, ':') && strstr(request.public_url, "://"))
        CHECK(twilio_signature_valid(TOKEN, &request, signature, arena), "its own signature");

    check_without_user(&request, arena);

    for (size_t i = 0; i < sizeof signature - 1; i++) {
        memcpy(changed, signature, sizeof changed);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        CHECK(!twilio_signature_valid(TOKEN, &request, changed, arena), "character %zu of the signature", i);
    }
    CHECK(!twilio_signature_valid("x" TOKEN, &request, signature, arena), "another token");
    CHECK(!twilio_signature_valid(TOKEN, &request, NULL, arena), "no signature");

    body = arena_alloc(arena, size + 1);
    CHECK(body, "no memory");
    if (size > 0)
        memcpy(body, data, size);
    check_other_body(&request, &text, body, size, signature, arena);
    return 0;
}
