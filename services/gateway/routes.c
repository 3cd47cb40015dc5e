/* routes.c - see routes.h. A new endpoint is a message, a row here and a handler in the service that answers. */
#include "services/gateway/routes.h"

#include <stdio.h>
#include <string.h>

#include "proto/messages.h"

#define API "/api/v1"

/* clang-format off */
const struct route routes[] = {
    {"POST",  API "/clients", "orchestrator", &create_client_type, &client_type, WHO_ADMIN, 201, NULL,
     .doc = "Create a client."},
    {"GET",   API "/clients", "orchestrator", &list_clients_type, &client_page_type, WHO_ADMIN, 200, NULL,
     .doc = "List the clients."},
    {"GET",   API "/clients/{client_id}", "orchestrator", &get_client_type, &client_type, WHO_CLIENT, 200, NULL,
     .doc = "One client."},
    {"PATCH", API "/clients/{client_id}", "orchestrator", &update_client_type, &client_type, WHO_CLIENT, 200, NULL,
     .doc = "Change a client's name or time zone."},
    {"PATCH", API "/clients/{client_id}/config", "orchestrator", &update_client_config_type, &client_type, WHO_CLIENT,
     200, "config", .doc = "Merge into a client's configuration. The body is the patch: an object of known keys; null removes a key."},
    {"GET",   API "/clients/{client_id}/usage", "orchestrator", &get_usage_type, &usage_type, WHO_CLIENT, 200, NULL,
     .doc = "What the model has cost a client, by day and by model, and what is left of its month's budget."},

    {"GET",   API "/conversations", "orchestrator", &list_conversations_type, &conversation_page_type, WHO_CLIENT, 200,
     NULL, .doc = "List conversations, last changed first."},
    {"GET",   API "/conversations/{conversation_id}", "orchestrator", &get_conversation_type, &conversation_type,
     WHO_CLIENT, 200, NULL, .doc = "One conversation."},
    {"GET",   API "/conversations/{conversation_id}/messages", "orchestrator", &list_messages_type, &message_page_type,
     WHO_CLIENT, 200, NULL, .doc = "List a conversation's messages, oldest first."},
    {"POST",  API "/conversations/{conversation_id}/messages", "orchestrator", &create_message_type,
     &created_message_type, WHO_CLIENT, 202, NULL, .doc = "Write to a lead in a conversation. What the agent was about to "
     "say is not sent.", .id = "create_conversation_message"},
    {"GET",   API "/conversations/{conversation_id}/timeline", "orchestrator", &list_timeline_type, &timeline_page_type,
     WHO_CLIENT, 200, NULL, .doc = "All that has happened in a conversation, oldest first: messages, decisions, tasks, changes of the "
     "score, consents, takeovers and escalations, notices."},
    {"POST",  API "/conversations/{conversation_id}/takeover", "orchestrator", &take_over_conversation_type,
     &conversation_type, WHO_CLIENT, 200, NULL, .doc = "Take a conversation over: the agent is silent in it until it is released. "
     "What the agent was about to say is not sent. One that is taken over already stays with who has it."},
    {"POST",  API "/conversations/{conversation_id}/release", "orchestrator", &release_conversation_type,
     &conversation_type, WHO_CLIENT, 200, NULL, .doc = "Hand a conversation back to the agent, which answers what the lead has "
     "written and nobody has answered. One that nobody has taken over stays as it is."},
    {"POST",  API "/conversations/{conversation_id}/close", "orchestrator", &close_conversation_type,
     &conversation_type, WHO_CLIENT, 200, NULL, .doc = "Close a conversation: nothing in it waits for an answer any more. It is "
     "open again when the lead or a person writes."},
    {"POST",  API "/messages", "orchestrator", &create_message_type, &created_message_type, WHO_CLIENT, 202, NULL,
     .doc = "Write to a number, or in a conversation. The lead and the conversation are made if there are none."},
    {"GET",   API "/messages/{message_id}", "orchestrator", &get_message_type, &message_type, WHO_CLIENT, 200, NULL,
     .doc = "One message."},
    {"GET",   API "/messages/{message_id}/why", "orchestrator", &explain_message_type, &message_why_type, WHO_CLIENT, 200,
     NULL, .doc = "Why a message was written and what became of it: what the decision saw, what was found, what the guards "
     "held, what it cost, and what the message waits for."},

    {"GET",   API "/turns/{turn_id}", "orchestrator", &get_turn_type, &turn_record_type, WHO_CLIENT, 200, NULL,
     .doc = "A decision as it is kept: all that it saw, and what came of it."},
    {"POST",  API "/turns/{turn_id}/replay", "orchestrator", &replay_turn_type, &replayed_turn_type, WHO_CLIENT, 200, NULL,
     .doc = "Decide again from a decision's record, with the code of today, and compare. Changes nothing and asks no provider."},

    {"GET",   API "/leads", "orchestrator", &list_leads_type, &lead_page_type, WHO_CLIENT, 200, NULL,
     .doc = "List leads."},
    {"POST",  API "/leads", "orchestrator", &create_lead_type, &created_lead_type, WHO_CLIENT, 201, NULL,
     .doc = "Create a lead. With a phone or email that is known it is that lead: 200, and what it lacked is filled in. With "
     "greet and consent_text it is written to first.", .created_field = "created"},
    {"GET",   API "/leads/{lead_id}", "orchestrator", &get_lead_type, &lead_type, WHO_CLIENT, 200, NULL,
     .doc = "One lead."},
    {"PATCH", API "/leads/{lead_id}", "orchestrator", &update_lead_type, &lead_type, WHO_CLIENT, 200, NULL,
     .doc = "Change what is known of a lead."},
    {"GET",   API "/leads/{lead_id}/scores", "orchestrator", &list_scores_type, &score_page_type, WHO_CLIENT, 200, NULL,
     .doc = "A lead's score, the words that tell it, and how it has changed, newest first."},
    {"POST",  API "/leads/{lead_id}/opt-out", "orchestrator", &opt_out_lead_type, &lead_type, WHO_CLIENT, 200, NULL,
     .doc = "A lead wants no more messages. What is queued for it is not sent any more."},
    {"POST",  API "/leads/{lead_id}/opt-in", "orchestrator", &opt_in_lead_type, &lead_type, WHO_CLIENT, 200, NULL,
     .doc = "A lead has agreed to messages again. Where it has texted STOP Twilio still blocks SMS until it texts START."},

    {"GET",   API "/leads/{lead_id}/export", "orchestrator", &export_lead_type, &export_page_type, WHO_CLIENT, 200, NULL,
     .doc = "Everything about one person, in pages."},
    {"DELETE", API "/leads/{lead_id}", "orchestrator", &erase_lead_type, &erased_lead_type, WHO_CLIENT, 200, NULL,
     .doc = "Erase one person with all conversations, messages, decisions and tasks; counts without names stay. 409 while a "
     "message to it is being sent: try again in a minute."},

    {"POST",  API "/forms", "orchestrator", &create_form_type, &form_with_token_type, WHO_CLIENT, 201, NULL,
     .doc = "Create a web form. Its token is told in this answer alone."},
    {"GET",   API "/forms", "orchestrator", &list_forms_type, &form_page_type, WHO_CLIENT, 200, NULL,
     .doc = "List web forms, newest first."},
    {"GET",   API "/forms/{form_id}", "orchestrator", &get_form_type, &web_form_type, WHO_CLIENT, 200, NULL,
     .doc = "One web form."},
    {"PATCH", API "/forms/{form_id}", "orchestrator", &update_form_type, &web_form_type, WHO_CLIENT, 200, NULL,
     .doc = "Change a web form."},
    {"POST",  API "/forms/{form_id}/rotate-token", "orchestrator", &rotate_form_type, &form_with_token_type, WHO_CLIENT, 200,
     NULL, .doc = "Give a web form a new token; the one before is refused from now on."},
    {"DELETE", API "/forms/{form_id}", "orchestrator", &disable_form_type, &web_form_type, WHO_CLIENT, 200, NULL,
     .doc = "Disable a web form: its submissions are refused from now on. What it has sent stays."},

    {"GET",   API "/notices", "orchestrator", &list_notices_type, &notice_page_type, WHO_CLIENT, 200, NULL,
     .doc = "List what a person must see to, newest first."},
    {"POST",  API "/notices/{notice_id}/resolve", "orchestrator", &resolve_notice_type, &notice_type, WHO_CLIENT, 200,
     NULL, .doc = "Say that a notice is seen to. If it happens again, there is a new one."},

    {"POST",  API "/knowledge/bases", "knowledge", &create_knowledge_base_type, &knowledge_base_type, WHO_CLIENT, 201,
     NULL, .doc = "Create a knowledge base."},
    {"GET",   API "/knowledge/bases/{kb_id}", "knowledge", &get_knowledge_base_type, &knowledge_base_type, WHO_CLIENT,
     200, NULL, .doc = "One knowledge base."},
    {"GET",   API "/knowledge/client/{client_id}/bases", "knowledge", &list_knowledge_bases_type,
     &knowledge_base_page_type, WHO_CLIENT, 200, NULL, .doc = "List a client's knowledge bases."},
    {"PATCH", API "/knowledge/bases/{kb_id}", "knowledge", &update_knowledge_base_type, &knowledge_base_type,
     WHO_CLIENT, 200, NULL, .doc = "Change a knowledge base."},
    {"DELETE", API "/knowledge/bases/{kb_id}", "knowledge", &delete_knowledge_base_type, &removed_type, WHO_CLIENT, 200,
     NULL, .doc = "Remove a knowledge base with all it holds."},
    {"POST",  API "/knowledge/bases/{kb_id}/clear", "knowledge", &clear_knowledge_base_type, &removed_type, WHO_CLIENT,
     200, NULL, .doc = "Remove all documents, FAQs and chunks of a knowledge base."},
    {"GET",   API "/knowledge/bases/{kb_id}/stats", "knowledge", &get_knowledge_stats_type, &knowledge_stats_type,
     WHO_CLIENT, 200, NULL, .doc = "What a knowledge base holds, and how it is searched."},

    {"POST",  API "/knowledge/bases/{kb_id}/documents", "knowledge", &ingest_document_type, &ingestion_type, WHO_CLIENT,
     202, NULL, .doc = "Take in a document: JSON with its text, or a multipart upload of text, Markdown, HTML or PDF. The same "
     "source again replaces it.", .upload = "content", .multipart = true},
    {"GET",   API "/knowledge/bases/{kb_id}/documents", "knowledge", &list_documents_type, &document_page_type,
     WHO_CLIENT, 200, NULL, .doc = "List the documents of a knowledge base."},
    {"GET",   API "/knowledge/bases/{kb_id}/documents/{document_id}", "knowledge", &get_document_type, &document_type,
     WHO_CLIENT, 200, NULL, .doc = "One document."},
    {"GET",   API "/knowledge/bases/{kb_id}/documents/{document_id}/chunks", "knowledge", &list_chunks_type,
     &chunk_page_type, WHO_CLIENT, 200, NULL, .doc = "List the chunks of a document."},
    {"DELETE", API "/knowledge/bases/{kb_id}/documents/{document_id}", "knowledge", &delete_document_type,
     &removed_type, WHO_CLIENT, 200, NULL, .doc = "Remove a document."},

    {"POST",  API "/knowledge/bases/{kb_id}/faqs", "knowledge", &add_faq_type, &faq_type, WHO_CLIENT, 201, NULL,
     .doc = "Add one FAQ; the same question again replaces its answer."},
    {"POST",  API "/knowledge/bases/{kb_id}/faqs/bulk", "knowledge", &add_faqs_type, &add_faqs_result_type, WHO_CLIENT,
     200, NULL, .doc = "Add many FAQs; one that is not valid is refused alone.", .upload = "faqs"},
    {"GET",   API "/knowledge/bases/{kb_id}/faqs", "knowledge", &list_faqs_type, &faq_page_type, WHO_CLIENT, 200, NULL,
     .doc = "List the FAQs of a knowledge base."},
    {"GET",   API "/knowledge/bases/{kb_id}/faqs/{document_id}", "knowledge", &get_faq_type, &faq_type, WHO_CLIENT, 200,
     NULL, .doc = "One FAQ."},
    {"DELETE", API "/knowledge/bases/{kb_id}/faqs/{document_id}", "knowledge", &delete_faq_type, &removed_type,
     WHO_CLIENT, 200, NULL, .doc = "Remove an FAQ."},
    {"POST",  API "/knowledge/search", "knowledge", &search_knowledge_type, &search_result_type, WHO_CLIENT, 200, NULL,
     .doc = "Search a client's knowledge."},

    {"POST",  API "/phone-lookups", "delivery", &lookup_phone_type, &phone_lookup_type, WHO_CLIENT, 200, NULL,
     .doc = "Look up a phone number at Twilio: whether it exists, its country and line. Kept with the client's lead of that number."},

    {"GET",   API "/tasks/{task_id}", "scheduler", &get_task_type, &task_status_type, WHO_CLIENT, 200, NULL,
     .doc = "How far a task is, and what became of it."},
};
/* clang-format on */
const size_t n_routes = sizeof routes / sizeof routes[0];

