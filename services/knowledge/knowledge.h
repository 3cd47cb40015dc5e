/* knowledge.h - what the files of the knowledge service share: a worker's state, and the handlers. */
#pragma once

#include "libshared/service.h"

struct copy_builder;
struct copy_cache;
struct embedder;
struct err;
struct query_cache;
struct task;

/* One per worker thread. */
struct knowledge {
    struct embedder *embedder;
    struct query_cache *cache;    /* the process's own, shared by its workers; as are */
    struct copy_cache *copies;    /* NULL: there are none */
    struct copy_builder *builder; /* of large ones; NULL: there are none */
};

/* bases.c: create, get, list; base_changes.c: update, delete, clear; base_stats.c */
request_fn on_create_knowledge_base, on_get_knowledge_base, on_list_knowledge_bases;
request_fn on_update_knowledge_base, on_delete_knowledge_base, on_clear_knowledge_base, on_get_knowledge_stats;
/* faqs.c: they are taken in; faq_admin.c: they are looked at */
request_fn on_add_faq, on_add_faqs;
request_fn on_get_faq, on_list_faqs, on_delete_faq;
/* documents.c: they are taken in; document_admin.c: they are looked at */
request_fn on_ingest_document;
request_fn on_get_document, on_list_documents, on_list_chunks, on_delete_document;
/* search.c */
request_fn on_search_knowledge;
/* ingest.c */
task_fn on_bulk_ingest_faqs, on_ingest_document_task;
/* vector_index.c */
task_fn on_build_vector_index;

/* The client that a request is about: the asker's own, or for an administrator the one that is named. NULL and *err:
 * ERR_NOT_FOUND if a client's key names another client, ERR_INVALID if nobody is named. */
const char *call_client(const struct call *call, const char *named, struct err *err);
