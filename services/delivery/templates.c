/* templates.c - see templates.h. What Twilio takes as ContentVariables: its pages about the errors 21656 and 63028. */
#include "services/delivery/templates.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/delivery/twilio.h"

#define KEPT_MAX         256
#define KEPT_BYTES_MAX   ((size_t)32 * 1024) /* of one; a larger one is asked for each time */
#define KEPT_KEY_SIZE    160
#define GOOD_FOR_MS      300000
#define REFUSED_FOR_MS   30000 /* a person may be about to mend it */
#define VALUE_CHARS_MAX  1600
#define SPACES_IN_A_ROW  4
#define NAME_SHOWN_BYTES 80
#define NAME_SIZE        65 /* of a placeholder, as twilio_ask.c reads them */

static void json_free(json_t **json)
{
    json_decref(*json);
}

static int refuse(struct err *err, int code, const char *what, const char *name)
{
    int shown = (int)utf8_cut(name, strlen(name), NAME_SHOWN_BYTES);

    err_set(err, ERR_INVALID, "not sent to Twilio, which would answer code %d: %s%.*s", code, what, shown, name);
    if (err)
        err->provider_code = code;
    return -1;
}

/* ---- what is kept ---- */

/* An answer of Twilio's: a template, or that there is none. */
static struct kept {
    char key[KEPT_KEY_SIZE]; /* account and template; "": the place is free */
    struct arena *arena;
    struct twilio_template template;
    struct err refusal; /* kind ERR_NONE: it is there */
    int64_t until_ms;   /* clock_mono_ms */
} kept[KEPT_MAX];
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;

static void drop(struct kept *item)
{
    arena_destroy(&item->arena);
    *item = (struct kept){0};
}

static int copy_template(const struct twilio_template *from, struct arena *arena, struct twilio_template *to)
{
    to->body = arena_strdup(arena, from->body);
    to->placeholders = arena_strdup(arena, from->placeholders);
    to->variables = arena_strdup(arena, from->variables);
    to->approval = arena_strdup(arena, from->approval);
    to->rejection = arena_strdup(arena, from->rejection);
    return to->body && to->placeholders && to->variables && to->approval && to->rejection ? 0 : -1;
}

/* Whether the answer is at hand; then it is in *ret_template or *ret_refusal. */
static bool recall(const char *key, struct arena *arena, struct twilio_template *ret_template, struct err *ret_refusal)
{
    bool found = false;

    pthread_mutex_lock(&kept_lock);
    for (int i = 0; i < KEPT_MAX && !found; i++) {
        if (strcmp(kept[i].key, key) != 0 || kept[i].until_ms <= clock_mono_ms())
            continue;
        *ret_refusal = kept[i].refusal;
        found = kept[i].refusal.kind != ERR_NONE || copy_template(&kept[i].template, arena, ret_template) == 0;
    }
    pthread_mutex_unlock(&kept_lock);
    return found;
}

static bool is_stopped(const struct twilio_template *template)
{
    return strcmp(template->approval, "rejected") == 0 || strcmp(template->approval, "paused") == 0 ||
           strcmp(template->approval, "disabled") == 0;
}

/* In the place of the same, a free one, or the one that would go first. */
static void keep(const char *key, const struct twilio_template *template, const struct err *refusal)
{
    bool is_good = refusal->kind == ERR_NONE && !is_stopped(template);
    struct kept *place = &kept[0];

    pthread_mutex_lock(&kept_lock);
    for (int i = 0; i < KEPT_MAX; i++) {
        if (strcmp(kept[i].key, key) == 0) {
            place = &kept[i];
            break;
        }
        if (kept[i].until_ms < place->until_ms)
            place = &kept[i];
    }
    drop(place);
    place->arena = arena_new(KEPT_BYTES_MAX);
    place->refusal = *refusal;
    place->until_ms = clock_mono_ms() + (is_good ? GOOD_FOR_MS : REFUSED_FOR_MS);
    if (place->arena && (refusal->kind != ERR_NONE || copy_template(template, place->arena, &place->template) == 0))
        snprintf(place->key, sizeof place->key, "%s", key);
    else
        drop(place);
    pthread_mutex_unlock(&kept_lock);
}

void templates_forget(void)
{
    pthread_mutex_lock(&kept_lock);
    for (int i = 0; i < KEPT_MAX; i++)
        drop(&kept[i]);
    pthread_mutex_unlock(&kept_lock);
}

/* No lock is held while Twilio is awaited: two workers may ask for the same. */
static int get_template(struct twilio *twilio, const struct twilio_account *account, const char *content_sid,
                        struct arena *arena, struct twilio_template *ret_template, struct err *err)
{
    char key[KEPT_KEY_SIZE];
    struct err refusal = {0};

    if ((size_t)snprintf(key, sizeof key, "%s/%s/%s", account->key, account->sid, content_sid) >= sizeof key)
        return refuse(err, TWILIO_BAD_CONTENT, "the template's id is too long", "");
    if (!recall(key, arena, ret_template, &refusal)) {
        if (twilio_template(twilio, account, content_sid, arena, ret_template, &refusal) == 0 ||
            refusal.kind == ERR_INVALID)
            keep(key, ret_template, &refusal);
    }
    if (refusal.kind == ERR_NONE)
        return 0;
    *err = refusal;
    return -1;
}

