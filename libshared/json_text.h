/* json_text.h - JSON values as text in a buffer. */
#pragma once

#include <jansson.h>

struct buf;

/* Appends the value, compactly; NULL appends null. out->failed also if it cannot be written. */
void json_text_put(struct buf *out, const json_t *value);
