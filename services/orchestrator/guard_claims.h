/* guard_claims.h - nothing is claimed that does not stand somewhere.
 *
 * A price, number, percentage, date, time, URL, phone number or e-mail of a draft
 * must stand in one of the sources: a passage, a tool's receipt, the client's
 * configuration, the lead's own words. 1,200, 1200 and $1200 are the same; 5 pm
 * and 17:00 are the same; "Monday to Friday" holds Tuesday. */
#pragma once

#include <stddef.h>

struct arena;

/* The claims of draft (as it words them) that no source supports; into arena. Returns how many; (size_t)-1 when out
 * of memory. */
size_t guard_claims(struct arena *arena, const char *draft, const char *const *sources, size_t n_sources,
                    const char ***ret_unsupported);
