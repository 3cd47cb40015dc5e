/* ledger.c - see ledger.h. An array in order of acceptance, and chains by recipient and by sid. */
#include "tools/sandbox/ledger.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/clock.h"
#include "libshared/text.h"
#include "tools/sandbox/box.h"

#define BUCKETS 65536

struct message {
    int64_t index, mono_us, wall_us, sent_wall_us, updated_wall_us; /* sent_wall_us 0: not yet */
    char sid[SID_SIZE];
    char *to, *from, *service_sid, *body;
    const char *status;
    int error_code;
    struct message *older_same_to, *next_sid;
};

struct recipient {
    char *number;
    bool opted_out;
    struct message *newest;
    struct recipient *next;
};

struct ledger {
    pthread_mutex_t lock;
    struct message **all;
    size_t n, cap;
    struct message *by_sid[BUCKETS];
    struct recipient *by_to[BUCKETS];
};

/* FNV-1a, folded. */
static size_t bucket(const char *text)
{
    uint32_t hash = 2166136261u;

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return (hash ^ hash >> 16) % BUCKETS;
}

struct ledger *ledger_new(void)
{
    struct ledger *self = calloc(1, sizeof *self);

    if (self)
        pthread_mutex_init(&self->lock, NULL);
    return self;
}

static void message_free(struct message *m)
{
    free(m->to);
    free(m->from);
    free(m->service_sid);
    free(m->body);
    free(m);
}

void ledger_clear(struct ledger *self)
{
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->n; i++)
        message_free(self->all[i]);
    self->n = 0;
    memset(self->by_sid, 0, sizeof self->by_sid);
    for (size_t i = 0; i < BUCKETS; i++)
        while (self->by_to[i]) {
            struct recipient *r = self->by_to[i];

            self->by_to[i] = r->next;
            free(r->number);
            free(r);
        }
    pthread_mutex_unlock(&self->lock);
}

void ledger_destroy(struct ledger **self_p)
{
    struct ledger *self = *self_p;

    if (!self)
        return;
    ledger_clear(self);
    free(self->all);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

/* ---- within the lock ---- */

static struct recipient *find_recipient(struct ledger *self, const char *number, bool make)
{
    struct recipient **place = &self->by_to[bucket(number)], *r;

    for (r = *place; r; r = r->next)
        if (strcmp(r->number, number) == 0)
            return r;
    if (!make || !(r = calloc(1, sizeof *r)))
        return NULL;
    if (!(r->number = strdup(number))) {
        free(r);
        return NULL;
    }
    r->next = *place;
    return *place = r;
}

static struct message *find_message(struct ledger *self, const char *sid)
{
    struct message *m = self->by_sid[bucket(sid)];

    while (m && strcmp(m->sid, sid) != 0)
        m = m->next_sid;
    return m;
}

static bool make_room(struct ledger *self)
{
    size_t cap = self->cap ? self->cap * 2 : 1024;
    struct message **grown;

    if (self->n < self->cap)
        return true;
    if (!(grown = realloc(self->all, cap * sizeof *grown)))
        return false;
    self->all = grown;
    self->cap = cap;
    return true;
}

/* ---- accepting ---- */

static struct message *message_new(const struct accepted *accepted)
{
    struct message *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->to = strdup(accepted->to);
    m->from = accepted->from ? strdup(accepted->from) : NULL;
    m->service_sid = accepted->service_sid ? strdup(accepted->service_sid) : NULL;
    m->body = strdup(accepted->body);
    m->status = accepted->service_sid ? "accepted" : "queued";
    m->mono_us = clock_mono_us();
    m->wall_us = m->updated_wall_us = clock_wall_us();
    box_random_id("SM", 16, m->sid);
    if (m->to && m->body && (m->from || !accepted->from) && (m->service_sid || !accepted->service_sid))
        return m;
    message_free(m);
    return NULL;
}

int64_t ledger_add(struct ledger *self, const struct accepted *accepted, char ret_sid[SID_SIZE])
{
    struct message *m = message_new(accepted), **place;
    struct recipient *r;
    int64_t index = -1;

    if (!m)
        return -1;
    memcpy(ret_sid, m->sid, SID_SIZE);
    pthread_mutex_lock(&self->lock);
    if ((r = find_recipient(self, m->to, true)) && make_room(self)) {
        m->older_same_to = r->newest;
        r->newest = m;
        place = &self->by_sid[bucket(m->sid)];
        m->next_sid = *place;
        *place = m;
        index = m->index = (int64_t)self->n;
        self->all[self->n++] = m;
    }
    pthread_mutex_unlock(&self->lock);
    if (index < 0)
        message_free(m);
    return index;
}

void ledger_move(struct ledger *self, const char *sid, const char *status, int error_code)
{
    struct message *m;

    pthread_mutex_lock(&self->lock);
    if ((m = find_message(self, sid))) {
        m->status = status;
        m->error_code = error_code;
        m->updated_wall_us = clock_wall_us();
        if (!m->sent_wall_us && strcmp(status, "queued") != 0)
            m->sent_wall_us = m->updated_wall_us;
    }
    pthread_mutex_unlock(&self->lock);
}

/* ---- showing ---- */

/* RFC 2822, as Twilio writes dates. NULL for 0. */
static json_t *date(int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm;
    char text[40];

    if (!wall_us)
        return json_null();
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &tm);
    return json_string(text);
}

