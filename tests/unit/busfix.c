/* busfix.c - see busfix.h. */
#include "tests/unit/busfix.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "libshared/arena.h"
#include "libshared/err.h"

void sleep_ms(int ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    nanosleep(&pause, NULL);
}

struct bus_stats stats_of(struct bus *bus)
{
    struct bus_stats stats;

    bus_stats(bus, &stats);
    return stats;
}

static void note_hint(struct inbox *inbox, const struct envelope *env)
{
    struct arena *arena = arena_new(65536);
    struct tasks_ready ready;
    struct err err = {0};

    if (codec_unpack(&tasks_ready_type, env->body.data, env->body.len, arena, &ready, &err) == 0) {
        inbox->n_refs += (long)ready.n_refs;
        snprintf(inbox->first_task, sizeof inbox->first_task, "%s", ready.refs[0].task_id);
    }
    arena_destroy(&arena);
}

static void answer(struct inbox *inbox, const struct envelope *env)
{
    struct empty ok = {.ok = true};
    struct problem problem = {.kind = "not_found", .detail = "no such thing", .field = "name", .retry_after_s = 7};

    if (inbox->answer_after_ms < 0)
        return;
    sleep_ms(inbox->answer_after_ms);
    if (inbox->answer_problem)
        bus_answer(inbox->bus, env, &problem_type, &problem);
    else
        bus_answer(inbox->bus, env, &empty_type, &ok);
}

static void on_message(void *arg, const struct envelope *env, const void *frame, size_t len)
{
    struct inbox *inbox = arg;

    (void)frame;
    (void)len;
    pthread_mutex_lock(&inbox->lock);
    inbox->n++;
    snprintf(inbox->type, sizeof inbox->type, "%s", env->type);
    snprintf(inbox->client_id, sizeof inbox->client_id, "%s", env->client_id ? env->client_id : "");
    inbox->deadline_ms = env->deadline_ms;
    if (strcmp(env->type, "tasks_ready") == 0)
        note_hint(inbox, env);
    pthread_mutex_unlock(&inbox->lock);
    answer(inbox, env);
}

static bool key_is_known(void *arg, const char *public_key)
{
    struct inbox *inbox = arg;

    (void)public_key;
    inbox->keys_asked++;
    return inbox->key_is_known;
}

void inbox_open(struct inbox *inbox, const char *role, const char *bind_address)
{
    struct err err = {0};
    struct bus_options options = {
        .role = role,
        .bind_address = bind_address,
        .advertise_address = "127.0.0.1",
        .on_message = on_message,
        .arg = inbox,
        .key_is_known = key_is_known,
    };

    memset(inbox, 0, sizeof *inbox);
    inbox->answer_after_ms = -1;
    pthread_mutex_init(&inbox->lock, NULL);
    inbox->bus = bus_new(&options, &err);
    cr_assert(inbox->bus, "%s", err.text);
}

void inbox_close(struct inbox *inbox)
{
    bus_destroy(&inbox->bus);
    pthread_mutex_destroy(&inbox->lock);
}

int inbox_count(struct inbox *inbox)
{
    int n;

    pthread_mutex_lock(&inbox->lock);
    n = inbox->n;
    pthread_mutex_unlock(&inbox->lock);
    return n;
}

void introduce(struct inbox *const *inboxes, int n)
{
    struct bus_peer peers[8];

    cr_assert(n <= 8);
    for (int i = 0; i < n; i++)
        peers[i] = *bus_self(inboxes[i]->bus);
    for (int i = 0; i < n; i++)
        bus_set_peers(inboxes[i]->bus, peers, (size_t)n);
}
