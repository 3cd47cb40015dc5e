#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/err.h"

#define UNSET(field, type, env, def, min, max, doc) unsetenv(env);

static void clean(void){CONFIG_VARS(UNSET)}

TestSuite(config, .init = clean);

/* The error that a value of a variable causes, "" if it is accepted. */
static const char *error_of(const char *env, const char *value)
{
    static struct err err;
    struct config config;

    err = (struct err){0};
    setenv(env, value, 1);
    if (config_load(&config, &err) == 0)
        config_free(&config);
    unsetenv(env);
    return err.text;
}

Test(config, an_empty_environment_gives_the_defaults)
{
    AUTO(config_free) struct config config = {0};

    cr_assert(eq(int, config_load(&config, NULL), 0));
    cr_expect(eq(i64, config.gateway_port, 8000));
    cr_expect(eq(str, (char *)config.twilio_base_url, "https://api.twilio.com"));
    cr_expect(config.database_url == NULL);
    cr_expect(config.twilio_auth_token == NULL);
}

Test(config, the_environment_overrides)
{
    AUTO(config_free) struct config config = {0};

    setenv("GATEWAY_PORT", "0", 1);
    setenv("TWILIO_BASE_URL", "http://127.0.0.1:9000/twilio/", 1);
    setenv("TWILIO_AUTH_TOKEN", "t0ken", 1);
    setenv("PUBLIC_URL", "", 1); /* empty counts as unset */
    setenv("LEADWIRE_LOG_LEVEL", "", 1);
    cr_assert(eq(int, config_load(&config, NULL), 0));
    cr_expect(eq(i64, config.gateway_port, 0));
    cr_expect(eq(str, (char *)config.twilio_base_url, "http://127.0.0.1:9000/twilio"));
    cr_expect(eq(str, (char *)config.twilio_auth_token, "t0ken"));
    cr_expect(config.public_url == NULL);
    cr_expect(eq(str, (char *)config.log_level, "info"));
}

Test(config, a_wrong_value_is_refused_by_name)
{
    cr_expect(strstr(error_of("GATEWAY_PORT", "65536"), "GATEWAY_PORT") != NULL);
    cr_expect(strstr(error_of("GATEWAY_PORT", "80x"), "GATEWAY_PORT") != NULL);
    cr_expect(strstr(error_of("LEADWIRE_LOG_LEVEL", "loud"), "LEADWIRE_LOG_LEVEL") != NULL);
    cr_expect(strstr(error_of("TWILIO_ACCOUNT_SID", "AC\n"), "TWILIO_ACCOUNT_SID") != NULL);
    cr_expect(strstr(error_of("TWILIO_ACCOUNT_SID", "AC\xff"), "TWILIO_ACCOUNT_SID") != NULL);
}

Test(config, an_address_needs_scheme_and_host)
{
    const char *const wrong[] = {"ftp://x",        "x.example",   "http://",    "https:///path",
                                 "http://:80",     "https://x?y", "https://x#", "https://a b.com",
                                 "javascript:x()", "/",           "https://@x"};

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        cr_expect(strstr(error_of("PUBLIC_URL", wrong[i]), "PUBLIC_URL") != NULL, "%s", wrong[i]);
    cr_expect(eq(str, (char *)error_of("PUBLIC_URL", "https://leads.example.com:8443/x"), ""));
}

Test(config, a_secret_never_stands_in_an_error)
{
    const char *key = "not-a-key-but-of-the-right-length-not-a-key-but-of-the-right-leng";
    char right_length[65];

    cr_expect(strstr(error_of("LEADWIRE_MASTER_KEY", "s3cret"), "LEADWIRE_MASTER_KEY") != NULL);
    cr_expect(strstr(error_of("LEADWIRE_MASTER_KEY", "s3cret"), "s3cret") == NULL);
    memcpy(right_length, key, 64);
    right_length[64] = '\0';
    cr_expect(strstr(error_of("LEADWIRE_MASTER_KEY", right_length), "LEADWIRE_MASTER_KEY") != NULL);
    cr_expect(strstr(error_of("LEADWIRE_MASTER_KEY", right_length), "not-a-key") == NULL);
}

Test(config, what_is_required_must_be_set)
{
    AUTO(config_free) struct config config = {0};
    struct err err = {0};

    setenv("TWILIO_ACCOUNT_SID", "AC1", 1);
    cr_assert(eq(int, config_load(&config, NULL), 0));
    cr_expect(eq(int, config_require(&config, "TWILIO_ACCOUNT_SID", &err), 0));
    cr_expect(eq(int, config_require(&config, "GATEWAY_PORT", &err), 0));
    cr_expect(eq(int, config_require(&config, "DATABASE_URL", &err), -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(strstr(err.text, "DATABASE_URL") != NULL);
    cr_expect(eq(int, config_require(&config, "NO_SUCH", &err), -1));
}

Test(config, help_names_every_variable)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    config_print_help(out);
    fclose(out);
#define IS_NAMED(field, type, env, def, min, max, doc) cr_expect(strstr(text, env) != NULL, "%s", env);
    CONFIG_VARS(IS_NAMED)
    free(text);
}
