/* fuzz_multipart.c - uploads. A line with the Content-Type, then the body. */
#include "tests/fuzz/fuzz.h"

#include "libshared/text.h"
#include "services/gateway/multipart.h"

#define AGAIN "again-0123456789"

static void check_text(const char *text)
{
    CHECK(utf8_valid(text, strlen(text)) && !text_has_control(text), "%s", text);
}

/* Quotes and backslashes escaped; "%22" would be read as a quote, so its percent sign is left out. */
static void put_quoted(struct buf *out, const char *text)
{
    buf_puts(out, "\"");
    for (; *text; text++) {
        if (strncmp(text, "%22", 3) == 0)
            continue;
        if (*text == '"' || *text == '\\')
            buf_puts(out, "\\");
        buf_append(out, text, 1);
    }
    buf_puts(out, "\"");
}

static void write_part(struct buf *out, const struct multipart_part *part)
{
    buf_puts(out, "--" AGAIN "\r\nContent-Disposition: form-data; name=");
    put_quoted(out, part->name);
    buf_puts(out, "\r\n\r\n");
    buf_append(out, part->data, part->len);
    buf_puts(out, "\r\n");
}

/* Written and read again the parts hold the same data. Escaped, a name takes up to twice its bytes. */
static void check_again(const struct multipart *form, struct arena *arena)
{
    AUTO(buf_free) struct buf text = {0};
    struct multipart again;
    struct err err = {0};

    for (size_t i = 0; i < form->n; i++) {
        if (strlen(form->parts[i].name) > MULTIPART_HEADERS_MAX / 3)
            return;
        write_part(&text, &form->parts[i]);
    }
    buf_puts(&text, "--" AGAIN "--");
    CHECK(!text.failed, "no memory");
    CHECK(multipart_parse("multipart/form-data; boundary=" AGAIN, text.data, text.len, arena, &again, &err) == 0, "%s",
          err.text);
    CHECK(again.n == form->n, "%zu parts became %zu", form->n, again.n);
    for (size_t i = 0; i < form->n; i++)
        CHECK(again.parts[i].len == form->parts[i].len &&
                  memcmp(again.parts[i].data, form->parts[i].data, form->parts[i].len) == 0,
              "part %zu", i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_LIMIT);
    const uint8_t *line_end = size ? memchr(data, '\n', size) : NULL;
    size_t type_len = line_end ? (size_t)(line_end - data) : size;
    const char *type = arena_strndup(arena, (const char *)data, type_len);
    const char *body = (const char *)data + (line_end ? type_len + 1 : size);
    size_t len = size - (line_end ? type_len + 1 : size);
    struct multipart form;
    struct err err = {0};

    CHECK(type, "no memory");
    if (multipart_parse(type, body, len, arena, &form, &err) < 0) {
        CHECK(err.kind == ERR_INVALID && err.text[0], "%s", err.text);
        return 0;
    }
    CHECK(form.n >= 1 && form.n <= MULTIPART_PARTS_MAX, "%zu parts", form.n);
    for (size_t i = 0; i < form.n; i++) {
        const struct multipart_part *part = &form.parts[i];

        CHECK(part->data >= body && part->data + part->len <= body + len, "part %zu is outside", i);
        CHECK(*part->name, "part %zu", i);
        check_text(part->name);
        check_text(part->filename ? part->filename : "");
        check_text(part->content_type ? part->content_type : "");
    }
    if (!memmem(body, len, AGAIN, strlen(AGAIN)))
        check_again(&form, arena);
    return 0;
}
