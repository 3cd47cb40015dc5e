/* clause.h - one sentence of a lead in the forms that reading it needs. */
#pragma once

#include <stdbool.h>

struct clause {
    const char *text;   /* as written */
    const char *plain;  /* plain_letters of it */
    const char *folded; /* words_fold of that, with slips mended (plain_mend) */
    bool question;
};
