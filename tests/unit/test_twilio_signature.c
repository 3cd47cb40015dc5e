/* test_twilio_signature.c - the published vectors, and what must not pass. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/seal.h"
#include "services/gateway/twilio_signature.h"

#define CALL           "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
#define CALL_SIGNATURE "RSOYDt4T1cUTdK1PDd93/VVr8B8="
#define JSON_TARGET    "/myapp.php?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"

static bool form_valid(const char *public_url, const char *target, const char *body, const char *signature)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(1024 * 1024);
    struct form form;
    struct err err = {0};

    cr_assert_eq(form_parse(body, strlen(body), arena, &form, &err), 0, "%s", err.text);
    return twilio_signature_valid("12345",
                                  &(struct twilio_request){.public_url = public_url, .target = target, .form = &form},
                                  signature, arena);
}

static bool raw_valid(const char *public_url, const char *target, const char *body, const char *signature)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(1024 * 1024);

    return twilio_signature_valid(
        "12345",
        &(struct twilio_request){.public_url = public_url, .target = target, .body = body, .body_len = strlen(body)},
        signature, arena);
}

Test(twilio_signature, the_form_vector_of_all_sdks_is_valid)
{
    cr_expect(form_valid("https://mycompany.com", "/myapp.php?foo=1&bar=2", CALL, CALL_SIGNATURE));
}

Test(twilio_signature, the_vector_of_the_documentation_is_valid)
{
    cr_expect(
        form_valid("https://example.com", "/myapp.php?foo=1&bar=2",
                   "CallSid=CA1234567890ABCDE&Caller=%2B14158675310&Digits=1234&From=%2B14158675310&To=%2B18005551212",
                   "L/OH5YylLD5NRKLltdqwSvS0BnU="));
}

Test(twilio_signature, a_json_body_is_vouched_for_by_its_hash_in_the_url)
{
    const char *signature = "a9nBmqA0ju/hNViExpshrM61xv4=";

    cr_expect(
        raw_valid("https://mycompany.com", JSON_TARGET, "{\"property\": \"value\", \"boolean\": true}", signature));
    cr_expect_not(
        raw_valid("https://mycompany.com", JSON_TARGET, "{\"property\": \"value\", \"boolean\": false}", signature));
    cr_expect_not(raw_valid("https://mycompany.com", JSON_TARGET, "", signature));
}

Test(twilio_signature, a_json_body_without_its_hash_is_refused_even_if_the_url_is_signed)
{
    char signature[29];

    hmac_sha1_base64("12345", "https://mycompany.com/hook", strlen("https://mycompany.com/hook"), signature);
    cr_expect_not(raw_valid("https://mycompany.com", "/hook", "{}", signature));
}

Test(twilio_signature, the_url_is_tried_with_and_without_its_port)
{
    /* The signature of the URL without a port is good where our public URL names one ... */
    cr_expect(form_valid("https://mycompany.com:1234", "/myapp.php?foo=1&bar=2", CALL, CALL_SIGNATURE));
    cr_expect(form_valid("https://mycompany.com:443", "/myapp.php?foo=1&bar=2", CALL, CALL_SIGNATURE));

    /* ... and that of the URL with the scheme's port where ours names none. */
    char signature[29];
    const char *ported = "https://mycompany.com:443/hook?a=1From+1";
    const char *plain = "http://mycompany.com:80/hook?a=1From+1";

    hmac_sha1_base64("12345", ported, strlen(ported), signature);
    cr_expect(form_valid("https://mycompany.com", "/hook?a=1", "From=%2B1", signature));
    cr_expect_not(form_valid("http://mycompany.com", "/hook?a=1", "From=%2B1", signature));
    hmac_sha1_base64("12345", plain, strlen(plain), signature);
    cr_expect(form_valid("http://mycompany.com", "/hook?a=1", "From=%2B1", signature));
}

Test(twilio_signature, the_colons_of_an_ipv6_host_and_of_a_password_are_no_port)
{
    char signature[29];
    const char *ipv6 = "https://[2001:db8::1]:443/hook";
    const char *user = "https://me:secret@mycompany.com:443/hook";

    hmac_sha1_base64("12345", ipv6, strlen(ipv6), signature);
    cr_expect(form_valid("https://[2001:db8::1]", "/hook", "", signature));
    hmac_sha1_base64("12345", user, strlen(user), signature);
    cr_expect(form_valid("https://me:secret@mycompany.com", "/hook", "", signature));
}

Test(twilio_signature, user_and_password_may_be_left_out)
{
    static const char *const signed_urls[] = {"https://mycompany.com/hook", "https://mycompany.com:8443/hook",
                                              "https://me:secret@mycompany.com/hook",
                                              "https://me:secret@mycompany.com:8443/hook"};
    char signature[29];

    for (size_t i = 0; i < COUNT_OF(signed_urls); i++) {
        hmac_sha1_base64("12345", signed_urls[i], strlen(signed_urls[i]), signature);
        cr_expect(form_valid("https://me:secret@mycompany.com:8443", "/hook", "", signature), "%s", signed_urls[i]);
    }
    hmac_sha1_base64("12345", "https://other@mycompany.com:8443/hook", strlen("https://other@mycompany.com:8443/hook"),
                     signature);
    cr_expect_not(form_valid("https://me:secret@mycompany.com:8443", "/hook", "", signature));
}

