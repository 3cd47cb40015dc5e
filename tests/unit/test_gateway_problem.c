/* test_gateway_problem.c - problem documents. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "services/gateway/problem.h"

Test(problem, the_document_has_what_rfc_9457_names_and_our_field_and_id)
{
    AUTO(buf_free) struct buf out = {0};
    json_t *document;

    problem_write(&(struct problem_info){.status = 400,
                                         .detail = "name: \"x\" is\ttoo long",
                                         .field = "name",
                                         .request_id = "r-1"},
                  &out);
    document = json_loadb(out.data, out.len, 0, NULL);
    cr_assert_not_null(document);
    cr_expect_str_eq(json_string_value(json_object_get(document, "type")), "about:blank");
    cr_expect_str_eq(json_string_value(json_object_get(document, "title")), "Bad Request");
    cr_expect_eq(json_integer_value(json_object_get(document, "status")), 400);
    cr_expect_str_eq(json_string_value(json_object_get(document, "detail")), "name: \"x\" is\ttoo long");
    cr_expect_str_eq(json_string_value(json_object_get(document, "field")), "name");
    cr_expect_str_eq(json_string_value(json_object_get(document, "request_id")), "r-1");
    json_decref(document);
}

Test(problem, what_there_is_not_is_left_out)
{
    AUTO(buf_free) struct buf out = {0};

    problem_write(&(struct problem_info){.status = 503, .detail = "away", .field = ""}, &out);
    cr_expect_null(strstr(out.data, "field"));
    cr_expect_null(strstr(out.data, "request_id"));
    cr_expect_null(strstr(out.data, "missing"));
}

Test(problem, each_kind_of_error_has_its_status)
{
    static const struct {
        enum err_kind kind;
        int status;
    } kinds[] = {
        {ERR_INVALID, 400},     {ERR_DENIED, 403},    {ERR_NOT_FOUND, 404}, {ERR_CONFLICT, 409},
        {ERR_UNAVAILABLE, 503}, {ERR_UNCERTAIN, 500}, {ERR_INTERNAL, 500},
    };

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        cr_expect_eq(problem_status(kinds[i].kind), kinds[i].status, "%s", err_kind_name(kinds[i].kind));
}

Test(problem, the_servers_own_errors_fit_or_are_left_empty)
{
    char out[256], small[16];

    cr_expect_str_eq(problem_of_server(413, "too large", "id-1", out, sizeof out), "application/problem+json");
    cr_expect_not_null(strstr(out, "\"status\":413"));
    problem_of_server(413, "too large", "id-1", small, sizeof small);
    cr_expect_str_eq(small, "");
}
