/* claude_live.h - calls of the model through Anthropic's API, within a lead's patience. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/orchestrator/claude/anthropic.h"

struct arena;
struct err;
struct outage;

/* The calls of one turn. */
struct claude_live {
    struct anthropic api;
    struct outage *outage; /* of the model; NULL: nobody watches */
    int64_t deadline_ms;   /* clock_mono_ms: no try starts behind it, none lasts longer */

    bool begun; /* the model has been asked in this turn */
};

/* The call of struct claude_model (agent_claude.h); arg is a struct claude_live. */
int claude_live_call(void *arg, const char *request, size_t len, struct arena *arena, json_t *tries,
                     json_t **ret_message, struct err *err);
