/* knowledge.h - what the knowledge service is asked and answers. Paths are in services/gateway/routes.c. */
#pragma once

#include "libshared/codec.h"

/* clang-format off */
#define PASSAGE(S, F, E, M, L)                                                                              \
    F(S, UUID,  chunk_id,    REQUIRED, 0, 0,      "the best matching chunk")                                \
    F(S, UUID,  document_id, REQUIRED, 0, 0,      "the document or FAQ it comes from")                      \
    F(S, UUID,  kb_id,       REQUIRED, 0, 0,      "its knowledge base")                                     \
    E(S, "faq|document", kind, REQUIRED,          "what it comes from")                                     \
    F(S, STR,   title,       REQUIRED, 0, 2000,   "of the document; of an FAQ: its question")               \
    F(S, STR,   heading,     OPTIONAL, 0, 1000,   "the headings above the chunk, outermost first, \" > \" between them") \
    F(S, STR,   source_url,  OPTIONAL, 0, 2000,   "where the document comes from")                          \
    F(S, STR,   body,        REQUIRED, 0, 16000,  "what it says; of an FAQ: its answer")                    \
    F(S, FLOAT, score,       REQUIRED, 0, 1,      "fused and calibrated: 0.75 is a sensible threshold")     \
    F(S, FLOAT, vector_score, DEFAULT(0), -1, 1,  "cosine similarity; 0 if there is no vector")             \
    F(S, FLOAT, text_score,  DEFAULT(0), 0, 1,    "words and trigrams together")                            \
    F(S, FLOAT, word_score,  DEFAULT(0), 0, 1,    "of text_score: words alone")                             \
    F(S, FLOAT, trigram_score, DEFAULT(0), 0, 1,  "of text_score: trigrams alone")                          \
    F(S, INT,   position,    DEFAULT(0), 0, 1e9,  "of the chunk within its document, from 0")

#define SEARCH_KNOWLEDGE(S, F, E, M, L)                                                                     \
    F(S, UUID,  client_id,   OPTIONAL, 0, 0,      "the client; not needed with a client's own key")         \
    F(S, STR,   query,       REQUIRED, 1, 32000,  "the question, in bytes of UTF-8; cut at the model's limit") \
    F(S, UUID,  kb_id,       OPTIONAL, 0, 0,      "only this knowledge base; absent: all of the client")    \
    F(S, INT,   max_results, DEFAULT(5), 1, 50,   "passages at most")                                       \
    F(S, FLOAT, threshold,   DEFAULT(-1), -1, 1,  "lowest score; absent: each knowledge base's own")

#define SEARCH_RESULT(S, F, E, M, L)                                                                        \
    L(S, passage, passages,  REQUIRED, 0, 50,     "best first; empty if nothing is known")                  \
    F(S, BOOL, vectors_used, DEFAULT(0), 0, 1,    "false: words and trigrams alone, because no embedding could be had") \
    F(S, BOOL, query_cut,    DEFAULT(0), 0, 1,    "the query was longer than what is searched: only its beginning was")

#define CREATE_KNOWLEDGE_BASE(S, F, E, M, L)                                                                \
    F(S, UUID,  client_id,   OPTIONAL, 0, 0,      "the client; not needed with a client's own key")         \
    F(S, STR,   name,        REQUIRED, 1, 200,    "unique within the client")                               \
    F(S, STR,   description, OPTIONAL, 0, 2000,   "for people")                                             \
    F(S, STR,   language,    OPTIONAL, 1, 32,     "text search configuration: english (default), spanish, arabic, ..., simple") \
    F(S, STR,   embedding_model, OPTIONAL, 0, 128, "absent: OpenAI's configured one if there is a key, else the built-in one where it knows the language; \"\": none") \
    F(S, FLOAT, similarity_threshold, DEFAULT(0.75), 0, 1, "lowest score of a passage that is used")

