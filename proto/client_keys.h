/* client_keys.h - the keys that a client's configuration may hold, and what their values must be.
 *
 * The orchestrator stores them, delivery and the gateway read them, the API's description and leadctl list them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct err;

enum client_key_type {
    CLIENT_KEY_TEXT,   /* string; min and max bound its bytes; words: the {placeholders} that it may hold, NULL: any */
    CLIENT_KEY_PHONE,  /* string, E.164 */
    CLIENT_KEY_PHONES, /* array of at most max of them, each once */
    CLIENT_KEY_INT,    /* integer within min and max */
    CLIENT_KEY_INTS,   /* array of at most 5 integers within min and max, each greater than the one before */
    CLIENT_KEY_NUMBER, /* number within min and max */
    CLIENT_KEY_TEXTS,  /* array of at most max strings of 1 to 200 bytes; words as above */
    CLIENT_KEY_WORD,   /* one of a few words: "a|b|c" */
    CLIENT_KEY_SID,    /* string: the two letters in words, then 32 hex digits */
    CLIENT_KEY_HOURS,  /* string "HH:MM-HH:MM" within one day; it may end at 24:00 */
    CLIENT_KEY_RULES,  /* object, see qualification_rules.h */
};

struct client_key {
    const char *name;
    enum client_key_type type;
    int min, max;
    const char *words;
    bool secret; /* sealed where it is stored, "********" where it is shown */
    const char *doc;
};

extern const struct client_key client_keys[];
extern const size_t n_client_keys;

#define CLIENT_ALLOWED_HOURS_DEFAULT "08:00-20:00"
#define CLIENT_ALERT_AGAIN_DEFAULT   24 /* hours */

/* ERR_INVALID, err->field being name, where there is no such key; the text names the nearest. NULL then. */
const struct client_key *client_key_find(const char *name, struct err *err);

/* ERR_INVALID, err->field naming the key, unless value is one that the key may have (secrets as they are typed in). */
int client_key_check(const struct client_key *key, const json_t *value, struct err *err);

/* What must hold between the keys of a whole configuration: an account has its token, no number stands twice.
 * ERR_INVALID, err->field naming a key. */
int client_keys_check_all(const json_t *config, struct err *err);

/* "08:00-20:00": the two times, as PostgreSQL reads a time. False if it is anything else. */
bool client_hours_read(const char *text, char ret_opens[6], char ret_closes[6]);

/* The JSON schema of a configuration. A new reference; NULL when out of memory. */
json_t *client_keys_schema(void);
