/* test_gateway_routes.c - which row answers a path, and how a request fills its message. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/uuid.h"
#include "proto/client_keys.h"
#include "proto/messages.h"
#include "services/gateway/gateway.h"
#include "services/gateway/request.h"
#include "services/gateway/routes.h"

#define OUR_CLIENT   "0197b1c2-0000-7000-8000-00000000000a"
#define OTHER_CLIENT "0197b1c2-0000-7000-8000-00000000000b"
#define A_KB         "0197b1c2-0000-7000-8000-0000000000cc"

static const struct caller admin = {.admin = true};
static const struct caller client = {.client_id = OUR_CLIENT};

/* ---- finding the row ---- */

Test(routes, a_path_finds_its_row_and_the_values_in_it)
{
    struct route_match match;

    cr_assert(route_find("POST", "/api/v1/knowledge/bases/" A_KB "/faqs/bulk", &match));
    cr_expect_str_eq(match.route->request->name, "add_faqs");
    cr_assert_eq(match.n_params, 1);
    cr_expect_str_eq(match.params[0].name, "kb_id");
    cr_expect_str_eq(match.params[0].value, A_KB);
}

Test(routes, a_wrong_method_names_those_that_there_are)
{
    struct route_match match;

    cr_expect_not(route_find("DELETE", "/api/v1/clients", &match));
    cr_expect_str_eq(match.allow, "POST, GET");
    cr_expect_not(route_find("get", "/api/v1/clients", &match));
    cr_expect_str_eq(match.allow, "POST, GET");
}

Test(routes, a_path_that_is_not_exactly_a_rows_is_no_path)
{
    static const char *const wrong[] = {"",
                                        "/",
                                        "/api/v1",
                                        "/api/v1/client",
                                        "/api/v1/clientsx",
                                        "/api/v1/clients/",
                                        "//api/v1/clients",
                                        "/api/v1//clients",
                                        "/api/v1/clients/" OUR_CLIENT "/",
                                        "/api/v1/clients/" OUR_CLIENT "/config/x",
                                        "/api/v1/clients//config",
                                        "/API/v1/clients",
                                        "api/v1/clients"};
    struct route_match match;

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        cr_expect_not(route_find("GET", wrong[i], &match), "%s", wrong[i]);
        cr_expect_str_eq(match.allow, "", "%s", wrong[i]);
    }
}

Test(routes, a_value_that_is_too_long_for_any_id_is_no_path)
{
    char path[200] = "/api/v1/clients/";
    struct route_match match;

    memset(path + strlen(path), 'a', 100);
    cr_expect_not(route_find("GET", path, &match));
}

Test(routes, every_name_in_a_path_is_a_field_of_the_message)
{
    for (size_t i = 0; i < n_routes; i++) {
        struct route_param params[ROUTE_PARAMS_MAX];
        size_t n;

        cr_assert(route_path_matches(routes[i].path, routes[i].path, params, &n));
        for (size_t k = 0; k < n; k++) {
            bool found = false;

            for (size_t f = 0; f < routes[i].request->n_fields; f++)
                found |= strcmp(routes[i].request->fields[f].name, params[k].name) == 0;
            cr_expect(found, "%s: %s", routes[i].path, params[k].name);
        }
    }
}

/* ---- filling the message ---- */

struct built {
    struct arena *arena;
    void *msg;
    const char *client_id;
    struct request_upload upload;
    struct err err;
    int result;
};

static void built_free(struct built *self)
{
    request_upload_free(&self->upload);
    arena_destroy(&self->arena);
}

static struct built build_as(const char *content_type, const char *method, const char *path, const char *query,
                             const char *body, size_t body_len, const struct caller *caller)
{
    struct built built = {.arena = arena_new(4 * 1024 * 1024)};
    struct route_match match;

    cr_assert(route_find(method, path, &match), "%s %s", method, path);
    built.result = request_build(&(struct request_input){.match = &match,
                                                         .caller = caller,
                                                         .query = query,
                                                         .content_type = content_type,
                                                         .body = body,
                                                         .body_len = body_len},
                                 built.arena, &built.msg, &built.client_id, &built.upload, &built.err);
    return built;
}

