/* service_lanes.c - when a process asks for tasks that have a lane, see tasks.h.
 *
 * At once when ids were heard; otherwise when the earliest lane can be ready again, as the last claim told. And about
 * each second all lanes are looked through: ids may be lost, and retries are not pushed. */
#include "libshared/clock.h"
#include "libshared/service_internal.h"
#include "proto/envelope.h"

enum {
    PACE_MS = 10,     /* between claims that nobody asked for: with many lanes one is always ready in a moment */
    MISSED_MS = 2,    /* another process's claim is over by then */
    LOOK_MS = 1000,   /* between looks */
    FAILURE_MS = 100, /* what failed may be for very soon: look, but not after each when all fail */
};

static void lower(int64_t *at_ms, int64_t to_ms)
{
    if (*at_ms > to_ms)
        *at_ms = to_ms;
}

int64_t lanes_wake_locked(const struct process *self)
{
    return self->lanes_at_ms < self->lanes_look_ms ? self->lanes_at_ms : self->lanes_look_ms;
}

void lanes_failed(struct process *self)
{
    pthread_mutex_lock(&self->lock);
    lower(&self->lanes_look_ms, clock_mono_ms() + FAILURE_MS);
    pthread_mutex_unlock(&self->lock);
}

int lanes_claim(struct process *self, const struct task_ref *heard, size_t n_heard, size_t want, struct task *ret_tasks,
                bool *ret_others, struct err *err)
{
    int64_t began_ms = clock_mono_ms();
    struct lane_news news;
    struct lane_claim claim = {
        .instance = self->main_slot.worker.instance,
        .role = self->service->role,
        .rates = self->lane_rates,
        .want = want,
        .heard = heard,
        .n_heard = n_heard,
    };
    int n;

    pthread_mutex_lock(&self->lock);
    claim.look = began_ms >= self->lanes_look_ms;
    pthread_mutex_unlock(&self->lock);
    if ((n = tasks_claim_lanes(self->db, &claim, ret_tasks, &news, err)) < 0)
        return -1;
    *ret_others = news.others;

    pthread_mutex_lock(&self->lock);
    if (claim.look)
        self->lanes_look_ms = began_ms + LOOK_MS;
    if (news.missed)
        lower(&self->lanes_look_ms, clock_mono_ms() + MISSED_MS);
    self->lanes_at_ms = clock_mono_ms() + (news.next_ms > PACE_MS ? news.next_ms : PACE_MS);
    pthread_mutex_unlock(&self->lock);
    return n;
}
