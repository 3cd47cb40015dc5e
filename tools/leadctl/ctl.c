/* ctl.c - the command line and the database of a run. See ctl.h. */
#include "tools/leadctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/uuid.h"

enum takes { TAKES_NOTHING, TAKES_FLAG, TAKES_VALUE };

/* What the command's list of options says about a name of len bytes. */
static enum takes option_takes(const char *options, const char *name, size_t len)
{
    for (const char *at = options; *at;) {
        size_t word = strcspn(at, " "), bare = strcspn(at, " =");
        if (bare == len && strncmp(at, name, len) == 0)
            return at[bare] == '=' ? TAKES_VALUE : TAKES_FLAG;
        at += word + (at[word] == ' ');
    }
    return TAKES_NOTHING;
}

int ctl_misuse(struct ctl *ctl, struct err *err, const char *fmt, ...)
{
    char text[200];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ctl->exit_code = 2;
    return err_set(err, ERR_INVALID, "%s", text);
}

/* One option at argv[*at]; *at is moved behind its value. */
static int parse_option(struct ctl *ctl, const struct ctl_command *command, int argc, char *const *argv, int *at,
                        struct err *err)
{
    const char *name = argv[*at] + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    enum takes takes = option_takes(command->options, name, len);
    struct ctl_option option = {arena_strndup(ctl->arena, name, len), ""};

    if (!option.name)
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (takes == TAKES_NOTHING)
        return ctl_misuse(ctl, err, "%s takes no --%.40s", command->words, option.name);
    if (takes == TAKES_FLAG && equals)
        return ctl_misuse(ctl, err, "--%s takes no value", option.name);
    if (takes == TAKES_VALUE && equals)
        option.value = equals + 1;
    else if (takes == TAKES_VALUE && *at + 1 >= argc)
        return ctl_misuse(ctl, err, "--%s wants a value", option.name);
    else if (takes == TAKES_VALUE)
        option.value = argv[++*at];
    ctl->options[ctl->n_options++] = option;
    return 0;
}

int ctl_parse(struct ctl *ctl, const struct ctl_command *command, int argc, char *const *argv, struct err *err)
{
    bool options_end = false;

    if (argc > CTL_WORDS_MAX)
        return ctl_misuse(ctl, err, "more than %d words", CTL_WORDS_MAX);
    for (int at = 0; at < argc; at++) {
        if (!options_end && strcmp(argv[at], "--") == 0)
            options_end = true;
        else if (!options_end && strncmp(argv[at], "--", 2) == 0) {
            if (parse_option(ctl, command, argc, argv, &at, err) < 0)
                return -1;
        } else
            ctl->args[ctl->n_args++] = argv[at];
    }
    if (ctl->n_args < command->min_args || ctl->n_args > command->max_args)
        return ctl_misuse(ctl, err, "usage: leadctl %s %s", command->words, command->usage);
    return 0;
}

const char *ctl_option(const struct ctl *ctl, const char *name)
{
    for (size_t i = ctl->n_options; i-- > 0;)
        if (strcmp(ctl->options[i].name, name) == 0)
            return ctl->options[i].value;
    return NULL;
}

int ctl_check_uuid(struct ctl *ctl, const char *text, const char *what, struct err *err)
{
    return uuid_is_valid(text) ? 0 : ctl_misuse(ctl, err, "%s is not a UUID: %.60s", what, text);
}

struct db_pool *ctl_db(struct ctl *ctl, struct err *err)
{
    if (!ctl->db && config_require(&ctl->config, "DATABASE_URL", err) == 0)
        ctl->db = db_pool_new(ctl->config.database_url, NULL, 2, err);
    return ctl->db;
}
