/* log.c - see log.h. */
#include "libshared/log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/text.h"

#define TEXT_MAX ((size_t)2048) /* bytes of one value that are logged */

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

/* Set once by log_init, before there are threads. */
static char service_name[32];
static enum log_level lowest = LOG_INFO;

static _Thread_local char trace[65];

void log_init(const char *service, const char *level)
{
    snprintf(service_name, sizeof service_name, "%s", service);
    for (size_t i = 0; i < COUNT_OF(level_names); i++)
        if (strcmp(level_names[i], level) == 0)
            lowest = (enum log_level)i;
}

void log_set_trace(const char *trace_id)
{
    snprintf(trace, sizeof trace, "%s", trace_id ? trace_id : "");
}

/* A line must be valid JSON whatever it is about: a text that is not UTF-8 shows '?' for what is not ASCII. */
static void put_text(struct buf *line, const char *text)
{
    char safe[TEXT_MAX + 1];
    size_t len;

    if (!text) {
        buf_puts(line, "null");
        return;
    }
    len = strnlen(text, TEXT_MAX + 4);
    len = utf8_cut(text, len, TEXT_MAX);
    memcpy(safe, text, len);
    safe[len] = '\0';
    if (!utf8_valid(safe, len))
        for (size_t i = 0; i < len; i++)
            if ((unsigned char)safe[i] >= 0x80)
                safe[i] = '?';
    buf_json_string(line, safe);
}

static void put_field(struct buf *line, const struct log_field *field)
{
    char masked[PHONE_MASK_SIZE];

    buf_puts(line, ",");
    buf_json_string(line, field->name);
    buf_puts(line, ":");
    switch (field->type) {
    case LOG_FIELD_INT:
        buf_printf(line, "%" PRId64, field->value.i);
        break;
    case LOG_FIELD_FLOAT:
        if (isfinite(field->value.f))
            buf_printf(line, "%.6g", field->value.f);
        else
            buf_puts(line, "null");
        break;
    case LOG_FIELD_PHONE:
        phone_mask(field->value.str, masked);
        put_text(line, masked);
        break;
    case LOG_FIELD_STR:
    case LOG_FIELD_END:
        put_text(line, field->value.str);
        break;
    }
}

void log_write(enum log_level level, const char *msg, const struct log_field *fields)
{
    AUTO(buf_free) struct buf line = {0};
    char now[CLOCK_TEXT_SIZE];
    int saved = errno;

    if (level < lowest)
        return;
    clock_format(clock_wall_us(), now);
    buf_printf(&line, "{\"ts\":\"%s\",\"level\":\"%s\",\"service\":", now, level_names[level]);
    put_text(&line, service_name);
    if (*trace) {
        buf_puts(&line, ",\"trace\":");
        put_text(&line, trace);
    }
    buf_puts(&line, ",\"msg\":");
    put_text(&line, msg);
    for (; fields->type != LOG_FIELD_END; fields++)
        put_field(&line, fields);
    buf_puts(&line, "}\n");
    if (!line.failed && write(STDERR_FILENO, line.data, line.len) < 0) {
        /* There is nobody left to tell. */
    }
    errno = saved;
}

void log_err(enum log_level level, const char *msg, const struct err *err)
{
    struct log_field fields[5] = {log_str("kind", err_kind_name(err->kind)), log_str("error", err->text)};
    size_t n = 2;

    if (err->provider_code)
        fields[n++] = log_int("provider_code", err->provider_code);
    if (err->field[0])
        fields[n++] = log_str("field", err->field);
    log_write(level, msg, fields);
}
