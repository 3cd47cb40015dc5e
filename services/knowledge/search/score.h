/* score.h - how much a candidate's views are worth together. Pure. */
#pragma once

struct candidate;

/* By words alone, and by trigrams alone, 0 to 1. */
double score_words(const struct candidate *candidate);
double score_trigrams(const struct candidate *candidate);

/* By words and trigrams, 0 to 1; not on the scale of score_fused. */
double score_text(const struct candidate *candidate);

/* All views fused, 0 to 1, on the scale where 0.75 means "this answers it". */
double score_fused(const struct candidate *candidate);
