/* test_gateway_submission.c - what a web form sends, read. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "services/gateway/submission.h"

#define NOW  INT64_C(1800000000000000)
#define URL  "application/x-www-form-urlencoded"
#define JSON "application/json"

static struct arena *arena;
static struct form fields;
static struct submission got;
static struct err err;
static const char *const urls[] = {"https://shop.example/thanks", "https://shop.example/gracias"};
static struct form_terms terms;

static void open_arena(void)
{
    arena = arena_new(1024 * 1024);
    terms = (struct form_terms){.form_id = "01a20512-4ca6-7152-bd73-377fc09c7f88",
                                .name = "Contact",
                                .field_names = "{}",
                                .consent_text = "I agree.",
                                .country_code = "1",
                                .redirect_urls = urls,
                                .n_redirect_urls = 2};
}

static void close_arena(void)
{
    arena_destroy(&arena);
}

TestSuite(submission, .init = open_arena, .fini = close_arena);

static int read_body(const char *type, const char *body)
{
    err = (struct err){0};
    got = (struct submission){0};
    return submission_fields(type, body, strlen(body), arena, &fields, &err) < 0
               ? -1
               : submission_read(&fields, &terms, NOW, arena, &got, &err);
}

static void expect_taken(const char *type, const char *body)
{
    cr_assert_eq(read_body(type, body), 0, "%s: %s", body, err.text);
}

static void expect_refused(const char *type, const char *body, const char *field)
{
    cr_expect_eq(read_body(type, body), -1, "%s", body);
    cr_expect_eq(err.kind, ERR_INVALID);
    cr_expect_str_eq(err.field, field, "%s: %s", body, err.text);
}

/* A member of messages.form, in arena; NULL: there is none. */
static const char *member(const char *name)
{
    json_auto_t *form = json_loads(got.form, 0, NULL);
    const json_t *value = json_object_get(form, name);

    return json_is_string(value) ? arena_strdup(arena, json_string_value(value)) : json_is_true(value) ? "true" : NULL;
}

static const char *other(const char *name)
{
    json_auto_t *form = json_loads(got.form, 0, NULL);

    return arena_strdup(arena, json_string_value(json_object_get(json_object_get(form, "fields"), name)));
}

Test(submission, the_three_types_say_the_same)
{
    static const struct {
        const char *type, *body;
    } bodies[] = {
        {JSON, "{\"phone\": \"(555) 123-4567\", \"name\": \" Ada\\nL. \", \"consent\": true, \"rooms\": 3}"},
        {URL, "phone=%28555%29+123-4567&name=+Ada%0aL.+&consent=true&rooms=3&token=x"},
        {"multipart/form-data; boundary=b",
         "--b\r\nContent-Disposition: form-data; name=\"phone\"\r\n\r\n(555) 123-4567\r\n"
         "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n Ada\nL. \r\n"
         "--b\r\nContent-Disposition: form-data; name=\"consent\"\r\n\r\ntrue\r\n"
         "--b\r\nContent-Disposition: form-data; name=\"rooms\"\r\n\r\n3\r\n"
         "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\r\n--b--\r\n"},
    };
    const char *hash = NULL;

    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        expect_taken(bodies[i].type, bodies[i].body);
        cr_expect_str_eq(got.phone, "+15551234567");
        cr_expect_str_eq(got.name, " Ada L. ");
        cr_expect_str_eq(got.message, "");
        cr_expect_str_eq(got.source, "form: Contact");
        cr_expect_str_eq(got.consent_text, "I agree.");
        cr_expect_eq(got.consent_at, NOW);
        cr_expect_null(got.email);
        cr_expect_null(got.sid);
        cr_expect_str_eq(other("rooms"), "3");
        cr_expect_null(other("token"));
        if (hash)
            cr_expect_str_eq(member("content_hash"), hash);
        hash = member("content_hash");
    }
}

Test(submission, what_is_wrong_is_named_as_the_form_names_it)
{
    terms.field_names = "{\"phone\": \"your-tel\"}";
    expect_refused(URL, "your-tel=555&consent=1", "your-tel");
    expect_refused(URL, "phone=%2b15551234567&consent=1", "your-tel");
    expect_refused(URL, "your-tel=%2b15551234567", "consent");
    expect_refused(URL, "your-tel=%2b15551234567&consent=maybe", "consent");
    expect_refused(URL, "your-tel=%2b15551234567&consent=1&email=x", "email");
    expect_refused(URL, "your-tel=%2b15551234567&consent=1&consent_at=2099-01-01T00:00:00Z", "consent_at");
    expect_refused(URL, "your-tel=%2b15551234567&consent=1&consent_at=0001-01-01T00:00:00Z", "consent_at");
    terms.consent_text = NULL;
    expect_refused(URL, "your-tel=%2b15551234567&consent=1", "consent_text");
    terms.country_code = NULL;
    expect_refused(URL, "your-tel=5551234567&consent=1&consent_text=x", "your-tel");
}

Test(submission, bodies_that_are_none)
{
    expect_refused(JSON, "", "");
    expect_refused(JSON, "[]", "");
    expect_refused(JSON, "{\"a\": 1, \"a\": 2}", "");
    expect_refused(JSON, "{\"a\": \"\\u0000\"}", "");
    expect_refused(JSON, "{\"a\": [[[[[[[[[[1]]]]]]]]]]}", "");
    expect_refused(URL, "a=%ff", "");
    expect_refused("multipart/form-data", "--b--", "");
    expect_refused("multipart/form-data; boundary=b",
                   "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\xff\r\n--b--\r\n", "a");
}