static struct built build(const char *method, const char *path, const char *query, const char *body,
                          const struct caller *caller)
{
    return build_as("application/json", method, path, query, body, strlen(body), caller);
}

static void expect_refused(struct built built, enum err_kind kind, const char *field)
{
    cr_expect_eq(built.result, -1);
    cr_expect_eq(built.err.kind, kind, "%s", built.err.text);
    cr_expect_str_eq(built.err.field, field, "%s", built.err.text);
    built_free(&built);
}

Test(request, path_query_and_body_fill_one_message)
{
    AUTO(built_free)
    struct built built = build("POST", "/api/v1/knowledge/bases", "client_id=" OUR_CLIENT,
                               "{\"name\":\"FAQ\",\"similarity_threshold\":0.5}", &admin);
    const struct create_knowledge_base *msg = built.msg;

    cr_assert_eq(built.result, 0, "%s", built.err.text);
    cr_expect_str_eq(msg->client_id, OUR_CLIENT);
    cr_expect_str_eq(msg->name, "FAQ");
    cr_expect_float_eq(msg->similarity_threshold, 0.5, 0);
    cr_expect_str_eq(built.client_id, OUR_CLIENT);
}

Test(request, the_query_is_converted_to_the_fields_type)
{
    AUTO(built_free)
    struct built built =
        build("GET", "/api/v1/conversations", "limit=7&state=open&lead_address=%2B15551234567", "", &admin);
    const struct list_conversations *msg = built.msg;

    cr_assert_eq(built.result, 0, "%s", built.err.text);
    cr_expect_eq(msg->limit, 7);
    cr_expect_str_eq(msg->state, "open");
    cr_expect_str_eq(msg->lead_address, "+15551234567");
    cr_expect_null(built.client_id);
}

Test(request, what_is_absent_takes_its_default)
{
    AUTO(built_free) struct built built = build("GET", "/api/v1/conversations", "", "", &admin);
    const struct list_conversations *msg = built.msg;

    cr_assert_eq(built.result, 0, "%s", built.err.text);
    cr_expect_eq(msg->limit, 50);
    cr_expect_null(msg->state);
}

Test(request, a_query_that_is_wrong_names_the_parameter)
{
    static const struct {
        const char *query, *field;
    } wrong[] = {
        {"limit=x", "limit"},      {"limit=", "limit"},      {"limit=7.5", "limit"},
        {"limit=0", "limit"},      {"limit=201", "limit"},   {"limit=1&limit=2", "limit"},
        {"state=asleep", "state"}, {"colour=red", "colour"}, {"client_id=abc", "client_id"},
    };

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        expect_refused(build("GET", "/api/v1/conversations", wrong[i].query, "", &admin), ERR_INVALID, wrong[i].field);
    expect_refused(build("GET", "/api/v1/conversations", "limit=%zz", "", &admin), ERR_INVALID, "");
}

Test(request, a_body_that_is_wrong_names_the_field)
{
    static const struct {
        const char *body, *field;
    } wrong[] = {
        {"", "name"},
        {"{}", "name"},
        {"{\"name\":5}", "name"},
        {"{\"name\":\"\"}", "name"},
        {"{\"name\":\"a\",\"nick\":\"b\"}", "nick"},
        {"[]", ""},
        {"null", ""},
        {"{\"name\":\"a\"}x", ""},
        {"{\"name\":\"a\",\"name\":\"b\"}", ""},
        {"{\"name\":\"\xff\"}", ""},
        {"{\"name\":\"a\\u0000b\"}", "name"},
        {"{\"name\":\"a\\ud800b\"}", "name"},
        {"{\"name\":\"a\\ud800\\ud800\\udc00b\"}", "name"},
        {"{\"name\":\"\\uDFFF\"}", "name"},
        {"{\"name\":\"a\\ud8\"}", ""},
    };

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        expect_refused(build("POST", "/api/v1/clients", "", wrong[i].body, &admin), ERR_INVALID, wrong[i].field);
}

