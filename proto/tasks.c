/* tasks.c - the table of task kinds, from their declaration. */
#include "proto/tasks.h"

#include <string.h>

#include "libshared/auto.h"
#include "libshared/tasks.h"
#include "proto/envelope.h"

#define TASK_ROW(kind, by, message, most, deadline, backoff) \
    {.name = #kind,                                          \
     .role = (by),                                           \
     .payload = &message##_type,                             \
     .max_attempts = (most),                                 \
     .deadline_s = (deadline),                               \
     .backoff_s = (backoff)},

static const struct task_kind kinds[] = {TASK_KINDS(TASK_ROW)};

const struct task_kind *task_kind_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

const struct task_kind *task_kind_at(size_t i)
{
    return i < COUNT_OF(kinds) ? &kinds[i] : NULL;
}