/* A text of 160 plain characters, or 70 others, is one segment; longer ones are cut into 153 or 67. */
static int segments(const char *body)
{
    bool plain = true;
    size_t n = utf8_count(body), one, each;

    for (const char *p = body; *p; p++)
        plain = plain && (unsigned char)*p < 0x80;
    one = plain ? 160 : 70;
    each = plain ? 153 : 67;
    return n <= one ? 1 : (int)((n + each - 1) / each);
}

static json_t *message_json(const struct message *m, const char *account_sid)
{
    char uri[160], media[160], count[16];

    snprintf(uri, sizeof uri, "/2010-04-01/Accounts/%s/Messages/%s.json", account_sid, m->sid);
    snprintf(media, sizeof media, "/2010-04-01/Accounts/%s/Messages/%s/Media.json", account_sid, m->sid);
    snprintf(count, sizeof count, "%d", m->service_sid && !m->sent_wall_us ? 0 : segments(m->body));
    return json_pack("{ss ss ss so so so ss so sn ss? ss ss sn sn ss? ss ss s{ss} ss ss}", "account_sid", account_sid,
                     "api_version", "2010-04-01", "body", m->body, "date_created", date(m->wall_us), "date_sent",
                     date(m->sent_wall_us), "date_updated", date(m->updated_wall_us), "direction", "outbound-api",
                     "error_code", m->error_code ? json_integer(m->error_code) : json_null(), "error_message", "from",
                     m->from, "num_media", "0", "num_segments", count, "price", "price_unit", "messaging_service_sid",
                     m->service_sid, "sid", m->sid, "status", m->status, "subresource_uris", "media", media, "to",
                     m->to, "uri", uri);
}

static bool is_shown(const struct message *m, const struct list_filter *filter, int64_t now_us)
{
    int64_t sent_s = m->sent_wall_us / 1000000;

    if (filter->to && strcmp(filter->to, m->to) != 0)
        return false;
    if (filter->from && (!m->from || strcmp(filter->from, m->from) != 0))
        return false;
    if ((filter->sent_from_s || filter->sent_until_s) && !m->sent_wall_us)
        return false;
    if (filter->sent_from_s && sent_s < filter->sent_from_s)
        return false;
    if (filter->sent_until_s && sent_s >= filter->sent_until_s)
        return false;
    return now_us - m->mono_us >= filter->hide_ms * 1000;
}

