/* agent_claude.h - the agent that asks Claude, with tools, through the Messages API.
 *
 * One struct claude is one turn: claude_start, claude_answer, and where a guard
 * objects to the draft, claude_object and claude_answer again. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/buf.h"

struct arena;
struct decision_input;
struct decision_output;
struct err;
struct passage;

#define CLAUDE_ROUNDS_MAX  5
#define CLAUDE_SOURCES_MAX 64

/* Searches the client's knowledge; into arena. */
struct claude_search {
    int (*search)(void *arg, const char *query, struct arena *arena, const struct passage **ret_passages, size_t *ret_n,
                  struct err *err);
    void *arg;
};

/* What answers the model's requests: the provider (claude_live.h), or a record.
 *
 * One call gets one message, with as many tries as it takes. request is the body, JSON, len bytes. Each try is appended
 * to tries: {status, took_us, request_id, error_type, error, message}; where no message came of the call, the last one
 * has "failed": the kind of the error; each call has at least one. 0 and a message (a new reference), or -1 with *err,
 * err->provider_code the status of the last try. */
struct claude_api {
    int (*call)(void *arg, const char *request, size_t len, struct arena *arena, json_t *tries, json_t **ret_message,
                struct err *err);
    void *arg;
};

struct claude {
    struct claude_api api;
    const char *model;
    struct claude_search search;
    struct arena *arena;
    const struct decision_input *in;

    /* What is kept for the record; released by claude_destroy. */
    json_t *messages;       /* of every round that led to an answer */
    size_t first;           /* which of them is the first that this turn has added */
    json_t *answers;        /* every try of every call: see struct claude_api */
    json_t *receipts;       /* [{tool, input, result, is_error}]; of a search also its passages, or search_error */
    char prompt_sha256[65]; /* of the part that does not change from turn to turn: its system blocks and tools, as sent
                             */
    int64_t input_tokens, output_tokens, cache_read_tokens, cache_write_tokens;

    struct buf request; /* the last one; what stands before its messages is the same in each of the turn */
    size_t head_len;    /* so many bytes of it */

    /* What the tools found: sources for the guards. */
    const char *sources[CLAUDE_SOURCES_MAX];
    size_t n_sources;
    size_t n_passages; /* numbered so far */
    bool shortened;    /* it was asked once to be shorter */
};

/* Fills what is kept. api, model, search, arena and in are set by the caller. */
int claude_start(struct claude *self, struct err *err);
void claude_destroy(struct claude *self);

/* Runs rounds until there is a reply that fits (reply_channel.h); one that does not is asked for once more and then
 * cut. ret_output begins as what the caller put there (decision_start); tools change it. -1 with *err: no usable
 * answer; err->provider_code is the status of the last one. What was said in vain is then taken back from the request.
 */
int claude_answer(struct claude *self, struct decision_output *output, struct err *err);

/* Tells the model what is wrong with its draft. */
int claude_object(struct claude *self, const char *objection, struct err *err);

/* Appends what this turn has added to the messages up to the nth, as a JSON array. */
void claude_put_messages(const struct claude *self, size_t n, struct buf *out);

/* What this turn has added to the messages, but for the model's last words, in whose place later turns see what the
 * lead was really told: JSON, in arena. NULL: longer than is kept (DECISION_EXCHANGE_MAX), or out of memory. */
const char *claude_exchange(const struct claude *self);
