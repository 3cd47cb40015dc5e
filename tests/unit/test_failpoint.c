#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libshared/failpoint.h"

/* How a process ends that comes to the place "a.b" times times. 0: by itself. */
static int signal_of(const char *environment, int times)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        setenv("LEADWIRE_FAILPOINT", environment, 1);
        for (int i = 0; i < times; i++)
            failpoint("a.b");
        _exit(0);
    }
    cr_assert(waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#ifdef LEADWIRE_FAILPOINTS
Test(failpoint, kills_at_the_named_place_alone)
{
    cr_expect(eq(int, signal_of("a.b", 1), SIGKILL));
    cr_expect(eq(int, signal_of("a.c", 1), 0));
    cr_expect(eq(int, signal_of("a", 1), 0));
    cr_expect(eq(int, signal_of("", 1), 0));
}

Test(failpoint, kills_at_the_nth_pass)
{
    cr_expect(eq(int, signal_of("a.b:3", 2), 0));
    cr_expect(eq(int, signal_of("a.b:3", 3), SIGKILL));
    cr_expect(eq(int, signal_of("a.b:x", 3), 0));
}
#else
Test(failpoint, does_nothing_where_it_is_not_compiled_in)
{
    cr_expect(eq(int, signal_of("a.b", 1), 0));
}
#endif
