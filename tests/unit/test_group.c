/* Group commit: who runs, what is run together, who gets which error. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "libshared/group.h"

struct number {
    struct group_item item;
    int value, doubled;
};

static atomic_int batches, items_run, running, largest;

static int double_all(void *arg, struct group_item *const *items, size_t n, struct err *err)
{
    (void)arg;
    (void)err;
    cr_assert(atomic_fetch_add(&running, 1) == 0, "two batches at a time");
    atomic_fetch_add(&batches, 1);
    atomic_fetch_add(&items_run, (int)n);
    if ((int)n > atomic_load(&largest))
        atomic_store(&largest, (int)n);
    usleep(1000);
    for (size_t i = 0; i < n; i++) {
        struct number *number = (struct number *)items[i];

        number->doubled = 2 * number->value;
    }
    atomic_fetch_sub(&running, 1);
    return 0;
}

static struct group doubling = GROUP_INIT(double_all, 16);

#define THREADS 40
#define ROUNDS  50

static void *hand_in(void *arg)
{
    int thread = *(int *)arg;
    int *wrong = arg;

    *wrong = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct number number = {.value = thread * ROUNDS + i};
        struct err err = {0};

        if (group_do(&doubling, NULL, &number.item, &err) < 0 || number.doubled != 2 * number.value)
            (*wrong)++;
    }
    return NULL;
}

static void check_many_threads(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];

    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        cr_assert(pthread_create(&threads[i], NULL, hand_in, &numbers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        cr_expect(eq(int, numbers[i], 0));
    }
    cr_expect(eq(int, atomic_load(&items_run), THREADS *ROUNDS));
    cr_expect(lt(int, atomic_load(&batches), THREADS *ROUNDS / 2));
    cr_expect(eq(int, atomic_load(&largest), 16));
    cr_expect(doubling.has_runner == false && doubling.head == NULL && doubling.tail == NULL);
}

Test(group, every_item_is_done_once_and_many_are_done_together, .timeout = 60)
{
    check_many_threads();
}

Test(group, so_it_is_where_a_batch_waits_for_company, .timeout = 60)
{
    doubling.is_patient = true;
    check_many_threads();
}

Test(group, an_item_alone_is_done_at_once)
{
    struct number number = {.value = 21};

    cr_expect(eq(int, group_do(&doubling, NULL, &number.item, NULL), 0));
    cr_expect(eq(int, number.doubled, 42));
    cr_expect(eq(int, atomic_load(&batches), 1));
}

/* ---- failures ---- */

static enum err_kind fails_with;
static int calls;

/* As a statement over many rows: one value that cannot be stored fails them all. */
static int refuse_thirteen(void *arg, struct group_item *const *items, size_t n, struct err *err)
{
    (void)arg;
    calls++;
    for (size_t i = 0; i < n; i++)
        if (((struct number *)items[i])->value == 13)
            return err_set(err, fails_with, "13 of %zu", n);
    for (size_t i = 0; i < n; i++)
        ((struct number *)items[i])->doubled = 2 * ((struct number *)items[i])->value;
    return 0;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* The first batch, of one, waits until the others have come. */
static int wait_then_refuse_thirteen(void *arg, struct group_item *const *items, size_t n, struct err *err)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return refuse_thirteen(arg, items, n, err);
}

static struct group refusing = GROUP_INIT(wait_then_refuse_thirteen, 64);

struct attempt {
    pthread_t thread;
    struct number number;
    struct err err;
    int rc;
};

static void *attempt(void *arg)
{
    struct attempt *self = arg;

    self->rc = group_do(&refusing, NULL, &self->number.item, &self->err);
    return NULL;
}

static int waiting(void)
{
    int n = 0;

    pthread_mutex_lock(&refusing.lock);
    for (const struct group_item *item = refusing.head; item; item = item->next)
        n++;
    pthread_mutex_unlock(&refusing.lock);
    return n;
}

static void attempt_together(struct attempt *attempts, int n)
{
    pthread_mutex_lock(&gate);
    for (int i = 0; i < n; i++) {
        attempts[i].number.value = i;
        cr_assert(pthread_create(&attempts[i].thread, NULL, attempt, &attempts[i]) == 0);
    }
    while (waiting() < n - 1)
        usleep(1000);
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < n; i++)
        pthread_join(attempts[i].thread, NULL);
}

