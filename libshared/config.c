/* config.c - see config.h. */
#include "libshared/config.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/text.h"

enum var_type { VAR_STR, VAR_URL, VAR_SECRET, VAR_INT };

struct var {
    const char *env;
    enum var_type type;
    size_t offset; /* of the field in struct config */
    const char *default_text;
    int64_t default_int;
    int64_t min, max;
    const char *doc;
};

#define DEFAULTS_STR(def)    def, 0
#define DEFAULTS_URL(def)    def, 0
#define DEFAULTS_SECRET(def) def, 0
#define DEFAULTS_INT(def)    NULL, def
#define CONFIG_ROW(field, type, env, def, min, max, doc) \
    {env, VAR_##type, offsetof(struct config, field), DEFAULTS_##type(def), min, max, doc},

static const struct var vars[] = {CONFIG_VARS(CONFIG_ROW)};

static const char **text_field(const struct config *config, const struct var *var)
{
    return (const char **)((char *)config + var->offset);
}

static int64_t *int_field(const struct config *config, const struct var *var)
{
    return (int64_t *)((char *)config + var->offset);
}

static int load_int(struct config *config, const struct var *var, const char *value, struct err *err)
{
    int64_t *field = int_field(config, var);

    if (!value) {
        *field = var->default_int;
        return 0;
    }
    if (!text_to_int(value, var->min, var->max, field))
        return err_set_field(err, ERR_INVALID, var->env, "%s must be a whole number from %" PRId64 " to %" PRId64,
                             var->env, var->min, var->max);
    return 0;
}

/* http:// or https://, a host, and nothing that does not belong into the base of other addresses. */
static bool is_base_url(const char *url)
{
    const char *host;

    if (strncmp(url, "http://", 7) == 0)
        host = url + 7;
    else if (strncmp(url, "https://", 8) == 0)
        host = url + 8;
    else
        return false;
    return *host != '\0' && !strchr("/:?#@", *host) && !strpbrk(url, " ?#\\\"<>");
}

static int load_text(struct config *config, const struct var *var, const char *value, struct err *err)
{
    const char **field = text_field(config, var);
    char *copy;
    size_t len;

    if (!value && !(value = var->default_text))
        return 0;
    len = strlen(value);
    if (len < (size_t)var->min || len > (size_t)var->max)
        return err_set_field(err, ERR_INVALID, var->env, "%s must have %" PRId64 " to %" PRId64 " bytes, not %zu",
                             var->env, var->min, var->max, len);
    if (!utf8_valid(value, len) || text_has_control(value))
        return err_set_field(err, ERR_INVALID, var->env, "%s contains control characters or is not UTF-8", var->env);
    if (!(copy = strdup(value)))
        return err_set(err, ERR_INTERNAL, "configuration: out of memory");
    *field = copy;
    if (var->type != VAR_URL)
        return 0;
    if (copy[len - 1] == '/')
        copy[len - 1] = '\0';
    if (!is_base_url(copy))
        return err_set_field(err, ERR_INVALID, var->env,
                             "%s must be an http:// or https:// address with a host and without a query", var->env);
    return 0;
}

static int check_words(const struct config *config, struct err *err)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    bool known = false;

    for (size_t i = 0; i < COUNT_OF(levels); i++)
        known |= strcmp(config->log_level, levels[i]) == 0;
    if (!known)
        return err_set_field(err, ERR_INVALID, "LEADWIRE_LOG_LEVEL",
                             "LEADWIRE_LOG_LEVEL must be debug, info, warn or error");
    if (config->master_key && strspn(config->master_key, "0123456789abcdefABCDEF") != 64)
        return err_set_field(err, ERR_INVALID, "LEADWIRE_MASTER_KEY", "LEADWIRE_MASTER_KEY must be 64 hex digits");
    return 0;
}

int config_load(struct config *ret_config, struct err *err)
{
    AUTO(config_free) struct config config = {0};

    for (size_t i = 0; i < COUNT_OF(vars); i++) {
        const char *value = getenv(vars[i].env);
        int failed;

        if (value && !*value)
            value = NULL;
        failed = vars[i].type == VAR_INT ? load_int(&config, &vars[i], value, err)
                                         : load_text(&config, &vars[i], value, err);
        if (failed)
            return -1;
    }
    if (check_words(&config, err) < 0)
        return -1;
    *ret_config = config;
    config = (struct config){0};
    return 0;
}

void config_free(struct config *config)
{
    for (size_t i = 0; i < COUNT_OF(vars); i++)
        if (vars[i].type != VAR_INT)
            free((void *)*text_field(config, &vars[i]));
    *config = (struct config){0};
}

int config_require(const struct config *config, const char *env_name, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(vars); i++) {
        if (strcmp(vars[i].env, env_name) != 0)
            continue;
        if (vars[i].type == VAR_INT || *text_field(config, &vars[i]))
            return 0;
        return err_set_field(err, ERR_INVALID, env_name, "%s is not set: %s", env_name, vars[i].doc);
    }
    return err_set(err, ERR_INTERNAL, "there is no setting %s", env_name);
}

void config_print_help(FILE *out)
{
    for (size_t i = 0; i < COUNT_OF(vars); i++) {
        fprintf(out, "  %-34s %s", vars[i].env, vars[i].doc);
        if (vars[i].type == VAR_INT)
            fprintf(out, " [%" PRId64 "]", vars[i].default_int);
        else if (vars[i].default_text && vars[i].type != VAR_SECRET)
            fprintf(out, " [%s]", vars[i].default_text);
        fputc('\n', out);
    }
}
