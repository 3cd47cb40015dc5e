/* client_config.h - how a change is merged into a client's configuration, and what is read from it. Its keys:
 * proto/client_keys.h.
 *
 * The stored form is a JSON object whose secrets are sealed (libshared/seal.h); the shown form has "********" in
 * their place. Texts are in the arena. */
#pragma once

#include <stddef.h>

struct arena;
struct err;

#define CLIENT_SECRET_SHOWN "********"

enum {
    CLIENT_CHANGED = 1,             /* something is different */
    CLIENT_CHANGED_TWILIO = 2,      /* numbers, account, service or rate: how messages are sent */
    CLIENT_CHANGED_CREDENTIALS = 4, /* the client's own account, or its token */
    CLIENT_CHANGED_HOURS = 8,       /* when leads may get what they have not just asked for */
    CLIENT_CHANGED_FOLLOW_UPS = 16, /* when a lead that does not answer is written to again */
};

/* Merges patch (a JSON object of known keys; null removes one) into stored. *ret_changes tells what is different, 0 if
 * nothing is. master_key may be NULL as long as no secret is set.
 * ERR_INVALID, err->field naming the key, for an unknown key, a wrong value, or keys that do not go together. */
int client_config_merge(const char *master_key, const char *client_id, const char *stored, const char *patch,
                        struct arena *arena, const char **ret_stored, unsigned *ret_changes, struct err *err);

/* The shown form. NULL and *err if stored is not a JSON object. */
const char *client_config_show(const char *stored, struct arena *arena, struct err *err);

/* The string of a key; NULL if it is not set. stored may be in either form. */
const char *client_config_text(const char *stored, const char *key, struct arena *arena);

/* The number of a key, otherwise where it is not set. */
double client_config_number(const char *stored, const char *key, double otherwise);
int client_config_int(const char *stored, const char *key, int otherwise);

/* The strings of a key that holds an array; *ret_n is 0 if it is not set. NULL when out of memory. */
const char *const *client_config_texts(const char *stored, const char *key, struct arena *arena, size_t *ret_n);

/* The numbers of a key that holds an array, at most max of them; returns how many: 0 where it is not set. */
size_t client_config_ints(const char *stored, const char *key, int *ret_numbers, size_t max);

/* What messages of a channel, "sms" or "whatsapp", are sent from where nothing else is known: a number of the client's,
 * for texts else the SID of its messaging service. NULL: there is none. */
const char *client_config_sender(const char *stored, const char *channel, struct arena *arena);
