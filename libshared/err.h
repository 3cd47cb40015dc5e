/* err.h - the one way in which failing is told.
 *
 * What can fail returns 0 or -1 (or an object or NULL) and fills a struct err.
 * The caller decides by the kind; the text is for a person. Whoever ends the
 * chain logs, once. Outputs are untouched on failure. */
#pragma once

enum err_kind {
    ERR_NONE,
    ERR_INVALID,     /* wrong input: no retry can heal it */
    ERR_DENIED,      /* not allowed: opted out, bad token */
    ERR_NOT_FOUND,   /* no such thing, or it is another client's */
    ERR_CONFLICT,    /* somebody was first: name taken, attempt superseded */
    ERR_UNAVAILABLE, /* it did not happen: retry later */
    ERR_UNCERTAIN,   /* it may have happened: ask before repeating */
    ERR_INTERNAL,    /* our bug, or no memory */
};

struct err {
    enum err_kind kind; /* what the caller decides by */
    int retry_after_s;  /* seconds, as the provider asked; 0 if it did not */
    int provider_code;  /* the provider's own error code, e.g. Twilio's 21610; 0 if none */
    char field[64];     /* the input field at fault, "" if none */
    char text[256];     /* what a person reads */
};

/* Fills *err, which may be NULL. Always returns -1. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same, and names the input field at fault. Always returns -1. */
int err_set_field(struct err *err, enum err_kind kind, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* "invalid", "denied", "not_found", ... as logs, tasks and problem documents name them. */
const char *err_kind_name(enum err_kind kind);

/* The kind of that name, ERR_INTERNAL if there is none. */
enum err_kind err_kind_from_name(const char *name);

/* Whether a task that failed like this is tried again. */
static inline int err_is_retryable(const struct err *err)
{
    return err->kind == ERR_UNAVAILABLE || err->kind == ERR_UNCERTAIN || err->kind == ERR_INTERNAL ||
           err->kind == ERR_CONFLICT;
}
