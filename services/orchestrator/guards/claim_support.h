/* claim_support.h - whether one claim says what another says. */
#pragma once

#include <stdbool.h>

struct claim;

/* Whether what source says supports draft, wherever they stand. from_lead: source is of the lead, who often leaves out
 * what a number counts. */
bool claim_supports(const struct claim *source, const struct claim *draft, bool from_lead);

/* Of two numbers of UNIT_OTHER: whether one of the two words behind the one begins like one of those behind the other.
 */
bool claim_counts_same(const struct claim *source, const struct claim *draft);
