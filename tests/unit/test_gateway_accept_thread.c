/* test_gateway_accept_thread.c - the queue in front of accept_inbound. Needs a database. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/uuid.h"
#include "services/gateway/accept.h"
#include "testdb.h"

#define N 50

static struct bus *bus;
static char number[16];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int n_answered, outcomes[N];

struct item {
    struct inbound in;
    int index;
    char sid[40];
};
static struct item items[N];

static void on_message(void *arg, const struct envelope *env, const void *frame, size_t len)
{
    (void)arg;
    (void)env;
    (void)frame;
    (void)len;
}

static void open_bus(void)
{
    struct err err = {0};

    bus =
        bus_new(&(struct bus_options){.role = "gateway", .bind_address = "127.0.0.1", .on_message = on_message}, &err);
    cr_assert_not_null(bus, "%s", err.text);
}

static void close_bus(void)
{
    bus_destroy(&bus);
}

TestSuite(accept_thread, .init = open_bus, .fini = close_bus, .timeout = 120);

static void make_client(const char *url)
{
    struct err err = {0};
    AUTO(db_pool_destroy) struct db_pool *pool = db_pool_new(url, NULL, 1, &err);
    char client[UUID_SIZE];

    uuid_new(client);
    snprintf(number, sizeof number, "+1%09lu", strtoul(client + 28, NULL, 16) % 1000000000);
    cr_assert_eq(db_run(pool, NULL, NULL, &err, "INSERT INTO clients (client_id, name) VALUES ($1, 'A')",
                        db_text(client)),
                 1, "%s", err.text);
    cr_assert_eq(db_run(pool, NULL, NULL, &err, "INSERT INTO client_numbers VALUES ($1, 'sms', $2)", db_text(client),
                        db_text(number)),
                 1, "%s", err.text);
}

static void on_answer(struct inbound *in, enum accept_outcome outcome)
{
    pthread_mutex_lock(&lock);
    outcomes[((struct item *)in)->index] = (int)outcome;
    n_answered++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static struct inbound *item(int i)
{
    items[i].index = i;
    snprintf(items[i].sid, sizeof items[i].sid, "%s-%d", number, i);
    items[i].in = (struct inbound){.channel = "sms",
                                   .from = i % 2 ? "+15550000001" : "+15550000002",
                                   .to = number,
                                   .body = "Hi",
                                   .sid = items[i].sid,
                                   .trace_id = "",
                                   .account = "AC1",
                                   .service = "",
                                   .consent = "",
                                   .language = "en",
                                   .answer = on_answer};
    return &items[i].in;
}

static void wait_answers(int n)
{
    pthread_mutex_lock(&lock);
    while (n_answered < n)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static struct accept *start(const char *url)
{
    struct config config = {.database_url = url, .twilio_account_sid = "AC1", .burst_wait_ms = 1000};
    struct err err = {0};
    struct accept *accept = accept_new(&config, bus, &err);

    cr_assert_not_null(accept, "%s", err.text);
    return accept;
}

Test(accept_thread, each_is_answered_once_and_a_bad_one_fails_alone)
{
    AUTO(accept_destroy) struct accept *accept = NULL;
    struct accept_stats stats;

    make_client(testdb_url());
    accept = start(testdb_url());
    for (int i = 0; i < N; i++) {
        struct inbound *in = item(i);

        if (i == 17)
            in->hold_ms = (int64_t)1 << 40; /* the database refuses it */
        accept_inbound(accept, in);
    }
    wait_answers(N);
    for (int i = 0; i < N; i++)
        cr_expect_eq(outcomes[i], i == 17 ? ACCEPT_REFUSED : ACCEPT_STORED, "%d: %d", i, outcomes[i]);
    accept_stats(accept, &stats);
    cr_expect_eq(stats.stored, N - 1);
    cr_expect_eq(stats.refused, 1);
}

/* A process that is stopped, or whose host is gone, in the middle of a transaction with a lead's rows. */
Test(accept_thread, who_stops_with_the_rows_of_one_lead_turns_no_lead_away)
{
    AUTO(db_pool_destroy) struct db_pool *pool = NULL;
    AUTO(accept_destroy) struct accept *accept = NULL;
    struct err err = {0};
    struct db_tx *stopped;

    make_client(testdb_url());
    accept = start(testdb_url());
    accept_inbound(accept, item(1));
    accept_inbound(accept, item(2));
    wait_answers(2);
    pool = db_pool_new(testdb_url(), "leadwire_orchestrator", 1, &err);
    stopped = db_begin(pool, DB_EVERY_CLIENT, &err);
    cr_assert(stopped && db_query(stopped, NULL, &err,
                                  "UPDATE conversations SET answered_seq = answered_seq"
                                  " WHERE our_address = $1 AND lead_address = '+15550000001'",
                                  db_text(number)) == 1,
              "%s", err.text);
    for (int i = 3; i < N; i++)
        accept_inbound(accept, item(i));
    wait_answers(N - 1);
    for (int i = 3; i < N; i++)
        cr_expect_eq(outcomes[i], ACCEPT_STORED, "%d: %d", i, outcomes[i]);
    cr_expect_eq(db_commit(&stopped, &err), -1);
    cr_expect_eq(err.kind, ERR_UNAVAILABLE);
}

Test(accept_thread, without_a_database_all_are_turned_away)
{
    AUTO(accept_destroy) struct accept *accept = start("postgresql://postgres@127.0.0.1:1/none");

    snprintf(number, sizeof number, "+15550001111");
    for (int i = 0; i < N; i++)
        accept_inbound(accept, item(i));
    wait_answers(N);
    for (int i = 0; i < N; i++)
        cr_expect_eq(outcomes[i], ACCEPT_UNAVAILABLE);
}

Test(accept_thread, what_waits_at_the_end_is_stored_and_what_comes_later_is_turned_away)
{
    AUTO(accept_destroy) struct accept *accept = NULL;

    make_client(testdb_url());
    accept = start(testdb_url());
    for (int i = 0; i < N - 1; i++)
        accept_inbound(accept, item(i));
    accept_stop(accept);
    cr_expect_eq(n_answered, N - 1);
    accept_inbound(accept, item(N - 1));
    cr_expect_eq(n_answered, N);
    cr_expect_eq(outcomes[0], ACCEPT_STORED);
    cr_expect_eq(outcomes[N - 1], ACCEPT_UNAVAILABLE);
}
