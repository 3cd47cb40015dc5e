/* day.c - see day.h. */
#include "libshared/day.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "libshared/clock.h"

bool day_is_valid(const char *text)
{
    char moment[CLOCK_TEXT_SIZE], same[CLOCK_TEXT_SIZE];
    int64_t us;

    snprintf(moment, sizeof moment, "%.10sT00:00:00Z", text);
    if (strlen(text) != 10 || clock_parse(moment, &us) < 0)
        return false;
    clock_format(us, same);
    return strncmp(same, text, 10) == 0;
}