#define UPDATE_KNOWLEDGE_BASE(S, F, E, M, L)                                                                \
    F(S, UUID,  kb_id,       REQUIRED, 0, 0,      "the knowledge base")                                     \
    F(S, STR,   name,        OPTIONAL, 1, 200,    "unique within the client; absent: unchanged")            \
    F(S, STR,   description, OPTIONAL, 0, 2000,   "for people; absent: unchanged")                          \
    F(S, STR,   language,    OPTIONAL, 1, 32,     "text search configuration; of a large base a task makes the words anew, until then the old ones answer; absent: unchanged") \
    F(S, STR,   embedding_model, OPTIONAL, 0, 128, "the old vectors answer until a task has made the new ones; \"\": none; absent: unchanged") \
    F(S, FLOAT, similarity_threshold, DEFAULT(-1), -1, 1, "lowest score of a passage that is used, from 0; absent: unchanged")

#define KNOWLEDGE_BASE(S, F, E, M, L)                                                                       \
    F(S, UUID,  client_id,   REQUIRED, 0, 0,      "its client")                                             \
    F(S, UUID,  kb_id,       REQUIRED, 0, 0,      "its id")                                                 \
    F(S, STR,   name,        REQUIRED, 1, 800,    "unique within the client")                               \
    F(S, STR,   description, REQUIRED, 0, 8000,   "for people")                                             \
    F(S, STR,   language,    REQUIRED, 1, 32,     "text search configuration")                              \
    F(S, STR,   next_language, OPTIONAL, 1, 32,   "whose words are being made, to take over when all are there") \
    F(S, STR,   embedding_model, REQUIRED, 0, 128, "whose vectors answer; \"\": none")                      \
    F(S, STR,   next_model,  OPTIONAL, 1, 128,    "whose vectors are being made, to take over when all are there") \
    F(S, FLOAT, similarity_threshold, REQUIRED, 0, 1, "lowest score of a passage that is used")             \
    F(S, TIME,  created_at,  REQUIRED, 0, 0,      "when it was created")                                    \
    F(S, TIME,  updated_at,  OPTIONAL, 0, 0,      "when its settings were changed last")

#define GET_KNOWLEDGE_BASE(S, F, E, M, L) F(S, UUID, kb_id, REQUIRED, 0, 0, "the knowledge base")
#define DELETE_KNOWLEDGE_BASE(S, F, E, M, L) F(S, UUID, kb_id, REQUIRED, 0, 0, "the knowledge base; all it holds goes with it")
#define CLEAR_KNOWLEDGE_BASE(S, F, E, M, L) F(S, UUID, kb_id, REQUIRED, 0, 0, "the knowledge base; it stays, empty")
#define GET_KNOWLEDGE_STATS(S, F, E, M, L) F(S, UUID, kb_id, REQUIRED, 0, 0, "the knowledge base")

#define REMOVED(S, F, E, M, L)                                                                              \
    F(S, INT, documents, REQUIRED, 0, 1e9,        "documents that are gone")                                \
    F(S, INT, faqs,      REQUIRED, 0, 1e9,        "FAQs that are gone")                                     \
    F(S, INT, chunks,    REQUIRED, 0, 1e9,        "chunks that are gone")

