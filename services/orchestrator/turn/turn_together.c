/* turn_together.c - see turn_together.h, and migrations/0172. */
#include "services/orchestrator/turn/turn_together.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/group.h"
#include "libshared/service.h"
#include "libshared/sms_segments.h"
#include "libshared/tasks.h"
#include "proto/envelope.h"
#include "proto/tasks.h"
#include "services/orchestrator/later/follow_up.h"
#include "services/orchestrator/turn/turn.h"
#include "services/orchestrator/turn/turn_store.h"

#define BATCH_MAX 32
#define ARENA_MAX ((size_t)256 * 1024 * 1024)

struct commit {
    struct group_item item; /* the first member */
    struct task *task;
    const struct turn *turn;
    char send_id[UUID_SIZE]; /* of the task that sends the reply */
    bool taken, score_changed;
};

/* The columns of a batch, as PostgreSQL arrays; in the order of the parameters of turns_answered. */
enum column {
    CLIENTS,
    CONVERSATIONS,
    LEADS,
    TASKS,
    TOKENS,
    ANSWERED_SEQS,
    EPOCHS,
    BURST_ENDS_US,
    LAST_SEQS,
    SCORES,
    SCORE_REASONS,
    LEAD_NAMES,
    SERVICE_INTERESTS,
    URGENCIES,
    BUDGET_RANGES,
    TIMELINES,
    EVIDENCES,
    EMAILS,
    MESSAGE_IDS,
    TURN_IDS,
    PURPOSES,
    CHANNELS,
    FROM_ADDRESSES,
    TO_ADDRESSES,
    BODIES,
    SEGMENTS,
    TRACE_IDS,
    SEND_IDS,
    SEND_KINDS,
    SEND_ATTEMPTS,
    SEND_DEADLINES_S,
    LANES,
    SERIAL_KEYS,
    AGENTS,
    MISSES,
    ASKED,
    RECORDS,
    MODELS,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    CACHE_READ_TOKENS,
    CACHE_WRITE_TOKENS,
    COST_MICRO_USD,
    FALLBACKS,
    EXCHANGES,
    SAW_SEQS,
    FIRST_SEQS,
    HISTORIES_FROM,
    N_COLUMNS,
};

static const struct task_kind *send_kind(const struct turn *turn)
{
    return task_kind_find(strcmp(turn->channel, "whatsapp") == 0 ? TASK_send_message_whatsapp : TASK_send_message_sms);
}

static int segments(const struct turn *turn)
{
    return strcmp(turn->channel, "sms") == 0 ? sms_segments(turn->out.reply) : 1;
}

/* As outbound_put names them. */
static const char *serial_key(const struct turn *turn, struct arena *arena)
{
    return arena_printf(arena, "%s:%s", strcmp(turn->purpose, "started") == 0 ? "started" : "send",
                        turn->conversation_id);
}

static const char *lane(const struct turn *turn, struct arena *arena)
{
    char name[TASK_LANE_SIZE];

    task_lane(turn->channel, turn->our_address, name);
    return arena_strdup(arena, name);
}

static const char *number(int64_t value, struct arena *arena)
{
    return arena_printf(arena, "%" PRId64, value);
}

/* NULL is SQL NULL. */
static const char *cell(enum column column, const struct commit *commit, struct arena *arena)
{
    const struct task *task = commit->task;
    const struct turn *turn = commit->turn;
    const struct decision_output *out = &turn->out;

    switch (column) {
    case CLIENTS:
        return turn->client_id;
    case CONVERSATIONS:
        return turn->conversation_id;
    case LEADS:
        return turn->lead_id;
    case TASKS:
        return task->task_id;
    case TOKENS:
        return number(task->token, arena);
    case ANSWERED_SEQS:
        return number(turn->answered_seq, arena);
    case EPOCHS:
        return number(turn->epoch, arena);
    case BURST_ENDS_US:
        return number(turn_store_burst_ends_us(turn), arena);
    case LAST_SEQS:
        return number(turn->last_seq, arena);
    case SCORES:
        return out->score;
    case SCORE_REASONS:
        return out->score_reason;
    case LEAD_NAMES:
        return out->name;
    case SERVICE_INTERESTS:
        return out->service_interest;
    case URGENCIES:
        return out->urgency;
    case BUDGET_RANGES:
        return out->budget_range;
    case TIMELINES:
        return out->timeline;
    case EVIDENCES:
        return out->evidence;
    case EMAILS:
        return out->email;
    case MESSAGE_IDS:
        return turn->message_id;
    case TURN_IDS:
        return turn->turn_id;
    case PURPOSES:
        return turn->purpose;
    case CHANNELS:
        return turn->channel;
    case FROM_ADDRESSES:
        return turn->our_address;
    case TO_ADDRESSES:
        return turn->lead_address;
    case BODIES:
        return out->reply;
    case SEGMENTS:
        return number(segments(turn), arena);
    case TRACE_IDS:
        return task->trace_id;
    case SEND_IDS:
        return commit->send_id;
    case SEND_KINDS:
        return send_kind(turn)->name;
    case SEND_ATTEMPTS:
        return number(send_kind(turn)->max_attempts, arena);
    case SEND_DEADLINES_S:
        return number(send_kind(turn)->deadline_s, arena);
    case LANES:
        return lane(turn, arena);
    case SERIAL_KEYS:
        return serial_key(turn, arena);
    case AGENTS:
        return out->agent;
    case MISSES:
        return number(out->misses, arena);
    case ASKED:
        return out->asked;
    case RECORDS:
        return turn->record;
    case MODELS:
        return turn->model;
    case INPUT_TOKENS:
        return number(turn->tokens.input, arena);
    case OUTPUT_TOKENS:
        return number(turn->tokens.output, arena);
    case CACHE_READ_TOKENS:
        return number(turn->tokens.cache_read, arena);
    case CACHE_WRITE_TOKENS:
        return number(turn->tokens.cache_write, arena);
    case COST_MICRO_USD:
        return number(turn->cost_micro_usd, arena);
    case FALLBACKS:
        return turn->fallback ? "true" : "false";
    case EXCHANGES:
        return turn->exchange;
    case SAW_SEQS:
        return number(turn_store_saw_seq(turn), arena);
    case FIRST_SEQS:
        return number(turn->in.unanswered[0].seq, arena);
    case HISTORIES_FROM:
        return number(turn->history_from, arena);
    case N_COLUMNS:
        break;
    }
    return NULL;
}