/* The one before m among those that may be shown: of its recipient, or of all. */
static const struct message *older(const struct ledger *self, const struct list_filter *filter, const struct message *m)
{
    if (filter->to)
        return m->older_same_to;
    return m->index ? self->all[m->index - 1] : NULL;
}

json_t *ledger_get(struct ledger *self, const char *account_sid, const char *sid, int64_t hide_ms)
{
    const struct list_filter any = {.hide_ms = hide_ms};
    const struct message *m;
    json_t *json = NULL;

    pthread_mutex_lock(&self->lock);
    if ((m = find_message(self, sid)) && is_shown(m, &any, clock_mono_us()))
        json = message_json(m, account_sid);
    pthread_mutex_unlock(&self->lock);
    return json;
}

json_t *ledger_list(struct ledger *self, const char *account_sid, const struct list_filter *filter, bool *ret_more)
{
    int64_t now_us = clock_mono_us();
    json_t *page = json_array();
    const struct message *m = NULL;
    struct recipient *r;

    *ret_more = false;
    pthread_mutex_lock(&self->lock);
    if (filter->after_sid) {
        m = find_message(self, filter->after_sid);
        m = m ? older(self, filter, m) : NULL;
    } else if (filter->to) {
        r = find_recipient(self, filter->to, false);
        m = r ? r->newest : NULL;
    } else if (self->n) {
        m = self->all[self->n - 1];
    }
    for (; m && !*ret_more; m = older(self, filter, m)) {
        if (!is_shown(m, filter, now_us))
            continue;
        if (json_array_size(page) == (size_t)filter->page_size)
            *ret_more = true;
        else
            json_array_append_new(page, message_json(m, account_sid));
    }
    pthread_mutex_unlock(&self->lock);
    return page;
}

static json_t *accepted_json(const struct message *m)
{
    char at[CLOCK_TEXT_SIZE];

    clock_format(m->wall_us, at);
    return json_pack("{sI ss ss ss? ss? ss ss sI ss}", "index", (json_int_t)m->index, "sid", m->sid, "to", m->to,
                     "from", m->from, "messaging_service_sid", m->service_sid, "body", m->body, "status", m->status,
                     "received_at_us", (json_int_t)m->mono_us, "received_at", at);
}

json_t *ledger_accepted(struct ledger *self, const char *to, const char *from, int64_t after)
{
    json_t *list = json_array();
    struct recipient *r;

    pthread_mutex_lock(&self->lock);
    if (to) {
        r = find_recipient(self, to, false);
        for (const struct message *m = r ? r->newest : NULL; m && m->index > after; m = m->older_same_to)
            if (!from || (m->from && strcmp(from, m->from) == 0))
                json_array_insert_new(list, 0, accepted_json(m));
        while (json_array_size(list) > LEDGER_PAGE_MAX)
            json_array_remove(list, LEDGER_PAGE_MAX);
    } else {
        for (size_t i = after < 0 ? 0 : (size_t)after + 1; i < self->n && json_array_size(list) < LEDGER_PAGE_MAX; i++)
            if (!from || (self->all[i]->from && strcmp(from, self->all[i]->from) == 0))
                json_array_append_new(list, accepted_json(self->all[i]));
    }
    pthread_mutex_unlock(&self->lock);
    return list;
}

/* ---- opting out ---- */

void ledger_opt_out(struct ledger *self, const char *number, bool out)
{
    struct recipient *r;

    pthread_mutex_lock(&self->lock);
    if ((r = find_recipient(self, number, out)))
        r->opted_out = out;
    pthread_mutex_unlock(&self->lock);
}

bool ledger_opted_out(struct ledger *self, const char *number)
{
    struct recipient *r;
    bool out;

    pthread_mutex_lock(&self->lock);
    r = find_recipient(self, number, false);
    out = r && r->opted_out;
    pthread_mutex_unlock(&self->lock);
    return out;
}
