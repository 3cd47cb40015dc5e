/* slips.h - how many slips of the pen make one word out of another. Pure. */
#pragma once

/* As leadwire_slips (migration 0022): a letter too many, too few, another, or two swapped. -1 when they are too many
 * for words of this length to be the same. UTF-8. */
int slips_between(const char *a, const char *b);
