/* keywords.h - what Twilio does by itself with STOP, START and HELP, and what it answered. Thread-safe. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct keywords;

struct keywords *keywords_new(void);
void keywords_destroy(struct keywords **self_p);
void keywords_clear(struct keywords *self);

enum keyword { KEYWORD_NONE, KEYWORD_STOP, KEYWORD_START, KEYWORD_HELP };

/* Of a text that is nothing but the keyword, in any case, sent to that number: toll-free ones know START and UNSTOP
 * alone for opting in. */
enum keyword keyword_of(const char *body, const char *to);

/* Twilio has answered the text from that number by itself. */
void keywords_answered(struct keywords *self, enum keyword keyword, const char *from, const char *to);

/* Those answers, oldest first, the last 1000: {"to", "from", "keyword"}; to NULL: to anybody. */
json_t *keywords_list(struct keywords *self, const char *to);
