/* auto.h - each resource is released by its own declaration.
 *
 *     AUTO(arena_destroy) struct arena *arena = arena_new(64 * 1024);
 *     ...
 *     return TAKE(arena);      // the caller's from here on
 */
#pragma once

#define AUTO(destroy) __attribute__((cleanup(destroy)))
#define TAKE(p)                     \
    ({                              \
        __typeof__(p) taken_ = (p); \
        (p) = NULL;                 \
        taken_;                     \
    })
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
