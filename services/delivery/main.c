/* delivery - sends the messages, through Twilio. */
#include <stdlib.h>

#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "proto/messages.h"
#include "services/delivery/breaker.h"
#include "services/delivery/delivery.h"
#include "services/delivery/lookup.h"
#include "services/delivery/twilio.h"

static const char *const required[] = {"TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", NULL};

static int delivery_check(const struct config *config, struct err *err)
{
    struct look_schedule looks;

    return look_schedule_parse(config->reconcile_after_s, &looks, err);
}

static void delivery_worker_destroy(struct worker *self)
{
    struct delivery *delivery = self->state;

    if (!delivery)
        return;
    twilio_destroy(&delivery->twilio);
    free(delivery);
    self->state = NULL;
}

static int delivery_worker_new(struct worker *self, struct err *err)
{
    const struct config *config = self->config;
    struct delivery *delivery = calloc(1, sizeof *delivery);

    if (!delivery)
        return err_set(err, ERR_INTERNAL, "delivery: out of memory");
    self->state = delivery;
    delivery->twilio = twilio_new(config->twilio_base_url, err);
    if (!delivery->twilio || look_schedule_parse(config->reconcile_after_s, &delivery->looks, err) < 0) {
        delivery_worker_destroy(self);
        return -1;
    }
    return 0;
}

/* Without a database now, a paused account waits for its next probe, which comes to the same. */
static int delivery_start(struct worker *self, void **ret_service_state, struct err *err)
{
    struct err why = {0};

    (void)err;
    *ret_service_state = NULL;
    if (breaker_start(self, &why) < 0)
        log_err(LOG_WARN, "the paused accounts could not be looked at", &why);
    return 0;
}

static const struct task_handler tasks[] = {
    {TASK_send_message_sms, on_send_message}, {TASK_send_message_whatsapp, on_send_message},
    {TASK_send_sms_alert, on_send_message},   {TASK_make_alert_call, on_send_message},
    {TASK_probe_account, on_probe_account},   {0},
};

static const struct request_handler requests[] = {
    {&lookup_phone_type, &phone_lookup_type, on_lookup_phone, CALL_LATE_TX},
    {0},
};

static const struct service delivery_service = {
    .role = "delivery",
    .doc = "sends messages through Twilio and follows what becomes of them",
    .workers = 104,
    .tasks = tasks,
    .lanes = true,
    .requests = requests,
    .required = required,
    .check = delivery_check,
    .worker_new = delivery_worker_new,
    .worker_destroy = delivery_worker_destroy,
    .start = delivery_start,
};

int main(int argc, char **argv)
{
    return service_main(&delivery_service, argc, argv);
}
