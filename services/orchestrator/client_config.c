/* client_config.c - see client_config.h. */
#include "services/orchestrator/client_config.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/seal.h"
#include "libshared/text.h"

/* All of them together stay below the 64 KiB that a client message may carry as config. */
/* clang-format off */
const struct client_key client_keys[] = {
    {"twilio_phone_number",          CLIENT_KEY_PHONE, 0, 0, NULL, false, "number that leads text and that answers, E.164"},
    {"twilio_whatsapp_number",       CLIENT_KEY_PHONE, 0, 0, NULL, false, "WhatsApp sender, E.164 without the whatsapp: prefix"},
    {"twilio_messaging_service_sid", CLIENT_KEY_TEXT, 34, 34, NULL, false, "messaging service to send through, MG..."},
    {"hot_lead_sms_number",          CLIENT_KEY_PHONE, 0, 0, NULL, false, "who is told of a hot lead by text, E.164"},
    {"calcom_api_key",               CLIENT_KEY_TEXT, 1, 256, NULL, true,  "the client's own Cal.com key"},
    {"calcom_event_type_id",         CLIENT_KEY_INT, 1, 2000000000, NULL, false, "Cal.com event type that is booked"},
    {"hubspot_access_token",         CLIENT_KEY_TEXT, 1, 256, NULL, true,  "the client's own HubSpot token"},
    {"business_description",         CLIENT_KEY_TEXT, 1, 8000, NULL, false, "what the business is and does; the agent relies on it"},
    {"persona",                      CLIENT_KEY_TEXT, 1, 2000, NULL, false, "how the agent should sound"},
    {"services",                     CLIENT_KEY_TEXTS, 0, 50, NULL, false, "what can be had, each in a few words"},
    {"greeting",                     CLIENT_KEY_TEXT, 1, 300, NULL, false, "answer to a bare hello"},
    {"escalation_text",              CLIENT_KEY_TEXT, 1, 300, NULL, false, "what a lead is told when a person takes over"},
    {"language",                     CLIENT_KEY_TEXT, 2, 35, NULL, false, "language tag of the client, e.g. en; leads are answered in their own"},
    {"agent",                        CLIENT_KEY_WORD, 0, 0, "auto|claude|scripted", false, "who answers; auto: Claude where a key is configured"},
    {"anthropic_model",              CLIENT_KEY_TEXT, 1, 128, NULL, false, "model that answers this client's leads"},
};
/* clang-format on */
const size_t n_client_keys = COUNT_OF(client_keys);

#define TEXTS_ITEM_MAX 200

static const struct client_key *key_find(const char *name)
{
    for (size_t i = 0; i < n_client_keys; i++)
        if (strcmp(client_keys[i].name, name) == 0)
            return &client_keys[i];
    return NULL;
}

/* Levenshtein's distance, of the first 40 bytes. */
static size_t distance(const char *a, const char *b)
{
    size_t la = strnlen(a, 40), lb = strnlen(b, 40);
    size_t row[41];

    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[lb];
}

static const char *nearest_key(const char *name)
{
    const char *best = client_keys[0].name;

    for (size_t i = 1; i < n_client_keys; i++)
        if (distance(name, client_keys[i].name) < distance(name, best))
            best = client_keys[i].name;
    return best;
}

/* Line breaks and tabs are fine in texts that a model reads; other control bytes are nobody's intention. */
static bool has_strange_control(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if ((*p < 0x20 && *p != '\n' && *p != '\t' && *p != '\r') || *p == 0x7f)
            return true;
    return false;
}

static bool word_is_allowed(const char *words, const char *text)
{
    size_t len = strlen(text);

    for (const char *p = words; *p;) {
        size_t n = strcspn(p, "|");

        if (n == len && strncmp(p, text, n) == 0)
            return true;
        p += n + (p[n] == '|');
    }
    return false;
}

static int check_text(const struct client_key *key, const json_t *value, struct err *err)
{
    const char *text = json_string_value(value);
    size_t len = text ? strlen(text) : 0;

    if (!text)
        return err_set_field(err, ERR_INVALID, key->name, "%s must be a string", key->name);
    if (len < (size_t)key->min || len > (size_t)key->max)
        return err_set_field(err, ERR_INVALID, key->name, "%s must have %d to %d bytes", key->name, key->min, key->max);
    if (has_strange_control(text) || (key->secret && text_has_control(text)))
        return err_set_field(err, ERR_INVALID, key->name, "%s holds control characters", key->name);
    return 0;
}

static int check_texts(const struct client_key *key, const json_t *value, struct err *err)
{
    if (!json_is_array(value) || json_array_size(value) > (size_t)key->max)
        return err_set_field(err, ERR_INVALID, key->name, "%s must be an array of at most %d strings", key->name,
                             key->max);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *item = json_string_value(json_array_get(value, i));

        if (!item || !*item || strlen(item) > TEXTS_ITEM_MAX || has_strange_control(item))
            return err_set_field(err, ERR_INVALID, key->name, "%s[%zu] must be a string of 1 to %d bytes", key->name, i,
                                 TEXTS_ITEM_MAX);
    }
    return 0;
}

