/* Notices: one is open per client, kind and subject, whoever raises it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/notices.h"
#include "libshared/uuid.h"
#include "tests/unit/busfix.h"
#include "tests/unit/testdb.h"

static struct db_pool *admin, *delivery, *gateway;
static struct inbox inbox;
static void *context, *sub;
static struct err err;
static char client[UUID_SIZE];

/* The topics of what was published since the last call, up to now. */
static const char *published(void)
{
    static char all[512];
    char topic[64] = "";
    size_t len = 0;
    int n;

    all[0] = '\0';
    bus_publish(inbox.bus, "notice.mark", NULL, NULL, NULL);
    while (strcmp(topic, "notice.mark") != 0 && (n = zmq_recv(sub, topic, sizeof topic - 1, 0)) > 0) {
        topic[n] = '\0';
        zmq_recv(sub, NULL, 0, 0);
        if (strcmp(topic, "notice.mark") != 0)
            len += (size_t)snprintf(all + len, sizeof all - len, "%s ", topic + strlen("notice."));
    }
    return all;
}

static void subscribe(void)
{
    int timeout = 20, n = -1;

    context = zmq_ctx_new();
    sub = zmq_socket(context, ZMQ_SUB);
    zmq_setsockopt(sub, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "notice.", 7);
    cr_assert(eq(int, zmq_connect(sub, bus_self(inbox.bus)->events), 0));
    for (int i = 0; i < 500 && n < 0; i++) { /* until the subscription has arrived */
        bus_publish(inbox.bus, "notice.first", NULL, NULL, NULL);
        n = zmq_recv(sub, NULL, 0, 0);
    }
    cr_assert(gt(int, n, 0));
    while (zmq_recv(sub, NULL, 0, 0) >= 0)
        continue;
    timeout = 5000;
    zmq_setsockopt(sub, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
}

static void open_all(void)
{
    const char *url = testdb_url();

    admin = db_pool_new(url, NULL, 2, &err);
    delivery = db_pool_new(url, "leadwire_delivery", 2, &err);
    gateway = db_pool_new(url, "leadwire_gateway", 2, &err);
    cr_assert(admin && delivery && gateway, "%s", err.text);
    uuid_new(client);
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err, "INSERT INTO clients (client_id, name) VALUES ($1, 'c')",
                     db_text(client)) == 1);
    inbox_open(&inbox, "delivery", "127.0.0.1");
    subscribe();
}

static void close_all(void)
{
    zmq_close(sub);
    zmq_ctx_term(context);
    inbox_close(&inbox);
    db_pool_destroy(&gateway);
    db_pool_destroy(&delivery);
    db_pool_destroy(&admin);
}

TestSuite(notices, .init = open_all, .fini = close_all, .timeout = 60);

static int raise_as(struct db_pool *pool, const struct notice_spec *spec)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(pool, client, &err);
    int raised = tx ? notice_raise(tx, inbox.bus, spec, &err) : -1;

    cr_assert(raised >= 0 && db_commit(&tx, &err) == 0, "%s", err.text);
    return raised;
}

static int resolve(const char *client_id, const char *kind, const char *subject)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(delivery, client, &err);
    int n = tx ? notice_resolve(tx, inbox.bus, client_id, kind, subject, &err) : -1;

    cr_assert(n >= 0 && db_commit(&tx, &err) == 0, "%s", err.text);
    return n;
}

/* The value of an expression over the open notices of a client. */
static const char *open_notices(const char *client_id, const char *sql)
{
    static char text[2048];
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(db_run_args(admin, DB_EVERY_CLIENT, &rows, &err, sql, (struct db_arg[]){db_text(client_id)}, 1) == 1);
    snprintf(text, sizeof text, "%s", db_get(rows, 0, "v") ? db_get(rows, 0, "v") : "null");
    return text;
}
#define OPEN(client_id, what) \
    (char *)open_notices(client_id, "SELECT " what " AS v FROM notices WHERE client_id = $1 AND resolved_at IS NULL")