Test(group, an_item_that_cannot_be_done_fails_alone, .timeout = 30)
{
    struct attempt attempts[20] = {0};

    fails_with = ERR_INVALID;
    attempt_together(attempts, 20);
    for (int i = 0; i < 20; i++) {
        int value = attempts[i].number.value;

        cr_expect(eq(int, attempts[i].rc, value == 13 ? -1 : 0));
        if (value == 13)
            cr_expect(eq(str, attempts[i].err.text, "13 of 1"));
        else
            cr_expect(eq(int, attempts[i].number.doubled, 2 * value));
    }
}

Test(group, a_batch_that_could_not_be_run_fails_for_all_with_its_error, .timeout = 30)
{
    struct attempt attempts[20] = {0};
    int failed = 0;

    fails_with = ERR_UNAVAILABLE;
    attempt_together(attempts, 20);
    cr_expect(eq(int, calls, 2)); /* the one that came first, and the rest: nothing is tried again */
    for (int i = 0; i < 20; i++) {
        failed += attempts[i].rc < 0;
        if (attempts[i].rc < 0)
            cr_expect(eq(int, attempts[i].err.kind, ERR_UNAVAILABLE));
    }
    cr_expect(ge(int, failed, 1));
    cr_expect(refusing.has_runner == false);
}

/* ---- without blocking ---- */

static atomic_int n_done, n_wrong;

static void count_done(struct group_item *item)
{
    struct number *number = (struct number *)item;

    if (number->value == 13 ? item->rc != -1 : item->rc != 0 || number->doubled != 2 * number->value)
        n_wrong++;
    n_done++;
}

static void *work(void *group)
{
    group_work(group, NULL);
    return NULL;
}

struct adder {
    pthread_t thread, workers[ROUNDS];
    struct number numbers[ROUNDS];
    int n_workers;
};

static void *add_many(void *arg)
{
    struct adder *self = arg;

    for (int i = 0; i < ROUNDS; i++) {
        self->numbers[i].value = 100 + i;
        self->numbers[i].item.done = count_done;
        if (group_add(&doubling, &self->numbers[i].item))
            cr_assert(pthread_create(&self->workers[self->n_workers++], NULL, work, &doubling) == 0);
    }
    return NULL;
}

Test(group, what_is_added_is_done_once_and_many_are_done_together, .timeout = 60)
{
    static struct adder adders[THREADS];

    for (int i = 0; i < THREADS; i++)
        cr_assert(pthread_create(&adders[i].thread, NULL, add_many, &adders[i]) == 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(adders[i].thread, NULL);
        for (int w = 0; w < adders[i].n_workers; w++)
            pthread_join(adders[i].workers[w], NULL);
    }
    cr_expect(eq(int, atomic_load(&n_done), THREADS *ROUNDS));
    cr_expect(eq(int, atomic_load(&n_wrong), 0));
    cr_expect(lt(int, atomic_load(&batches), THREADS *ROUNDS / 2));
    cr_expect(doubling.has_runner == false && doubling.head == NULL && doubling.tail == NULL);
}

Test(group, of_what_is_added_the_one_that_cannot_be_done_fails_alone)
{
    struct number numbers[20] = {0};

    fails_with = ERR_INVALID;
    for (int i = 0; i < 20; i++) {
        numbers[i].value = i;
        numbers[i].item.done = count_done;
        cr_expect(group_add(&refusing, &numbers[i].item) == (i == 0));
    }
    group_work(&refusing, NULL);
    cr_expect(eq(int, atomic_load(&n_done), 20));
    cr_expect(eq(int, atomic_load(&n_wrong), 0));
}

static void count_unavailable(struct group_item *item)
{
    n_wrong += item->rc != -1 || item->err.kind != ERR_UNAVAILABLE;
    n_done++;
}

Test(group, what_nobody_can_do_fails_and_the_next_one_finds_the_group_free)
{
    struct number numbers[3] = {0};

    for (int i = 0; i < 3; i++) {
        numbers[i].item.done = count_unavailable;
        cr_expect(group_add(&doubling, &numbers[i].item) == (i == 0));
    }
    group_give_up(&doubling, "nobody is there");
    cr_expect(eq(int, atomic_load(&n_done), 3));
    cr_expect(eq(int, atomic_load(&n_wrong), 0));
    numbers[0].item.done = count_done;
    cr_expect(group_add(&doubling, &numbers[0].item));
    group_work(&doubling, NULL);
    cr_expect(eq(int, atomic_load(&batches), 1));
}
