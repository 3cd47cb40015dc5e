/* documents.c - a document is taken in: read, checked and put where the task ingest_document finds it.
 *
 * What is wrong with it is told now. Reading a PDF takes its time, so the transaction is opened after it. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/tasks.h"
#include "libshared/text.h"
#include "proto/messages.h"
#include "services/knowledge/api/document_store.h"
#include "services/knowledge/api/kb_store.h"
#include "services/knowledge/ingest/chunker.h"
#include "services/knowledge/ingest/extract.h"
#include "services/knowledge/ingest/upload_store.h"
#include "services/knowledge/knowledge.h"

#define CHUNKS_MAX  20000 /* of one document: some 10 million tokens, a library of 100 books */
#define TITLE_MAX   500   /* bytes, as in proto/knowledge.h */
#define LINE_MAX    200   /* bytes of a first line as a title */
#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define ARENA_TIMES 24 /* as much again for each byte that may be uploaded: extracted, cut, with its overlaps */

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

static int check_metadata(const char *metadata, struct err *err)
{
    json_t *value = metadata ? json_loads(metadata, JSON_ALLOW_NUL, NULL) : NULL;
    bool is_object = json_is_object(value), has_nul = metadata && strstr(metadata, "\\u0000");

    json_decref(value);
    if (metadata && !is_object)
        return err_set_field(err, ERR_INVALID, "metadata", "metadata must be an object");
    if (has_nul)
        return err_set_field(err, ERR_INVALID, "metadata", "metadata holds a NUL byte, which cannot be stored");
    return 0;
}

static int check_request(const struct ingest_document *in, struct err *err)
{
    if (!in->content == !in->upload_id)
        return err_set_field(err, ERR_INVALID, "content", "either content or upload_id must be given, and not both");
    if (in->title && (text_has_control(in->title) || !text_has_word(in->title)))
        return err_set_field(err, ERR_INVALID, "title", "the title has no words, or holds control characters");
    if (in->source_url && text_has_control(in->source_url))
        return err_set_field(err, ERR_INVALID, "source_url", "source_url holds control characters");
    return check_metadata(in->metadata, err);
}

