#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libshared/clock.h"
#include "libshared/uuid.h"

Test(uuid, is_version_7_of_the_rfc_variant)
{
    char id[UUID_SIZE];

    uuid_new(id);
    cr_expect(uuid_is_valid(id));
    cr_expect(id[14] == '7');
    cr_expect(strchr("89ab", id[19]) != NULL);
}

Test(uuid, begins_with_the_milliseconds_of_its_making)
{
    char id[UUID_SIZE], hex[13];
    int64_t before = clock_wall_us() / 1000, at;

    uuid_new(id);
    memcpy(hex, id, 8);
    memcpy(hex + 8, id + 9, 4);
    hex[12] = '\0';
    at = (int64_t)strtoll(hex, NULL, 16);
    cr_expect(at >= before && at <= clock_wall_us() / 1000);
}

Test(uuid, ascends_strictly_also_beyond_the_counter)
{
    char last[UUID_SIZE] = "", id[UUID_SIZE];

    for (int i = 0; i < 20000; i++) { /* more in a millisecond than the counter holds */
        uuid_new(id);
        cr_assert(strcmp(id, last) > 0);
        memcpy(last, id, sizeof last);
    }
}

#define PER_THREAD 2000
static char made[4 * PER_THREAD][UUID_SIZE];

static void *make_many(void *arg)
{
    char(*out)[UUID_SIZE] = arg;

    for (int i = 0; i < PER_THREAD; i++)
        uuid_new(out[i]);
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

Test(uuid, threads_never_get_the_same)
{
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, make_many, made + i * PER_THREAD);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    qsort(made, (size_t)4 * PER_THREAD, UUID_SIZE, by_text);
    for (int i = 1; i < 4 * PER_THREAD; i++)
        cr_assert(strcmp(made[i - 1], made[i]) != 0);
}

Test(uuid, malformed_ones_are_refused)
{
    cr_expect(uuid_is_valid(UUID_NIL));
    cr_expect(uuid_is_valid("0192F0AA-1111-7222-8333-444455556666"));
    cr_expect(not(uuid_is_valid("")));
    cr_expect(not(uuid_is_valid("0192f0aa-1111-7222-8333-44445555666")));
    cr_expect(not(uuid_is_valid("0192f0aa-1111-7222-8333-4444555566667")));
    cr_expect(not(uuid_is_valid("0192f0aa11117222-8333-4444-555566667777")));
    cr_expect(not(uuid_is_valid("0192f0ag-1111-7222-8333-444455556666")));
}

Test(uuid, a_forked_child_gives_others_than_its_parent)
{
    char mine[UUID_SIZE], childs[UUID_SIZE] = "";
    int ends[2];
    pid_t pid;

    uuid_new(mine);
    cr_assert(pipe(ends) == 0);
    if ((pid = fork()) == 0) {
        uuid_new(childs);
        _exit(write(ends[1], childs, sizeof childs) == sizeof childs ? 0 : 1);
    }
    uuid_new(mine);
    cr_assert(read(ends[0], childs, sizeof childs) == sizeof childs);
    cr_expect(waitpid(pid, NULL, 0) == pid);
    cr_expect(uuid_is_valid(childs));
    cr_expect(strcmp(mine + 19, childs + 19) != 0, "%s %s", mine, childs); /* what is random */
}
