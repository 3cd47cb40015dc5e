/* busfix.h - two buses in one process, and what the one receives. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "libshared/bus.h"
#include "proto/messages.h"

/* What one bus has received, and how it answers. */
struct inbox {
    struct bus *bus;
    pthread_mutex_t lock;
    int n;
    char type[65];       /* of the last one */
    char first_task[37]; /* of the last tasks_ready */
    char client_id[37];
    atomic_long n_refs;         /* of all tasks_ready */
    atomic_long deadline_ms;    /* of the last one */
    atomic_int answer_after_ms; /* a request is answered that late; -1: never */
    atomic_bool answer_problem;
    atomic_bool key_is_known; /* what the ZAP handler is told */
    atomic_int keys_asked;
};

/* answer_after_ms is -1, so nothing is answered. */
void inbox_open(struct inbox *inbox, const char *role, const char *bind_address);
void inbox_close(struct inbox *inbox);
int inbox_count(struct inbox *inbox);

/* Makes the buses know each other. */
void introduce(struct inbox *const *inboxes, int n);

/* Polls until the condition holds, for 10 s at most. */
#define eventually(condition)                                        \
    held(({                                                          \
        bool holds_ = false;                                         \
        for (int i_ = 0; i_ < 2000 && !(holds_ = (condition)); i_++) \
            sleep_ms(5);                                             \
        holds_;                                                      \
    }))
static inline bool held(bool value) /* the test framework wants an expression that begins with a name */
{
    return value;
}
void sleep_ms(int ms);

struct bus_stats stats_of(struct bus *bus);
