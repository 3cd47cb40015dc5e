/* knowledge.h - what the files of the knowledge service share: a worker's state, and the handlers. */
#pragma once

#include "libshared/service.h"

struct embedder;
struct err;
struct query_cache;
struct task;

/* One per worker thread. */
struct knowledge {
    struct embedder *embedder;
    struct query_cache *cache; /* the process's own, shared by its workers */
};

/* bases.c */
request_fn on_create_knowledge_base, on_get_knowledge_base, on_list_knowledge_bases;
/* faqs.c */
request_fn on_add_faq, on_add_faqs;
/* search.c */
request_fn on_search_knowledge;
/* ingest.c */
task_fn on_bulk_ingest_faqs;

/* The client that a request is about: the asker's own, or for an administrator the one that is named. NULL and *err:
 * ERR_NOT_FOUND if a client's key names another client, ERR_INVALID if nobody is named. */
const char *call_client(const struct call *call, const char *named, struct err *err);