Test(request, an_escaped_backslash_and_a_pair_are_no_half_of_a_pair)
{
    AUTO(built_free)
    struct built built = build("POST", "/api/v1/knowledge/bases/" A_KB "/faqs", "",
                               "{\"question\":\"\\\\ud800 \\ud83d\\ude00\",\"answer\":\"\\ud800\"}", &admin);
    AUTO(built_free)
    struct built good = build("POST", "/api/v1/knowledge/bases/" A_KB "/faqs", "",
                              "{\"question\":\"\\\\ud800 \\ud83d\\ude00\",\"answer\":\"a\"}", &admin);

    cr_expect_eq(built.result, -1);
    cr_expect_str_eq(built.err.field, "answer");
    cr_assert_eq(good.result, 0, "%s", good.err.text);
    cr_expect_str_eq(((struct add_faq *)good.msg)->question, "\\ud800 \xf0\x9f\x98\x80");
}

Test(request, a_bulk_with_half_of_a_pair_is_put_down_whole)
{
    AUTO(built_free)
    struct built built = build("POST", "/api/v1/knowledge/bases/" A_KB "/faqs/bulk", "",
                               "{\"faqs\":[{\"question\":\"a\\udc00\",\"answer\":\"b\"}]}", &admin);
    const struct add_faqs *msg = built.msg;

    cr_assert_eq(built.result, 0, "%s", built.err.text);
    cr_expect_null(msg->faqs);
    cr_expect_str_eq(msg->upload_id, built.upload.id);
    cr_expect_str_eq(built.upload.data, "[{\"question\":\"a\\u0000\",\"answer\":\"b\"}]");
}

Test(request, a_long_unknown_name_is_cut_between_its_characters)
{
    AUTO(built_free) struct built built = {0};
    char body[400] = "{\"a";

    for (int i = 0; i < 100; i++)
        snprintf(body + strlen(body), sizeof body - strlen(body), "ü");
    snprintf(body + strlen(body), sizeof body - strlen(body), "\":1}");
    built = build("POST", "/api/v1/clients", "", body, &admin);
    cr_expect_eq(built.result, -1);
    cr_expect_eq(strlen(built.err.field), 63);
    cr_expect_eq(built.err.field[62] & 0xc0, 0x80);
}

Test(request, a_body_may_repeat_the_path_but_not_contradict_it)
{
    AUTO(built_free)
    struct built same =
        build("POST", "/api/v1/knowledge/bases/" A_KB "/faqs", "",
              "{\"kb_id\":\"0197B1C2-0000-7000-8000-0000000000CC\",\"question\":\"q\",\"answer\":\"a\"}", &admin);

    cr_expect_eq(same.result, 0, "%s", same.err.text);
    expect_refused(build("POST", "/api/v1/knowledge/bases/" A_KB "/faqs", "",
                         "{\"kb_id\":\"" OTHER_CLIENT "\",\"question\":\"q\",\"answer\":\"a\"}", &admin),
                   ERR_INVALID, "kb_id");
    expect_refused(build("POST", "/api/v1/knowledge/bases/" A_KB "/faqs", "kb_id=" OTHER_CLIENT,
                         "{\"question\":\"q\",\"answer\":\"a\"}", &admin),
                   ERR_INVALID, "kb_id");
}

Test(request, a_get_request_takes_no_body)
{
    expect_refused(build("GET", "/api/v1/clients", "", "{}", &admin), ERR_INVALID, "");
}

Test(request, the_body_of_a_config_patch_is_the_patch)
{
    AUTO(built_free)
    struct built built = build("PATCH", "/api/v1/clients/" OUR_CLIENT "/config", "",
                               "{\"persona\":null,\"config\":{\"x\":[1,2]}}", &admin);
    const struct update_client_config *msg = built.msg;

    cr_assert_eq(built.result, 0, "%s", built.err.text);
    cr_expect_str_eq(msg->client_id, OUR_CLIENT);
    cr_expect_str_eq(msg->config, "{\"persona\":null,\"config\":{\"x\":[1,2]}}");
    expect_refused(build("PATCH", "/api/v1/clients/" OUR_CLIENT "/config", "", "[1]", &admin), ERR_INVALID, "");
}

