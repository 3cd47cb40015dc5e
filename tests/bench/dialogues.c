/* leadwire-bench-dialogues - what an agent makes of the labelled dialogues.
 *
 * usage: leadwire-bench-dialogues AGENT FILE...    (scripted or claude, tests/bench/dialogues/NAME.json)
 *
 * Prints a line of JSON for each dialogue (tests/unit/dialoguefix.h). claude: ANTHROPIC_API_KEY, and where set
 * ANTHROPIC_BASE_URL and ANTHROPIC_MODEL. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "tests/unit/dialoguefix.h"

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value && *value ? value : otherwise;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct config config = {.anthropic_api_key = setting("ANTHROPIC_API_KEY", NULL),
                            .anthropic_base_url = setting("ANTHROPIC_BASE_URL", "https://api.anthropic.com"),
                            .anthropic_model = setting("ANTHROPIC_MODEL", "claude-sonnet-5-5")};
    struct http *http;

    if (argc < 3 || (strcmp(argv[1], "scripted") != 0 && strcmp(argv[1], "claude") != 0)) {
        fprintf(stderr, "usage: leadwire-bench-dialogues scripted|claude FILE...\n");
        return 1;
    }
    if (!(http = http_new(&err))) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (int i = 2; i < argc; i++) {
        json_t *results = dialogues_play(argv[i], argv[1], &config, http), *result;
        size_t k;

        json_array_foreach (results, k, result) {
            json_dumpf(result, stdout, JSON_COMPACT);
            putchar('\n');
        }
        json_decref(results);
    }
    http_destroy(&http);
    return 0;
}
