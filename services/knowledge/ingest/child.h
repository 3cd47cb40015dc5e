/* child.h - a program run on bytes that nobody trusts, with bounded time, memory, files and output. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libshared/buf.h"

struct err;

struct child {
    struct buf out;   /* what it wrote; at most CHILD_OUT_BYTES */
    struct buf notes; /* the begin of what it wrote to standard error */
    int exit_code;    /* -1: it was killed */
    bool is_missing;  /* there is no such program */
    bool is_too_slow; /* it was killed because its time was up */
    bool is_too_long; /* it was killed because it wrote too much */
};

#define CHILD_OUT_BYTES    (20 * 1024 * 1024)
#define CHILD_NOTE_BYTES   4096
#define CHILD_MEMORY_BYTES (1024L * 1024 * 1024) /* of address space */

/* Runs argv[0], found on our PATH, with data as its standard input, in a process group of its own, with no other
 * files and no other environment. Blocks until it has ended; it is killed after limit_ms, or when our thread dies.
 * Whatever it does is in *ret_child, also if it failed. 0, or -1 with ERR_INTERNAL if it could not be started or read.
 * child_free in both cases. */
int child_run(const char *const *argv, const void *data, size_t len, int limit_ms, struct child *ret_child,
              struct err *err);
void child_free(struct child *self);
