/* sweep.c - what waits and is not being worked on is pushed again, in pages. */
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/failpoint.h"
#include "libshared/service.h"
#include "services/scheduler/scheduler.h"

enum {
    PAGES_AT_ONCE = 4,
    PUSHED_SLOTS = 4096, /* a power of two */
};

struct sweep {
    struct task_cursor cursor;
    struct task_sweep_item items[TASK_SWEEP_PAGE];
    /* What was pushed when, by hash. Where two share a slot one is perhaps pushed too soon again: that is harmless. */
    struct {
        uint64_t hash;
        int64_t at_ms;
    } pushed[PUSHED_SLOTS];
};

struct sweep *sweep_new(void)
{
    return calloc(1, sizeof(struct sweep));
}

void sweep_destroy(struct sweep **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

/* FNV-1a. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = 14695981039346656037u;

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

bool sweep_may_push(struct sweep *self, const char *task_id, int64_t now_ms)
{
    uint64_t hash = hash_of(task_id);
    size_t slot = (hash ^ hash >> 32) & (PUSHED_SLOTS - 1);

    if (self->pushed[slot].hash == hash && now_ms - self->pushed[slot].at_ms < SWEEP_REPEAT_MS)
        return false;
    self->pushed[slot].hash = hash;
    self->pushed[slot].at_ms = now_ms;
    return true;
}

int sweep_some(struct sweep *self, struct worker *worker, struct err *err)
{
    int found = TASK_SWEEP_PAGE;

    for (int page = 0; page < PAGES_AT_ONCE && found == TASK_SWEEP_PAGE; page++) {
        int64_t now = clock_mono_ms();
        size_t n = 0;

        if ((found = task_sweep_page(worker->db, &self->cursor, self->items, TASK_SWEEP_PAGE, err)) < 0)
            return -1;
        for (int i = 0; i < found; i++)
            if (sweep_may_push(self, self->items[i].task_id, now))
                self->items[n++] = self->items[i];
        if (n > 0) {
            failpoint("scheduler.before_push");
            task_sweep_push(worker->bus, self->items, n);
        }
    }
    if (found < TASK_SWEEP_PAGE)
        self->cursor = (struct task_cursor){0};
    return 0;
}