/* ---- checking and filling ---- */

/* What Twilio does not take as a value: code 21656. */
static int check_value(const char *name, const json_t *value, struct err *err)
{
    const char *text = json_string_value(value);

    if (!text)
        return refuse(err, TWILIO_BAD_VARIABLES, "a value must be a text: ", name);
    if (!*text)
        return refuse(err, TWILIO_BAD_VARIABLES, "a value is empty: ", name);
    if (utf8_count(text) > VALUE_CHARS_MAX)
        return refuse(err, TWILIO_BAD_VARIABLES, "a value has more than 1600 characters: ", name);
    if (text_has_control(text))
        return refuse(err, TWILIO_BAD_VARIABLES,
                      "a value holds a line break, a tab or another control character: ", name);
    for (const char *p = text; (p = strchr(p, ' ')); p += strspn(p, " "))
        if (strspn(p, " ") > SPACES_IN_A_ROW)
            return refuse(err, TWILIO_BAD_VARIABLES, "a value has more than four spaces in a row: ", name);
    return 0;
}

static bool has_name(const json_t *names, const char *name)
{
    size_t i;
    json_t *item;

    json_array_foreach (names, i, item)
        if (strcmp(json_string_value(item), name) == 0)
            return true;
    return false;
}

/* Each placeholder has a value and each value a placeholder. Twilio would fill one without a value with the template's
 * sample, so that somebody is greeted by the name of another: for us it is an error. */
static int check_values(const json_t *placeholders, const json_t *declared, const json_t *values, struct err *err)
{
    const char *name;
    json_t *value;
    size_t i;

    json_object_foreach ((json_t *)values, name, value) {
        if (check_value(name, value, err) < 0)
            return -1;
        if (!has_name(placeholders, name) && !json_object_get(declared, name))
            return refuse(err, TWILIO_WRONG_VARIABLES, "the template has no placeholder ", name);
    }
    json_array_foreach (placeholders, i, value)
        if (!json_object_get(values, json_string_value(value)))
            return refuse(err, TWILIO_WRONG_VARIABLES, "there is no value for the placeholder ",
                          json_string_value(value));
    return 0;
}

/* The value that a placeholder stands for; NULL if what stands there is none. *ret_end: behind its "}}". */
static const char *value_at(const char *text, const json_t *values, const char **ret_end)
{
    const char *end = strstr(text, "}}");
    char name[NAME_SIZE];
    size_t len;

    if (!end)
        return NULL;
    *ret_end = end + 2;
    text += 2;
    text += strspn(text, " ");
    len = end > text ? (size_t)(end - text) : 0;
    while (len > 0 && text[len - 1] == ' ')
        len--;
    if (len == 0 || len >= sizeof name)
        return NULL;
    memcpy(name, text, len);
    name[len] = '\0';
    return json_string_value(json_object_get(values, name));
}

/* A value is not looked through for placeholders again. */
static void fill(struct buf *out, const char *body, const json_t *values)
{
    const char *open, *end, *value;

    while ((open = strstr(body, "{{"))) {
        buf_append(out, body, (size_t)(open - body));
        if ((value = value_at(open, values, &end))) {
            buf_puts(out, value);
            body = end;
        } else {
            buf_puts(out, "{{");
            body = open + 2;
        }
    }
    buf_puts(out, body);
}

int template_fill(const struct twilio_template *template, const char *variables, struct arena *arena,
                  const char **ret_body, struct err *err)
{
    AUTO(json_free) json_t *placeholders = json_loads(template->placeholders, 0, NULL);
    AUTO(json_free) json_t *declared = json_loads(template->variables, 0, NULL);
    AUTO(json_free) json_t *values = json_loads(variables ? variables : "{}", JSON_REJECT_DUPLICATES, NULL);
    AUTO(buf_free) struct buf body = {0};
    char *copy;

    if (!placeholders || !declared)
        return err_set(err, ERR_INTERNAL, "a template cannot be read");
    if (!json_is_object(values))
        return refuse(err, TWILIO_BAD_VARIABLES, "the values are no JSON object", "");
    if (check_values(placeholders, declared, values, err) < 0)
        return -1;
    fill(&body, template->body, values);
    if (!body.failed && body.data && utf8_count(body.data) > TWILIO_BODY_CHARS_MAX)
        return refuse(err, TWILIO_BODY_TOO_LONG, "with these values the text has more than 1600 characters", "");
    if (body.failed || !(copy = arena_strdup(arena, body.data ? body.data : "")))
        return err_set(err, ERR_INTERNAL, "delivery: out of memory");
    *ret_body = copy;
    return 0;
}

int template_render(struct twilio *twilio, const struct twilio_account *account, const char *content_sid,
                    const char *variables, struct arena *arena, const char **ret_body, struct err *err)
{
    struct twilio_template template = {0};

    if (get_template(twilio, account, content_sid, arena, &template, err) < 0)
        return -1;
    if (is_stopped(&template))
        return strcmp(template.approval, "rejected") == 0
                   ? refuse(err, TWILIO_TEMPLATE_REJECTED, "WhatsApp has rejected the template: ", template.rejection)
                   : refuse(err, TWILIO_TEMPLATE_PAUSED, "WhatsApp has stopped the template: it is ",
                            template.approval);
    return template_fill(&template, variables, arena, ret_body, err);
}