static struct notice_spec number_refused(void)
{
    return (struct notice_spec){.client_id = client,
                                .kind = "sender_refused",
                                .subject = "+15550002222",
                                .text = "cannot send",
                                .remedy = "look at it",
                                .code = 21606};
}

Test(notices, the_second_of_a_kind_and_subject_is_counted)
{
    struct notice_spec spec = number_refused();

    cr_expect(eq(int, raise_as(delivery, &spec), 1));
    spec.text = "still cannot send";
    cr_expect(eq(int, raise_as(gateway, &spec), 0), "by another service");
    cr_expect(eq(str, OPEN(client, "count(*) || ' ' || sum(count)"), "1 2"));
    cr_expect(eq(str, OPEN(client, "min(text || ' ' || remedy || ' ' || code)"), "still cannot send look at it 21606"));
    cr_expect(eq(str, (char *)published(), (char *)"raised "), "only the new one is published");

    spec.subject = "+15550003333";
    cr_expect(eq(int, raise_as(delivery, &spec), 1), "another number");
    spec.kind = "message_failed";
    cr_expect(eq(int, raise_as(delivery, &spec), 1), "another kind");
}

Test(notices, what_is_resolved_may_be_raised_again)
{
    struct notice_spec spec = number_refused();

    cr_expect(eq(int, resolve(client, spec.kind, spec.subject), 0));
    raise_as(delivery, &spec);
    cr_expect(eq(int, resolve(client, spec.kind, "+15550003333"), 0), "another subject");
    cr_expect(eq(int, resolve(client, spec.kind, spec.subject), 1));
    cr_expect(eq(str, (char *)published(), (char *)"raised resolved "));
    cr_expect(eq(int, raise_as(delivery, &spec), 1));
    spec.subject = "+15550003333";
    raise_as(delivery, &spec);
    cr_expect(eq(int, resolve(client, spec.kind, NULL), 2), "whatever it is about");
    cr_expect(eq(str, OPEN(client, "count(*)"), "0"));
}

Test(notices, who_operates_is_told_from_a_clients_transaction)
{
    struct notice_spec spec = {.kind = "account_refused", .subject = "AC1", .text = "t"};

    resolve(NULL, spec.kind, NULL);
    cr_expect(eq(int, raise_as(delivery, &spec), 1));
    spec.client_id = UUID_NIL;
    cr_expect(eq(int, raise_as(delivery, &spec), 0));
    cr_expect(eq(str, OPEN(client, "count(*)"), "0"));
    cr_expect(eq(int, resolve(UUID_NIL, spec.kind, "AC1"), 1));
}

Test(notices, nothing_is_told_when_the_transaction_is_rolled_back)
{
    struct notice_spec spec = number_refused();
    struct db_tx *tx = db_begin(delivery, client, &err);

    cr_expect(eq(int, notice_raise(tx, inbox.bus, &spec, &err), 1));
    db_rollback(&tx);
    cr_expect(eq(str, (char *)published(), (char *)""));
    cr_expect(eq(str, OPEN(client, "count(*)"), "0"));
}

Test(notices, long_and_broken_texts_are_made_to_fit)
{
    char text[1200], subject[300];
    struct notice_spec spec = number_refused();

    memset(text, 'x', sizeof text);
    memcpy(text + 999, "\xc3\xa9", 2); /* a character across the end */
    text[sizeof text - 1] = '\0';
    memset(subject, 's', sizeof subject);
    subject[sizeof subject - 1] = '\0';
    spec.text = text;
    spec.subject = subject;
    spec.remedy = "bad \xff\xfe bytes";
    cr_expect(eq(int, raise_as(delivery, &spec), 1));
    cr_expect(
        eq(str, OPEN(client, "min(length(text) || ' ' || length(subject) || ' ' || remedy)"), "999 200 bad ?? bytes"));
}
