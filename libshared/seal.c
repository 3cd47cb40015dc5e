/* seal.c - see seal.h. XChaCha20-Poly1305, whose nonce is long enough to be random; the context is its additional
 * data. */
#include "libshared/seal.h"

#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "libshared/text.h"

#define SEALED_PREFIX "sealed:v1:"
#define KEY_BYTES     crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_BYTES   crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES     crypto_aead_xchacha20poly1305_ietf_ABYTES
#define SECRET_MAX    ((size_t)16384)
#define HMAC_KEY_MAX  64 /* a longer one is not kept */

static void init_once(void)
{
    if (sodium_init() < 0)
        abort(); /* no random numbers: nothing here could be trusted */
}

static void init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, init_once);
}

static int read_key(const char *master_key, unsigned char key[KEY_BYTES], struct err *err)
{
    size_t len = 0;

    init();
    if (!master_key || strlen(master_key) != 2 * KEY_BYTES ||
        sodium_hex2bin(key, KEY_BYTES, master_key, 2 * KEY_BYTES, NULL, &len, NULL) < 0 || len != KEY_BYTES)
        return err_set(err, ERR_INVALID, "LEADWIRE_MASTER_KEY must be 64 hex digits");
    return 0;
}

const char *seal(const char *master_key, const char *context, const char *secret, struct arena *arena, struct err *err)
{
    unsigned char key[KEY_BYTES];
    size_t len = strlen(secret), box_len = NONCE_BYTES + len + TAG_BYTES;
    size_t text_size = sodium_base64_ENCODED_LEN(box_len, sodium_base64_VARIANT_ORIGINAL);
    unsigned char *box;
    char *text;

    if (len > SECRET_MAX) {
        err_set(err, ERR_INVALID, "a secret has at most %zu bytes", SECRET_MAX);
        return NULL;
    }
    if (read_key(master_key, key, err) < 0)
        return NULL;
    box = arena_alloc(arena, box_len);
    text = arena_alloc(arena, sizeof SEALED_PREFIX - 1 + text_size);
    if (!box || !text) {
        sodium_memzero(key, sizeof key);
        err_set(err, ERR_INTERNAL, "seal: out of memory");
        return NULL;
    }
    randombytes_buf(box, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box + NONCE_BYTES, NULL, (const unsigned char *)secret, len,
                                               (const unsigned char *)context, strlen(context), NULL, box, key);
    sodium_memzero(key, sizeof key);
    memcpy(text, SEALED_PREFIX, sizeof SEALED_PREFIX - 1);
    sodium_bin2base64(text + sizeof SEALED_PREFIX - 1, text_size, box, box_len, sodium_base64_VARIANT_ORIGINAL);
    return text;
}

const char *unseal(const char *master_key, const char *context, const char *sealed, struct arena *arena,
                   struct err *err)
{
    unsigned char key[KEY_BYTES];
    const char *text = sealed + sizeof SEALED_PREFIX - 1;
    size_t text_len, len = 0;
    unsigned char *box;
    char *secret;
    int opened;

    if (!is_sealed(sealed)) {
        err_set(err, ERR_DENIED, "the text is not sealed");
        return NULL;
    }
    if (read_key(master_key, key, err) < 0)
        return NULL;
    text_len = strlen(text);
    box = arena_alloc(arena, text_len + 1);
    secret = arena_alloc(arena, text_len + 1);
    if (!box || !secret) {
        sodium_memzero(key, sizeof key);
        err_set(err, ERR_INTERNAL, "unseal: out of memory");
        return NULL;
    }
    if (sodium_base642bin(box, text_len + 1, text, text_len, NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) < 0 ||
        len < NONCE_BYTES + TAG_BYTES)
        opened = -1;
    else
        opened = crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)secret, NULL, NULL, box + NONCE_BYTES,
                                                            len - NONCE_BYTES, (const unsigned char *)context,
                                                            strlen(context), box, key);
    sodium_memzero(key, sizeof key);
    if (opened < 0) {
        err_set(err, ERR_DENIED, "a sealed secret cannot be opened: another LEADWIRE_MASTER_KEY, or it was changed");
        return NULL;
    }
    return secret; /* its last byte is the arena's zero */
}

bool is_sealed(const char *text)
{
    return strncmp(text, SEALED_PREFIX, sizeof SEALED_PREFIX - 1) == 0;
}

void sha256_hex(const void *data, size_t len, char out[65])
{
    unsigned char hash[32];

    /* libcrypto's uses what the processor has for it, and takes a tenth of libsodium's time. */
    if (!EVP_Digest(data, len, hash, NULL, EVP_sha256(), NULL))
        abort(); /* without memory no key could be checked */
    hex_encode(hash, sizeof hash, out);
}

/* Of the process: to look the algorithm up and to key it takes longer than to sign a webhook with it. */
static struct {
    pthread_mutex_t lock;
    EVP_MAC_CTX *mac;
    char key[HMAC_KEY_MAX + 1]; /* with which it is keyed */
} hmac_sha1 = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* With the lock. False: libcrypto has no SHA-1, or no memory. */
static bool key_hmac(const char *key)
{
    char sha1[] = "SHA1";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", sha1, 0), OSSL_PARAM_construct_end()};
    EVP_MAC *algorithm;

    if (!hmac_sha1.mac) {
        algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
        hmac_sha1.mac = EVP_MAC_CTX_new(algorithm);
        EVP_MAC_free(algorithm);
    } else if (*hmac_sha1.key && strcmp(hmac_sha1.key, key) == 0) {
        return EVP_MAC_init(hmac_sha1.mac, NULL, 0, NULL);
    }
    snprintf(hmac_sha1.key, sizeof hmac_sha1.key, "%s", strlen(key) <= HMAC_KEY_MAX ? key : "");
    return hmac_sha1.mac && EVP_MAC_init(hmac_sha1.mac, (const unsigned char *)key, strlen(key), params);
}

void hmac_sha1_base64(const char *key, const void *data, size_t len, char out[29])
{
    unsigned char mac[20];
    size_t mac_len = 0;
    bool made;

    pthread_mutex_lock(&hmac_sha1.lock);
    made = key_hmac(key) && EVP_MAC_update(hmac_sha1.mac, data, len) &&
           EVP_MAC_final(hmac_sha1.mac, mac, &mac_len, sizeof mac);
    pthread_mutex_unlock(&hmac_sha1.lock);
    if (!made || mac_len != sizeof mac)
        abort(); /* no signature could ever be checked */
    sodium_bin2base64(out, 29, mac, mac_len, sodium_base64_VARIANT_ORIGINAL);
}

bool equal_secret(const char *a, const char *b)
{
    size_t len = strlen(a);

    return len == strlen(b) && sodium_memcmp(a, b, len) == 0;
}

void random_token(const char *prefix, char *out)
{
    unsigned char bytes[32];
    size_t len = strlen(prefix);

    init();
    randombytes_buf(bytes, sizeof bytes);
    memcpy(out, prefix, len);
    sodium_bin2base64(out + len, 44, bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
