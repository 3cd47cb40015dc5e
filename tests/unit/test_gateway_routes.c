/* test_gateway_routes.c - which row answers a path, and how a request fills its message. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
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
    struct err err;
    int result;
};

static void built_free(struct built *self)
{
    arena_destroy(&self->arena);
}

static struct built build(const char *method, const char *path, const char *query, const char *body,
                          const struct caller *caller)
{
    struct built built = {.arena = arena_new(4 * 1024 * 1024)};
    struct route_match match;

    cr_assert(route_find(method, path, &match), "%s %s", method, path);
    built.result = request_build(&(struct request_input){.match = &match,
                                                         .caller = caller,
                                                         .query = query,
                                                         .body = body,
                                                         .body_len = strlen(body)},
                                 built.arena, &built.msg, &built.client_id, &built.err);
    return built;
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
        {"{\"name\":\"a\\u0000b\"}", ""},
    };

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        expect_refused(build("POST", "/api/v1/clients", "", wrong[i].body, &admin), ERR_INVALID, wrong[i].field);
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

    cr_expect(request_is_json("application/json"));
    cr_expect(request_is_json("Application/JSON; charset=utf-8"));
    cr_expect_not(request_is_json("application/jsonp"));
    cr_expect_not(request_is_json("text/plain"));
    cr_expect_not(request_is_json(NULL));
}

/* ---- the description ---- */

Test(openapi, the_document_names_every_route_and_refers_to_nothing_that_is_not_there)
{
    struct err err = {0};
    char *text = openapi_document("https://leads.example.com", &err);
    json_t *document = text ? json_loads(text, 0, NULL) : NULL;
    json_t *schemas = json_object_get(json_object_get(document, "components"), "schemas");

    cr_assert_not_null(document, "%s", err.text);
    for (size_t i = 0; i < n_routes; i++)
        cr_expect_not_null(json_object_get(json_object_get(document, "paths"), routes[i].path), "%s", routes[i].path);
    for (const char *at = text; (at = strstr(at, "#/components/schemas/")); at++) {
        char name[64];

        cr_assert_eq(sscanf(at, "#/components/schemas/%63[A-Za-z_]", name), 1);
        cr_expect_not_null(json_object_get(schemas, name), "%s", name);
    }
    json_decref(document);
    free(text);
}
