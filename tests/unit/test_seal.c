#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/seal.h"

#define KEY       "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e20"

static struct arena *arena;
static struct err err;

static void open_arena(void)
{
    arena = arena_new(1 << 20);
}

static void close_arena(void)
{
    arena_destroy(&arena);
}

TestSuite(seal, .init = open_arena, .fini = close_arena);

Test(seal, what_was_sealed_can_be_opened)
{
    const char *sealed = seal(KEY, "client/field", "s3cret", arena, &err);
    const char *empty = seal(KEY, "client/field", "", arena, &err);

    cr_assert(sealed && empty);
    cr_expect(is_sealed(sealed));
    cr_expect(strstr(sealed, "s3cret") == NULL);
    cr_expect(eq(str, (char *)unseal(KEY, "client/field", sealed, arena, &err), "s3cret"));
    cr_expect(eq(str, (char *)unseal(KEY, "client/field", empty, arena, &err), ""));
}

Test(seal, the_same_secret_never_looks_the_same)
{
    cr_expect(strcmp(seal(KEY, "c", "s", arena, &err), seal(KEY, "c", "s", arena, &err)) != 0);
}

Test(seal, another_key_or_place_does_not_open_it)
{
    const char *sealed = seal(KEY, "client/field", "s3cret", arena, &err);

    cr_expect(unseal(OTHER_KEY, "client/field", sealed, arena, &err) == NULL);
    cr_expect(eq(int, err.kind, ERR_DENIED));
    cr_expect(unseal(KEY, "client/other", sealed, arena, &err) == NULL);
    cr_expect(eq(int, err.kind, ERR_DENIED));
}

Test(seal, a_changed_text_does_not_open)
{
    char *sealed = (char *)seal(KEY, "c", "s3cret", arena, &err);
    size_t len = strlen(sealed);

    for (size_t i = strlen("sealed:v1:"); i < len; i++) {
        char was = sealed[i];

        sealed[i] = was == 'A' ? 'B' : 'A';
        cr_expect(unseal(KEY, "c", sealed, arena, &err) == NULL, "byte %zu", i);
        sealed[i] = was;
    }
    sealed[len - 4] = '\0';
    cr_expect(unseal(KEY, "c", sealed, arena, &err) == NULL);
    cr_expect(unseal(KEY, "c", "sealed:v1:", arena, &err) == NULL);
    cr_expect(unseal(KEY, "c", "s3cret", arena, &err) == NULL);
    cr_expect(eq(int, err.kind, ERR_DENIED));
}

Test(seal, the_key_must_be_64_hex_digits)
{
    cr_expect(seal("00", "c", "s", arena, &err) == NULL);
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(seal(NULL, "c", "s", arena, &err) == NULL);
    cr_expect(seal("zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "c", "s", arena, &err) == NULL);
}

Test(seal, hashes_match_their_published_vectors)
{
    char hex[65], mac[29];

    sha256_hex("abc", 3, hex); /* FIPS 180-2 */
    cr_expect(eq(str, hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    hmac_sha1_base64("Jefe", "what do ya want for nothing?", 28, mac); /* RFC 2202 */
    cr_expect(eq(str, mac, "7/zfauXrL6LSdBbV8YTfnCWafHk="));
}

Test(seal, secrets_are_compared_whole)
{
    cr_expect(equal_secret("abc", "abc"));
    cr_expect(equal_secret("", ""));
    cr_expect(not(equal_secret("abc", "abd")));
    cr_expect(not(equal_secret("abc", "ab")));
}

Test(seal, tokens_are_random_and_safe_in_addresses)
{
    char a[3 + 44], b[3 + 44];

    random_token("lw_", a);
    random_token("lw_", b);
    cr_expect(eq(sz, strlen(a), 46));
    cr_expect(strncmp(a, "lw_", 3) == 0);
    cr_expect(strcmp(a, b) != 0);
    cr_expect(eq(sz, strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 46));
}