#define KNOWLEDGE_STATS(S, F, E, M, L)                                                                      \
    F(S, UUID, kb_id,        REQUIRED, 0, 0,      "the knowledge base")                                     \
    F(S, INT, documents,     REQUIRED, 0, 1e9,    "documents, of any state")                                \
    F(S, INT, documents_ingesting, REQUIRED, 0, 1e9, "new ones that are not searched yet")                  \
    F(S, INT, documents_updating, REQUIRED, 0, 1e9, "whose old version is searched until the new one is there") \
    F(S, INT, documents_failed, REQUIRED, 0, 1e9, "that could not be ingested")                             \
    F(S, INT, faqs,          REQUIRED, 0, 1e9,    "FAQs")                                                   \
    F(S, INT, chunks,        REQUIRED, 0, 1e9,    "chunks that are searched; an FAQ has two")               \
    F(S, INT, chunks_embedded, REQUIRED, 0, 1e9,  "with a vector of embedding_model")                       \
    F(S, INT, chunks_waiting, REQUIRED, 0, 1e9,   "whose vector is still to be made")                       \
    F(S, INT, chunks_refused, REQUIRED, 0, 1e9,   "that the model refuses: found by their words alone")     \
    F(S, INT, tokens,        REQUIRED, 0, 1e12,   "estimated tokens of all chunks")                         \
    F(S, INT, bytes,         REQUIRED, 0, 1e15,   "of the texts of all chunks")                             \
    F(S, INT, vector_bytes,  REQUIRED, 0, 1e15,   "of the vectors that they use")                           \
    F(S, STR, embedding_model, REQUIRED, 0, 128,  "whose vectors answer; \"\": none")                       \
    F(S, STR, next_model,    OPTIONAL, 1, 128,    "whose vectors are being made")                           \
    F(S, INT, dimensions,    REQUIRED, 0, 16000,  "of embedding_model's vectors; 0: none yet")              \
    E(S, "none|exact|hnsw", search, REQUIRED,     "how the database searches the client's vectors")         \
    F(S, BOOL, in_memory,    REQUIRED, 0, 1,      "the process that answers has a copy of what the client knows now, and searches that instead") \
    F(S, INT, client_vectors, REQUIRED, 0, 1e9,   "of that model, all bases of the client: what the choice of search rests on") \
    F(S, TIME, last_ingested_at, OPTIONAL, 0, 0,  "when a document or an FAQ was taken in last")

#define LIST_KNOWLEDGE_BASES(S, F, E, M, L)                                                                 \
    F(S, UUID, client_id, REQUIRED, 0, 0,         "the client")                                             \
    F(S, INT,  limit,     DEFAULT(50), 1, 200,    "items a page")                                           \
    F(S, STR,  after,     OPTIONAL, 1, 200,       "next_after of the page before")

#define KNOWLEDGE_BASE_PAGE(S, F, E, M, L)                                                                  \
    L(S, knowledge_base, items, REQUIRED, 0, 200, "in the order of creation")                               \
    F(S, STR, next_after,       OPTIONAL, 1, 200, "for the next page; absent: this is the last")

/* ---- FAQs: documents of two chunks, question and answer ---- */

#define ADD_FAQ(S, F, E, M, L)                                                                              \
    F(S, UUID, kb_id,   REQUIRED, 0, 0,           "the knowledge base")                                     \
    F(S, STR, question, REQUIRED, 1, 2000,        "as a lead would ask; the same question again replaces the answer") \
    F(S, STR, answer,   REQUIRED, 1, 16000,       "what is true")

#define FAQ(S, F, E, M, L)                                                                                  \
    F(S, UUID, document_id, REQUIRED, 0, 0,       "its id")                                                 \
    F(S, UUID, kb_id,   REQUIRED, 0, 0,           "its knowledge base")                                     \
    F(S, STR, question, REQUIRED, 1, 2000,        "the question")                                           \
    F(S, STR, answer,   REQUIRED, 1, 16000,       "the answer")                                             \
    F(S, BOOL, replaced, DEFAULT(0), 0, 1,        "an earlier answer to the same question was replaced")    \
    F(S, TIME, created_at, OPTIONAL, 0, 0,        "when the question was added first")                      \
    F(S, TIME, updated_at, OPTIONAL, 0, 0,        "when the answer was set last")

#define GET_FAQ(S, F, E, M, L)                                                                              \
    F(S, UUID, kb_id,       REQUIRED, 0, 0,       "the knowledge base")                                     \
    F(S, UUID, document_id, REQUIRED, 0, 0,       "the FAQ")

#define DELETE_FAQ(S, F, E, M, L)                                                                           \
    F(S, UUID, kb_id,       REQUIRED, 0, 0,       "the knowledge base")                                     \
    F(S, UUID, document_id, REQUIRED, 0, 0,       "the FAQ")

#define LIST_FAQS(S, F, E, M, L)                                                                            \
    F(S, UUID, kb_id,     REQUIRED, 0, 0,         "the knowledge base")                                     \
    F(S, INT,  limit,     DEFAULT(50), 1, 200,    "items a page at most")                                   \
    F(S, STR,  after,     OPTIONAL, 1, 200,       "next_after of the page before")

