/* later.h - things to be done at a time, by a few threads. Thread-safe. */
#pragma once

#include <stdint.h>

struct err;
struct http;
struct later;

/* http is the thread's own client. It is NULL when the thing will not be done any more, because all ends: then only
 * what arg holds is to be released. */
typedef void later_fn(void *arg, struct http *http);

struct later *later_new(int threads, struct err *err);

/* Lets run what runs, gives up the rest, and from now on gives up what is added. */
void later_stop(struct later *self);
void later_destroy(struct later **self_p);

/* due_us is of clock_mono_us(). */
void later_add(struct later *self, int64_t due_us, later_fn *fn, void *arg);
