/* claude_live.c - see claude_live.h. */
#include "services/orchestrator/claude/claude_live.h"

#include <time.h>

#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "services/orchestrator/claude/outage.h"

#define CALL_TIMEOUT_MS 30000
#define CALL_MIN_MS     500  /* with less than this left no try is worth its start */
#define FAIR_MS         4000 /* who has given it less, and runs out of time, has learnt nothing of the model */
#define BACKOFF_MS      400  /* before the second try; doubles with each */

/* One try, noted for the record. */
static int try_once(struct claude_live *self, const char *request, size_t len, int64_t left_ms, struct arena *arena,
                    json_t *tries, json_t **ret_message, struct err *err)
{
    struct anthropic_answer answer = {0};
    int timeout_ms = left_ms < CALL_TIMEOUT_MS ? (int)left_ms : CALL_TIMEOUT_MS;
    int rc = anthropic_create(&self->api, request, len, timeout_ms, arena, &answer, err);

    json_array_append_new(tries,
                          json_pack("{s:i, s:I, s:s*, s:s*, s:s*, s:O*}", "status", answer.status, "took_us",
                                    (json_int_t)answer.took_us, "request_id", answer.request_id, "error_type",
                                    answer.error_type, "error", rc < 0 ? err->text : NULL, "message", answer.message));
    if (rc == 0)
        *ret_message = answer.message;
    return rc;
}

static void sleep_ms(int64_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    while (nanosleep(&left, &left) < 0)
        ;
}

/* Tries until there is an answer, while another try is worth it and there is time. */
static int try_on(struct claude_live *self, const char *request, size_t len, struct arena *arena, json_t *tries,
                  json_t **ret_message, struct err *err)
{
    for (int attempt = 0;; attempt++) {
        int64_t left_ms = self->deadline_ms - clock_mono_ms(), wait_ms;

        if (left_ms < CALL_MIN_MS)
            return attempt > 0 ? -1 : err_set(err, ERR_UNAVAILABLE, "no time is left to ask the model");
        *err = (struct err){0};
        if (try_once(self, request, len, left_ms, arena, tries, ret_message, err) == 0)
            return 0;
        wait_ms =
            err->retry_after_s > 0 ? (int64_t)err->retry_after_s * 1000 : BACKOFF_MS << (attempt < 4 ? attempt : 4);
        wait_ms += clock_mono_us() % 100; /* so that many turns do not come back in step */
        if (err->kind != ERR_UNAVAILABLE || self->deadline_ms - clock_mono_ms() - wait_ms < CALL_MIN_MS)
            return -1;
        log_warn("the model did not answer, trying again", log_int("provider_code", err->provider_code),
                 log_str("error", err->text), log_int("wait_ms", wait_ms));
        sleep_ms(wait_ms);
    }
}

/* What a call came to that got no message, so that the record tells it apart from a try before another. */
static void note_failure(json_t *tries, size_t n_before, const struct err *err)
{
    json_t *last;

    if (json_array_size(tries) == n_before)
        json_array_append_new(tries, json_pack("{s:i, s:s}", "status", 0, "error", err->text));
    last = json_array_get(tries, json_array_size(tries) - 1);
    json_object_set_new(last, "failed", json_string(err_kind_name(err->kind)));
}

/* A client without patience, or the end of a long turn, must not keep the model from the turns of others. */
static bool is_haste(const struct claude_live *self, int64_t given_ms, const struct err *why)
{
    return given_ms < FAIR_MS && why->provider_code == 0 && self->deadline_ms - clock_mono_ms() < CALL_MIN_MS;
}

int claude_live_call(void *arg, const char *request, size_t len, struct arena *arena, json_t *tries,
                     json_t **ret_message, struct err *err)
{
    struct claude_live *self = arg;
    size_t n_before = json_array_size(tries);
    int64_t given_ms = self->deadline_ms - clock_mono_ms();
    struct err why = {0};
    int rc;

    if (!self->begun && !outage_may_ask(self->outage, clock_mono_ms())) {
        rc = err_set(&why, ERR_UNAVAILABLE, "the model is away: it gave no answer to the turns before");
    } else {
        self->begun = true;
        rc = try_on(self, request, len, arena, tries, ret_message, &why);
        /* An answer that is of no use may be due to what this lead wrote. */
        if (rc == 0 || !is_haste(self, given_ms, &why))
            outage_note(self->outage, rc == 0 || why.kind != ERR_UNAVAILABLE);
    }
    if (rc == 0)
        return 0;
    note_failure(tries, n_before, &why);
    if (err)
        *err = why;
    return -1;
}
