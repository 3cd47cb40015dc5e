/* turn_search.c - see turn_search.h. */
#include "services/orchestrator/turn/turn_search.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/bus.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "proto/messages.h"
#include "services/orchestrator/later/follow_up_plan.h"
#include "services/orchestrator/scripted/intents.h"
#include "services/orchestrator/scripted/words.h"
#include "services/orchestrator/turn/turn.h"

#define SEARCH_TIMEOUT_MS 3000
#define SEARCH_QUERY_MAX  4000
#define SEARCH_RESULTS    5
#define SEARCHES_MAX      3 /* sentences that are looked up one by one */
#define SENTENCES_MAX     40

int turn_search(void *arg, const char *query, struct arena *arena, const struct passage **ret_passages, size_t *ret_n,
                struct err *err)
{
    const struct turn_searcher *self = arg;
    struct search_knowledge question = {.client_id = self->client_id,
                                        .query = query,
                                        .max_results = SEARCH_RESULTS,
                                        .threshold = -1};
    struct search_result found = {0};

    if (!self->worker->bus)
        return err_set(err, ERR_UNAVAILABLE, "there is no bus");
    if (bus_ask(self->worker->bus,
                &(struct bus_request){.role = "knowledge",
                                      .client_id = self->client_id,
                                      .trace_id = self->trace_id,
                                      .timeout_ms = SEARCH_TIMEOUT_MS,
                                      .type = &search_knowledge_type,
                                      .msg = &question},
                &search_result_type, arena, &found, err) < 0)
        return -1;
    *ret_passages = found.passages;
    *ret_n = found.n_passages;
    return 0;
}

/* Of an FAQ question and answer may be found by either. */
static bool is_same(const struct passage *a, const struct passage *b)
{
    if (strcmp(a->kind, "faq") == 0)
        return strcmp(a->document_id, b->document_id) == 0;
    return strcmp(a->chunk_id, b->chunk_id) == 0;
}

static void add_found(struct turn *turn, const struct passage *passages, size_t n, struct arena *arena)
{
    struct passage *all = arena_calloc(arena, turn->in.n_passages + n, sizeof *all);
    size_t kept = turn->in.n_passages;

    if (!all)
        return;
    for (size_t i = 0; i < kept; i++)
        all[i] = turn->in.passages[i];
    for (size_t i = 0; i < n && kept < DECISION_PASSAGES_MAX; i++) {
        bool known = false;

        for (size_t k = 0; k < kept && !known; k++)
            known = is_same(&all[k], &passages[i]);
        if (!known)
            all[kept++] = passages[i];
    }
    turn->in.passages = all;
    turn->in.n_passages = kept;
}

/* Looks the query up; ret_passages, at most max of them, are not the turn's yet. */
static int look_up(struct turn_searcher *searcher, struct turn *turn, const char *query, size_t max,
                   struct arena *arena, const struct passage **ret_passages, size_t *ret_n)
{
    struct err err = {0};

    *ret_n = 0;
    if (query[strspn(query, " \t\r\n")] == '\0')
        return 0;
    if (turn_search(searcher, query, arena, ret_passages, ret_n, &err) == 0) {
        *ret_n = *ret_n < max ? *ret_n : max;
        return 0;
    }
    log_warn("answering without knowledge", log_str("client_id", turn->client_id),
             log_str("conversation_id", turn->conversation_id), log_str("error", err.text));
    turn->in.search_error = arena_strdup(arena, err.text);
    return -1;
}

/* The same of several, one by one: what is found becomes the turn's in their order. */
static int look_up_each(struct turn_searcher *searcher, struct turn *turn, const char *const *queries, size_t n,
                        size_t max, struct arena *arena)
{
    for (size_t i = 0; i < n; i++) {
        const struct passage *found = NULL;
        size_t n_found;

        if (look_up(searcher, turn, queries[i], max, arena, &found, &n_found) < 0)
            return -1;
        add_found(turn, found, n_found, arena);
    }
    return 0;
}

/* The questions in the text, at most max. "Can you text me on Tuesday?" is none for the knowledge base. */
static size_t find_questions(const struct turn *turn, const char *text, const char **ret, size_t max,
                             struct arena *arena)
{
    size_t found = intents_questions(arena, text, ret, max), kept = 0;
    struct later wish = {0};

    if (found > 1)
        wish = follow_up_wish(arena, &turn->in);
    for (size_t i = 0; i < found; i++)
        if (wish.kind == LATER_NONE || !strstr(wish.words, ret[i]))
            ret[kept++] = ret[i];
    return kept;
}

/* All texts together are looked up first. Of several questions in them that may find only what answers one, so the best
 * for each of them goes before it. And several sentences together may be like nothing that is known, where one of them
 * alone is: then the last few are looked up one by one. */
void turn_add_passages(struct turn_searcher *searcher, struct turn *turn, struct arena *arena)
{
    const char *query = decision_unanswered_text(&turn->in, SEARCH_QUERY_MAX, arena), *each[SEARCHES_MAX];
    struct sentence sentences[SENTENCES_MAX];
    const struct passage *together = NULL;
    size_t n, n_together, n_each;
    int failed = 0;

    if (!query || look_up(searcher, turn, query, SEARCH_RESULTS, arena, &together, &n_together) < 0)
        return;
    n = words_sentences(arena, query, sentences, SENTENCES_MAX);
    if ((n_each = find_questions(turn, query, each, SEARCHES_MAX, arena)) > 1)
        failed = look_up_each(searcher, turn, each, n_each, 1, arena);
    add_found(turn, together, n_together, arena);
    if (failed < 0 || turn->in.n_passages > 0 || n < 2)
        return;
    n_each = 0;
    for (size_t i = n > SEARCHES_MAX ? n - SEARCHES_MAX : 0; i < n; i++)
        each[n_each++] = sentences[i].text;
    look_up_each(searcher, turn, each, n_each, SEARCH_RESULTS, arena);
}
