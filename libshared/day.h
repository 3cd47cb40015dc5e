/* day.h - days of the calendar, as text. */
#pragma once

#include <stdbool.h>

/* Whether text is a day that there is, of the years that PostgreSQL and we can name: "2026-11-01". */
bool day_is_valid(const char *text);
