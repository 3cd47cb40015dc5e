/* group.c - see group.h. */
#include "libshared/group.h"

#include <assert.h>
#include <time.h>

#define COMPANY_WAIT_NS 10000000

/* Called with the lock. */
static void append(struct group *self, struct group_item *item)
{
    if (self->tail)
        self->tail->next = item;
    else
        self->head = item;
    self->tail = item;
    self->n_waiting++;
}

/* A quarter is company enough. */
static bool has_company(const struct group *self)
{
    return self->n_waiting * 4 >= self->max;
}

static struct timespec company_wait_ends(void)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += COMPANY_WAIT_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}

/* Called with the lock, before a batch of a patient group. Where the one before was of several items and is just over,
 * more are on their way: they cost less together. Nobody waits behind one that was alone. */
static void wait_for_more(struct group *self)
{
    if (self->is_patient && self->n_before > 1)
        while (!has_company(self) &&
               pthread_cond_clockwait(&self->company, &self->lock, CLOCK_MONOTONIC, &self->company_until) == 0)
            ;
}

/* Called with the lock. True: the item's thread is the runner of the next batch; false: another one has done it. */
static bool wait_for_turn(struct group *self, struct group_item *item)
{
    append(self, item);
    if (!self->has_runner) {
        self->has_runner = true;
        return true;
    }
    if (has_company(self))
        pthread_cond_signal(&self->company);
    while (item->state == GROUP_WAITING)
        pthread_cond_wait(&item->turn, &self->lock);
    return item->state == GROUP_RUNS;
}

/* Called with the lock. The runner's own item is the first. */
static size_t take_batch(struct group *self)
{
    size_t n = 0;

    while (self->head && n < self->max && n < GROUP_BATCH_MAX) {
        self->batch[n++] = self->head;
        self->head = self->head->next;
    }
    if (!self->head)
        self->tail = NULL;
    self->n_waiting -= n;
    return n;
}

static bool may_be_one_items_fault(const struct err *err)
{
    return err->kind != ERR_UNAVAILABLE && err->kind != ERR_UNCERTAIN;
}

static void run(struct group *self, void *arg, struct group_item *const *items, size_t n)
{
    struct err err = {0};

    for (size_t i = 0; i < n; i++)
        items[i]->rc = 0;
    if (self->run(arg, items, n, &err) == 0)
        return;
    if (n > 1 && may_be_one_items_fault(&err)) {
        run(self, arg, items, n / 2);
        run(self, arg, items + n / 2, n - n / 2);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        items[i]->rc = -1;
        items[i]->err = err;
    }
}

/* Called with the lock, under which the others are woken: an item's memory is its thread's again as soon as that thread
 * can have the lock. */
static void finish(struct group *self, size_t n)
{
    self->n_before = n;
    self->company_until = company_wait_ends();
    for (size_t i = 1; i < n; i++) {
        self->batch[i]->state = GROUP_DONE;
        pthread_cond_signal(&self->batch[i]->turn);
    }
    if (self->head) {
        self->head->state = GROUP_RUNS;
        pthread_cond_signal(&self->head->turn);
    } else {
        self->has_runner = false;
    }
}

int group_do(struct group *self, void *arg, struct group_item *item, struct err *err)
{
    size_t n;

    item->next = NULL;
    item->state = GROUP_WAITING;
    pthread_cond_init(&item->turn, NULL);

    pthread_mutex_lock(&self->lock);
    if (wait_for_turn(self, item)) {
        wait_for_more(self);
        n = take_batch(self);
        assert(n > 0 && self->batch[0] == item);
        pthread_mutex_unlock(&self->lock);
        run(self, arg, self->batch, n);
        pthread_mutex_lock(&self->lock);
        finish(self, n);
    }
    pthread_mutex_unlock(&self->lock);

    pthread_cond_destroy(&item->turn);
    if (item->rc < 0 && err)
        *err = item->err;
    return item->rc;
}

/* ---- for who cannot block ---- */

bool group_add(struct group *self, struct group_item *item)
{
    bool is_first;

    item->next = NULL;
    pthread_mutex_lock(&self->lock);
    append(self, item);
    if ((is_first = !self->has_runner))
        self->has_runner = true;
    else if (has_company(self))
        pthread_cond_signal(&self->company);
    pthread_mutex_unlock(&self->lock);
    return is_first;
}

/* Called with the lock. */
static void wait_for_company(struct group *self)
{
    struct timespec until = company_wait_ends();

    while (!has_company(self) && pthread_cond_clockwait(&self->company, &self->lock, CLOCK_MONOTONIC, &until) == 0)
        ;
}

void group_work(struct group *self, void *arg)
{
    size_t n;

    pthread_mutex_lock(&self->lock);
    while ((n = take_batch(self)) > 0) {
        pthread_mutex_unlock(&self->lock);
        run(self, arg, self->batch, n);
        for (size_t i = 0; i < n; i++)
            self->batch[i]->done(self->batch[i]);
        pthread_mutex_lock(&self->lock);
        if (n > 1)
            wait_for_company(self);
    }
    self->has_runner = false;
    pthread_mutex_unlock(&self->lock);
}

void group_give_up(struct group *self, const char *why)
{
    struct group_item *item, *next;

    pthread_mutex_lock(&self->lock);
    item = self->head;
    self->head = self->tail = NULL;
    self->n_waiting = 0;
    self->has_runner = false;
    pthread_mutex_unlock(&self->lock);
    for (; item; item = next) {
        next = item->next;
        item->rc = err_set(&item->err, ERR_UNAVAILABLE, "%s", why);
        item->done(item);
    }
}
