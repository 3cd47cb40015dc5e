/* fake_twilio.h - a Twilio of a few lines, for tests: it answers what it was told and keeps what it was asked. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#define FAKE_ANSWERS_MAX 40

struct fake_twilio {
    char url[64];
    int n_posts, n_gets; /* requests so far */
    char last[4096];     /* the last request, headers and body */

    /* Called while the request waits for its answer; may be NULL. */
    void (*on_request)(void *arg);
    void *on_request_arg;

    /* private */
    struct {
        int status; /* 0: the connection is cut without an answer */
        char body[2048];
    } answers[FAKE_ANSWERS_MAX];
    int n_answers, next;
    int listener;
    bool ending;
    pthread_t thread;
    pthread_mutex_t lock;
};

void fake_twilio_start(struct fake_twilio *self);
void fake_twilio_stop(struct fake_twilio *self);

/* What the next request that has no answer yet gets. status 0: the connection is cut after the request was read. */
void fake_twilio_answer(struct fake_twilio *self, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