Test(request, a_clients_key_reaches_its_own_client_alone)
{
    static const char *const config = "{\"persona\":\"x\"}";

    expect_refused(build("GET", "/api/v1/clients/" OTHER_CLIENT, "", "", &client), ERR_NOT_FOUND, "client_id");
    expect_refused(build("PATCH", "/api/v1/clients/" OTHER_CLIENT "/config", "", config, &client), ERR_NOT_FOUND,
                   "client_id");
    expect_refused(build("GET", "/api/v1/knowledge/client/" OTHER_CLIENT "/bases", "", "", &client), ERR_NOT_FOUND,
                   "client_id");
    expect_refused(build("GET", "/api/v1/conversations", "client_id=" OTHER_CLIENT, "", &client), ERR_NOT_FOUND,
                   "client_id");
    expect_refused(build("POST", "/api/v1/knowledge/search", "", "{\"client_id\":\"" OTHER_CLIENT "\",\"query\":\"x\"}",
                         &client),
                   ERR_NOT_FOUND, "client_id");
    expect_refused(build("POST", "/api/v1/knowledge/search", "", "{\"client_id\":5,\"query\":\"x\"}", &client),
                   ERR_INVALID, "client_id");
}

Test(request, a_clients_key_fills_in_its_client)
{
    AUTO(built_free) struct built search = build("POST", "/api/v1/knowledge/search", "", "{\"query\":\"x\"}", &client);
    AUTO(built_free) struct built message = build("GET", "/api/v1/messages/" A_KB, "", "", &client);

    cr_assert_eq(search.result, 0, "%s", search.err.text);
    cr_expect_str_eq(((struct search_knowledge *)search.msg)->client_id, OUR_CLIENT);
    cr_expect_str_eq(search.client_id, OUR_CLIENT);
    cr_assert_eq(message.result, 0, "%s", message.err.text);
    cr_expect_str_eq(message.client_id, OUR_CLIENT);
}

Test(request, an_administrator_concerns_the_client_that_is_named_or_every_client)
{
    AUTO(built_free) struct built named = build("GET", "/api/v1/clients/" OTHER_CLIENT, "", "", &admin);
    AUTO(built_free) struct built every = build("GET", "/api/v1/messages/" A_KB, "", "", &admin);

    cr_expect_str_eq(named.client_id, OTHER_CLIENT);
    cr_expect_eq(every.result, 0);
    cr_expect_null(every.client_id);
}

Test(request, keys_and_types_are_taken_only_in_their_form)
{
    char long_key[258];

    memset(long_key, 'k', sizeof long_key);
    long_key[256] = '\0';
    cr_expect_not(idempotency_key_valid(long_key));
    long_key[255] = '\0';
    cr_expect(idempotency_key_valid(long_key));
    cr_expect_not(idempotency_key_valid(""));
    cr_expect_not(idempotency_key_valid("two words"));
    cr_expect_not(idempotency_key_valid("ü"));

    cr_expect(request_is_type("application/json", "application/json"));
    cr_expect(request_is_type("Application/JSON; charset=utf-8", "application/json"));
    cr_expect_not(request_is_type("application/jsonp", "application/json"));
    cr_expect_not(request_is_type("text/plain", "application/json"));
    cr_expect_not(request_is_type(NULL, "application/json"));
}

/* ---- what is larger than a message ---- */

#define DOCUMENTS "/api/v1/knowledge/bases/" A_KB "/documents"
#define BULK      "/api/v1/knowledge/bases/" A_KB "/faqs/bulk"

/* before, n times "ü", after. */
static char *long_body(const char *before, size_t n, const char *after)
{
    AUTO(buf_free) struct buf body = {0};

    buf_puts(&body, before);
    for (size_t i = 0; i < n; i++)
        buf_puts(&body, "ü");
    buf_puts(&body, after);
    cr_assert_not(body.failed);
    return TAKE(body.data);
}

Test(upload, a_text_that_a_message_can_hold_stays_in_it)
{
    char *body = long_body("{\"content\":\"", 250000, "\"}");
    AUTO(built_free) struct built built = build("POST", DOCUMENTS, "", body, &client);
    const struct ingest_document *msg = built.msg;

    cr_assert_eq(built.result, 0, "%s", built.err.text);
    cr_expect_eq(strlen(msg->content), 500000);
    cr_expect_null(msg->upload_id);
    cr_expect_null(built.upload.data);
    free(body);
}

