/* uuid.c - see uuid.h. UUIDv7 with the counter of RFC 9562, 6.2, method 1, in rand_a. */
#include "libshared/uuid.h"

#include <ctype.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "libshared/clock.h"
#include "libshared/text.h"

#define COUNTER_MAX 0xfff /* 12 bits */

const char UUID_NIL[UUID_SIZE] = "00000000-0000-0000-0000-000000000000";

#define RANDOM_SIZE 10 /* bytes that an id takes */
#define POOL_IDS    64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Guarded by the lock. The last id given: what keeps them ascending within a millisecond and when the clock is set
 * back. */
static uint64_t last_ms;
static unsigned last_counter;
/* For the next ids: a system call for each would cost more than the rest of its making. */
static unsigned char pool[POOL_IDS][RANDOM_SIZE];
static size_t n_pool;

/* A forked child must not give the ids that its parent gives. */
static void drop_pool(void)
{
    n_pool = 0;
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, drop_pool);
}

/* Called with the lock. An id that is not random could be guessed or given twice: there is no going on. */
static void take_random(unsigned char out[RANDOM_SIZE])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (n_pool == 0) {
        pthread_once(&once, watch_forks);
        if (getrandom(pool, sizeof pool, 0) != (ssize_t)sizeof pool)
            abort();
        n_pool = POOL_IDS;
    }
    n_pool--;
    memcpy(out, pool[n_pool], RANDOM_SIZE);
    memset(pool[n_pool], 0, RANDOM_SIZE);
}

void uuid_new(char out[UUID_SIZE])
{
    uint64_t ms = (uint64_t)(clock_wall_us() / 1000);
    unsigned char r[RANDOM_SIZE], bytes[16];
    char hex[2 * sizeof bytes + 1];
    unsigned counter;

    pthread_mutex_lock(&lock);
    take_random(r);
    if (ms > last_ms) {
        last_ms = ms;
        last_counter = (unsigned)(r[8] << 8 | r[9]) & (COUNTER_MAX >> 1); /* half of its range is left to count */
    } else if (++last_counter > COUNTER_MAX) {
        last_ms++;
        last_counter = 0;
    }
    ms = last_ms;
    counter = last_counter;
    pthread_mutex_unlock(&lock);

    for (int i = 0; i < 6; i++)
        bytes[i] = (unsigned char)(ms >> (40 - 8 * i));
    bytes[6] = (unsigned char)(0x70 | counter >> 8);
    bytes[7] = (unsigned char)counter;
    memcpy(bytes + 8, r, 8);
    bytes[8] = (r[0] & 0x3f) | 0x80;
    hex_encode(bytes, sizeof bytes, hex);
    for (int i = 0, at = 0; i < UUID_SIZE - 1; i++)
        out[i] = i == 8 || i == 13 || i == 18 || i == 23 ? '-' : hex[at++];
    out[UUID_SIZE - 1] = '\0';
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