static int check_value(const struct client_key *key, const json_t *value, struct err *err)
{
    switch (key->type) {
    case CLIENT_KEY_TEXT:
        return check_text(key, value, err);
    case CLIENT_KEY_TEXTS:
        return check_texts(key, value, err);
    case CLIENT_KEY_PHONE:
        if (!json_is_string(value) || !phone_is_e164(json_string_value(value)))
            return err_set_field(err, ERR_INVALID, key->name, "%s must be a phone number in E.164, e.g. +15551234567",
                                 key->name);
        return 0;
    case CLIENT_KEY_INT:
        if (!json_is_integer(value) || json_integer_value(value) < key->min || json_integer_value(value) > key->max)
            return err_set_field(err, ERR_INVALID, key->name, "%s must be an integer from %d to %d", key->name,
                                 key->min, key->max);
        return 0;
    case CLIENT_KEY_WORD:
        if (!json_is_string(value) || !word_is_allowed(key->words, json_string_value(value)))
            return err_set_field(err, ERR_INVALID, key->name, "%s must be one of %s", key->name, key->words);
        return 0;
    }
    return err_set(err, ERR_INTERNAL, "client key of an unknown type");
}

/* The value as it is stored: a new reference, or NULL with *err. */
static json_t *stored_value(const char *master_key, const char *client_id, const struct client_key *key, json_t *value,
                            const json_t *old, struct arena *arena, struct err *err)
{
    const char *context, *sealed;

    if (key->secret && json_is_string(value) && strcmp(json_string_value(value), CLIENT_SECRET_SHOWN) == 0) {
        if (old)
            return json_copy((json_t *)old);
        err_set_field(err, ERR_INVALID, key->name, "%s is not set, so there is nothing to keep", key->name);
        return NULL;
    }
    if (check_value(key, value, err) < 0)
        return NULL;
    if (!key->secret)
        return json_incref(value);
    if (!master_key) {
        err_set_field(err, ERR_INVALID, key->name,
                      "%s is a secret, and no secret can be kept while LEADWIRE_MASTER_KEY is not set", key->name);
        return NULL;
    }
    if (!(context = arena_printf(arena, "%s/%s", client_id, key->name)) ||
        !(sealed = seal(master_key, context, json_string_value(value), arena, err)))
        return NULL;
    return json_string(sealed);
}

static json_t *load_object(const char *text, const char *what, struct err *err)
{
    json_error_t why;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &why);

    if (!json_is_object(object)) {
        json_decref(object);
        err_set_field(err, ERR_INVALID, "config", "%s is not a JSON object%s%s", what, object ? "" : ": ",
                      object ? "" : why.text);
        return NULL;
    }
    return object;
}

static const char *dump(const json_t *object, struct arena *arena, struct err *err)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
    const char *copy = text ? arena_strdup(arena, text) : NULL;

    free(text);
    if (!copy)
        err_set(err, ERR_INTERNAL, "client configuration: out of memory");
    return copy;
}

int client_config_merge(const char *master_key, const char *client_id, const char *stored, const char *patch,
                        struct arena *arena, const char **ret_stored, bool *ret_changed, struct err *err)
{
    json_auto_t *config = load_object(stored, "the stored configuration", err);
    json_auto_t *change = config ? load_object(patch, "the configuration", err) : NULL;
    const char *name, *text;
    bool changed = false;
    json_t *value;

    if (!config || !change)
        return -1;
    json_object_foreach (change, name, value) {
        const struct client_key *key = key_find(name);
        json_t *old = json_object_get(config, name), *new;

        if (!key)
            return err_set_field(err, ERR_INVALID, name, "%.40s is not a known key; the nearest is %s", name,
                                 nearest_key(name));
        if (json_is_null(value)) {
            changed |= json_object_del(config, name) == 0;
            continue;
        }
        if (!(new = stored_value(master_key, client_id, key, value, old, arena, err)))
            return -1;
        changed |= !old || !json_equal(old, new);
        if (json_object_set_new(config, name, new) < 0)
            return err_set(err, ERR_INTERNAL, "client configuration: out of memory");
    }
    if (!(text = dump(config, arena, err)))
        return -1;
    *ret_stored = text;
    *ret_changed = changed;
    return 0;
}

const char *client_config_show(const char *stored, struct arena *arena, struct err *err)
{
    json_auto_t *config = load_object(stored, "the stored configuration", err);

    if (!config)
        return NULL;
    for (size_t i = 0; i < n_client_keys; i++)
        if (client_keys[i].secret && json_object_get(config, client_keys[i].name))
            json_object_set_new(config, client_keys[i].name, json_string(CLIENT_SECRET_SHOWN));
    return dump(config, arena, err);
}

const char *client_config_text(const char *stored, const char *key, struct arena *arena)
{
    json_auto_t *config = json_loads(stored, 0, NULL);

    return arena_strdup(arena, json_string_value(json_object_get(config, key)));
}
