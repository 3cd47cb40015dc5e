/* loop.h - two machines that answer each other: an auto-responder at the lead's end, or another agent.
 *
 * A person who writes fast is not stopped: texts that come together get one answer, and nobody writes a text every 20 s
 * for ten minutes, each after an answer. Who writes the same long text four times and is answered each time is not
 * helped by a fifth answer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct decision_input;

#define LOOP_ANSWERS_MAX       30 /* of ours within the window: no more */
#define LOOP_ANSWERS_WINDOW_US (INT64_C(10) * 60 * 1000000)
#define LOOP_HISTORY_MIN       12 /* messages in a history before answers are counted; it is cut by its length */
#define LOOP_SAME_MAX          4  /* texts that are the same but for numbers, each but the last answered: no more */
#define LOOP_SAME_WINDOW_US    (INT64_C(60) * 60 * 1000000)
#define LOOP_SAME_BYTES_MIN    15 /* of such a text, folded: "ok" four times is a person */

/* Whether the unanswered texts seem to be a machine's. in->recent_answers: how many answers of ours there were within
 * LOOP_ANSWERS_WINDOW_US, as far as that is known to be many. */
bool loop_seen(struct arena *arena, const struct decision_input *in);
