/* trigram.h - how alike two texts are by their letters. Pure. */
#pragma once

/* As pg_trgm's similarity(): of the trigrams of both, the share that they have in common, 0 to 1. The texts are folded
 * (leadwire_fold); of each the first 500 trigrams count. Any bytes beyond ASCII count as letters. */
double trigram_similarity(const char *a, const char *b);
