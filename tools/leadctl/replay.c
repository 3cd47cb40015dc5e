/* replay.c - leadctl replay: whether turns would be decided the same by the code that is installed now.
 *
 * Ends with 0 where all come out the same, 1 where one does not, 2 where nothing can be said of one. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/codec.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/orchestrator/api/turns.h"
#include "tools/leadctl/ctl.h"

#define TURN_BYTES    (32 * 1024 * 1024)
#define DEFAULT_TURNS 1000
#define SINCE_MAX_S   (366 * 86400LL)

static int print_json(const struct replayed_turn *turn, struct err *err)
{
    AUTO(buf_free) struct buf out = {0};

    if (codec_to_json(&replayed_turn_type, turn, &out, err) < 0)
        return -1;
    if (out.failed)
        return err_set(err, ERR_INTERNAL, "out of memory");
    puts(out.data);
    return 0;
}

/* A value as JSON, which keeps it on one line and away from the terminal. */
static void print_value(const char *name, const char *value)
{
    AUTO(buf_free) struct buf out = {0};

    buf_json_string(&out, value);
    printf("    %s %s\n", name, value && !out.failed ? out.data : "(not there)");
}

static void print_turn(const struct replayed_turn *turn)
{
    printf("%s %s %s", turn->turn_id, turn->agent, turn->outcome);
    if (turn->reason)
        printf(": %s", turn->reason);
    putchar('\n');
    if (strcmp(turn->outcome, "cannot") == 0)
        return;
    if (turn->code_before && strcmp(turn->code_before, turn->code_now) != 0)
        printf("  code %s, now %s\n", turn->code_before, turn->code_now);
    if (turn->prompt_sha256_before && turn->prompt_sha256_now &&
        strcmp(turn->prompt_sha256_before, turn->prompt_sha256_now) != 0)
        printf("  prompt %s, now %s; the recorded answers are used\n", turn->prompt_sha256_before,
               turn->prompt_sha256_now);
    if (turn->requests_changed > 0)
        printf("  %" PRId64 " request(s) to the model would be others\n", turn->requests_changed);
    for (size_t i = 0; i < turn->n_differences; i++) {
        printf("  %s\n", turn->differences[i].field);
        print_value("was", turn->differences[i].before);
        print_value("now", turn->differences[i].now);
    }
}

/* How many came out how. */
struct tally {
    int64_t same, different, cannot;
};

/* One turn, shown where wanted: a single one always, of many only those that are not the same. */
static int replay(struct ctl *ctl, const char *turn_id, bool is_single, struct tally *tally, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(TURN_BYTES);
    AUTO(db_rollback) struct db_tx *tx = NULL;
    struct replayed_turn turn = {0};
    bool is_same;

    if (!arena)
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (!(tx = db_begin(ctl->db, DB_EVERY_CLIENT, err)) || turns_replay(tx, turn_id, arena, &turn, err) < 0)
        return -1;
    is_same = strcmp(turn.outcome, "same") == 0;
    if (is_same)
        tally->same++;
    else if (strcmp(turn.outcome, "different") == 0)
        tally->different++;
    else
        tally->cannot++;
    if (!is_single && is_same)
        return 0;
    if (ctl_option(ctl, "json"))
        return print_json(&turn, err);
    print_turn(&turn);
    return 0;
}

/* "30m", "12h", "7d"; -1 if it is none. */
static int64_t seconds_of(const char *text)
{
    size_t len = strlen(text);
    int64_t unit = len == 0               ? 0
                   : text[len - 1] == 'm' ? 60
                   : text[len - 1] == 'h' ? 3600
                   : text[len - 1] == 'd' ? 86400
                                          : 0;
    char number[16] = "";
    int64_t n = 0;

    if (unit == 0 || len > sizeof number)
        return -1;
    memcpy(number, text, len - 1);
    return text_to_int(number, 1, SINCE_MAX_S / unit, &n) ? n * unit : -1;
}

/* The turns of a conversation or of a time, newest first. */
static int find_turns(struct ctl *ctl, struct db_result **ret_rows, struct err *err)
{
    const char *conversation = ctl_option(ctl, "conversation"), *since = ctl_option(ctl, "since");
    const char *client = ctl_option(ctl, "client"), *limit = ctl_option(ctl, "limit");
    int64_t seconds = since ? seconds_of(since) : SINCE_MAX_S, wanted = DEFAULT_TURNS;

    if (seconds < 0)
        return ctl_misuse(ctl, err, "--since is a time like 30m, 12h or 7d, at most 366d");
    if (limit && !text_to_int(limit, 1, 1000000, &wanted))
        return ctl_misuse(ctl, err, "--limit is a number from 1 to 1000000");
    if ((conversation && ctl_check_uuid(ctl, conversation, "--conversation", err) < 0) ||
        (client && ctl_check_uuid(ctl, client, "--client", err) < 0) || !ctl_db(ctl, err))
        return -1;
    return db_run(ctl->db, DB_EVERY_CLIENT, ret_rows, err,
                  "SELECT turn_id FROM turns"
                  " WHERE ($1::uuid IS NULL OR conversation_id = $1) AND ($2::uuid IS NULL OR client_id = $2)"
                  "   AND created_at >= now() - make_interval(secs => $3)"
                  " ORDER BY created_at DESC, turn_id DESC LIMIT $4",
                  db_text(conversation), db_text(client), db_int(seconds), db_int(wanted)) < 0
               ? -1
               : 0;
}

static int replay_many(struct ctl *ctl, struct tally *tally, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (find_turns(ctl, &rows, err) < 0)
        return -1;
    for (int i = 0; i < db_result_count(rows); i++) {
        struct err why = {0};

        /* What the clean-up or an erasure has taken meanwhile is not missed. */
        if (replay(ctl, db_get(rows, i, "turn_id"), false, tally, &why) < 0 && why.kind != ERR_NOT_FOUND)
            return err_set(err, why.kind, "%s", why.text);
    }
    if (!ctl_option(ctl, "json"))
        printf("same %" PRId64 ", different %" PRId64 ", cannot %" PRId64 "\n", tally->same, tally->different,
               tally->cannot);
    return 0;
}

int cmd_replay(struct ctl *ctl, struct err *err)
{
    bool is_single = ctl->n_args == 1, many = ctl_option(ctl, "conversation") || ctl_option(ctl, "since");
    struct tally tally = {0};

    ctl->exit_code = 2;
    if (is_single == many || (is_single && (ctl_option(ctl, "client") || ctl_option(ctl, "limit"))))
        return ctl_misuse(ctl, err, "replay wants either a TURN_ID, or --conversation or --since");
    if (is_single ? ctl_check_uuid(ctl, ctl->args[0], "TURN_ID", err) < 0 || !ctl_db(ctl, err) ||
                        replay(ctl, ctl->args[0], true, &tally, err) < 0
                  : replay_many(ctl, &tally, err) < 0)
        return -1;
    if (tally.different > 0) {
        ctl->exit_code = 1;
        return err_set(err, ERR_CONFLICT, "%" PRId64 " of %" PRId64 " would be decided differently now",
                       tally.different, tally.same + tally.different + tally.cannot);
    }
    if (tally.cannot > 0)
        return err_set(err, ERR_INVALID, "%" PRId64 " of %" PRId64 " cannot be decided again", tally.cannot,
                       tally.same + tally.cannot);
    return 0;
}