bool route_path_matches(const char *pattern, const char *path, struct route_param *ret_params, size_t *ret_n)
{
    size_t n = 0, want, have;

    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        want = strcspn(pattern, "/");
        have = strcspn(path, "/");
        if (have == 0 || have >= ROUTE_PARAM_SIZE || n == ROUTE_PARAMS_MAX)
            return false;
        if (ret_params) {
            snprintf(ret_params[n].name, sizeof ret_params[n].name, "%.*s", (int)(want - 2), pattern + 1);
            snprintf(ret_params[n].value, sizeof ret_params[n].value, "%.*s", (int)have, path);
        }
        n++;
        pattern += want;
        path += have;
    }
    if (ret_n)
        *ret_n = n;
    return *path == '\0';
}

bool route_find(const char *method, const char *path, struct route_match *ret_match)
{
    *ret_match = (struct route_match){0};
    for (size_t i = 0; i < n_routes; i++) {
        size_t used = strlen(ret_match->allow);

        if (!route_path_matches(routes[i].path, path, NULL, NULL))
            continue;
        if (strcmp(routes[i].method, method) == 0) {
            ret_match->route = &routes[i];
            return route_path_matches(routes[i].path, path, ret_match->params, &ret_match->n_params);
        }
        snprintf(ret_match->allow + used, sizeof ret_match->allow - used, "%s%s", used ? ", " : "", routes[i].method);
    }
    return false;
}
