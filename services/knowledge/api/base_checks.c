/* base_checks.c - see base_checks.h. */
#include "services/knowledge/api/base_checks.h"

#include <string.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/knowledge/embedding/embed.h"
#include "services/knowledge/knowledge.h"

int base_check_name(const char *name, struct err *err)
{
    if (name[strspn(name, " \t\r\n\v\f")] == '\0')
        return err_set_field(err, ERR_INVALID, "name", "the name is blank");
    if (text_has_control(name))
        return err_set_field(err, ERR_INVALID, "name", "the name holds control characters");
    return 0;
}

int base_check_language(struct db_tx *tx, const char *language, struct err *err)
{
    int n = db_query(tx, NULL, err, "SELECT FROM pg_ts_config WHERE cfgname = $1 AND pg_ts_config_is_visible(oid)",
                     db_text(language));

    if (n == 0)
        return err_set_field(err, ERR_INVALID, "language",
                             "there is no text search configuration of this name; where none fits, take simple");
    return n < 0 ? -1 : 0;
}

int base_check_model(const struct worker *self, const char *model, struct err *err)
{
    const struct knowledge *state = self->state;

    return *model ? embedder_check(state->embedder, model, err) : 0;
}
