/* child.c - see child.h.
 *
 * Input and output are files in memory (memfd), not pipes: nobody waits for the other, and the kernel bounds the output
 * as it bounds any file (RLIMIT_FSIZE). The limits are set by util-linux's prlimit, which becomes the program; setpriv
 * before it asks the kernel to kill the child with our thread. */
#include "services/knowledge/ingest/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"

#define ARGS_MAX 16

enum { EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

static void fd_close(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static int trouble(struct err *err, const char *what)
{
    return err_set(err, ERR_INTERNAL, "child: %s: %s", what, strerror(errno));
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return lseek(fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

static int read_all(int fd, size_t max, struct buf *out)
{
    char part[65536];
    ssize_t n;

    for (off_t at = 0; out->len < max; at += n) {
        size_t room = max - out->len < sizeof part ? max - out->len : sizeof part;

        if ((n = pread(fd, part, room, at)) < 0)
            return -1;
        if (n == 0)
            break;
        buf_append(out, part, (size_t)n);
    }
    return out->failed ? -1 : 0;
}

/* Signals as if from a shell, a process group of its own, only the three files. */
static int spawn(const char *const *argv, char **env, int in, int out, int notes, pid_t *ret_pid)
{
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t files;
    sigset_t none, all;
    int rc;

    if ((rc = posix_spawnattr_init(&attr)) != 0)
        return rc;
    if ((rc = posix_spawn_file_actions_init(&files)) != 0) {
        posix_spawnattr_destroy(&attr);
        return rc;
    }
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if ((rc = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO)) == 0 &&
        (rc = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO)) == 0 &&
        (rc = posix_spawn_file_actions_adddup2(&files, notes, STDERR_FILENO)) == 0 &&
        (rc = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1)) == 0 &&
        (rc = posix_spawn_file_actions_addchdir_np(&files, "/")) == 0)
        rc = posix_spawn(ret_pid, argv[0], &files, &attr, (char *const *)argv, env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return rc;
}

/* The program behind those that bound it. */
static int start(const char *const *argv, int limit_ms, int in, int out, int notes, pid_t *ret_pid, struct err *err)
{
    char cpu[32], memory[32], size[32];
    const char *all[ARGS_MAX] = {
        "/usr/bin/setpriv", "--pdeathsig=KILL", "--no-new-privs", "/usr/bin/prlimit", cpu, memory, size,
        "--nofile=64",      "--core=0"};
    AUTO(buf_free) struct buf path = {0};
    char *env[] = {NULL, "LC_ALL=C.UTF-8", NULL};
    size_t n = 9;
    int rc;

    /* At the soft limit it gets SIGXCPU, which tells why; were the hard one the same, SIGKILL would come first. */
    snprintf(cpu, sizeof cpu, "--cpu=%d:%d", (limit_ms + 999) / 1000, (limit_ms + 999) / 1000 + 1);
    snprintf(memory, sizeof memory, "--as=%ld", CHILD_MEMORY_BYTES);
    snprintf(size, sizeof size, "--fsize=%d", CHILD_OUT_BYTES);
    while (n + 1 < ARGS_MAX && *argv)
        all[n++] = *argv++;
    buf_printf(&path, "PATH=%s", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
    if (path.failed)
        return err_set(err, ERR_INTERNAL, "child: out of memory");
    env[0] = path.data;
    if ((rc = spawn(all, env, in, out, notes, ret_pid)) == 0)
        return 0;
    return err_set(err, ERR_INTERNAL, "child: %s: %s", all[0], strerror(rc));
}

/* Until it ends. All of its group is killed when the time is up, and always reaped. */
static int await(pid_t pid, int limit_ms, struct child *child, struct err *err)
{
    const int64_t until_ms = clock_mono_ms() + limit_ms;
    AUTO(fd_close) int pidfd = pidfd_open(pid, 0);
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    int64_t left_ms = limit_ms;
    int status, n = 0;

    while (pidfd >= 0 && left_ms > 0 && (n = poll(&ended, 1, (int)left_ms)) <= 0) {
        if (n < 0 && errno != EINTR)
            break;
        left_ms = until_ms - clock_mono_ms();
    }
    child->is_too_slow = n <= 0;
    kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return trouble(err, "waitpid");
    child->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (WIFSIGNALED(status)) {
        child->is_too_long = WTERMSIG(status) == SIGXFSZ;
        child->is_too_slow |= WTERMSIG(status) == SIGXCPU;
    }
    child->is_missing = child->exit_code == EXIT_NOT_FOUND || child->exit_code == EXIT_NOT_EXECUTABLE;
    return 0;
}

int child_run(const char *const *argv, const void *data, size_t len, int limit_ms, struct child *ret_child,
              struct err *err)
{
    AUTO(fd_close) int in = memfd_create("input", MFD_CLOEXEC);
    AUTO(fd_close) int out = memfd_create("output", MFD_CLOEXEC);
    AUTO(fd_close) int notes = memfd_create("notes", MFD_CLOEXEC);
    pid_t pid;

    *ret_child = (struct child){0};
    if (in < 0 || out < 0 || notes < 0)
        return trouble(err, "memfd");
    if (write_all(in, data, len) < 0)
        return trouble(err, "its input");
    if (start(argv, limit_ms, in, out, notes, &pid, err) < 0 || await(pid, limit_ms, ret_child, err) < 0)
        return -1;
    if (read_all(out, CHILD_OUT_BYTES, &ret_child->out) < 0 || read_all(notes, CHILD_NOTE_BYTES, &ret_child->notes) < 0)
        return trouble(err, "its output");
    return 0;
}

void child_free(struct child *self)
{
    buf_free(&self->out);
    buf_free(&self->notes);
}
