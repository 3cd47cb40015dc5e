/* group.h - group commit for straight-line handlers.
 *
 * Threads hand in an item each and block until it is done. One of them becomes the runner: it takes all that wait then,
 * runs the batch function for them and wakes the others; what has come meanwhile is the next batch, whose runner is the
 * thread of its first item. So there is no thread beside them, and alone an item is done at once. In a patient group
 * (GROUP_INIT_PATIENT) what comes behind a batch of several waits up to 10 ms for company, a quarter of a batch: for
 * work that costs much the same for one item as for ten, and that nobody is in a hurry for.
 *
 *     struct booking { struct group_item item; ... what it needs and gets ... };
 *     static struct group bookings = GROUP_INIT(book_many, 64);
 *
 *     struct booking booking = {...};
 *     return group_do(&bookings, worker, &booking.item, err);     // blocks
 *
 * A thread that must not block adds its item instead, and another works (group_add, group_work). A group is used in one
 * of the two ways. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "libshared/err.h"

#define GROUP_BATCH_MAX 256

/* The first member of what is handed in. The batch function may set rc and err; the rest is group.c's. */
struct group_item {
    int rc;                                /* 0, or -1: this item alone has failed */
    struct err err;                        /* why */
    void (*done)(struct group_item *self); /* of one that was added: called after its batch, its memory is free then */
    enum { GROUP_WAITING, GROUP_RUNS, GROUP_DONE } state;
    struct group_item *next;
    pthread_cond_t turn;
};

/* Does all items or, when it returns -1, none. With more than one item, an error that may be the fault of a single one
 * (all but ERR_UNAVAILABLE and ERR_UNCERTAIN) makes it run again for each half, down to the items at fault. arg: as the
 * runner has given it to group_do. */
typedef int group_fn(void *arg, struct group_item *const *items, size_t n, struct err *err);

struct group {
    group_fn *run;
    size_t max; /* items in one batch, up to GROUP_BATCH_MAX */
    pthread_mutex_t lock;
    struct group_item *head, *tail; /* who waits */
    size_t n_waiting;
    bool has_runner;
    pthread_cond_t company;                    /* a quarter of a batch waits */
    bool is_patient;                           /* a batch waits for company behind one of several */
    size_t n_before;                           /* items of the batch before */
    struct timespec company_until;             /* until then the one behind it waits for company */
    struct group_item *batch[GROUP_BATCH_MAX]; /* the runner's */
};

#define GROUP_INIT(fn, most)         GROUP_INIT_AS(fn, most, false)
#define GROUP_INIT_PATIENT(fn, most) GROUP_INIT_AS(fn, most, true)
#define GROUP_INIT_AS(fn, most, patient)                                                                    \
    {                                                                                                       \
        .run = (fn), .max = (most), .lock = PTHREAD_MUTEX_INITIALIZER, .company = PTHREAD_COND_INITIALIZER, \
        .is_patient = (patient)                                                                             \
    }

/* Returns when the item is done: 0, or -1 with its error, or with that of the batch function for all. Thread-safe. */
int group_do(struct group *self, void *arg, struct group_item *item, struct err *err);

/* Adds an item without blocking; the caller has set its done. True: nobody works, and one must now call group_work.
 * Thread-safe. */
bool group_add(struct group *self, struct group_item *item);

/* Runs batches until nothing is left. After a batch of several items the next one waits up to 10 ms for company; one
 * that comes alone is done at once. */
void group_work(struct group *self, void *arg);

/* Where group_add wants somebody to work and nobody can: all that waits fails with ERR_UNAVAILABLE. */
void group_give_up(struct group *self, const char *why);