#define FAQ_PAGE(S, F, E, M, L)                                                                             \
    L(S, faq, items,      REQUIRED, 0, 200,       "in the order of creation")                               \
    F(S, STR, next_after, OPTIONAL, 1, 200,       "for the next page; absent: this is the last")

/* faqs is JSON, so that one bad entry is refused alone and the rest is taken. */
#define ADD_FAQS(S, F, E, M, L)                                                                             \
    F(S, UUID, kb_id,   REQUIRED, 0, 0,           "the knowledge base")                                     \
    F(S, JSON, faqs,    OPTIONAL, 2, 500000,      "array of {question, answer}, at most 5000")              \
    F(S, UUID, upload_id, OPTIONAL, 0, 0,         "where faqs was put, if it is larger than a message")

#define TAKEN_FAQ(S, F, E, M, L)                                                                            \
    F(S, INT, index,    REQUIRED, 0, 1e6,         "of the entry, from 0")                                   \
    F(S, UUID, document_id, REQUIRED, 0, 0,       "the FAQ's id")                                           \
    F(S, BOOL, replaced, DEFAULT(0), 0, 1,        "an earlier same question's answer was replaced")

#define REFUSED_ITEM(S, F, E, M, L)                                                                         \
    F(S, INT, index,    REQUIRED, 0, 1e6,         "of the entry, from 0")                                   \
    F(S, STR, reason,   REQUIRED, 1, 400,         "what was wrong with it")

#define ADD_FAQS_RESULT(S, F, E, M, L)                                                                      \
    F(S, INT, added,    REQUIRED, 0, 1e6,         "new questions")                                          \
    F(S, INT, replaced, REQUIRED, 0, 1e6,         "earlier same questions whose answer was replaced")       \
    L(S, taken_faq, taken, REQUIRED, 0, 5000,     "entries taken, in their order")                          \
    L(S, refused_item, refused, REQUIRED, 0, 5000, "entries not taken, each with its reason")               \
    F(S, UUID, task_id, OPTIONAL, 0, 0,           "the task that makes their vectors; absent: no model")

/* ---- documents ---- */

/* A POST of JSON gives content; a multipart upload or a long text comes by upload_id. */
#define INGEST_DOCUMENT(S, F, E, M, L)                                                                      \
    F(S, UUID, kb_id,        REQUIRED, 0, 0,      "the knowledge base")                                     \
    F(S, STR,  title,        OPTIONAL, 1, 500,    "absent: the file's name, or the page's own title")       \
    F(S, STR,  content,      OPTIONAL, 1, 500000, "the text, in bytes of UTF-8")                            \
    F(S, UUID, upload_id,    OPTIONAL, 0, 0,      "where content was put, if it is a file or larger than a message") \
    F(S, STR,  content_type, OPTIONAL, 1, 200,    "text/plain, text/markdown, text/html or application/pdf; absent: by the file's name and its first bytes") \
    F(S, STR,  filename,     OPTIONAL, 1, 500,    "as uploaded")                                            \
    F(S, STR,  source_url,   OPTIONAL, 1, 2000,   "where it comes from; the same source again replaces the document. Absent: the title tells; where none is given, the file's name") \
    F(S, JSON, metadata,     OPTIONAL, 2, 16000,  "an object, kept with the document")

#define INGESTION(S, F, E, M, L)                                                                            \
    F(S, UUID, document_id,  REQUIRED, 0, 0,      "the document")                                           \
    F(S, UUID, kb_id,        REQUIRED, 0, 0,      "its knowledge base")                                     \
    F(S, UUID, task_id,      REQUIRED, 0, 0,      "the task that ingests it: GET /api/v1/tasks/{task_id}")  \
    F(S, STR,  title,        REQUIRED, 1, 2000,   "its title")                                              \
    E(S, "ingesting|updating", state, REQUIRED,   "updating: the old version answers until the new one is there") \
    F(S, INT,  chunks,       REQUIRED, 0, 1e9,    "chunks that it will have")                               \
    F(S, INT,  tokens,       REQUIRED, 0, 1e12,   "estimated tokens in them")

