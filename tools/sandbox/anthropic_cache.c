/* anthropic_cache.c - see anthropic_cache.h. */
#include "tools/sandbox/anthropic_cache.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES         65536 /* one place for each hash modulo this; the newer one stays */
#define LOOK_BACK       20    /* blocks before a marked one at which an entry is looked for */
#define BYTES_PER_TOKEN 4
#define TTL_5M_MS       (5 * 60 * 1000)
#define TTL_1H_MS       (60 * 60 * 1000)

struct entry {
    uint64_t hash;
    int64_t until_ms, ttl_ms;
};

struct prompt_cache {
    pthread_mutex_t lock;
    struct entry entries[ENTRIES];
};

/* The end of one block. */
struct block {
    uint64_t hash; /* of everything up to here */
    int64_t tokens;
    int64_t ttl_ms; /* 0: not marked */
};

/* A request as it is read. */
struct reading {
    struct block *blocks;
    size_t n, size;
    uint64_t hash;
    int64_t bytes;
};

struct prompt_cache *prompt_cache_new(void)
{
    struct prompt_cache *self = calloc(1, sizeof *self);

    if (self)
        pthread_mutex_init(&self->lock, NULL);
    return self;
}

void prompt_cache_destroy(struct prompt_cache **self_p)
{
    if (!*self_p)
        return;
    pthread_mutex_destroy(&(*self_p)->lock);
    free(*self_p);
    *self_p = NULL;
}

void prompt_cache_clear(struct prompt_cache *self)
{
    pthread_mutex_lock(&self->lock);
    memset(self->entries, 0, sizeof self->entries);
    pthread_mutex_unlock(&self->lock);
}

/* ---- reading a request ---- */

/* FNV-1a. */
static int feed(const char *bytes, size_t len, void *arg)
{
    struct reading *self = arg;

    for (size_t i = 0; i < len; i++)
        self->hash = (self->hash ^ (unsigned char)bytes[i]) * 0x100000001b3ULL;
    self->bytes += (int64_t)len;
    return 0;
}

/* What does not count as tokens. */
static void feed_apart(struct reading *self, const char *text)
{
    int64_t bytes = self->bytes;

    feed(text, strlen(text) + 1, self);
    self->bytes = bytes;
}

static int64_t ttl_of(const json_t *control)
{
    const char *ttl = json_string_value(json_object_get(control, "ttl"));

    if (!json_is_object(control))
        return 0;
    return ttl && strcmp(ttl, "1h") == 0 ? TTL_1H_MS : TTL_5M_MS;
}

static void add_block(struct reading *self, const json_t *block)
{
    json_t *bare = json_copy((json_t *)block);

    if (self->n == self->size) {
        size_t size = self->size ? 2 * self->size : 64;
        struct block *more = realloc(self->blocks, size * sizeof *more);

        if (!more)
            abort();
        self->blocks = more;
        self->size = size;
    }
    json_object_del(bare, "cache_control");
    json_dump_callback(bare, feed, self, JSON_COMPACT);
    json_decref(bare);
    self->blocks[self->n++] = (struct block){.hash = self->hash,
                                             .tokens = (self->bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN,
                                             .ttl_ms = ttl_of(json_object_get(block, "cache_control"))};
}

/* A string is short for one text block. */
static void add_content(struct reading *self, const json_t *content, const char *where)
{
    json_t *block;
    size_t i;

    if (json_is_string(content)) {
        feed_apart(self, where);
        block = json_pack("{s:s, s:O}", "type", "text", "text", content);
        add_block(self, block);
        json_decref(block);
    }
    json_array_foreach ((json_t *)content, i, block) {
        feed_apart(self, where);
        add_block(self, block);
    }
}

static void read_request(struct reading *self, const json_t *request)
{
    const json_t *choice = json_object_get(request, "tool_choice"), *message;
    char *text = choice ? json_dumps(choice, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    size_t i;

    self->hash = 0xcbf29ce484222325ULL;
    feed_apart(self, json_string_value(json_object_get(request, "model")));
    add_content(self, json_object_get(request, "tools"), "tools");
    add_content(self, json_object_get(request, "system"), "system");
    feed_apart(self, text ? text : "auto");
    free(text);
    json_array_foreach (json_object_get(request, "messages"), i, message)
        add_content(self, json_object_get(message, "content"), json_string_value(json_object_get(message, "role")));
    if (self->n > 0 && self->blocks[self->n - 1].ttl_ms == 0)
        self->blocks[self->n - 1].ttl_ms = ttl_of(json_object_get(request, "cache_control"));
}

/* ---- looking up ---- */

static struct entry *place_of(struct prompt_cache *self, uint64_t hash)
{
    return &self->entries[hash % ENTRIES];
}

/* The longest prefix that is there: the number of its blocks, 0: none. It lives on. */
static size_t find(struct prompt_cache *self, const struct reading *reading, int64_t now_ms)
{
    for (size_t marked = reading->n; marked > 0; marked--) {
        if (reading->blocks[marked - 1].ttl_ms == 0)
            continue;
        for (size_t n = marked; n > 0 && n + LOOK_BACK >= marked; n--) {
            struct entry *entry = place_of(self, reading->blocks[n - 1].hash);

            if (entry->hash == reading->blocks[n - 1].hash && entry->until_ms > now_ms) {
                entry->until_ms = now_ms + entry->ttl_ms;
                return n;
            }
        }
    }
    return 0;
}

static int64_t minimum(const json_t *request)
{
    const char *model = json_string_value(json_object_get(request, "model"));

    return strstr(model, "opus") || strstr(model, "haiku") ? 4096 : 1024;
}

void prompt_cache_use(struct prompt_cache *self, const json_t *request, int64_t now_ms, struct prompt_usage *ret)
{
    int64_t least = minimum(request), counted;
    struct reading reading = {0};
    size_t found;

    *ret = (struct prompt_usage){0};
    read_request(&reading, request);
    pthread_mutex_lock(&self->lock);
    found = find(self, &reading, now_ms);
    ret->read = counted = found > 0 ? reading.blocks[found - 1].tokens : 0;
    for (size_t i = found; i < reading.n; i++) {
        const struct block *block = &reading.blocks[i];

        if (block->ttl_ms == 0 || block->tokens < least)
            continue;
        *place_of(self, block->hash) =
            (struct entry){.hash = block->hash, .until_ms = now_ms + block->ttl_ms, .ttl_ms = block->ttl_ms};
        *(block->ttl_ms == TTL_1H_MS ? &ret->written_1h : &ret->written_5m) += block->tokens - counted;
        counted = block->tokens;
    }
    pthread_mutex_unlock(&self->lock);
    ret->input = reading.n > 0 ? reading.blocks[reading.n - 1].tokens - counted : 0;
    free(reading.blocks);
}