/* What was posted, and that there is such a base, in a transaction of its own. */
static int read_posted(struct worker *self, struct call *call, struct arena *arena, const char **ret_data,
                       size_t *ret_len, struct err *err)
{
    const struct ingest_document *in = call->request;
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, call->client_id ? call->client_id : DB_EVERY_CLIENT, err);
    struct kb kb;

    if (!tx)
        return -1;
    *ret_data = in->content;
    *ret_len = in->content ? strlen(in->content) : 0;
    if (in->upload_id &&
        upload_read(tx, in->upload_id, (size_t)self->config->upload_max_bytes, arena, ret_data, ret_len, err) < 0)
        return -1;
    if (kb_open(tx, in->kb_id, arena, &kb, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* ---- its title ---- */

/* One line of at most max bytes without control characters; NULL if no word is left. */
static const char *clean_title(const char *text, size_t len, size_t max, struct arena *arena)
{
    char *title;

    while (len > 0 && (unsigned char)*text <= ' ')
        text++, len--;
    if (!(title = arena_strndup(arena, text, utf8_cut(text, len, max))))
        return NULL;
    for (char *at = title; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    for (size_t end = strlen(title); end > 0 && title[end - 1] == ' '; end--)
        title[end - 1] = '\0';
    return text_has_word(title) ? title : NULL;
}

/* The first heading of Markdown, or the first line that has a word. */
static const char *first_line(const struct extracted *extracted, struct arena *arena)
{
    const char *first = NULL;

    for (const char *at = extracted->text; *at;) {
        size_t len = strcspn(at, "\n"), marks = strspn(at, "#");
        bool is_heading = extracted->is_markdown && marks >= 1 && marks <= 6 && marks < len && at[marks] == ' ';
        const char *title = is_heading || !first ? clean_title(at + (is_heading ? marks : 0),
                                                               len - (is_heading ? marks : 0), LINE_MAX, arena)
                                                 : NULL;

        if (title && is_heading)
            return title;
        if (title)
            first = title;
        if (first && !extracted->is_markdown)
            break;
        at += len + (at[len] == '\n');
    }
    return first;
}

static const char *choose_title(const struct ingest_document *in, const struct extracted *extracted,
                                struct arena *arena)
{
    const char *title = in->title ? clean_title(in->title, strlen(in->title), TITLE_MAX, arena) : NULL;

    if (!title && extracted->title)
        title = clean_title(extracted->title, strlen(extracted->title), TITLE_MAX, arena);
    if (!title && in->filename)
        title = clean_title(in->filename, strlen(in->filename), TITLE_MAX, arena);
    if (!title)
        title = first_line(extracted, arena);
    return title ? title : "Untitled";
}

/* ---- taking it in ---- */

/* How it will be cut: that a document is empty or too long is to be told now. */
static int measure(const struct extracted *extracted, struct arena *arena, struct ingestion *reply, struct err *err)
{
    struct piece *pieces;
    size_t n;

    if (!text_has_word(extracted->text))
        return err_set_field(err, ERR_INVALID, "content", "the document has no words");
    if (chunk_text(extracted->text, extracted->is_markdown, arena, &pieces, &n, err) < 0)
        return -1;
    if (n == 0)
        return err_set_field(err, ERR_INVALID, "content", "the document has no words");
    if (n > CHUNKS_MAX)
        return err_set_field(err, ERR_INVALID, "content", "the document would have %zu chunks; %d are taken at most", n,
                             CHUNKS_MAX);
    reply->chunks = (int64_t)n;
    for (size_t i = 0; i < n; i++)
        reply->tokens += pieces[i].tokens;
    return 0;
}

static int insert_task(struct worker *self, struct call *call, const struct kb *kb, const struct revision *revision,
                       char ret_task_id[UUID_SIZE], struct err *err)
{
    const struct ingest_revision payload = {
        .document_id = revision->document_id,
        .revision_id = revision->revision_id,
    };
    const struct task_spec spec = {
        .kind = TASK_ingest_document,
        .client_id = kb->client_id,
        .trace_id = call->env->trace_id,
        .payload = &payload,
        .serial_key = revision->document_id,
    };

    return task_insert(call->tx, self->bus, &spec, ret_task_id, err) < 0 ? -1 : 0;
}

static int take_in(struct worker *self, struct call *call, struct revision *revision, struct arena *arena,
                   struct err *err)
{
    const struct ingest_document *in = call->request;
    struct ingestion *reply = call->reply;
    char task_id[UUID_SIZE] = "";
    bool updating;
    struct kb kb;

    if (kb_open_to_change(call->tx, in->kb_id, arena, &kb, err) < 0 ||
        revision_put(call->tx, &kb, revision, &updating, err) < 0 ||
        insert_task(self, call, &kb, revision, task_id, err) < 0 ||
        revision_set_task(call->tx, &kb, revision, task_id, err) < 0)
        return -1;
    reply->document_id = arena_strdup(call->arena, revision->document_id);
    reply->kb_id = in->kb_id;
    reply->task_id = arena_strdup(call->arena, task_id);
    reply->title = arena_strdup(call->arena, revision->title);
    reply->state = updating ? "updating" : "ingesting";
    return reply->document_id && reply->task_id && reply->title ? 0 : out_of_memory(err);
}

int on_ingest_document(struct worker *self, struct call *call, struct err *err)
{
    const struct ingest_document *in = call->request;
    AUTO(arena_destroy)
    struct arena *arena = arena_new(ARENA_BYTES + ARENA_TIMES * (size_t)self->config->upload_max_bytes);
    struct extracted extracted;
    struct revision revision;
    const char *data;
    size_t len;
    int answered;

    if (!arena)
        return out_of_memory(err);
    if (check_request(in, err) < 0 || read_posted(self, call, arena, &data, &len, err) < 0 ||
        extract_text(data, len, in->content_type, in->filename, arena, &extracted, err) < 0 ||
        measure(&extracted, arena, call->reply, err) < 0)
        return -1;
    revision = (struct revision){
        .title = choose_title(in, &extracted, arena),
        .content = extracted.text,
        .is_markdown = extracted.is_markdown,
        .source_url = in->source_url ? in->source_url : "",
        .filename = in->filename && !in->title ? in->filename : "",
        .content_type = extracted.content_type,
        .metadata = in->metadata ? in->metadata : "{}",
        .bytes = (int64_t)len,
    };
    if ((answered = call_begin(self, call, err)) != 0)
        return answered < 0 ? -1 : 0;
    return take_in(self, call, &revision, arena, err);
}
