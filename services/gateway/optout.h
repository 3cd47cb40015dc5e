/* optout.h - what can be told from the words of a text alone, before anything is queued. */
#pragma once

/* "out" for STOP and its kin, "in" for START and its kin ("YES" too: the database lets it count only for a lead that
 * is opted out), "help" for HELP and INFO, else "". The whole text must be the keyword; letter case, and spaces and
 * punctuation around it, do not matter. */
const char *optout_keyword(const char *text);
