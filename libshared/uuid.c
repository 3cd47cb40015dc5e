/* uuid.c - see uuid.h. UUIDv7 with the counter of RFC 9562, 6.2, method 1, in rand_a. */
#include "libshared/uuid.h"

#include <ctype.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "libshared/clock.h"

#define COUNTER_MAX 0xfff /* 12 bits */

const char UUID_NIL[UUID_SIZE] = "00000000-0000-0000-0000-000000000000";

/* The last id given: what keeps them ascending within a millisecond and when the clock is set back. */
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t last_ms;
static unsigned last_counter;

/* An id that is not random could be guessed or given twice: there is no going on. */
static void random_bytes(void *out, size_t len)
{
    if (getrandom(out, len, 0) != (ssize_t)len)
        abort();
}

void uuid_new(char out[UUID_SIZE])
{
    uint64_t ms = (uint64_t)(clock_wall_us() / 1000);
    unsigned char r[10];
    unsigned counter;

    random_bytes(r, sizeof r);

    pthread_mutex_lock(&last_lock);
    if (ms > last_ms) {
        last_ms = ms;
        last_counter = (unsigned)(r[8] << 8 | r[9]) & (COUNTER_MAX >> 1); /* half of its range is left to count */
    } else if (++last_counter > COUNTER_MAX) {
        last_ms++;
        last_counter = 0;
    }
    ms = last_ms;
    counter = last_counter;
    pthread_mutex_unlock(&last_lock);

    snprintf(out, UUID_SIZE, "%08x-%04x-7%03x-%02x%02x-%02x%02x%02x%02x%02x%02x", (unsigned)(ms >> 16) & 0xffffffffu,
             (unsigned)ms & 0xffffu, counter, (r[0] & 0x3fu) | 0x80u, r[1], r[2], r[3], r[4], r[5], r[6], r[7]);
}

bool uuid_is_valid(const char *text)
{
    for (size_t i = 0; i < UUID_SIZE - 1; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-')
                return false;
        } else if (!isxdigit((unsigned char)text[i])) {
            return false;
        }
    }
    return text[UUID_SIZE - 1] == '\0';
}
