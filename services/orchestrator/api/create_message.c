/* create_message.c - a person writes to a lead. */
#include <jansson.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "proto/clients.h"
#include "proto/conversations.h"
#include "proto/envelope.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/api/client_store.h"
#include "services/orchestrator/api/writing_store.h"
#include "services/orchestrator/greeting/first_message.h"
#include "services/orchestrator/handlers.h"
#include "services/orchestrator/turn/outbound.h"

#define BODY_CHARS_MAX 1600 /* what Twilio takes */

/* ---- the request ---- */

/* An object with a text for each placeholder. */
static int check_variables(const char *text, struct err *err)
{
    json_auto_t *variables = json_loads(text, 0, NULL);
    const char *name;
    json_t *value;

    if (!json_is_object(variables))
        return err_set_field(err, ERR_INVALID, "content_variables", "content_variables must be an object of texts");
    json_object_foreach (variables, name, value)
        if (!*name || !json_is_string(value) || !*json_string_value(value))
            return err_set_field(err, ERR_INVALID, "content_variables",
                                 "content_variables: the placeholder \"%.40s\" needs a text", name);
    return 0;
}

static bool is_content_sid(const char *text)
{
    return strlen(text) == 34 && strncmp(text, "HX", 2) == 0 && strspn(text + 2, "0123456789abcdefABCDEF") == 32;
}

static int check_content(const struct create_message *request, struct err *err)
{
    if (request->body && request->content_sid)
        return err_set_field(err, ERR_INVALID, "body",
                             "a template has its own text: give body or content_sid, not both");
    if (!request->body && !request->content_sid)
        return err_set_field(err, ERR_INVALID, "body", "body is missing: what shall be said?");
    if (request->content_sid && !is_content_sid(request->content_sid))
        return err_set_field(err, ERR_INVALID, "content_sid", "content_sid must be HX and 32 hex digits");
    if (request->content_variables && !request->content_sid)
        return err_set_field(err, ERR_INVALID, "content_variables", "content_variables belong to a content_sid");
    if (request->body && !text_has_word(request->body))
        return err_set_field(err, ERR_INVALID, "body", "body says nothing");
    if (request->body && utf8_count(request->body) > BODY_CHARS_MAX)
        return err_set_field(err, ERR_INVALID, "body", "body must have at most %d characters", BODY_CHARS_MAX);
    return request->content_variables ? check_variables(request->content_variables, err) : 0;
}

static int check_request(const struct create_message *request, struct err *err)
{
    if (!request->conversation_id && !request->to)
        return err_set_field(err, ERR_INVALID, "to", "to is missing: to whom? (or give a conversation_id)");
    if (!request->conversation_id && !request->client_id)
        return err_set_field(err, ERR_INVALID, "client_id", "client_id is missing: which client writes?");
    if (request->to && !phone_is_e164(request->to))
        return err_set_field(err, ERR_INVALID, "to", "to must be a phone number in E.164, e.g. +15551234567");
    return check_content(request, err);
}

/* ---- where ---- */

static int no_sender(const char *channel, struct err *err)
{
    bool whatsapp = strcmp(channel, "whatsapp") == 0;

    return err_set_field(err, ERR_CONFLICT, whatsapp ? "twilio_whatsapp_number" : "twilio_phone_number",
                         whatsapp ? "the client has no WhatsApp sender: set its twilio_whatsapp_number"
                                  : "the client has no number to send texts from: set its twilio_phone_number");
}

static int open_conversation(struct call *call, char ret_conversation_id[UUID_SIZE], struct err *err)
{
    const struct create_message *request = call->request;
    const char *channel = request->channel ? request->channel : "sms", *sender;
    struct client client = {0};

    if (client_store_get(call->tx, request->client_id, call->arena, &client, err) < 0)
        return -1;
    if (!(sender = client_config_sender(client.config, channel, call->arena)))
        return no_sender(channel, err);
    return writing_open(call->tx, request->client_id, channel, request->to, sender, ret_conversation_id, err);
}

static int find_conversation(struct call *call, struct writing *ret_writing, struct err *err)
{
    const struct create_message *request = call->request;
    const char *conversation_id = request->conversation_id;
    char opened[UUID_SIZE];

    if (!conversation_id) {
        if (open_conversation(call, opened, err) < 0)
            return -1;
        conversation_id = opened;
    }
    if (writing_find(call->tx, request->client_id, conversation_id, call->arena, ret_writing, err) < 0)
        return -1;
    if (request->channel && strcmp(request->channel, ret_writing->channel) != 0)
        return err_set_field(err, ERR_INVALID, "channel", "the conversation's channel is %s", ret_writing->channel);
    if (request->to && strcmp(request->to, ret_writing->lead_address) != 0)
        return err_set_field(err, ERR_INVALID, "to", "the conversation is with another number: leave to out");
    return 0;
}

