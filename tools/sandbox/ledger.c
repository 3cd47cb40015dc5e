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
#include "tools/sandbox/segments.h"
#include "tools/sandbox/table.h"

struct message {
    int64_t index, mono_us, wall_us, sent_wall_us, updated_wall_us; /* sent_wall_us 0: not yet */
    char sid[SID_SIZE], account_sid[SID_SIZE];
    char *to, *from, *service_sid, *content_sid, *body;
    const char *status;
    bool from_later;
    int error_code, num_media, segments;
    struct message *older_same_to;
};

struct sender {
    int64_t n, segments, first_us, last_us, shortest_us;
};

struct ledger {
    pthread_mutex_t lock;
    struct message **all;
    size_t n, cap;
    struct table by_sid;  /* struct message */
    struct table by_to;   /* struct message: the newest to that address */
    struct table by_from; /* struct sender */
};

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
    free(m->content_sid);
    free(m->body);
    free(m);
}

void ledger_clear(struct ledger *self)
{
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->n; i++)
        message_free(self->all[i]);
    self->n = 0;
    table_clear(&self->by_sid, NULL);
    table_clear(&self->by_to, NULL);
    table_clear(&self->by_from, free);
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

static bool copy(char **place, const char *text)
{
    return !text || (*place = strdup(text));
}

static struct message *message_new(const struct accepted *accepted)
{
    struct message *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->status = accepted->service_sid ? "accepted" : "queued";
    m->from_later = accepted->from_later;
    m->num_media = accepted->num_media;
    m->segments = sms_segments_of(accepted->body);
    m->mono_us = clock_mono_us();
    m->wall_us = m->updated_wall_us = clock_wall_us();
    box_random_id(accepted->num_media ? "MM" : "SM", 16, m->sid);
    snprintf(m->account_sid, sizeof m->account_sid, "%s", accepted->account_sid);
    if (copy(&m->to, accepted->to) && copy(&m->from, accepted->from) && copy(&m->service_sid, accepted->service_sid) &&
        copy(&m->content_sid, accepted->content_sid) && copy(&m->body, accepted->body))
        return m;
    message_free(m);
    return NULL;
}

static void count_sender(struct sender *sender, const struct message *m)
{
    int64_t pause_us = m->mono_us - sender->last_us;

    if (!sender->n)
        sender->first_us = m->mono_us;
    if (sender->n && (sender->n == 1 || pause_us < sender->shortest_us))
        sender->shortest_us = pause_us;
    sender->last_us = m->mono_us;
    sender->segments += m->segments;
    sender->n++;
}

/* Within the lock. False when out of memory: then nothing has changed that can be seen. */
static bool insert(struct ledger *self, struct message *m)
{
    void **by_to = table_at(&self->by_to, m->to), **by_from = table_at(&self->by_from, m->from), **by_sid;

    if (!by_to || !by_from || !make_room(self) || (!*by_from && !(*by_from = calloc(1, sizeof(struct sender)))) ||
        !(by_sid = table_at(&self->by_sid, m->sid)))
        return false;
    m->mono_us = clock_mono_us();
    m->older_same_to = *by_to;
    *by_to = *by_sid = m;
    m->index = (int64_t)self->n;
    self->all[self->n++] = m;
    count_sender(*by_from, m);
    return true;
}

int64_t ledger_add(struct ledger *self, const struct accepted *accepted, char ret_sid[SID_SIZE])
{
    struct message *m = message_new(accepted);
    int64_t index = -1;

    if (!m)
        return -1;
    memcpy(ret_sid, m->sid, SID_SIZE);
    pthread_mutex_lock(&self->lock);
    if (insert(self, m))
        index = m->index;
    pthread_mutex_unlock(&self->lock);
    if (index < 0)
        message_free(m);
    return index;
}

