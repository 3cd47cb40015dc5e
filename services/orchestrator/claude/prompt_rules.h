/* prompt_rules.h - a client's qualification rules in words, for the model. */
#pragma once

struct buf;
struct qualification_rules;

/* "COLD, if one of these holds:\n- they say ...\nHOT, ...": a line for each alternative. */
void prompt_rules(const struct qualification_rules *rules, struct buf *out);
