/* client_config.h - the keys that a client's configuration may hold, and how a change is merged into it.
 *
 * The stored form is a JSON object whose secrets are sealed (libshared/seal.h); the shown form has "********" in
 * their place. Texts are in the arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

enum client_key_type {
    CLIENT_KEY_TEXT,  /* string; min and max bound its bytes */
    CLIENT_KEY_PHONE, /* string, E.164 */
    CLIENT_KEY_INT,   /* integer within min and max */
    CLIENT_KEY_TEXTS, /* array of at most max strings of 1 to 200 bytes */
    CLIENT_KEY_WORD,  /* one of a few words: "a|b|c" */
};

struct client_key {
    const char *name;
    enum client_key_type type;
    int min, max;
    const char *words;
    bool secret;
    const char *doc;
};

extern const struct client_key client_keys[];
extern const size_t n_client_keys;

#define CLIENT_SECRET_SHOWN "********"

/* Merges patch (a JSON object of known keys; null removes one) into stored. *ret_changed tells whether anything is
 * different. master_key may be NULL as long as no secret is set.
 * ERR_INVALID, err->field naming the key, for an unknown key or a wrong value. */
int client_config_merge(const char *master_key, const char *client_id, const char *stored, const char *patch,
                        struct arena *arena, const char **ret_stored, bool *ret_changed, struct err *err);

/* The shown form. NULL and *err if stored is not a JSON object. */
const char *client_config_show(const char *stored, struct arena *arena, struct err *err);

/* The string of a key; NULL if it is not set. stored may be in either form. */
const char *client_config_text(const char *stored, const char *key, struct arena *arena);
