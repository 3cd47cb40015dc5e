/* The sandbox's prompt cache reads nothing but exact prefixes. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "tools/sandbox/anthropic_cache.h"

static struct prompt_cache *cache;
static struct prompt_usage usage;
static int64_t now_ms;

static void set_up(void)
{
    cache = prompt_cache_new();
    now_ms = 1000;
}

static void tear_down(void)
{
    prompt_cache_destroy(&cache);
}

TestSuite(sandbox_cache, .init = set_up, .fini = tear_down, .timeout = 10);

/* A request whose system has so many bytes, and these messages. */
static json_t *request(size_t system, const char *messages)
{
    char *text = calloc(1, system + 1);
    json_t *result;

    memset(text, 's', system);
    result = json_pack("{s:s, s:[{s:s, s:s, s:{s:s}}], s:o}", "model", "claude-sonnet-5-5", "system", "type", "text",
                       "text", text, "cache_control", "type", "ephemeral", "messages", json_loads(messages, 0, NULL));
    free(text);
    cr_assert(result);
    return result;
}

static void use(json_t *object)
{
    prompt_cache_use(cache, object, now_ms, &usage);
    json_decref(object);
}

#define ONE                                                                                                            \
    "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"one\",\"cache_control\":{\"type\":\"ephemeral\"}}" \
    "]}"
#define TWO                                                                                                      \
    ",{\"role\":\"assistant\",\"content\":\"two\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":" \
    "\"three\",\"cache_control\":{\"type\":\"ephemeral\"}}]}]"
#define PLAIN "[{\"role\":\"user\",\"content\":\"one\"}"

Test(sandbox_cache, what_was_marked_is_read_again)
{
    use(request(8000, ONE "]"));
    cr_expect_eq(usage.read, 0);
    cr_expect_gt(usage.written_5m, 2000);
    cr_expect_eq(usage.input, 0);

    int64_t written = usage.written_5m;

    use(request(8000, PLAIN TWO)); /* the mark has moved, and a string is a block */
    cr_expect_eq(usage.read, written);
    cr_expect_gt(usage.written_5m, 0);
    use(request(8000, PLAIN "]"));
    cr_expect_lt(usage.read, written, "the system alone is looked for");
    cr_expect_gt(usage.read, 2000);
    cr_expect_gt(usage.input, 0);
}

Test(sandbox_cache, one_byte_more_is_another_prefix)
{
    use(request(8000, ONE "]"));
    use(request(8001, ONE "]"));
    cr_expect_eq(usage.read, 0);
}

Test(sandbox_cache, a_short_prefix_is_not_kept)
{
    use(request(2000, ONE "]"));
    use(request(2000, ONE "]"));
    cr_expect_eq(usage.read + usage.written_5m, 0);
    cr_expect_gt(usage.input, 0);
}

Test(sandbox_cache, an_entry_lives_for_five_minutes_since_it_was_read)
{
    use(request(8000, ONE "]"));
    now_ms += 4 * 60 * 1000;
    use(request(8000, ONE "]"));
    cr_expect_gt(usage.read, 0);
    now_ms += 4 * 60 * 1000;
    use(request(8000, ONE "]"));
    cr_expect_gt(usage.read, 0);
    now_ms += 5 * 60 * 1000;
    use(request(8000, ONE "]"));
    cr_expect_eq(usage.read, 0);
}

Test(sandbox_cache, another_tool_choice_leaves_the_system_alone)
{
    json_t *forced = request(8000, ONE "]");

    use(request(8000, ONE "]"));
    json_object_set_new(forced, "tool_choice", json_pack("{s:s}", "type", "none"));
    use(forced);
    cr_expect_gt(usage.read, 0);
    cr_expect_gt(usage.written_5m, 0);
}

Test(sandbox_cache, it_looks_back_for_twenty_blocks)
{
    json_t *blocks = json_array(), *message;

    use(request(8000, ONE "]"));
    for (int i = 0; i < 30; i++)
        json_array_append_new(blocks, json_pack("{s:s, s:s}", "type", "text", "text", "more"));
    json_object_set_new(json_array_get(blocks, 29), "cache_control", json_pack("{s:s}", "type", "ephemeral"));
    message = json_pack("{s:s, s:o}", "role", "user", "content", blocks);

    json_t *far = request(8000, PLAIN "]");
    int64_t system;

    json_array_append_new(json_object_get(far, "messages"), message);
    use(far);
    system = usage.read;
    use(request(8000, PLAIN "]"));
    cr_expect_eq(usage.read, system, "the message's entry was too far back, the system's is marked itself");
}
