/* vectors.h - gives texts their vectors for a task, page by page; what is written stays written, so that a second run
 * goes on where the first one ended. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bare_text;
struct db_tx;
struct err;
struct task;
struct worker;

/* A page is what a run that is killed makes again, and one request to OpenAI, which takes up to 2,048 texts: at 0.5 s a
 * round trip 10,000 texts take 20 s, so larger ones would save little and take eight times the memory. */
#define VECTOR_PAGE 256 /* texts in a page: some 20 MiB while 3,072 numbers of each are on their way */

/* Which texts, for whom. */
struct vector_job {
    const char *kb_id;
    const char *document_id, *revision_id; /* a version on its way; NULL: chunks of the base */
    const char *model;
    int64_t until_ms;    /* on the monotonic clock: no page is begun after it */
    int64_t done, total; /* texts; done rises with each page */
    bool model_failed;   /* set: what failed was the model, and not the database */
};

/* Embeds n texts (any number) without holding a connection, and stores page by page their vectors and the task's
 * progress, which is published as knowledge.progress. A text that the model refuses is isolated by halving and gets a
 * row without vector. Returns 0; 1 if it stopped before the end, since time was up, or the base or the version is no
 * longer there; -1 with the errors of embedder_embed and of the database. What was stored before stays. */
int vectors_make(struct worker *self, const struct task *task, struct vector_job *job, const struct bare_text *texts,
                 size_t n, struct err *err);

/* Stores how far the task is, in the caller's transaction. */
int vectors_put_progress(struct db_tx *tx, const struct task *task, const struct vector_job *job, struct err *err);

/* Publishes an event about a job: "knowledge.progress", ... error NULL: none. */
void vectors_publish(struct worker *self, const struct task *task, const struct vector_job *job, const char *event,
                     const char *error);