void ledger_move(struct ledger *self, const char *sid, const char *status, int error_code)
{
    struct message *m;

    pthread_mutex_lock(&self->lock);
    if ((m = table_get(&self->by_sid, sid))) {
        m->status = status;
        m->error_code = error_code;
        m->updated_wall_us = clock_wall_us();
        if (!m->sent_wall_us && strcmp(status, "queued") != 0 && strcmp(status, "failed") != 0)
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

/* What the API shows as its sender. */
static const char *shown_from(const struct message *m)
{
    return m->from_later && !m->sent_wall_us ? NULL : m->from;
}

static json_t *message_json(const struct message *m)
{
    char uri[160], media[160], segments[16], num_media[16];

    snprintf(uri, sizeof uri, "/2010-04-01/Accounts/%s/Messages/%s.json", m->account_sid, m->sid);
    snprintf(media, sizeof media, "/2010-04-01/Accounts/%s/Messages/%s/Media.json", m->account_sid, m->sid);
    snprintf(segments, sizeof segments, "%d", m->service_sid && !m->sent_wall_us ? 0 : m->segments);
    snprintf(num_media, sizeof num_media, "%d", m->num_media);
    return json_pack("{ss ss ss so so so ss so sn ss? ss ss sn sn ss? ss ss s{ss} ss ss}", "account_sid",
                     m->account_sid, "api_version", "2010-04-01", "body", m->body, "date_created", date(m->wall_us),
                     "date_sent", date(m->sent_wall_us), "date_updated", date(m->updated_wall_us), "direction",
                     "outbound-api", "error_code", m->error_code ? json_integer(m->error_code) : json_null(),
                     "error_message", "from", shown_from(m), "num_media", num_media, "num_segments", segments, "price",
                     "price_unit", "messaging_service_sid", m->service_sid, "sid", m->sid, "status", m->status,
                     "subresource_uris", "media", media, "to", m->to, "uri", uri);
}

static bool is_shown(const struct message *m, const struct list_filter *filter, int64_t now_us)
{
    int64_t sent_s = m->sent_wall_us / 1000000;
    const char *from = shown_from(m);

    if (strcmp(filter->account_sid, m->account_sid) != 0)
        return false;
    if (filter->to && strcmp(filter->to, m->to) != 0)
        return false;
    if (filter->from && (!from || strcmp(filter->from, from) != 0))
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
    const struct list_filter any = {.account_sid = account_sid, .hide_ms = hide_ms};
    const struct message *m;
    json_t *json = NULL;

    pthread_mutex_lock(&self->lock);
    if ((m = table_get(&self->by_sid, sid)) && is_shown(m, &any, clock_mono_us()))
        json = message_json(m);
    pthread_mutex_unlock(&self->lock);
    return json;
}

json_t *ledger_list(struct ledger *self, const struct list_filter *filter, bool *ret_more)
{
    int64_t now_us = clock_mono_us();
    json_t *page = json_array();
    const struct message *m = NULL;

    *ret_more = false;
    pthread_mutex_lock(&self->lock);
    if (filter->after_sid) {
        m = table_get(&self->by_sid, filter->after_sid);
        m = m ? older(self, filter, m) : NULL;
    } else if (filter->to) {
        m = table_get(&self->by_to, filter->to);
    } else if (self->n) {
        m = self->all[self->n - 1];
    }
    for (; m && !*ret_more; m = older(self, filter, m)) {
        if (!is_shown(m, filter, now_us))
            continue;
        if (json_array_size(page) == (size_t)filter->page_size)
            *ret_more = true;
        else
            json_array_append_new(page, message_json(m));
    }
    pthread_mutex_unlock(&self->lock);
    return page;
}

static json_t *accepted_json(const struct message *m)
{
    char at[CLOCK_TEXT_SIZE];

    clock_format(m->wall_us, at);
    return json_pack("{sI ss ss ss ss ss? ss? ss si si ss si sI ss}", "index", (json_int_t)m->index, "sid", m->sid,
                     "account_sid", m->account_sid, "to", m->to, "from", m->from, "messaging_service_sid",
                     m->service_sid, "content_sid", m->content_sid, "body", m->body, "num_media", m->num_media,
                     "num_segments", m->segments, "status", m->status, "error_code", m->error_code, "received_at_us",
                     (json_int_t)m->mono_us, "received_at", at);
}

json_t *ledger_accepted(struct ledger *self, const char *to, const char *from, int64_t after)
{
    json_t *list = json_array();

    pthread_mutex_lock(&self->lock);
    if (to) {
        for (const struct message *m = table_get(&self->by_to, to); m && m->index > after; m = m->older_same_to)
            if (!from || strcmp(from, m->from) == 0)
                json_array_insert_new(list, 0, accepted_json(m));
        while (json_array_size(list) > LEDGER_PAGE_MAX)
            json_array_remove(list, LEDGER_PAGE_MAX);
    } else {
        for (size_t i = after < 0 ? 0 : (size_t)after + 1; i < self->n && json_array_size(list) < LEDGER_PAGE_MAX; i++)
            if (!from || strcmp(from, self->all[i]->from) == 0)
                json_array_append_new(list, accepted_json(self->all[i]));
    }
    pthread_mutex_unlock(&self->lock);
    return list;
}

static void rate_json(void *arg, const char *from, void *value)
{
    const struct sender *sender = value;

    json_array_append_new(arg,
                          json_pack("{ss sI sI sI sI sI}", "from", from, "n", (json_int_t)sender->n, "segments",
                                    (json_int_t)sender->segments, "first_us", (json_int_t)sender->first_us, "last_us",
                                    (json_int_t)sender->last_us, "shortest_us", (json_int_t)sender->shortest_us));
}

json_t *ledger_rates(struct ledger *self, const char *from)
{
    json_t *list = json_array();
    struct sender *sender;

    pthread_mutex_lock(&self->lock);
    if (!from)
        table_each(&self->by_from, rate_json, list);
    else if ((sender = table_get(&self->by_from, from)))
        rate_json(list, from, sender);
    pthread_mutex_unlock(&self->lock);
    return list;
}
