/* uuid.h - ids. UUIDv7 (RFC 9562): they sort by the time of their making.
 *
 * Ids travel as text everywhere: struct, message, JSON, SQL. */
#pragma once

#include <stdbool.h>

#define UUID_SIZE 37 /* 36 characters and the NUL */

/* A new one, lower case; strictly ascending within the process. Thread-safe. */
void uuid_new(char out[UUID_SIZE]);

/* 8-4-4-4-12 hex digits, either case. */
bool uuid_is_valid(const char *text);

/* 00000000-0000-0000-0000-000000000000: the client_id of what belongs to no client. */
extern const char UUID_NIL[UUID_SIZE];
