/* knowledge.h - what the knowledge service is asked and answers. Paths are in services/gateway/routes.c. */
#pragma once

#include "libshared/codec.h"

/* clang-format off */
#define PASSAGE(S, F, E, M, L)                                                                              \
    F(S, UUID,  chunk_id,    REQUIRED, 0, 0,      "the best matching chunk")                                \
    F(S, UUID,  document_id, REQUIRED, 0, 0,      "the document or FAQ it comes from")                      \
    F(S, UUID,  kb_id,       REQUIRED, 0, 0,      "its knowledge base")                                     \
    F(S, STR,   title,       REQUIRED, 0, 2000,   "of an FAQ: its question")                                \
    F(S, STR,   body,        REQUIRED, 0, 16000,  "what it says; of an FAQ: its answer")                    \
    F(S, FLOAT, score,       REQUIRED, 0, 1,      "fused and calibrated: 0.75 is a sensible threshold")     \
    F(S, FLOAT, vector_score, DEFAULT(0), -1, 1,  "cosine similarity; 0 if there is no vector")             \
    F(S, FLOAT, text_score,  DEFAULT(0), 0, 1,    "full text and trigrams")                                 \
    F(S, INT,   position,    DEFAULT(0), 0, 1e9,  "of the chunk within its document, from 0")

#define SEARCH_KNOWLEDGE(S, F, E, M, L)                                                                     \
    F(S, UUID,  client_id,   OPTIONAL, 0, 0,      "the client; not needed with a client's own key")         \
    F(S, STR,   query,       REQUIRED, 1, 4000,   "the question, in bytes of UTF-8")                        \
    F(S, UUID,  kb_id,       OPTIONAL, 0, 0,      "only this knowledge base; absent: all of the client")    \
    F(S, INT,   max_results, DEFAULT(5), 1, 50,   "passages at most")                                       \
    F(S, FLOAT, threshold,   DEFAULT(-1), -1, 1,  "lowest score; absent: each knowledge base's own")

#define SEARCH_RESULT(S, F, E, M, L)                                                                        \
    L(S, passage, passages,  REQUIRED, 0, 50,     "best first; empty if nothing is known")                  \
    F(S, BOOL, vectors_used, DEFAULT(0), 0, 1,    "false: words and trigrams alone, because no embedding could be had")

#define CREATE_KNOWLEDGE_BASE(S, F, E, M, L)                                                                \
    F(S, UUID,  client_id,   OPTIONAL, 0, 0,      "the client; not needed with a client's own key")         \
    F(S, STR,   name,        REQUIRED, 1, 200,    "unique within the client")                               \
    F(S, STR,   description, OPTIONAL, 0, 2000,   "for people")                                             \
    F(S, STR,   language,    OPTIONAL, 1, 32,     "text search configuration: english (default), spanish, arabic, ..., simple") \
    F(S, STR,   embedding_model, OPTIONAL, 0, 128, "absent: the configured one if there is a key; \"\": none") \
    F(S, FLOAT, similarity_threshold, DEFAULT(0.75), 0, 1, "lowest score of a passage that is used")

#define KNOWLEDGE_BASE(S, F, E, M, L)                                                                       \
    F(S, UUID,  client_id,   REQUIRED, 0, 0,      "its client")                                             \
    F(S, UUID,  kb_id,       REQUIRED, 0, 0,      "its id")                                                 \
    F(S, STR,   name,        REQUIRED, 1, 800,    "unique within the client")                               \
    F(S, STR,   description, REQUIRED, 0, 8000,   "for people")                                             \
    F(S, STR,   language,    REQUIRED, 1, 32,     "text search configuration")                              \
    F(S, STR,   embedding_model, REQUIRED, 0, 128, "\"\": none")                                            \
    F(S, FLOAT, similarity_threshold, REQUIRED, 0, 1, "lowest score of a passage that is used")             \
    F(S, TIME,  created_at,  REQUIRED, 0, 0,      "when it was created")

#define GET_KNOWLEDGE_BASE(S, F, E, M, L) F(S, UUID, kb_id, REQUIRED, 0, 0, "the knowledge base")

#define LIST_KNOWLEDGE_BASES(S, F, E, M, L)                                                                 \
    F(S, UUID, client_id, REQUIRED, 0, 0,         "the client")                                             \
    F(S, INT,  limit,     DEFAULT(50), 1, 200,    "items a page")                                           \
    F(S, STR,  after,     OPTIONAL, 1, 200,       "next_after of the page before")

