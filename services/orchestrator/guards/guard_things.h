/* guard_things.h - a number that stands in a source supports it only of the thing that it is told of there. */
#pragma once

#include <stddef.h>

#include "services/orchestrator/guards/guard_sources.h"

/* Claim i of draft, whose value a source of the business supports: 0 where it is told of another thing than there, 1
 * where not, or that cannot be told; -1 when out of memory. today: a weekday, -1 if unknown. */
int guard_things(struct guard_sources *sources, struct claim_text *draft, size_t i, int today);
