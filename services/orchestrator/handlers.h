/* handlers.h - what the orchestrator does: its task and its requests, and what each worker keeps. */
#pragma once

struct call;
struct err;
struct http;
struct model_clients;
struct model_prices;
struct outage;
struct task;
struct worker;

/* One per worker thread. */
struct orchestrator {
    struct http *http;                 /* to the model's provider; keeps its connection open */
    struct outage *outage;             /* of the model: the process's, shared */
    struct model_clients *clients;     /* whose turns are the model's: shared */
    const struct model_prices *prices; /* the operator's own; shared */
};

/* turn.c */
int process_ai_response(struct worker *self, struct task *task, struct err *err);
int generate_greeting(struct worker *self, struct task *task, struct err *err);

/* follow_up.c */
int on_follow_up(struct worker *self, struct task *task, struct err *err);

/* clients.c */
int on_create_client(struct worker *self, struct call *call, struct err *err);
int on_get_client(struct worker *self, struct call *call, struct err *err);
int on_list_clients(struct worker *self, struct call *call, struct err *err);
int on_update_client(struct worker *self, struct call *call, struct err *err);
int on_update_client_config(struct worker *self, struct call *call, struct err *err);

/* conversations.c */
int on_get_conversation(struct worker *self, struct call *call, struct err *err);
int on_list_conversations(struct worker *self, struct call *call, struct err *err);
int on_get_message(struct worker *self, struct call *call, struct err *err);
int on_list_messages(struct worker *self, struct call *call, struct err *err);

/* timelines.c */
int on_list_timeline(struct worker *self, struct call *call, struct err *err);
int on_list_scores(struct worker *self, struct call *call, struct err *err);

/* takeover.c */
int on_take_over_conversation(struct worker *self, struct call *call, struct err *err);
int on_release_conversation(struct worker *self, struct call *call, struct err *err);
int on_close_conversation(struct worker *self, struct call *call, struct err *err);

/* create_message.c */
int on_create_message(struct worker *self, struct call *call, struct err *err);

/* leads.c */
int on_list_leads(struct worker *self, struct call *call, struct err *err);
int on_get_lead(struct worker *self, struct call *call, struct err *err);
int on_create_lead(struct worker *self, struct call *call, struct err *err);
int on_update_lead(struct worker *self, struct call *call, struct err *err);
int on_opt_out_lead(struct worker *self, struct call *call, struct err *err);
int on_opt_in_lead(struct worker *self, struct call *call, struct err *err);

/* lead_data.c */
int on_export_lead(struct worker *self, struct call *call, struct err *err);
int on_erase_lead(struct worker *self, struct call *call, struct err *err);

/* usage.c */
int on_get_usage(struct worker *self, struct call *call, struct err *err);

/* turns.c */
int on_explain_message(struct worker *self, struct call *call, struct err *err);
int on_get_turn(struct worker *self, struct call *call, struct err *err);
int on_replay_turn(struct worker *self, struct call *call, struct err *err);

/* forms.c */
int on_create_form(struct worker *self, struct call *call, struct err *err);
int on_get_form(struct worker *self, struct call *call, struct err *err);
int on_list_forms(struct worker *self, struct call *call, struct err *err);
int on_update_form(struct worker *self, struct call *call, struct err *err);
int on_rotate_form(struct worker *self, struct call *call, struct err *err);
int on_disable_form(struct worker *self, struct call *call, struct err *err);

/* notices.c */
int on_list_notices(struct worker *self, struct call *call, struct err *err);
int on_resolve_notice(struct worker *self, struct call *call, struct err *err);