#define DOCUMENT(S, F, E, M, L)                                                                             \
    F(S, UUID, document_id,  REQUIRED, 0, 0,      "its id")                                                 \
    F(S, UUID, kb_id,        REQUIRED, 0, 0,      "its knowledge base")                                     \
    F(S, STR,  title,        REQUIRED, 1, 2000,   "its title")                                              \
    F(S, STR,  source_url,   OPTIONAL, 0, 8000,   "where it comes from")                                    \
    F(S, STR,  content_type, REQUIRED, 1, 200,    "what was posted")                                        \
    F(S, JSON, metadata,     OPTIONAL, 2, 64000,  "as it was given")                                        \
    E(S, "ingesting|updating|ready|failed", state, REQUIRED, "ready and updating are searched")             \
    F(S, STR,  error,        OPTIONAL, 0, 1000,   "why the last ingestion failed")                          \
    F(S, UUID, task_id,      OPTIONAL, 0, 0,      "of the last ingestion")                                  \
    F(S, INT,  chunks,       REQUIRED, 0, 1e9,    "that are searched")                                      \
    F(S, INT,  tokens,       REQUIRED, 0, 1e12,   "estimated tokens in them")                               \
    F(S, INT,  bytes,        REQUIRED, 0, 1e12,   "of what was posted")                                     \
    F(S, TIME, created_at,   REQUIRED, 0, 0,      "when it was posted first")                               \
    F(S, TIME, ingested_at,  OPTIONAL, 0, 0,      "when the version that is searched was taken in")

#define GET_DOCUMENT(S, F, E, M, L)                                                                         \
    F(S, UUID, kb_id,       REQUIRED, 0, 0,       "the knowledge base")                                     \
    F(S, UUID, document_id, REQUIRED, 0, 0,       "the document")

#define DELETE_DOCUMENT(S, F, E, M, L)                                                                      \
    F(S, UUID, kb_id,       REQUIRED, 0, 0,       "the knowledge base")                                     \
    F(S, UUID, document_id, REQUIRED, 0, 0,       "the document")

#define LIST_DOCUMENTS(S, F, E, M, L)                                                                       \
    F(S, UUID, kb_id,     REQUIRED, 0, 0,         "the knowledge base")                                     \
    E(S, "ingesting|updating|ready|failed", state, OPTIONAL, "only these")                                  \
    F(S, INT,  limit,     DEFAULT(50), 1, 200,    "items a page at most")                                   \
    F(S, STR,  after,     OPTIONAL, 1, 200,       "next_after of the page before")

#define DOCUMENT_PAGE(S, F, E, M, L)                                                                        \
    L(S, document, items, REQUIRED, 0, 200,       "in the order of creation")                               \
    F(S, STR, next_after, OPTIONAL, 1, 200,       "for the next page; absent: this is the last")

#define LIST_CHUNKS(S, F, E, M, L)                                                                          \
    F(S, UUID, kb_id,     REQUIRED, 0, 0,         "the knowledge base")                                     \
    F(S, UUID, document_id, REQUIRED, 0, 0,       "the document")                                           \
    F(S, INT,  limit,     DEFAULT(50), 1, 200,    "items a page at most")                                   \
    F(S, STR,  after,     OPTIONAL, 1, 200,       "next_after of the page before")

#define CHUNK(S, F, E, M, L)                                                                                \
    F(S, UUID, chunk_id,  REQUIRED, 0, 0,         "its id")                                                 \
    F(S, INT,  position,  REQUIRED, 0, 1e9,       "within the document, from 0")                            \
    F(S, STR,  heading,   OPTIONAL, 0, 1000,      "the headings above it, outermost first, \" > \" between them") \
    F(S, STR,  body,      REQUIRED, 0, 16000,     "its text")                                               \
    F(S, INT,  tokens,    REQUIRED, 0, 1e6,       "estimated")

#define CHUNK_PAGE(S, F, E, M, L)                                                                           \
    L(S, chunk, items,    REQUIRED, 0, 200,       "in the order of the document")                           \
    F(S, STR, next_after, OPTIONAL, 1, 200,       "for the next page; absent: this is the last")

/* ---- what is larger than a message ---- */

