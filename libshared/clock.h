/* clock.h - time. Wall time is for showing; leases and schedules are compared in the database's clock only. */
#pragma once

#include <stdint.h>

#define CLOCK_TEXT_SIZE 32

/* Microseconds since 1970-01-01 UTC. */
int64_t clock_wall_us(void);

/* Milliseconds and microseconds that never jump, for measuring and for deadlines within the process. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* RFC 3339 in UTC with microseconds: 2026-11-22T10:00:00.000000Z */
void clock_format(int64_t wall_us, char out[CLOCK_TEXT_SIZE]);

/* Reads RFC 3339, and PostgreSQL's ISO form with a space and a +00 zone. 0, or -1 if it is neither. */
int clock_parse(const char *text, int64_t *ret_wall_us);
