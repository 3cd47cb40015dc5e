/* guard_claims.h - nothing is claimed that does not stand somewhere.
 *
 * A price, number, percentage, date, time, address, URL, phone number or e-mail of a draft, and what promises
 * ("free", "guaranteed"), must stand in one of the sources: a passage, a tool's receipt, the client's configuration,
 * the lead's own words. 1,200, 1200 and $1200 are the same; 5 pm and 17:00 are the same; "Monday to Friday" holds
 * Tuesday. What only the lead has written supports what is told as the lead's ("your budget of $300"): it is no price
 * of the business, no promise, and not when it opens. */
#pragma once

#include <stddef.h>

#include "services/orchestrator/guards/guard_sources.h"

/* The claims of draft (as it words them, plain) that no source supports; into the arena of the sources. Returns how
 * many; (size_t)-1 when out of memory. */
size_t guard_claims(const char *draft, struct guard_sources *sources, const char ***ret_unsupported);
