/* client_config.c - see client_config.h. */
#include "services/orchestrator/api/client_config.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/seal.h"
#include "proto/client_keys.h"

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
    if (client_key_check(key, value, err) < 0)
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

/* What another process has in its memory or its tables because of this key. */
static unsigned change_of(const char *name)
{
    if (strcmp(name, "twilio_account_sid") == 0 || strcmp(name, "twilio_auth_token") == 0)
        return CLIENT_CHANGED | CLIENT_CHANGED_TWILIO | CLIENT_CHANGED_CREDENTIALS;
    if (strcmp(name, "allowed_hours") == 0)
        return CLIENT_CHANGED | CLIENT_CHANGED_HOURS;
    if (strcmp(name, "follow_up_after_hours") == 0)
        return CLIENT_CHANGED | CLIENT_CHANGED_FOLLOW_UPS;
    return strncmp(name, "twilio_", 7) == 0 ? CLIENT_CHANGED | CLIENT_CHANGED_TWILIO : CLIENT_CHANGED;
}

int client_config_merge(const char *master_key, const char *client_id, const char *stored, const char *patch,
                        struct arena *arena, const char **ret_stored, unsigned *ret_changes, struct err *err)
{
    json_auto_t *config = load_object(stored, "the stored configuration", err);
    json_auto_t *change = config ? load_object(patch, "the configuration", err) : NULL;
    const char *name, *text;
    unsigned changes = 0;
    json_t *value;

    if (!config || !change)
        return -1;
    json_object_foreach (change, name, value) {
        const struct client_key *key = client_key_find(name, err);
        json_t *old = json_object_get(config, name), *new;

        if (!key)
            return -1;
        if (json_is_null(value)) {
            if (json_object_del(config, name) == 0)
                changes |= change_of(name);
            continue;
        }
        if (!(new = stored_value(master_key, client_id, key, value, old, arena, err)))
            return -1;
        if (!old || !json_equal(old, new))
            changes |= change_of(name);
        if (json_object_set_new(config, name, new) < 0)
            return err_set(err, ERR_INTERNAL, "client configuration: out of memory");
    }
    if (client_keys_check_all(config, err) < 0 || !(text = dump(config, arena, err)))
        return -1;
    *ret_stored = text;
    *ret_changes = changes;
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

/* ---- reading one key ---- */

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* Behind the string that begins at p; NULL if it does not end. */
static const char *skip_string(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p + 1 : NULL;
}

/* Behind the value that begins at p; NULL if it does not end. */
static const char *skip_value(const char *p)
{
    int depth = 0;

    do {
        if (*p == '{' || *p == '[') {
            depth++;
            p++;
        } else if (*p == '}' || *p == ']') {
            depth--;
            p++;
        } else if (*p == '"') {
            if (!(p = skip_string(p)))
                return NULL;
        } else if (depth > 0) {
            p++;
        } else {
            return p + strcspn(p, ",}] \t\r\n");
        }
    } while (*p && depth > 0);
    return depth == 0 ? p : NULL;
}

/* A new reference, NULL if the key is not set. A turn asks for a dozen of a configuration's keys: what stands before
 * the key is passed over, and only its value is parsed. */
static json_t *value_of(const char *stored, const char *key)
{
    const char *p = skip_space(stored);
    size_t len = strlen(key);

    if (*p++ != '{')
        return NULL;
    for (p = skip_space(p); *p == '"'; p = skip_space(p)) {
        const char *name = p + 1, *value, *end;
        bool found;

        if (!(p = skip_string(p)))
            return NULL;
        found = (size_t)(p - 1 - name) == len && memcmp(name, key, len) == 0;
        if (*(p = skip_space(p)) != ':' || !(end = skip_value(value = skip_space(p + 1))))
            return NULL;
        if (found)
            return json_loadb(value, (size_t)(end - value), JSON_DECODE_ANY, NULL);
        p = skip_space(end);
        p += *p == ',';
    }
    return NULL;
}

const char *client_config_text(const char *stored, const char *key, struct arena *arena)
{
    json_auto_t *value = value_of(stored, key);

    return arena_strdup(arena, json_string_value(value));
}

int client_config_int(const char *stored, const char *key, int otherwise)
{
    json_auto_t *value = value_of(stored, key);

    return json_is_integer(value) ? (int)json_integer_value(value) : otherwise;
}

double client_config_number(const char *stored, const char *key, double otherwise)
{
    json_auto_t *value = value_of(stored, key);

    return json_is_number(value) ? json_number_value(value) : otherwise;
}

const char *const *client_config_texts(const char *stored, const char *key, struct arena *arena, size_t *ret_n)
{
    json_auto_t *items = value_of(stored, key);
    size_t n = json_array_size(items);
    const char **texts = arena_calloc(arena, n, sizeof *texts);

    for (size_t i = 0; texts && i < n; i++)
        if (!(texts[i] = arena_strdup(arena, json_string_value(json_array_get(items, i)))))
            return NULL;
    *ret_n = n;
    return texts;
}

size_t client_config_ints(const char *stored, const char *key, int *ret_numbers, size_t max)
{
    json_auto_t *items = value_of(stored, key);
    size_t n = json_array_size(items) < max ? json_array_size(items) : max;

    for (size_t i = 0; i < n; i++)
        ret_numbers[i] = (int)json_integer_value(json_array_get(items, i));
    return n;
}

const char *client_config_sender(const char *stored, const char *channel, struct arena *arena)
{
    json_auto_t *config = json_loads(stored, 0, NULL);
    const json_t *sender;

    if (strcmp(channel, "whatsapp") == 0)
        sender = json_object_get(config, "twilio_whatsapp_number");
    else if (!(sender = json_object_get(config, "twilio_phone_number")) &&
             !(sender = json_array_get(json_object_get(config, "twilio_phone_numbers"), 0)))
        sender = json_object_get(config, "twilio_messaging_service_sid");
    return arena_strdup(arena, json_string_value(sender));
}
