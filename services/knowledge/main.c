/* knowledge - keeps what each client knows, and finds what answers a lead's question. */
#include <stdlib.h>

#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "proto/messages.h"
#include "services/knowledge/embedding/embed.h"
#include "services/knowledge/embedding/minilm.h"
#include "services/knowledge/embedding/query_cache.h"
#include "services/knowledge/embedding/vector_index.h"
#include "services/knowledge/ingest/upload_store.h"
#include "services/knowledge/knowledge.h"
#include "services/knowledge/search/copy_builder.h"
#include "services/knowledge/search/copy_cache.h"

#define QUERIES_CACHED 4096              /* each has a vector and its words */
#define QUERIES_BYTES  (8 * 1024 * 1024) /* some 1,300 queries of 1,536 numbers */

/* The workers of the process share them; they are made before the workers start. The caches lock themselves, the model
 * is only read. */
static struct query_cache *query_cache;
static struct copy_cache *copy_cache;
static struct copy_builder *copy_builder;
static struct minilm *builtin;

/* A missing or damaged file of the built-in model ends the process before it starts. */
static int knowledge_check(const struct config *config, struct err *err)
{
    char path[4096];

    if (minilm_path(config->model_file, path, sizeof path, err) < 0)
        return -1;
    return (builtin = minilm_open(path, err)) ? 0 : -1;
}

static void knowledge_worker_destroy(struct worker *self)
{
    struct knowledge *state = self->state;

    if (!state)
        return;
    embedder_destroy(&state->embedder);
    free(state);
    self->state = NULL;
}

static int knowledge_worker_new(struct worker *self, struct err *err)
{
    struct knowledge *state = calloc(1, sizeof *state);

    if (!state)
        return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
    self->state = state;
    state->cache = query_cache;
    state->copies = copy_cache;
    state->builder = copy_builder;
    if (!(state->embedder = embedder_new(self->config, builtin, err))) {
        knowledge_worker_destroy(self);
        return -1;
    }
    return 0;
}

/* Before the workers are made. */
static int knowledge_start(struct worker *self, void **ret_service_state, struct err *err)
{
    size_t max_bytes = (size_t)self->config->copy_mb * 1024 * 1024;

    *ret_service_state = NULL;
    if (vector_index_check_version(self, err) < 0)
        return -1;
    if (max_bytes == 0)
        return 0;
    if (!(copy_cache = copy_cache_new(max_bytes)))
        return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
    return (copy_builder = copy_builder_new(self->db, copy_cache, max_bytes, err)) ? 0 : -1;
}

static void knowledge_stop(void *service_state)
{
    (void)service_state;
    if (copy_builder)
        copy_builder_stop(copy_builder);
}

static const struct task_handler tasks[] = {
    {TASK_bulk_ingest_faqs, on_bulk_ingest_faqs},
    {TASK_ingest_document, on_ingest_document_task},
    {TASK_build_vector_index, on_build_vector_index},
    {0},
};

static const struct request_handler requests[] = {
    {&create_knowledge_base_type, &knowledge_base_type, on_create_knowledge_base, 0},
    {&get_knowledge_base_type, &knowledge_base_type, on_get_knowledge_base, 0},
    {&list_knowledge_bases_type, &knowledge_base_page_type, on_list_knowledge_bases, 0},
    {&update_knowledge_base_type, &knowledge_base_type, on_update_knowledge_base, 0},
    {&delete_knowledge_base_type, &removed_type, on_delete_knowledge_base, 0},
    {&clear_knowledge_base_type, &removed_type, on_clear_knowledge_base, 0},
    {&get_knowledge_stats_type, &knowledge_stats_type, on_get_knowledge_stats, 0},
    {&get_document_type, &document_type, on_get_document, 0},
    {&list_documents_type, &document_page_type, on_list_documents, 0},
    {&list_chunks_type, &chunk_page_type, on_list_chunks, 0},
    {&delete_document_type, &removed_type, on_delete_document, 0},
    {&get_faq_type, &faq_type, on_get_faq, 0},
    {&list_faqs_type, &faq_page_type, on_list_faqs, 0},
    {&delete_faq_type, &removed_type, on_delete_faq, 0},
    {&add_faq_type, &faq_type, on_add_faq, 0},
    {&add_faqs_type, &add_faqs_result_type, on_add_faqs, 0},
    {&ingest_document_type, &ingestion_type, on_ingest_document, CALL_LATE_TX},
    {&put_upload_type, &empty_type, on_put_upload, 0},
    {&search_knowledge_type, &search_result_type, on_search_knowledge, CALL_NO_TX},
    {0},
};

static const struct service knowledge = {
    .role = "knowledge",
    .doc = "keeps what each client knows, and finds what answers a lead's question",
    .workers = 4,
    .tasks = tasks,
    .requests = requests,
    .check = knowledge_check,
    .worker_new = knowledge_worker_new,
    .worker_destroy = knowledge_worker_destroy,
    .start = knowledge_start,
    .stop = knowledge_stop,
};

int main(int argc, char **argv)
{
    int code;

    if (http_global_init(NULL) < 0 || !(query_cache = query_cache_new(QUERIES_CACHED, QUERIES_BYTES)))
        return EXIT_FAILURE;
    code = service_main(&knowledge, argc, argv);
    copy_builder_destroy(&copy_builder);
    copy_cache_destroy(&copy_cache);
    query_cache_destroy(&query_cache);
    minilm_close(&builtin);
    return code;
}
