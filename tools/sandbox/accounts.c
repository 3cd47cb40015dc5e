/* accounts.c - see accounts.h. */
#include "tools/sandbox/accounts.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/seal.h"
#include "libshared/text.h"
#include "tools/sandbox/table.h"
#include "tools/sandbox/twilio_check.h"

#define ANY_NUMBER "+15550009999" /* sends for a service of an account that owns nothing */

struct service {
    char **numbers;
    size_t n;
};

struct entry {
    struct account account;
    bool refused;
    struct table numbers, services; /* services: struct service */
};

struct accounts {
    pthread_mutex_t lock;
    struct table entries; /* struct entry */
    struct table owners;  /* of numbers and services: struct entry, not owned */
    struct entry *first;
    json_t *kept; /* what accounts_reset comes back to: an array for accounts_put */
};

struct accounts *accounts_new(void)
{
    struct accounts *self = calloc(1, sizeof *self);

    if (self)
        pthread_mutex_init(&self->lock, NULL);
    return self;
}

static void service_free(void *value)
{
    struct service *service = value;

    for (size_t i = 0; service && i < service->n; i++)
        free(service->numbers[i]);
    if (service)
        free(service->numbers);
    free(service);
}

static void entry_free(void *value)
{
    struct entry *entry = value;

    if (!entry)
        return;
    table_clear(&entry->numbers, NULL);
    table_clear(&entry->services, service_free);
    free(entry);
}

static void clear(struct accounts *self)
{
    table_clear(&self->entries, entry_free);
    table_clear(&self->owners, NULL);
    self->first = NULL;
}

void accounts_destroy(struct accounts **self_p)
{
    struct accounts *self = *self_p;

    if (!self)
        return;
    clear(self);
    json_decref(self->kept);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

static const char *bare(const char *address)
{
    return strncmp(address, "whatsapp:", 9) == 0 ? address + 9 : address;
}

/* ---- within the lock ---- */

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "out of memory");
}

static int own(struct accounts *self, struct entry *entry, const char *address, struct err *err)
{
    void **owner = table_at(&self->owners, address);

    if (!owner)
        return no_memory(err);
    if (*owner && *owner != entry)
        return err_set_field(err, ERR_INVALID, "numbers", "%s belongs to another account", address);
    *owner = entry;
    return 0;
}

static int add_number(struct accounts *self, struct entry *entry, const char *number, struct err *err)
{
    void **place;

    if (!number || !phone_is_e164(number))
        return err_set_field(err, ERR_INVALID, "numbers", "numbers must be like +15550100000");
    if (own(self, entry, number, err) < 0)
        return -1;
    if (!(place = table_at(&entry->numbers, number)))
        return no_memory(err);
    *place = entry;
    return 0;
}

static int add_numbers(struct accounts *self, struct entry *entry, const json_t *numbers, struct err *err)
{
    const json_t *number;
    size_t i;

    if (numbers && !json_is_array(numbers))
        return err_set_field(err, ERR_INVALID, "numbers", "numbers must be a list");
    json_array_foreach (numbers, i, number)
        if (add_number(self, entry, json_string_value(number), err) < 0)
            return -1;
    return 0;
}

static int add_service(struct accounts *self, struct entry *entry, const char *sid, const json_t *numbers,
                       struct err *err)
{
    struct service *service;
    void **place;

    if (!twilio_check_sid(sid, "MG"))
        return err_set_field(err, ERR_INVALID, "services", "a service must be MG and 32 hex digits");
    if (!json_is_array(numbers))
        return err_set_field(err, ERR_INVALID, "services", "a service has a list of numbers");
    if (own(self, entry, sid, err) < 0 || add_numbers(self, entry, numbers, err) < 0)
        return -1;
    if (!(service = calloc(1, sizeof *service)) || !(place = table_at(&entry->services, sid))) {
        free(service);
        return no_memory(err);
    }
    service_free(*place);
    *place = service;
    if (!(service->numbers = calloc(json_array_size(numbers) + 1, sizeof *service->numbers)))
        return no_memory(err);
    for (; service->n < json_array_size(numbers); service->n++)
        if (!(service->numbers[service->n] = strdup(json_string_value(json_array_get(numbers, service->n)))))
            return no_memory(err);
    return 0;
}

static struct entry *add_entry(struct accounts *self, const char *sid, struct err *err)
{
    void **place = table_at(&self->entries, sid);

    if (place && !*place && (*place = calloc(1, sizeof(struct entry)))) {
        struct entry *entry = *place;

        snprintf(entry->account.sid, sizeof entry->account.sid, "%s", sid);
        if (!self->first)
            self->first = entry;
    }
    if (!place || !*place)
        no_memory(err);
    return place ? *place : NULL;
}

