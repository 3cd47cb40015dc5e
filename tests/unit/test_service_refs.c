/* The ids of tasks that were heard of. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "libshared/auto.h"
#include "libshared/service_internal.h"

static void id_of(int i, char out[UUID_SIZE])
{
    snprintf(out, UUID_SIZE, "018f0000-0000-7000-8000-%012d", i);
}

static bool add(struct ref_set *set, int i)
{
    char id[UUID_SIZE];

    id_of(i, id);
    return ref_set_add(set, UUID_NIL, id);
}

Test(service_refs, come_out_in_the_order_of_their_arrival)
{
    AUTO(ref_set_destroy) struct ref_set *set = ref_set_new();
    struct ref refs[3];
    char id[UUID_SIZE];

    for (int i = 0; i < 3; i++)
        cr_assert(add(set, i));
    cr_assert(eq(sz, ref_set_take(set, refs, 2), 2));
    id_of(1, id);
    cr_expect(eq(str, refs[1].task_id, id));
    cr_assert(eq(sz, ref_set_take(set, refs, 2), 1));
    id_of(2, id);
    cr_expect(eq(str, refs[0].task_id, id));
    cr_expect(eq(sz, ref_set_take(set, refs, 2), 0));
}

Test(service_refs, a_repeat_is_held_once_and_may_come_again_later)
{
    AUTO(ref_set_destroy) struct ref_set *set = ref_set_new();
    struct ref ref;

    cr_expect(add(set, 7));
    cr_expect(add(set, 7));
    cr_expect(eq(sz, ref_set_count(set), 1));
    ref_set_take(set, &ref, 1);
    cr_expect(add(set, 7));
    cr_expect(eq(sz, ref_set_count(set), 1));
}

Test(service_refs, a_full_set_refuses_the_new_and_knows_the_old)
{
    AUTO(ref_set_destroy) struct ref_set *set = ref_set_new();

    for (int i = 0; i < REFS_MAX; i++)
        cr_assert(add(set, i));
    cr_expect(not(add(set, REFS_MAX)));
    cr_expect(add(set, 5));
    cr_expect(eq(sz, ref_set_count(set), REFS_MAX));
}

Test(service_refs, many_rounds_lose_nothing)
{
    AUTO(ref_set_destroy) struct ref_set *set = ref_set_new();
    struct ref refs[100];
    int added = 0, taken = 0;
    char id[UUID_SIZE];

    for (int round = 0; round < 500; round++) {
        size_t n;

        for (int i = 0; i < 1 + round % 97; i++)
            added += add(set, added);
        n = ref_set_take(set, refs, (size_t)(1 + round % 89));
        for (size_t i = 0; i < n; i++, taken++) {
            id_of(taken, id);
            cr_assert(eq(str, refs[i].task_id, id));
        }
    }
    cr_expect(eq(sz, ref_set_count(set), (size_t)(added - taken)));
}