Test(upload, a_longer_text_is_taken_out_and_named_by_its_content_and_its_client)
{
    char *body = long_body("{\"title\":\"T\",\"content\":\"", 250001, "\"}");
    AUTO(built_free) struct built one = build("POST", DOCUMENTS, "", body, &client);
    AUTO(built_free) struct built again = build("POST", DOCUMENTS, "", body, &client);
    AUTO(built_free) struct built another = build("POST", DOCUMENTS, "", body, &admin);
    const struct ingest_document *msg = one.msg;

    cr_assert_eq(one.result, 0, "%s", one.err.text);
    cr_expect_str_eq(msg->title, "T");
    cr_expect_null(msg->content);
    cr_expect_str_eq(msg->upload_id, one.upload.id);
    cr_expect(uuid_is_valid(one.upload.id), "%s", one.upload.id);
    cr_expect_eq(one.upload.len, 500002);
    cr_expect_eq(memcmp(one.upload.data, body + strlen("{\"title\":\"T\",\"content\":\""), 500002), 0);
    cr_expect_str_eq(again.upload.id, one.upload.id);
    cr_expect_str_neq(another.upload.id, one.upload.id);
    free(body);
}

Test(upload, a_long_bulk_goes_as_json)
{
    char *body = long_body("{\"faqs\": [ {\"question\":\"", 300000, "\", \"answer\":\"a\"} ]}");
    AUTO(built_free) struct built built = build("POST", BULK, "", body, &client);
    const struct add_faqs *msg = built.msg;

    cr_assert_eq(built.result, 0, "%s", built.err.text);
    cr_expect_null(msg->faqs);
    cr_expect_str_eq(msg->upload_id, built.upload.id);
    cr_expect_eq(strncmp(built.upload.data, "[{\"question\":\"ü", 16), 0, "%.20s", built.upload.data);
    cr_expect_eq(built.upload.len, strlen("[{\"question\":\"\",\"answer\":\"a\"}]") + 600000);
    free(body);
}

Test(upload, the_other_fields_are_checked_as_ever)
{
    char *body = long_body("{\"titel\":\"T\",\"content\":\"", 300000, "\"}");
    char *twice = long_body("{\"title\":7,\"content\":\"", 300000, "\"}");

    expect_refused(build("POST", DOCUMENTS, "", body, &client), ERR_INVALID, "titel");
    expect_refused(build("POST", DOCUMENTS, "", twice, &client), ERR_INVALID, "title");
    expect_refused(build("POST", DOCUMENTS, "", "{\"title\":\"T\"}", &client), ERR_INVALID, "content");
    expect_refused(build("POST", DOCUMENTS, "", "{\"content\":[1]}", &client), ERR_INVALID, "content");
    expect_refused(build("POST", DOCUMENTS, "", "{\"content\":null}", &client), ERR_INVALID, "content");
    expect_refused(build("POST", BULK, "", "{}", &client), ERR_INVALID, "faqs");
    free(body);
    free(twice);
}

Test(upload, an_upload_id_is_not_taken_from_outside)
{
    expect_refused(build("POST", DOCUMENTS, "", "{\"upload_id\":\"" A_KB "\"}", &client), ERR_INVALID, "upload_id");
    expect_refused(build("POST", DOCUMENTS, "upload_id=" A_KB, "{\"content\":\"x\"}", &client), ERR_INVALID,
                   "upload_id");
    expect_refused(build("POST", BULK, "", "{\"faqs\":[],\"upload_id\":\"" A_KB "\"}", &client), ERR_INVALID,
                   "upload_id");
}

/* ---- forms with a file ---- */

#define PART(disposition, more, data) \
    "--b\r\nContent-Disposition: form-data; " disposition "\r\n" more "\r\n" data "\r\n"
#define END "--b--\r\n"

static struct built build_form(const char *body)
{
    return build_as("multipart/form-data; boundary=b", "POST", DOCUMENTS, "", body, strlen(body), &client);
}

