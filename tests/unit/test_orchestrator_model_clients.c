/* Which clients' turns are a model's. */
#include <stdio.h>

#include <criterion/criterion.h>

#include "libshared/err.h"
#include "services/orchestrator/turn/model_clients.h"

static struct model_clients *clients;

static void set_up(void)
{
    struct err err;

    clients = model_clients_new(&err);
    cr_assert_not_null(clients);
}

static void tear_down(void)
{
    model_clients_destroy(&clients);
}

TestSuite(model_clients, .init = set_up, .fini = tear_down, .timeout = 10);

Test(model_clients, the_last_turn_counts)
{
    cr_expect_not(model_clients_has(clients, "acme"));
    model_clients_note(clients, "acme", true);
    cr_expect(model_clients_has(clients, "acme"));
    cr_expect_not(model_clients_has(clients, "other"));
    model_clients_note(clients, "other", false);
    cr_expect(model_clients_has(clients, "acme"));
    model_clients_note(clients, "acme", false);
    cr_expect_not(model_clients_has(clients, "acme"));
}

/* Where there are more of them than it keeps, some are forgotten, and none is taken for another. */
Test(model_clients, no_client_is_taken_for_another)
{
    char id[40];
    int kept = 0;

    for (int i = 0; i < 5000; i++) {
        snprintf(id, sizeof id, "with-%d", i);
        model_clients_note(clients, id, true);
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(id, sizeof id, "without-%d", i);
        cr_expect_not(model_clients_has(clients, id));
        model_clients_note(clients, id, false);
        snprintf(id, sizeof id, "with-%d", i);
        kept += model_clients_has(clients, id);
    }
    cr_expect_gt(kept, 500, "%d kept", kept);
    cr_expect_leq(kept, 1024, "%d kept", kept);
}

Test(model_clients, none_are_kept_without_it)
{
    model_clients_note(NULL, "acme", true);
    cr_expect_not(model_clients_has(NULL, "acme"));
}