#define KNOWLEDGE_BASE_PAGE(S, F, E, M, L)                                                                  \
    L(S, knowledge_base, items, REQUIRED, 0, 200, "in the order of creation")                               \
    F(S, STR, next_after,       OPTIONAL, 1, 200, "for the next page; absent: this is the last")

#define FAQ_ENTRY(S, F, E, M, L)                                                                            \
    F(S, STR, question, REQUIRED, 1, 2000,        "as a lead would ask, in bytes of UTF-8")                 \
    F(S, STR, answer,   REQUIRED, 1, 16000,       "what is true, in bytes of UTF-8")

#define ADD_FAQ(S, F, E, M, L)                                                                              \
    F(S, UUID, kb_id,   REQUIRED, 0, 0,           "the knowledge base")                                     \
    F(S, STR, question, REQUIRED, 1, 2000,        "as a lead would ask; the same question again replaces the answer") \
    F(S, STR, answer,   REQUIRED, 1, 16000,       "what is true")

#define FAQ(S, F, E, M, L)                                                                                  \
    F(S, UUID, document_id, REQUIRED, 0, 0,       "its id")                                                 \
    F(S, UUID, kb_id,   REQUIRED, 0, 0,           "its knowledge base")                                     \
    F(S, STR, question, REQUIRED, 1, 2000,        "the question")                                           \
    F(S, STR, answer,   REQUIRED, 1, 16000,       "the answer")                                             \
    F(S, BOOL, replaced, DEFAULT(0), 0, 1,        "an earlier answer to the same question was replaced")

/* faqs is JSON, so that one bad entry is refused alone and the rest is taken. */
#define ADD_FAQS(S, F, E, M, L)                                                                             \
    F(S, UUID, kb_id,   REQUIRED, 0, 0,           "the knowledge base")                                     \
    F(S, JSON, faqs,    REQUIRED, 2, 900000,      "array of {question, answer}, at most 5000")

#define REFUSED_ITEM(S, F, E, M, L)                                                                         \
    F(S, INT, index,    REQUIRED, 0, 1e6,         "of the entry, from 0")                                   \
    F(S, STR, reason,   REQUIRED, 1, 400,         "what was wrong with it")

#define ADD_FAQS_RESULT(S, F, E, M, L)                                                                      \
    F(S, INT, added,    REQUIRED, 0, 1e6,         "new questions")                                          \
    F(S, INT, replaced, REQUIRED, 0, 1e6,         "earlier same questions whose answer was replaced")       \
    L(S, refused_item, refused, REQUIRED, 0, 5000, "entries not taken, each with its reason")

#define KNOWLEDGE_MESSAGES(MSG)                                                                             \
    MSG(passage, PASSAGE, "a piece of knowledge that answers a query")                                      \
    MSG(search_knowledge, SEARCH_KNOWLEDGE, "what do we know about this")                                   \
    MSG(search_result, SEARCH_RESULT, "what is known")                                                      \
    MSG(create_knowledge_base, CREATE_KNOWLEDGE_BASE, "make a knowledge base")                              \
    MSG(knowledge_base, KNOWLEDGE_BASE, "a knowledge base")                                                 \
    MSG(get_knowledge_base, GET_KNOWLEDGE_BASE, "one knowledge base")                                       \
    MSG(list_knowledge_bases, LIST_KNOWLEDGE_BASES, "a client's knowledge bases")                           \
    MSG(knowledge_base_page, KNOWLEDGE_BASE_PAGE, "a page of knowledge bases")                              \
    MSG(faq_entry, FAQ_ENTRY, "a question and its answer")                                                  \
    MSG(add_faq, ADD_FAQ, "add or replace one FAQ")                                                         \
    MSG(faq, FAQ, "an FAQ as it is kept")                                                                   \
    MSG(add_faqs, ADD_FAQS, "add or replace many FAQs")                                                     \
    MSG(refused_item, REFUSED_ITEM, "an entry that was not taken")                                          \
    MSG(add_faqs_result, ADD_FAQS_RESULT, "what became of the FAQs")
/* clang-format on */

KNOWLEDGE_MESSAGES(MESSAGE_STRUCT)