/* As arguments of the statement. */
static struct db_arg *make_columns(struct group_item *const *items, size_t n, struct arena *arena)
{
    struct db_arg *columns = arena_calloc(arena, N_COLUMNS, sizeof *columns);
    const char *cells[BATCH_MAX], *array;

    for (int column = 0; columns && column < N_COLUMNS; column++) {
        for (size_t i = 0; i < n; i++)
            cells[i] = cell((enum column)column, (const struct commit *)items[i], arena);
        if (!(array = db_array(arena, cells, n)))
            return NULL;
        columns[column] = db_text(array);
    }
    return columns;
}

/* What is known to be committed: each sends, and what waited for the task of its turn may run. */
static void take_row(struct worker *worker, struct commit *commit, const struct db_result *rows, int row)
{
    const char *client_id = db_get(rows, row, "client_id"), *next_id = db_get(rows, row, "next_id");
    struct task_ref send = {.client_id = client_id, .task_id = commit->send_id};
    struct task_ref next = {.client_id = client_id, .task_id = next_id};

    commit->taken = true;
    commit->score_changed = db_get_bool(rows, row, "score_changed");
    if (worker->bus)
        bus_push_tasks(worker->bus, send_kind(commit->turn)->role, &send, 1);
    if (worker->bus && next_id)
        bus_push_tasks(worker->bus, db_get(rows, row, "next_role"), &next, 1);
}

static int commit_many(void *arg, struct group_item *const *items, size_t n, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_MAX);
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct worker *worker = arg;
    struct db_arg *columns;

    failpoint("tasks.before_complete");
    failpoint("orchestrator.before_commit");
    if (!arena || !(columns = make_columns(items, n, arena)))
        return err_set(err, ERR_UNAVAILABLE, "no memory for a batch of %zu turns", n);
    if (db_run_args(worker->db, NULL, &rows, err,
                    "SELECT item, score_changed, client_id, next_id, next_role"
                    "  FROM turns_answered($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,"
                    "                      $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32,"
                    "                      $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47,"
                    "                      $48)",
                    columns, N_COLUMNS) < 0)
        return -1;
    for (int row = 0; row < db_result_count(rows); row++)
        take_row(worker, (struct commit *)items[db_get_int(rows, row, "item")], rows, row);
    return 0;
}

/* Of the process. */
static struct group commits = GROUP_INIT_PATIENT(commit_many, BATCH_MAX);

/* Whether the turn is one that turns_answered stores: nobody is to be alerted, and nothing is to be written later. */
static bool is_common(const struct turn *turn, struct arena *arena)
{
    return strcmp(turn->out.score, "HOT") != 0 && !turn->out.escalate && !follow_up_may_change(turn, arena);
}

int turn_commit_together(struct worker *self, struct task *task, const struct turn *turn,
                         struct lead_change *ret_change, struct err *err)
{
    struct commit commit = {.task = task, .turn = turn};
    struct err problem = {0};

    if (!is_common(turn, task->arena))
        return 0;
    uuid_new(commit.send_id);
    if (group_do(&commits, self, &commit.item, &problem) < 0) {
        if (problem.kind != ERR_UNAVAILABLE && problem.kind != ERR_UNCERTAIN)
            return 0;
        if (err)
            *err = problem;
        return -1;
    }
    if (!commit.taken)
        return 0;
    task->settled = true;
    *ret_change = (struct lead_change){.score_changed = commit.score_changed};
    return 1;
}
