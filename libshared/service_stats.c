/* service_stats.c - the counters of a service: in its registry row, and published as service.stats. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libshared/buf.h"
#include "libshared/bus.h"
#include "libshared/clock.h"
#include "libshared/service_internal.h"
#include "proto/events.h"

/* Resident kilobytes of this process; 0 if unknown. */
static int64_t resident_kb(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long long pages = 0;

    if (!file)
        return 0;
    if (fscanf(file, "%*s %lld", &pages) != 1)
        pages = 0;
    fclose(file);
    return (int64_t)pages * sysconf(_SC_PAGESIZE) / 1024;
}

char *stats_json(void *arg)
{
    struct process *self = arg;
    struct bus_stats bus;
    struct buf out = {0};
    size_t jobs, waiting, heard;
    int busy;

    pthread_mutex_lock(&self->lock);
    jobs = self->n_jobs;
    waiting = self->waiting.n;
    heard = ref_set_count(self->refs);
    busy = self->n_busy;
    pthread_mutex_unlock(&self->lock);
    bus_stats(self->bus, &bus);
    buf_printf(&out,
               "{\"uptime_s\":%" PRId64 ",\"rss_kb\":%" PRId64 ",\"workers\":%d,\"busy\":%d,\"queued\":%zu"
               ",\"tasks_waiting\":%zu,\"tasks_heard\":%zu,\"claims\":%" PRIdFAST64 ",\"tasks_done\":%" PRIdFAST64
               ",\"tasks_failed\":%" PRIdFAST64 ",\"requests\":%" PRIdFAST64 ",\"requests_failed\":%" PRIdFAST64
               ",\"requests_dropped\":%" PRIdFAST64,
               (clock_mono_ms() - self->started_ms) / 1000, resident_kb(), self->n_workers, busy, jobs, waiting, heard,
               self->claims, self->tasks_done, self->tasks_failed, self->requests, self->requests_failed,
               self->requests_dropped);
    buf_printf(&out,
               ",\"bus_sent\":%" PRId64 ",\"bus_refused\":%" PRId64 ",\"bus_received\":%" PRId64
               ",\"bus_malformed\":%" PRId64 ",\"bus_unknown\":%" PRId64 ",\"bus_answers_late\":%" PRId64
               ",\"bus_handshakes_denied\":%" PRId64 "}",
               bus.sent, bus.refused, bus.received, bus.malformed, bus.unknown, bus.answers_late,
               bus.handshakes_denied);
    if (out.failed) {
        buf_free(&out);
        return NULL;
    }
    return out.data;
}

void stats_publish(struct process *self)
{
    char *stats = stats_json(self);
    struct stats_event event = {.instance = self->main_slot.worker.instance,
                                .role = self->service->role,
                                .stats = stats};

    if (stats)
        bus_publish(self->bus, "service.stats", NULL, &stats_event_type, &event);
    free(stats);
}
