/* log.h - JSON lines on stderr.
 *
 *     log_info("task claimed", log_str("task_id", id), log_int("attempt", 2));
 *
 * Never logged: secrets, message bodies. Phone numbers go through log_phone.
 * Thread-safe; a line is one write(2), and a failed write is ignored. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *name;
    enum { LOG_FIELD_END, LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_FLOAT, LOG_FIELD_PHONE } type;
    union {
        const char *str;
        int64_t i;
        double f;
    } value;
};

#define log_str(n, v)   ((struct log_field){.name = (n), .type = LOG_FIELD_STR, .value.str = (v)})
#define log_int(n, v)   ((struct log_field){.name = (n), .type = LOG_FIELD_INT, .value.i = (int64_t)(v)})
#define log_float(n, v) ((struct log_field){.name = (n), .type = LOG_FIELD_FLOAT, .value.f = (v)})
#define log_phone(n, v) ((struct log_field){.name = (n), .type = LOG_FIELD_PHONE, .value.str = (v)})

#define log_debug(msg, ...) log_write(LOG_DEBUG, msg, (struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_info(msg, ...)  log_write(LOG_INFO, msg, (struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_warn(msg, ...)  log_write(LOG_WARN, msg, (struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_error(msg, ...) log_write(LOG_ERROR, msg, (struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})

/* service names every line; level is "debug", "info", "warn" or "error". Call once, before threads. */
void log_init(const char *service, const char *level);

/* Lines of this thread carry the trace id until it is set to NULL or "". Copied. */
void log_set_trace(const char *trace_id);

/* fields end with one of type LOG_FIELD_END. */
void log_write(enum log_level level, const char *msg, const struct log_field *fields);

/* msg with the kind, text and provider code of err. */
void log_err(enum log_level level, const char *msg, const struct err *err);
