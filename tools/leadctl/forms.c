/* forms.c - leadctl form create, list, rotate, disable. Of a form's token its SHA-256 alone is kept. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/form_token.h"
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "tools/leadctl/ctl.h"

#define NEW_PER_DAY_MAX 100000

static int check_options(struct ctl *ctl, int64_t *ret_new_per_day, struct err *err)
{
    const char *name = ctl_option(ctl, "name"), *channel = ctl_option(ctl, "channel");
    const char *country = ctl_option(ctl, "country"), *redirect = ctl_option(ctl, "redirect");
    const char *new_per_day = ctl_option(ctl, "new-per-day");

    if (!ctl_option(ctl, "client"))
        return ctl_misuse(ctl, err, "form create wants --client ID");
    if (!name || !text_has_word(name) || text_has_control(name) || strlen(name) > 200)
        return ctl_misuse(ctl, err, "--name must be one line of at most 200 bytes");
    if (channel && strcmp(channel, "sms") != 0 && strcmp(channel, "whatsapp") != 0)
        return ctl_misuse(ctl, err, "--channel is sms or whatsapp");
    if (country && (strlen(country) > 3 || strspn(country, "0123456789") != strlen(country) || *country == '0'))
        return ctl_misuse(ctl, err, "--country is the digits of a calling code, e.g. 1 or 44");
    if (redirect && ((strncmp(redirect, "https://", 8) != 0 && strncmp(redirect, "http://", 7) != 0) ||
                     strpbrk(redirect, " \"\\") || text_has_control(redirect)))
        return ctl_misuse(ctl, err, "--redirect is a http or https address");
    *ret_new_per_day = 100;
    if (new_per_day && !text_to_int(new_per_day, 1, NEW_PER_DAY_MAX, ret_new_per_day))
        return ctl_misuse(ctl, err, "--new-per-day is a number of 1 to %d", NEW_PER_DAY_MAX);
    return ctl_check_uuid(ctl, ctl_option(ctl, "client"), "--client", err);
}

static int make_token(struct form_token *ret_token, struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, ERR_INTERNAL, "no random numbers");
    form_token_make(ret_token);
    return 0;
}

static int insert(struct ctl *ctl, const char *form_id, const struct form_token *token, int64_t new_per_day,
                  struct err *err)
{
    return db_run(
        ctl->db, DB_EVERY_CLIENT, NULL, err,
        "INSERT INTO forms (client_id, form_id, name, token_hash, token_prefix, channel, consent_text,"
        "                   country_code, language, redirect_urls, max_new_per_day)"
        "SELECT client_id, $2, $3, $4, $5, coalesce($6, 'sms'), $7, $8, $9, array_remove(ARRAY[$10::text], NULL),"
        "       $11::integer"
        "  FROM clients WHERE client_id = $1",
        db_text(ctl_option(ctl, "client")), db_text(form_id), db_text(ctl_option(ctl, "name")), db_text(token->hash),
        db_text(token->prefix), db_text(ctl_option(ctl, "channel")), db_text(ctl_option(ctl, "consent")),
        db_text(ctl_option(ctl, "country")), db_text(ctl_option(ctl, "language")), db_text(ctl_option(ctl, "redirect")),
        db_int(new_per_day));
}

int cmd_form_create(struct ctl *ctl, struct err *err)
{
    struct form_token token;
    char form_id[UUID_SIZE];
    int64_t new_per_day;
    int n;

    if (check_options(ctl, &new_per_day, err) < 0 || !ctl_db(ctl, err) || make_token(&token, err) < 0)
        return -1;
    uuid_new(form_id);
    if ((n = insert(ctl, form_id, &token, new_per_day, err)) <= 0)
        return n < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "there is no client %s", ctl_option(ctl, "client"));
    printf("form_id %s\npath /api/v1/webhooks/form/%s\n%s\n", form_id, ctl_option(ctl, "client"), token.text);
    return 0;
}

static const struct ctl_column form_columns[] = {
    {"form_id", "FORM", CTL_TEXT},
    {"client_id", "CLIENT", CTL_TEXT},
    {"name", "NAME", CTL_TEXT},
    {"channel", "CHANNEL", CTL_TEXT},
    {"token_prefix", "TOKEN BEGINS WITH", CTL_TEXT},
    {"created_at", "CREATED", CTL_TEXT},
    {"disabled_at", "DISABLED", CTL_TEXT},
    {0},
};

int cmd_form_list(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct ctl_table *table = ctl_table_new(form_columns, ctl->arena, err);
    const char *client_id = ctl_option(ctl, "client");

    if (!table || (client_id && ctl_check_uuid(ctl, client_id, "--client", err) < 0) || !ctl_db(ctl, err) ||
        db_run(ctl->db, DB_EVERY_CLIENT, &rows, err,
               "SELECT form_id, client_id, name, channel, token_prefix,"
               "       to_char(created_at" CTL_UTC " AS created_at,"
               "       to_char(disabled_at" CTL_UTC " AS disabled_at"
               "  FROM forms WHERE $1::uuid IS NULL OR client_id = $1 ORDER BY forms.created_at, form_id",
               db_text(client_id)) < 0)
        return -1;
    ctl_table_put_rows(table, rows);
    return ctl_table_print(table, ctl_option(ctl, "json"), err);
}

static int unknown_form(struct ctl *ctl, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no form %s", ctl->args[0]);
}

int cmd_form_rotate(struct ctl *ctl, struct err *err)
{
    struct form_token token;
    int n;

    if (ctl_check_uuid(ctl, ctl->args[0], "FORM_ID", err) < 0 || !ctl_db(ctl, err) || make_token(&token, err) < 0)
        return -1;
    n = db_run(ctl->db, DB_EVERY_CLIENT, NULL, err,
               "UPDATE forms SET token_hash = $2, token_prefix = $3 WHERE form_id = $1", db_text(ctl->args[0]),
               db_text(token.hash), db_text(token.prefix));
    if (n <= 0)
        return n < 0 ? -1 : unknown_form(ctl, err);
    puts(token.text);
    return 0;
}

int cmd_form_disable(struct ctl *ctl, struct err *err)
{
    int n;

    if (ctl_check_uuid(ctl, ctl->args[0], "FORM_ID", err) < 0 || !ctl_db(ctl, err))
        return -1;
    n = db_run(ctl->db, DB_EVERY_CLIENT, NULL, err,
               "UPDATE forms SET disabled_at = coalesce(disabled_at, now()) WHERE form_id = $1", db_text(ctl->args[0]));
    return n == 0 ? unknown_form(ctl, err) : n < 0 ? -1 : 0;
}
