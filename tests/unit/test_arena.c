#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdint.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"

Test(arena, memory_is_zeroed_and_aligned)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(1 << 20);

    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *p = arena_alloc(arena, size);

        cr_assert(p != NULL);
        cr_assert(eq(u64, (uintptr_t)p % _Alignof(max_align_t), 0));
        for (size_t i = 0; i < size; i++)
            cr_assert(p[i] == 0);
        memset(p, 0xff, size);
    }
}

Test(arena, pieces_do_not_overlap)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(1 << 20);
    char *pieces[200];

    for (int i = 0; i < 200; i++)
        pieces[i] = memset(arena_alloc(arena, 100), i, 100);
    for (int i = 0; i < 200; i++)
        for (int k = 0; k < 100; k++)
            cr_assert(pieces[i][k] == (char)i);
}

Test(arena, never_hands_out_more_than_its_limit)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(1000);

    cr_expect(arena_alloc(arena, 1001) == NULL);
    cr_expect(arena_alloc(arena, SIZE_MAX) == NULL);
    while (arena_alloc(arena, 10))
        cr_assert(arena_used(arena) <= 1000);
    cr_expect(arena_used(arena) > 900);
    cr_expect(arena_alloc(arena, 0) == NULL);
}

Test(arena, a_product_that_overflows_is_refused)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(SIZE_MAX);

    cr_expect(arena_calloc(arena, SIZE_MAX / 2 + 2, 2) == NULL);
    cr_expect(arena_calloc(arena, 3, 8) != NULL);
}

Test(arena, copies_end_with_a_nul)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(1 << 20);

    cr_expect(eq(str, arena_strdup(arena, "lead"), "lead"));
    cr_expect(arena_strdup(arena, NULL) == NULL);
    cr_expect(eq(str, arena_strndup(arena, "leadwire", 4), "lead"));
    cr_expect(eq(str, arena_strndup(arena, "le", 4), "le"));
    cr_expect(eq(str, arena_printf(arena, "%s-%d", "lead", 7), "lead-7"));
}

Test(arena, destroying_nothing_does_nothing)
{
    struct arena *arena = NULL;

    arena_destroy(&arena);
    arena = arena_new(10);
    arena_destroy(&arena);
    cr_expect(arena == NULL);
}