Test(twilio_signature, the_query_string_is_taken_as_it_came)
{
    static const char *const targets[] = {"/hook?b=%7e&a=+%20&&c", "/hook?", "/hook/?x=%C3%A4", "/hook?a=1?b=2"};
    char signature[29], url[128];

    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        snprintf(url, sizeof url, "https://mycompany.com%s", targets[i]);
        hmac_sha1_base64("12345", url, strlen(url), signature);
        cr_expect(form_valid("https://mycompany.com", targets[i], "", signature), "%s", targets[i]);
    }
    hmac_sha1_base64("12345", "https://mycompany.com/hook?b=~", strlen("https://mycompany.com/hook?b=~"), signature);
    cr_expect_not(form_valid("https://mycompany.com", "/hook?b=%7e", "", signature));
}

Test(twilio_signature, fields_are_sorted_by_name_in_bytes_and_equal_pairs_count_once)
{
    char signature[29];
    const char *text = "https://x.com/hook"
                       "Reasonz"
                       "ReasonConferenceEndeda"
                       "a1"
                       "a2"
                       "empty";

    hmac_sha1_base64("12345", text, strlen(text), signature);
    cr_expect(form_valid("https://x.com", "/hook", "a=2&a=1&a=2&empty=&ReasonConferenceEnded=a&Reason=z", signature));
}

Test(twilio_signature, whatever_is_changed_makes_it_wrong)
{
    static const char changed[] =
        "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1235&From=%2B14158675309&To=%2B18005551212";

    cr_expect_not(form_valid("https://mycompany.com", "/myapp.php?foo=1&bar=2", changed, CALL_SIGNATURE));
    cr_expect_not(form_valid("https://mycompany.com", "/myapp.php?foo=1&bar=2", CALL "&x=1", CALL_SIGNATURE));
    cr_expect_not(form_valid("https://mycompany.com", "/myapp.php?bar=2&foo=1", CALL, CALL_SIGNATURE));
    cr_expect_not(form_valid("http://mycompany.com", "/myapp.php?foo=1&bar=2", CALL, CALL_SIGNATURE));
    cr_expect_not(form_valid("https://MYCOMPANY.com", "/myapp.php?foo=1&bar=2", CALL, CALL_SIGNATURE));
}

Test(twilio_signature, a_missing_or_misshapen_signature_is_wrong)
{
    static const char *const wrong[] = {NULL,
                                        "",
                                        "=",
                                        "RSOYDt4T1cUTdK1PDd93/VVr8B8",
                                        "RSOYDt4T1cUTdK1PDd93/VVr8B8==",
                                        "NOTRSOYDt4T1cUTdK1PDd93/VVr8B8=",
                                        "rSOYDt4T1cUTdK1PDd93/VVr8B8="};

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        cr_expect_not(form_valid("https://mycompany.com", "/myapp.php?foo=1&bar=2", CALL, wrong[i]), "%zu", i);
}

Test(twilio_signature, the_explicit_port_of_the_sdks_vector_is_signed)
{
    cr_expect(form_valid("http://mycompany.com:1234", "/myapp.php?foo=1&bar=2", CALL, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="));
}

/* The whole collection, where it is at hand: LEADWIRE_TWILIO_VECTORS names its file. */
Test(twilio_signature, every_collected_vector_is_judged_as_it_says)
{
    const char *file = getenv("LEADWIRE_TWILIO_VECTORS");
    json_t *root, *vector;
    size_t i;

    if (!file)
        cr_skip_test("LEADWIRE_TWILIO_VECTORS is not set");
    root = json_load_file(file, 0, NULL);
    cr_assert_not_null(root);
    json_array_foreach (json_object_get(root, "vectors"), i, vector) {
        AUTO(arena_destroy) struct arena *arena = arena_new(1024 * 1024);
        const char *url = json_string_value(json_object_get(vector, "url"));
        const char *body = json_string_value(json_object_get(vector, "raw_body"));
        const char *target = strchr(strstr(url, "://") + 3, '/');
        bool is_form = strcasestr(json_string_value(json_object_get(vector, "content_type")), "form") != NULL;
        struct twilio_request request = {.public_url = arena_strndup(arena, url, (size_t)(target - url)),
                                         .target = target,
                                         .body = body,
                                         .body_len = strlen(body)};
        struct form form;

        if (is_form && form_parse(body, strlen(body), arena, &form, NULL) == 0)
            request.form = &form;
        cr_expect_eq(twilio_signature_valid(json_string_value(json_object_get(vector, "auth_token")), &request,
                                            json_string_value(json_object_get(vector, "signature")), arena),
                     json_is_true(json_object_get(vector, "valid")), "%s",
                     json_string_value(json_object_get(vector, "id")));
    }
    json_decref(root);
}