Test(submission, consent_in_three_languages)
{
    static const char *const yes[] = {"yes", "on", "1", "TRUE", "s%C3%AD", "%D9%86%D8%B9%D9%85"};

    for (size_t i = 0; i < COUNT_OF(yes); i++)
        expect_taken(URL, arena_printf(arena, "phone=%%2b15551234567&consent=%s", yes[i]));
}

Test(submission, others_are_kept_within_bounds)
{
    char *body = arena_alloc(arena, 200000), *end = body;

    end += sprintf(end, "phone=%%2b15551234567&consent=1&a=1&a=2&long=");
    memset(end, 'x', 3000);
    end += 3000;
    for (int i = 0; i < 100; i++)
        end += sprintf(end, "&f%d=%d", i, i);
    expect_taken(URL, body);
    cr_expect_str_eq(other("a"), "1, 2");
    cr_expect_eq(strlen(other("long")), 1000);
    cr_expect_str_eq(other("f37"), "37");
    cr_expect_null(other("f38"));
}

Test(submission, its_id_says_that_it_is_the_same_within_its_form_alone)
{
    const char *first;

    expect_taken(URL, "phone=%2b15551234567&consent=1&submission_id=7");
    first = got.sid;
    cr_expect_eq(strlen(first), 44);
    expect_taken(URL, "phone=%2b15551234567&consent=1&submission_id=7&name=Ada");
    cr_expect_str_eq(got.sid, first);
    expect_taken(URL, "phone=%2b15551234567&consent=1&submission_id=8");
    cr_expect_str_neq(got.sid, first);
    terms.form_id = "01a20512-4ca6-7152-bd73-377fc09c7f89";
    expect_taken(URL, "phone=%2b15551234567&consent=1&submission_id=7");
    cr_expect_str_neq(got.sid, first);
}

Test(submission, another_content_has_another_hash)
{
    static const char *const bodies[] = {"",       "&name=Ada", "&message=Ada", "&service=Ada",
                                         "&x=Ada", "&y=Ada",    "&email=a@b.cd"};
    const char *hashes[COUNT_OF(bodies)];

    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        expect_taken(URL, arena_printf(arena, "phone=%%2b15551234567&consent=1%s", bodies[i]));
        hashes[i] = member("content_hash");
        for (size_t k = 0; k < i; k++)
            cr_expect_str_neq(hashes[i], hashes[k]);
    }
    expect_taken(URL, "token=t&consent_at=2026-01-01T00:00:00Z&phone=%2b15551234567&consent=on");
    cr_expect_str_eq(member("content_hash"), hashes[0]);
}

Test(submission, who_asks_not_to_be_texted)
{
    expect_taken(URL, "phone=%2b15551234567&consent=1&message=Please+don%27t+text+me");
    cr_expect_str_eq(member("no_texts"), "true");
    expect_taken(URL, "phone=%2b15551234567&consent=1&message=Can+you+stop+by+tomorrow+at+5%3F");
    cr_expect_null(member("no_texts"));
}

Test(submission, who_asks_not_to_be_texted_in_whatever_field)
{
    static const struct {
        const char *fields;
        bool refuses;
    } cases[] = {{"\"contact\": \"Please call, don't text\"", true},
                 {"\"notes\": \"No SMS\"", true},
                 {"\"service\": \"Boiler. Please don't text me\"", true},
                 {"\"contact\": [\"Call\", \"no texts\"]", true},
                 {"\"prefs\": {\"note\": \"do not text\"}", true},
                 {"\"do_not_text\": true", true},
                 {"\"do_not_text\": false", false},
                 {"\"smsOptOut\": \"on\"", true},
                 {"\"sms_updates\": \"no\"", true},
                 {"\"sms_updates\": \"yes\"", false},
                 {"\"May we text you?\": \"No\"", true},
                 {"\"Don't text me\": \"yes\"", true},
                 {"\"context\": \"no\"", false},
                 {"\"contact\": \"Call me\"", false},
                 {"\"contact\": \"Text\"", false},
                 {"\"reason\": \"Cancel\"", false},
                 {"\"terms\": \"I agree to be texted. Text STOP to unsubscribe.\"", false},
                 {"\"terms\": \"To opt out of texts reply 'STOP'\"", false},
                 {"\"notes\": \"Please STOP texting me\"", true},
                 {"\"notes\": \"Can you stop by tomorrow?\"", false}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *body = arena_printf(arena, "{\"phone\": \"+15551234567\", \"consent\": true, %s}", cases[i].fields);

        expect_taken(JSON, body);
        cr_expect_eq(member("no_texts") != NULL, cases[i].refuses, "%s", cases[i].fields);
    }
}

Test(submission, a_browser_goes_to_the_forms_addresses_alone)
{
    static const struct {
        const char *body;
        size_t url;
    } cases[] = {{"a=1", 0},
                 {"redirect=https://shop.example/gracias", 1},
                 {"redirect=https://shop.example/gracias/", 0},
                 {"redirect=https://evil.example/", 0},
                 {"redirect=//evil.example", 0}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cr_assert_eq(submission_fields(URL, cases[i].body, strlen(cases[i].body), arena, &fields, &err), 0);
        cr_expect_str_eq(submission_redirect(&fields, &terms, arena), urls[cases[i].url]);
    }
    terms.n_redirect_urls = 0;
    cr_expect_null(submission_redirect(&fields, &terms, arena));
}
