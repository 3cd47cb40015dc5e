/* embfix.h - kbfix's worker with an embeddings API that answers as told: the sum of a direction for each word. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/kbfix.h"

struct ingestion;
struct search_result;
struct task;

#define EMBFIX_DIMS 1536

/* What the API does and has seen. An input that holds "poison" is refused, the vector of one that
 * holds "zilch" is zero. */
struct embfix_api {
    int requests, texts;
    int largest;          /* texts in one request */
    size_t longest;       /* bytes of a text */
    int status;           /* 0: 200; otherwise each request is answered with it */
    const char *body;     /* of an answer other than 200; NULL: an error without code */
    bool wrong_count;     /* one vector too few */
    bool wrong_dims;      /* 3 numbers */
    bool refuse_all;      /* 400 */
    void (*before)(void); /* called before each answer; NULL: nothing */
};
extern struct embfix_api embfix_api;

void embfix_open(void);
void embfix_close(void);

/* As kbfix_call, without a transaction around the handler, and with an idempotency key (NULL: none). */
int embfix_call(request_fn *fn, const char *client, const char *key, const void *request, void *reply, struct err *err);

/* Runs the knowledge service's next task that is due, of any client, as service.c does; one that fails is due again at
 * once. 1: it is done, or put back by itself; 0: none is due; -1: it failed, *err tells. */
int embfix_work(struct err *err);

/* Runs all that are due; none may fail. Returns how many. */
int embfix_work_all(void);

/* Asks as client a; kb_id NULL: all bases. */
void embfix_find(const char *kb_id, const char *query, struct search_result *reply);

/* Takes in a Markdown text as client a. */
int embfix_ingest(const char *kb_id, const char *title, const char *content, struct ingestion *reply, struct err *err);

/* Of client a: chunks whose text has no vector of any model. */
int64_t embfix_bare(void);
