/* twilio_content.c - Twilio's Content API: templates and what WhatsApp thinks of them. */
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/form.h"
#include "libshared/httpd.h"
#include "libshared/text.h"
#include "tools/sandbox/templates.h"
#include "tools/sandbox/twilio.h"

#define QUERY_ARENA_SIZE ((size_t)64 * 1024)
#define PAGE_DEFAULT     50
#define PAGE_MAX         1000
#define BASE_SIZE        160

static json_t *page_url(const char *base, const char *resource, int64_t size, int64_t page)
{
    char url[BASE_SIZE + 128];

    snprintf(url, sizeof url, "%s/v1/%s?PageSize=%lld&Page=%lld", base, resource, (long long)size, (long long)page);
    return json_string(url);
}

/* Page is counted from 0; the token that the real API gives with it is not needed here. */
static void list(struct sandbox *self, const struct form *query, const char *base, bool with_approvals,
                 const struct account *account, struct answer *answer)
{
    const char *size_text = form_get(query, "PageSize"), *page_text = form_get(query, "Page"),
               *resource = with_approvals ? "ContentAndApprovals" : "Content";
    json_auto_t *all = templates_list(self->templates, account->sid, base);
    int64_t size = PAGE_DEFAULT, page = 0;
    json_t *shown = json_array();
    size_t first, i;

    if ((size_text && !text_to_int(size_text, 1, PAGE_MAX, &size)) ||
        (page_text && !text_to_int(page_text, 0, INT32_MAX, &page))) {
        json_decref(shown);
        answer_twilio_error(answer, 400, 20001, "Invalid parameter");
        return;
    }
    first = (size_t)(page * size);
    for (i = first; i < json_array_size(all) && i < first + (size_t)size; i++) {
        json_t *one = json_array_get(all, i);

        if (with_approvals) {
            json_auto_t *approval =
                templates_approval(self->templates, account->sid, json_string_value(json_object_get(one, "sid")), base);

            json_object_set(one, "approval_requests", json_object_get(approval, "whatsapp"));
        }
        json_array_append(shown, one);
    }
    answer_json(answer, 200,
                json_pack("{so s{si si so so so so ss}}", "contents", shown, "meta", "page", (int)page, "page_size",
                          (int)size, "first_page_url", page_url(base, resource, size, 0), "previous_page_url",
                          page ? page_url(base, resource, size, page - 1) : json_null(), "url",
                          page_url(base, resource, size, page), "next_page_url",
                          i < json_array_size(all) ? page_url(base, resource, size, page + 1) : json_null(), "key",
                          "contents"));
}

/* rest: "HX...", "HX.../ApprovalRequests". */
static json_t *one(struct sandbox *self, const char *rest, const char *base, const struct account *account)
{
    size_t len = strcspn(rest, "/");
    char sid[64];

    snprintf(sid, sizeof sid, "%.*s", (int)len, rest);
    if (!rest[len])
        return templates_get(self->templates, account->sid, sid, base);
    if (strcmp(rest + len, "/ApprovalRequests") == 0)
        return templates_approval(self->templates, account->sid, sid, base);
    return NULL;
}

void box_content(struct sandbox *self, struct exchange *x, const struct account *account, struct answer *answer)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(QUERY_ARENA_SIZE);
    const char *rest = exchange_path(x) + sizeof "/v1/Content" - 1, *host = exchange_header(x, "Host");
    char base[BASE_SIZE];
    struct form query;
    json_t *json;

    snprintf(base, sizeof base, "http://%.120s", host ? host : "127.0.0.1");
    if (!arena || form_parse(exchange_query(x), strlen(exchange_query(x)), arena, &query, NULL) < 0)
        answer_twilio_error(answer, 400, 20001, "Invalid parameter");
    else if (!*rest || strcmp(rest, "AndApprovals") == 0)
        list(self, &query, base, *rest != '\0', account, answer);
    else if (*rest == '/' && (json = one(self, rest + 1, base, account)))
        answer_json(answer, 200, json);
    else
        answer_twilio_error(answer, 404, 20404, "The requested resource was not found");
}