/* The gateway puts a large body down in parts before it asks. upload_id comes from the content, so that a repeated
 * request is the same one. Parts that nobody used are cleaned away. */
#define PUT_UPLOAD(S, F, E, M, L)                                                                           \
    F(S, UUID, client_id,   OPTIONAL, 0, 0,       "whose it is; absent: an administrator's")                \
    F(S, UUID, upload_id,   REQUIRED, 0, 0,       "of all its parts")                                       \
    F(S, INT,  part,        REQUIRED, 0, 100000,  "from 0, without a gap")                                  \
    F(S, BIN,  data,        OPTIONAL, 0, 524288,  "bytes of this part")

#define KNOWLEDGE_MESSAGES(MSG)                                                                             \
    MSG(passage, PASSAGE, "a piece of knowledge that answers a query")                                      \
    MSG(search_knowledge, SEARCH_KNOWLEDGE, "what do we know about this")                                   \
    MSG(search_result, SEARCH_RESULT, "what is known")                                                      \
    MSG(create_knowledge_base, CREATE_KNOWLEDGE_BASE, "make a knowledge base")                              \
    MSG(update_knowledge_base, UPDATE_KNOWLEDGE_BASE, "change a knowledge base")                            \
    MSG(knowledge_base, KNOWLEDGE_BASE, "a knowledge base")                                                 \
    MSG(get_knowledge_base, GET_KNOWLEDGE_BASE, "one knowledge base")                                       \
    MSG(delete_knowledge_base, DELETE_KNOWLEDGE_BASE, "remove a knowledge base")                            \
    MSG(clear_knowledge_base, CLEAR_KNOWLEDGE_BASE, "remove all that a knowledge base holds")               \
    MSG(removed, REMOVED, "what is gone")                                                                   \
    MSG(get_knowledge_stats, GET_KNOWLEDGE_STATS, "how much a knowledge base holds")                        \
    MSG(knowledge_stats, KNOWLEDGE_STATS, "what a knowledge base holds")                                    \
    MSG(list_knowledge_bases, LIST_KNOWLEDGE_BASES, "a client's knowledge bases")                           \
    MSG(knowledge_base_page, KNOWLEDGE_BASE_PAGE, "a page of knowledge bases")                              \
    MSG(add_faq, ADD_FAQ, "add or replace one FAQ")                                                         \
    MSG(faq, FAQ, "an FAQ as it is kept")                                                                   \
    MSG(get_faq, GET_FAQ, "one FAQ")                                                                        \
    MSG(delete_faq, DELETE_FAQ, "remove an FAQ")                                                            \
    MSG(list_faqs, LIST_FAQS, "the FAQs of a knowledge base")                                               \
    MSG(faq_page, FAQ_PAGE, "a page of FAQs")                                                               \
    MSG(add_faqs, ADD_FAQS, "add or replace many FAQs")                                                     \
    MSG(taken_faq, TAKEN_FAQ, "an entry that was taken")                                                    \
    MSG(refused_item, REFUSED_ITEM, "an entry that was not taken")                                          \
    MSG(add_faqs_result, ADD_FAQS_RESULT, "what became of the FAQs")                                        \
    MSG(ingest_document, INGEST_DOCUMENT, "take in a document, or a new version of it")                     \
    MSG(ingestion, INGESTION, "a document on its way")                                                      \
    MSG(document, DOCUMENT, "a document")                                                                   \
    MSG(get_document, GET_DOCUMENT, "one document")                                                         \
    MSG(delete_document, DELETE_DOCUMENT, "remove a document")                                              \
    MSG(list_documents, LIST_DOCUMENTS, "the documents of a knowledge base, without its FAQs")              \
    MSG(document_page, DOCUMENT_PAGE, "a page of documents")                                                \
    MSG(list_chunks, LIST_CHUNKS, "how a document was cut")                                                 \
    MSG(chunk, CHUNK, "a piece of a document")                                                              \
    MSG(chunk_page, CHUNK_PAGE, "a page of chunks")                                                         \
    MSG(put_upload, PUT_UPLOAD, "a part of something larger than a message")
/* clang-format on */

KNOWLEDGE_MESSAGES(MESSAGE_STRUCT)
