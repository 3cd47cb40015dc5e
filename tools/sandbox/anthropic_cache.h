/* anthropic_cache.h - the prompt cache: which part of a request the provider has read before.
 *
 * A prefix is what stands before and in a block, in the order tools, system, messages, byte for byte but without
 * cache_control; the messages' part also depends on tool_choice. A request leaves an entry at each block with
 * cache_control, if the prefix up to there has the model's minimum of tokens (1024; opus and haiku 4096); it lives for
 * the block's ttl since it was last read. A request reads the longest entry that ends at one of its marked blocks, or
 * up to 20 blocks before it. A token is taken for four bytes. Thread-safe. */
#pragma once

#include <jansson.h>
#include <stdint.h>

struct prompt_cache;

struct prompt_usage {
    int64_t read;                   /* tokens that were found */
    int64_t written_5m, written_1h; /* tokens behind them, up to the last marked block */
    int64_t input;                  /* all others */
};

struct prompt_cache *prompt_cache_new(void);
void prompt_cache_destroy(struct prompt_cache **self_p);
void prompt_cache_clear(struct prompt_cache *self);

/* request: checked (anthropic_check.h). now_ms: any clock that only goes forward. */
void prompt_cache_use(struct prompt_cache *self, const json_t *request, int64_t now_ms, struct prompt_usage *ret);