Test(form, a_file_and_fields_fill_the_message)
{
    AUTO(built_free)
    struct built built = build_form(
        PART("name=\"title\"", "", "Prices ü")
            PART("name=\"file\"; filename=\"C:\\dir\\prices.md\"", "Content-Type: text/markdown\r\n", "# Prices\r\n--")
                PART("name=metadata", "", "{\"year\": 2026}") END);
    const struct ingest_document *msg = built.msg;

    cr_assert_eq(built.result, 0, "%s", built.err.text);
    cr_expect_str_eq(msg->kb_id, A_KB);
    cr_expect_str_eq(msg->title, "Prices ü");
    cr_expect_str_eq(msg->content_type, "text/markdown");
    cr_expect_str_eq(msg->filename, "prices.md");
    cr_expect_str_eq(msg->metadata, "{\"year\":2026}");
    cr_expect_null(msg->content);
    cr_expect_str_eq(msg->upload_id, built.upload.id);
    cr_expect_eq(built.upload.len, 12);
    cr_expect_eq(memcmp(built.upload.data, "# Prices\r\n--", 12), 0);
}

Test(form, what_a_file_says_about_itself_yields_to_the_fields)
{
    AUTO(built_free)
    struct built unknown =
        build_form(PART("name=content; filename=x.bin", "Content-Type: application/octet-stream\r\n", "x") END);
    AUTO(built_free)
    struct built told = build_form(PART("name=file; filename=\"a/\"", "Content-Type: text/plain\r\n", "x")
                                       PART("name=content_type", "", "text/html") END);

    cr_assert_eq(unknown.result, 0, "%s", unknown.err.text);
    cr_expect_null(((struct ingest_document *)unknown.msg)->content_type);
    cr_expect_str_eq(((struct ingest_document *)unknown.msg)->filename, "x.bin");
    cr_assert_eq(told.result, 0, "%s", told.err.text);
    cr_expect_str_eq(((struct ingest_document *)told.msg)->content_type, "text/html");
    cr_expect_null(((struct ingest_document *)told.msg)->filename);
}

Test(form, each_mistake_names_its_field)
{
    static const struct {
        const char *body, *field;
    } wrong[] = {
        {PART("name=title", "", "T") END, "file"},
        {PART("name=file", "", "x") PART("name=file", "", "x") END, "file"},
        {PART("name=file", "", "x") PART("name=content", "", "x") END, "content"},
        {PART("name=file; filename=a.txt", "", "") END, "file"},
        {PART("name=file", "", "x") PART("name=colour", "", "red") END, "colour"},
        {PART("name=file", "", "x") PART("name=upload_id", "", A_KB) END, "upload_id"},
        {PART("name=file", "", "x") PART("name=title", "", "a") PART("name=title", "", "a") END, "title"},
        {PART("name=file", "", "x") PART("name=title; filename=a", "", "a") END, "title"},
        {PART("name=file", "", "x") PART("name=title", "", "\xff") END, "title"},
        {PART("name=file", "", "x") PART("name=title", "", "") END, "title"},
        {PART("name=file", "", "x") PART("name=metadata", "", "{") END, "metadata"},
        {PART("name=file", "", "x") PART("name=kb_id", "", OTHER_CLIENT) END, "kb_id"},
        {PART("name=file", "", "x"), ""},
        {"{}", ""},
    };

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        expect_refused(build_form(wrong[i].body), ERR_INVALID, wrong[i].field);
}

Test(form, a_value_longer_than_any_field_is_refused_before_it_is_copied)
{
    char *body = long_body(PART("name=file", "", "x") "--b\r\nContent-Disposition: form-data; name=title\r\n\r\n",
                           40000, "\r\n" END);

    expect_refused(build_form(body), ERR_INVALID, "title");
    free(body);
}

Test(form, only_where_a_file_is_taken_a_form_is)
{
    struct route_match match;

    cr_assert(route_find("POST", DOCUMENTS, &match));
    cr_expect(request_type_accepted(match.route, "multipart/form-data; boundary=x"));
    cr_expect(request_type_accepted(match.route, "application/json"));
    cr_expect_not(request_type_accepted(match.route, "text/plain"));
    cr_expect_not(request_type_accepted(match.route, NULL));
    cr_expect_str_eq(request_types(match.route), "application/json, multipart/form-data");
    cr_assert(route_find("POST", BULK, &match));
    cr_expect_not(request_type_accepted(match.route, "multipart/form-data; boundary=x"));
    cr_expect_str_eq(request_types(match.route), "application/json");
}

