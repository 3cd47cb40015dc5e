/* seal.h - secrets at rest and signatures. On libsodium, and libcrypto for SHA-1. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

/* master_key: 64 hex digits. "sealed:v1:" + base64(nonce || box), bound to context (e.g. "client_id/field"), so that it
 * cannot be moved to another place. In arena. */
const char *seal(const char *master_key, const char *context, const char *secret, struct arena *arena, struct err *err);
/* ERR_DENIED if the key or the context is another or the text was changed. */
const char *unseal(const char *master_key, const char *context, const char *sealed, struct arena *arena,
                   struct err *err);
bool is_sealed(const char *text);

/* Lower-case hex; out holds 65 bytes. */
void sha256_hex(const void *data, size_t len, char out[65]);

/* base64(HMAC-SHA1(key, data)); out holds 29 bytes. */
void hmac_sha1_base64(const char *key, const void *data, size_t len, char out[29]);

/* Compares in constant time for equal lengths. */
bool equal_secret(const char *a, const char *b);

/* prefix + 32 random bytes in URL-safe base64 (43 characters). out holds strlen(prefix) + 44. */
void random_token(const char *prefix, char *out);