/* ---- whether, and what ---- */

/* Delivery asks all of this again when it sends; here whoever writes is told at once. */
static int check_allowed(const struct create_message *request, const struct writing *writing, struct err *err)
{
    bool whatsapp = strcmp(writing->channel, "whatsapp") == 0;

    if (!whatsapp && strcmp(writing->channel, "sms") != 0)
        return err_set_field(err, ERR_INVALID, "channel", "over %s nothing can be sent: give to and channel sms",
                             writing->channel);
    if (request->content_sid && !whatsapp)
        return err_set_field(err, ERR_INVALID, "content_sid", "a template goes by WhatsApp alone, not by %s",
                             writing->channel);
    if (writing->lead_is_us)
        return err_set_field(err, ERR_INVALID, "to", "to is a number of the client itself: its agent would answer");
    if (writing->opted_out)
        return err_set_field(err, ERR_CONFLICT, "to", "the lead has opted out of messages: nothing may be sent to it");
    if (request->body && whatsapp && !writing->window_open)
        return err_set_field(err, ERR_CONFLICT, "body",
                             "the lead has not written by WhatsApp for 24 hours: only a template may be sent, give "
                             "content_sid");
    return 0;
}

/* A person's words are not cut. */
static const char *compose(const struct create_message *request, const struct writing *writing, struct arena *arena,
                           struct err *err)
{
    const char *body = request->body ? request->body : "";

    if (request->body && writing->first_message)
        body = first_message(arena,
                             &(struct first_message){.name = writing->client_name,
                                                     .line = client_config_text(writing->config,
                                                                                "first_message_opt_out_line", arena)},
                             body, 0);
    if (!body) {
        err_set(err, ERR_INTERNAL, "a message: out of memory");
    } else if (utf8_count(body) > BODY_CHARS_MAX) {
        err_set_field(err, ERR_INVALID, "body",
                      "body must have at most %zu characters: the first message to a lead names the business too",
                      BODY_CHARS_MAX - (utf8_count(body) - utf8_count(request->body)));
        return NULL;
    }
    return body;
}

static const char *choose_sender(const struct writing *writing, struct arena *arena)
{
    if (writing->our_address_is_ours)
        return writing->our_address;
    return client_config_sender(writing->config, writing->channel, arena);
}

int on_create_message(struct worker *self, struct call *call, struct err *err)
{
    const struct create_message *request = call->request;
    struct created_message *reply = call->reply;
    char *message_id = arena_alloc(call->arena, UUID_SIZE), *task_id = arena_alloc(call->arena, UUID_SIZE);
    struct writing writing;
    struct outbound message;
    const char *body, *from;
    int64_t epoch;

    if (!message_id || !task_id)
        return err_set(err, ERR_INTERNAL, "a message: out of memory");
    if (check_request(request, err) < 0 || find_conversation(call, &writing, err) < 0 ||
        check_allowed(request, &writing, err) < 0 || !(body = compose(request, &writing, call->arena, err)))
        return -1;
    if (!(from = choose_sender(&writing, call->arena)))
        return no_sender(writing.channel, err);
    if ((epoch = writing_raise_epoch(call->tx, &writing, from, err)) < 0)
        return -1;
    uuid_new(message_id);
    message = (struct outbound){.client_id = writing.client_id,
                                .conversation_id = writing.conversation_id,
                                .lead_id = writing.lead_id,
                                .message_id = message_id,
                                .purpose = writing.recent ? "reply" : "started",
                                .author = "human",
                                .channel = writing.channel,
                                .from = from,
                                .to = writing.lead_address,
                                .body = body,
                                .content_sid = request->content_sid,
                                .content_variables = request->content_variables,
                                .trace_id = call->env ? call->env->trace_id : NULL,
                                .epoch = epoch};
    if (outbound_put(call->tx, self->bus, &message, task_id, err) < 0)
        return -1;
    *reply = (struct created_message){.message_id = message_id,
                                      .conversation_id = writing.conversation_id,
                                      .lead_id = writing.lead_id,
                                      .task_id = task_id};
    return 0;
}