/* ---- the description ---- */

Test(openapi, the_document_names_every_route_and_refers_to_nothing_that_is_not_there)
{
    struct err err = {0};
    char *text = openapi_document("https://leads.example.com", &err);
    json_t *document = text ? json_loads(text, 0, NULL) : NULL;
    json_t *schemas = json_object_get(json_object_get(document, "components"), "schemas");

    cr_assert_not_null(document, "%s", err.text);
    for (size_t i = 0; i < n_routes; i++) {
        const char *id = routes[i].id ? routes[i].id : routes[i].request->name;

        cr_expect_not_null(json_object_get(json_object_get(document, "paths"), routes[i].path), "%s", routes[i].path);
        for (size_t k = 0; k < i; k++)
            cr_expect_str_neq(routes[k].id ? routes[k].id : routes[k].request->name, id);
    }
    for (const char *at = text; (at = strstr(at, "#/components/schemas/")); at++) {
        char name[64];

        cr_assert_eq(sscanf(at, "#/components/schemas/%63[A-Za-z_]", name), 1);
        cr_expect_not_null(json_object_get(schemas, name), "%s", name);
    }
    json_decref(document);
    free(text);
}

static json_t *at(json_t *value, const char *const *path)
{
    for (; *path; path++)
        value = json_object_get(value, *path);
    return value;
}

Test(openapi, a_document_may_be_sent_as_json_or_as_a_form_with_a_file)
{
    struct err err = {0};
    char *text = openapi_document("https://leads.example.com", &err);
    json_t *document = text ? json_loads(text, 0, NULL) : NULL;
    json_t *post = at(document, (const char *[]){"paths", "/api/v1/knowledge/bases/{kb_id}/documents", "post", NULL});
    json_t *content = at(post, (const char *[]){"requestBody", "content", NULL});
    json_t *json = at(content, (const char *[]){"application/json", "schema", "properties", NULL});
    json_t *form = at(content, (const char *[]){"multipart/form-data", "schema", "properties", NULL});

    cr_assert_not_null(document, "%s", err.text);
    cr_expect_not_null(json_object_get(json, "content"));
    cr_expect_null(json_object_get(json, "upload_id"), "it is the gateway's own");
    cr_expect_null(json_object_get(json, "kb_id"), "it stands in the path");
    cr_expect_str_eq(json_string_value(at(form, (const char *[]){"file", "format", NULL})), "binary");
    cr_expect_not_null(json_object_get(form, "title"));
    cr_expect_null(json_object_get(form, "content"));
    for (size_t i = 0; i < 3; i++)
        cr_expect_not_null(at(post, (const char *[]){"responses", (const char *[]){"202", "413", "415"}[i], NULL}));
    json_decref(document);
    free(text);
}

Test(openapi, the_keys_of_a_configuration_are_told)
{
    struct err err = {0};
    char *text = openapi_document("https://leads.example.com", &err);
    json_t *document = text ? json_loads(text, 0, NULL) : NULL;
    json_t *patch = at(document, (const char *[]){"paths", "/api/v1/clients/{client_id}/config", "patch", "requestBody",
                                                  "content", "application/json", "schema", "$ref", NULL});
    json_t *keys = at(document, (const char *[]){"components", "schemas", "client_config", "properties", NULL});

    cr_assert_not_null(document, "%s", err.text);
    cr_expect_str_eq(json_string_value(patch), "#/components/schemas/client_config");
    cr_expect_eq(json_object_size(keys), n_client_keys);
    for (size_t i = 0; i < n_client_keys; i++) {
        json_t *key = json_object_get(keys, client_keys[i].name);

        cr_expect(json_string_value(json_object_get(key, "type")) &&
                      json_string_value(json_object_get(key, "description")),
                  "%s", client_keys[i].name);
    }
    json_decref(document);
    free(text);
}