static int put(struct accounts *self, const json_t *json, struct err *err)
{
    const char *sid = json_string_value(json_object_get(json, "account_sid")), *service_sid;
    const json_t *token = json_object_get(json, "auth_token"), *refuse = json_object_get(json, "refuse");
    json_t *services = json_object_get(json, "services"), *numbers;
    struct entry *entry;

    if (!sid || !twilio_check_sid(sid, "AC"))
        return err_set_field(err, ERR_INVALID, "account_sid", "account_sid must be AC and 32 hex digits");
    if (token && (!json_is_string(token) || !json_string_length(token) || json_string_length(token) >= TOKEN_SIZE))
        return err_set_field(err, ERR_INVALID, "auth_token", "auth_token must be a text of 1 to %d bytes",
                             TOKEN_SIZE - 1);
    if (!token && !table_get(&self->entries, sid))
        return err_set_field(err, ERR_INVALID, "auth_token", "a new account needs an auth_token");
    if (services && !json_is_object(services))
        return err_set_field(err, ERR_INVALID, "services", "services must be an object");
    if (!(entry = add_entry(self, sid, err)))
        return -1;
    if (token)
        snprintf(entry->account.token, sizeof entry->account.token, "%s", json_string_value(token));
    if (refuse)
        entry->refused = json_is_true(refuse);
    if (add_numbers(self, entry, json_object_get(json, "numbers"), err) < 0)
        return -1;
    json_object_foreach (services, service_sid, numbers)
        if (add_service(self, entry, service_sid, numbers, err) < 0)
            return -1;
    return 0;
}

/* ---- telling ---- */

int accounts_put(struct accounts *self, const json_t *json, struct err *err)
{
    static const char *const known[] = {"account_sid", "auth_token", "numbers", "services", "refuse"};
    const json_t *value;
    const char *name;
    int rc;

    if (!json_is_object(json))
        return err_set(err, ERR_INVALID, "an account is a JSON object");
    json_object_foreach ((json_t *)json, name, value) {
        bool found = false;

        for (size_t i = 0; i < COUNT_OF(known); i++)
            found = found || strcmp(known[i], name) == 0;
        if (!found)
            return err_set_field(err, ERR_INVALID, name, "%.40s is not known", name);
    }
    pthread_mutex_lock(&self->lock);
    rc = put(self, json, err);
    pthread_mutex_unlock(&self->lock);
    return rc;
}

int accounts_add(struct accounts *self, const char *text, struct err *err)
{
    json_auto_t *json = json_object();
    json_t *numbers = json_array();
    const char *token = strchr(text, ':'), *number = token ? strchr(token + 1, ':') : NULL;

    json_object_set_new(json, "numbers", numbers);
    if (!token)
        return err_set(err, ERR_INVALID, "an account is SID:TOKEN or SID:TOKEN:number,number");
    json_object_set_new(json, "account_sid", json_stringn(text, (size_t)(token - text)));
    token++;
    json_object_set_new(json, "auth_token", json_stringn(token, number ? (size_t)(number - token) : strlen(token)));
    while (number && *number) {
        size_t len = strcspn(++number, ",");

        json_array_append_new(numbers, json_stringn(number, len));
        number += len;
    }
    return accounts_put(self, json, err);
}

static void service_json(void *arg, const char *sid, void *value)
{
    const struct service *service = value;
    json_t *numbers = json_array();

    for (size_t i = 0; i < service->n; i++)
        json_array_append_new(numbers, json_string(service->numbers[i]));
    json_object_set_new(arg, sid, numbers);
}

static void number_json(void *arg, const char *number, void *value)
{
    (void)value;
    json_array_append_new(arg, json_string(number));
}

static void entry_json(void *arg, const char *sid, void *value)
{
    const struct entry *entry = value;
    json_t *numbers = json_array(), *services = json_object();

    table_each(&entry->numbers, number_json, numbers);
    table_each(&entry->services, service_json, services);
    json_array_append_new(arg, json_pack("{ss ss sb so so}", "account_sid", sid, "auth_token", entry->account.token,
                                         "refuse", entry->refused, "numbers", numbers, "services", services));
}

json_t *accounts_list(struct accounts *self)
{
    json_t *list = json_array();

    pthread_mutex_lock(&self->lock);
    table_each(&self->entries, entry_json, list);
    pthread_mutex_unlock(&self->lock);
    return list;
}

