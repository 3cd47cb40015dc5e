/* failpoint.c - see failpoint.h. */
#include "libshared/failpoint.h"

#ifdef LEADWIRE_FAILPOINTS
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libshared/text.h"

static char wanted[128];
static int64_t wanted_pass = 1;
static atomic_long passes;

static void read_environment(void)
{
    const char *value = getenv("LEADWIRE_FAILPOINT");
    size_t len = value ? strcspn(value, ":") : 0;

    if (len == 0 || len >= sizeof wanted)
        return;
    if (value[len] == ':' && !text_to_int(value + len + 1, 1, 1000000, &wanted_pass))
        return;
    memcpy(wanted, value, len);
}

void failpoint(const char *name)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, read_environment);
    if (*wanted && strcmp(name, wanted) == 0 && atomic_fetch_add(&passes, 1) + 1 == wanted_pass)
        kill(getpid(), SIGKILL);
}
#endif
