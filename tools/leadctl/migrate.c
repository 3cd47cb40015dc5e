/* migrate.c - leadctl migrate. */
#include "libshared/migrate.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "tools/leadctl/ctl.h"

/* Beside an installed leadctl: PREFIX/share/leadwire/migrations. NULL if they are not there. */
static const char *installed_dir(struct arena *arena)
{
    char exe[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
    const char *dir;
    char *slash;

    if (len <= 0)
        return NULL;
    exe[len] = '\0';
    if (!(slash = strrchr(exe, '/')))
        return NULL;
    *slash = '\0';
    dir = arena_printf(arena, "%s/../share/leadwire/migrations", exe);
    return dir && access(dir, R_OK | X_OK) == 0 ? dir : NULL;
}

static const char *migrations_dir(struct ctl *ctl)
{
    const char *dir = ctl_option(ctl, "dir");

    if (!dir)
        dir = getenv("LEADWIRE_MIGRATIONS");
    if (!dir || !*dir)
        dir = installed_dir(ctl->arena);
    return dir ? dir : "migrations";
}

int cmd_migrate(struct ctl *ctl, struct err *err)
{
    const char *dir = migrations_dir(ctl);

    if (config_require(&ctl->config, "DATABASE_URL", err) < 0 || migrate_run(ctl->config.database_url, dir, err) < 0)
        return -1;
    printf("the schema is that of %s\n", dir);
    return 0;
}
