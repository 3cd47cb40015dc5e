/* embed.h - vectors that are alike where texts are: hashed words and character trigrams. Deterministic. */
#pragma once

/* Fills n numbers of unit length. */
void box_embed(const char *text, float *out, int n);
