/* orchestrator - clients, leads and conversations; decides what a lead is answered. */
#include <stdlib.h>

#include "libshared/config.h"
#include "libshared/http.h"
#include "libshared/service.h"
#include "proto/messages.h"
#include "services/orchestrator/claude/model_prices.h"
#include "services/orchestrator/claude/outage.h"
#include "services/orchestrator/handlers.h"
#include "services/orchestrator/turn/model_clients.h"

/* Made before the workers, ended after them. */
static struct outage *outage;
static struct model_clients *model_clients;
static struct model_prices prices;

static int orchestrator_check(const struct config *config, struct err *err)
{
    return model_prices_read(config->anthropic_prices, &prices, err);
}

static int orchestrator_start(struct worker *self, void **ret_service_state, struct err *err)
{
    (void)self;
    (void)ret_service_state;
    return (outage = outage_new(err)) && (model_clients = model_clients_new(err)) ? 0 : -1;
}

static int orchestrator_worker_new(struct worker *self, struct err *err)
{
    struct orchestrator *state = calloc(1, sizeof *state);

    if (!state || !(state->http = http_new(err))) {
        free(state);
        return -1;
    }
    state->outage = outage;
    state->clients = model_clients;
    state->prices = &prices;
    self->state = state;
    return 0;
}

static void orchestrator_worker_destroy(struct worker *self)
{
    struct orchestrator *state = self->state;

    if (!state)
        return;
    http_destroy(&state->http);
    free(state);
    self->state = NULL;
}

static const struct task_handler tasks[] = {
    {TASK_process_ai_response, process_ai_response},
    {TASK_follow_up, on_follow_up},
    {TASK_generate_greeting, generate_greeting},
    {0},
};

static const struct request_handler requests[] = {
    {&create_client_type, &client_type, on_create_client, 0},
    {&get_client_type, &client_type, on_get_client, 0},
    {&list_clients_type, &client_page_type, on_list_clients, 0},
    {&update_client_type, &client_type, on_update_client, 0},
    {&update_client_config_type, &client_type, on_update_client_config, 0},
    {&get_usage_type, &usage_type, on_get_usage, 0},
    {&get_conversation_type, &conversation_type, on_get_conversation, 0},
    {&list_conversations_type, &conversation_page_type, on_list_conversations, 0},
    {&list_timeline_type, &timeline_page_type, on_list_timeline, 0},
    {&list_scores_type, &score_page_type, on_list_scores, 0},
    {&take_over_conversation_type, &conversation_type, on_take_over_conversation, 0},
    {&release_conversation_type, &conversation_type, on_release_conversation, 0},
    {&close_conversation_type, &conversation_type, on_close_conversation, 0},
    {&get_message_type, &message_type, on_get_message, 0},
    {&create_message_type, &created_message_type, on_create_message, 0},
    {&list_messages_type, &message_page_type, on_list_messages, 0},
    {&list_leads_type, &lead_page_type, on_list_leads, 0},
    {&get_lead_type, &lead_type, on_get_lead, 0},
    {&create_lead_type, &created_lead_type, on_create_lead, 0},
    {&update_lead_type, &lead_type, on_update_lead, 0},
    {&opt_out_lead_type, &lead_type, on_opt_out_lead, 0},
    {&opt_in_lead_type, &lead_type, on_opt_in_lead, 0},
    {&export_lead_type, &export_page_type, on_export_lead, 0},
    {&erase_lead_type, &erased_lead_type, on_erase_lead, 0},
    {&explain_message_type, &message_why_type, on_explain_message, 0},
    {&get_turn_type, &turn_record_type, on_get_turn, 0},
    {&replay_turn_type, &replayed_turn_type, on_replay_turn, 0},
    {&create_form_type, &form_with_token_type, on_create_form, 0},
    {&get_form_type, &web_form_type, on_get_form, 0},
    {&list_forms_type, &form_page_type, on_list_forms, 0},
    {&update_form_type, &web_form_type, on_update_form, 0},
    {&rotate_form_type, &form_with_token_type, on_rotate_form, 0},
    {&disable_form_type, &web_form_type, on_disable_form, 0},
    {&list_notices_type, &notice_page_type, on_list_notices, 0},
    {&resolve_notice_type, &notice_type, on_resolve_notice, 0},
    {0},
};

static const struct service orchestrator = {
    .role = "orchestrator",
    .doc = "answers leads, qualifies them, and keeps clients and conversations",
    .workers = 480,
    .waits = 448, /* for a model */
    .tasks = tasks,
    .requests = requests,
    .check = orchestrator_check,
    .start = orchestrator_start,
    .worker_new = orchestrator_worker_new,
    .worker_destroy = orchestrator_worker_destroy,
};

int main(int argc, char **argv)
{
    int rc = service_main(&orchestrator, argc, argv);

    model_clients_destroy(&model_clients);
    outage_destroy(&outage);
    return rc;
}