void accounts_keep(struct accounts *self)
{
    json_decref(self->kept);
    self->kept = accounts_list(self);
    for (size_t i = 0; i < json_array_size(self->kept); i++) { /* the first comes first */
        json_t *account = json_array_get(self->kept, i);

        if (strcmp(json_string_value(json_object_get(account, "account_sid")), self->first->account.sid) == 0) {
            json_array_insert(self->kept, 0, account);
            json_array_remove(self->kept, i + 1);
        }
    }
}

void accounts_reset(struct accounts *self)
{
    const json_t *account;
    size_t i;

    pthread_mutex_lock(&self->lock);
    clear(self);
    json_array_foreach (self->kept, i, account)
        put(self, account, NULL);
    pthread_mutex_unlock(&self->lock);
}

/* ---- asking ---- */

bool accounts_get(struct accounts *self, const char *sid, struct account *ret)
{
    const struct entry *entry;

    pthread_mutex_lock(&self->lock);
    if ((entry = table_get(&self->entries, sid)))
        *ret = entry->account;
    pthread_mutex_unlock(&self->lock);
    return entry != NULL;
}

void accounts_owner(struct accounts *self, const char *address, struct account *ret)
{
    const struct entry *entry;

    pthread_mutex_lock(&self->lock);
    entry = table_get(&self->owners, bare(address));
    *ret = entry ? entry->account : self->first->account;
    pthread_mutex_unlock(&self->lock);
}

bool accounts_authenticate(struct accounts *self, const char *authorization, struct account *ret)
{
    char plain[ACCOUNT_SID_SIZE + TOKEN_SIZE];
    const struct entry *entry;
    size_t len = 0;
    bool fine;

    if (!authorization || strncasecmp(authorization, "Basic ", 6) != 0 ||
        sodium_base642bin((unsigned char *)plain, sizeof plain - 1, authorization + 6, strlen(authorization + 6), NULL,
                          &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    plain[len] = '\0';
    if (len < ACCOUNT_SID_SIZE || plain[ACCOUNT_SID_SIZE - 1] != ':')
        return false;
    plain[ACCOUNT_SID_SIZE - 1] = '\0';
    pthread_mutex_lock(&self->lock);
    entry = table_get(&self->entries, plain);
    fine = entry && !entry->refused && equal_secret(plain + ACCOUNT_SID_SIZE, entry->account.token);
    if (fine)
        *ret = entry->account;
    pthread_mutex_unlock(&self->lock);
    return fine;
}

static bool owns_nothing(const struct entry *entry)
{
    return !entry->numbers.n && !entry->services.n;
}

bool accounts_may_send(struct accounts *self, const char *account_sid, const char *from)
{
    const struct entry *entry, *owner;
    bool fine;

    pthread_mutex_lock(&self->lock);
    entry = table_get(&self->entries, account_sid);
    owner = table_get(&self->owners, bare(from));
    fine = entry && (owner == entry || (!owner && owns_nothing(entry)));
    pthread_mutex_unlock(&self->lock);
    return fine;
}

/* Within the lock. */
static const char *pick(const struct service *service, const char *from, const char *to)
{
    if (!from)
        return service->n ? service->numbers[table_hash(to) % service->n] : NULL;
    for (size_t i = 0; i < service->n; i++)
        if (strcmp(service->numbers[i], bare(from)) == 0)
            return service->numbers[i];
    return NULL;
}

bool accounts_service_sender(struct accounts *self, const char *account_sid, const char *service_sid, const char *from,
                             const char *to, char ret[ADDRESS_SIZE])
{
    const struct service *service;
    const struct entry *entry;
    const char *number = NULL;

    pthread_mutex_lock(&self->lock);
    if ((entry = table_get(&self->entries, account_sid))) {
        service = table_get(&entry->services, service_sid);
        number = service ? pick(service, from, to) : owns_nothing(entry) ? bare(from ? from : ANY_NUMBER) : NULL;
    }
    if (number)
        snprintf(ret, ADDRESS_SIZE, "%s%s", bare(to) == to ? "" : "whatsapp:", number);
    pthread_mutex_unlock(&self->lock);
    return number != NULL;
}

struct search {
    const char *number, *found;
};

static void search_service(void *arg, const char *sid, void *value)
{
    struct search *search = arg;

    if (pick(value, search->number, ""))
        search->found = sid;
}

bool accounts_service_of(struct accounts *self, const char *number, char ret[ADDRESS_SIZE])
{
    struct search search = {.number = number};
    const struct entry *entry;

    pthread_mutex_lock(&self->lock);
    if ((entry = table_get(&self->owners, bare(number))))
        table_each(&entry->services, search_service, &search);
    if (search.found)
        snprintf(ret, ADDRESS_SIZE, "%s", search.found);
    pthread_mutex_unlock(&self->lock);
    return search.found != NULL;
}
