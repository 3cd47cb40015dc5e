/* anthropic_check.h - whether Anthropic would take a request. Pure. */
#pragma once

#include <jansson.h>

struct err;

/* 0, or -1 with what invalid_request_error says: ERR_INVALID, or ERR_NOT_FOUND for an unknown model. */
int anthropic_check(const json_t *request, struct err *err);
