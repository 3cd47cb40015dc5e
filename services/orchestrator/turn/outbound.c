/* outbound.c - see outbound.h. */
#include "services/orchestrator/turn/outbound.h"

#include <stdio.h>
#include <string.h>

#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/sms_segments.h"
#include "libshared/tasks.h"
#include "proto/tasks.h"

#define KEY_SIZE (UUID_SIZE + 16)

static const char *task_kind(const struct outbound *message)
{
    if (strcmp(message->channel, "voice") == 0)
        return TASK_make_alert_call;
    if (strcmp(message->channel, "whatsapp") == 0)
        return TASK_send_message_whatsapp;
    return strcmp(message->purpose, "alert") == 0 ? TASK_send_sms_alert : TASK_send_message_sms;
}

/* What is written to a lead keeps its order. What we start may wait for the lead's hours: it has an order of its own,
 * so that it does not hold up an answer. An alert waits for nothing. */
static int insert_task(struct db_tx *tx, struct bus *bus, const struct outbound *message, int segments,
                       char ret_task_id[UUID_SIZE], struct err *err)
{
    char lane[TASK_LANE_SIZE], serial_key[KEY_SIZE], dedupe_key[KEY_SIZE];
    struct task_spec spec = {.kind = task_kind(message),
                             .client_id = message->client_id,
                             .trace_id = message->trace_id,
                             .payload = &(struct send_message){.message_id = message->message_id},
                             .dedupe_key = message->once ? message->once : dedupe_key,
                             .new_key = !message->once,
                             .lane = lane,
                             .lane_units = segments};

    task_lane(message->channel, message->from, lane);
    snprintf(dedupe_key, sizeof dedupe_key, "send:%s", message->message_id);
    snprintf(serial_key, sizeof serial_key, "%s:%s", strcmp(message->purpose, "started") == 0 ? "started" : "send",
             message->conversation_id);
    if (strcmp(message->purpose, "alert") != 0)
        spec.serial_key = serial_key;
    return task_insert(tx, bus, &spec, ret_task_id, err);
}

static int insert_message(struct db_tx *tx, const struct outbound *message, int segments, struct err *err)
{
    return db_send(tx, err,
                   "INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, purpose,"
                   "                      channel, from_address, to_address, body, content_sid, content_variables,"
                   "                      segments, state, epoch, turn_id, trace_id, answers_after, follow_up)"
                   "VALUES ($1, $2, $3, $4, 'out', $5, $6, $7, $8, $9, $10, $11, $12, $13, 'queued', $14, $15, $16,"
                   "        $17, $18)",
                   db_text(message->client_id), db_text(message->message_id), db_text(message->conversation_id),
                   db_text(message->lead_id), db_text(message->author), db_text(message->purpose),
                   db_text(message->channel), db_text(message->from), db_text(message->to), db_text(message->body),
                   db_text(message->content_sid), db_text(message->content_variables), db_int(segments),
                   db_int(message->epoch), db_text(message->turn_id),
                   db_text(message->trace_id ? message->trace_id : ""),
                   message->answers_after ? db_int(*message->answers_after) : db_text(NULL),
                   db_text(message->follow_up));
}

int outbound_put(struct db_tx *tx, struct bus *bus, const struct outbound *message, char ret_task_id[UUID_SIZE],
                 struct err *err)
{
    int segments = strcmp(message->channel, "sms") == 0 ? sms_segments(message->body) : 1;
    int inserted;

    /* Without a key of its own it is always new: all of it is sent ahead. */
    if (!message->once && insert_message(tx, message, segments, err) < 0)
        return -1;
    inserted = insert_task(tx, bus, message, segments, ret_task_id, err);
    if (inserted > 0 && message->once && insert_message(tx, message, segments, err) < 0)
        return -1;
    return inserted;
}
