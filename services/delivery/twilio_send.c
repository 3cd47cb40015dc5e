/* twilio_send.c - Twilio's Messages and Calls. */
#include <stdio.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/text.h"
#include "services/delivery/twilio_internal.h"

int twilio_send(struct twilio *self, const struct twilio_account *account, const struct twilio_message *message,
                struct twilio_sent *ret_sent, struct err *err)
{
    AUTO(buf_free) struct buf url = {0}, form = {0};

    twilio_url(&url, self, account, "/Messages.json");
    twilio_put_address(&form, "To", message->whatsapp, message->to);
    if (message->messaging_service)
        form_put(&form, "MessagingServiceSid", message->messaging_service);
    else
        twilio_put_address(&form, "From", message->whatsapp, message->from);
    /* Beside a ContentSid, Twilio refuses a Body. */
    if (message->content_sid) {
        form_put(&form, "ContentSid", message->content_sid);
        if (message->content_variables)
            form_put(&form, "ContentVariables", message->content_variables);
    } else {
        form_put(&form, "Body", message->body);
    }
    if (message->status_callback)
        form_put(&form, "StatusCallback", message->status_callback);
    return twilio_post(self, account, &url, &form, ret_sent, err);
}

int twilio_call(struct twilio *self, const struct twilio_account *account, const struct twilio_call *call,
                struct twilio_sent *ret_sent, struct err *err)
{
    static const char *const events[] = {"initiated", "ringing", "answered", "completed"};
    AUTO(buf_free) struct buf url = {0}, form = {0};
    char seconds[16];

    if (call->twiml && utf8_count(call->twiml) > TWILIO_TWIML_MAX)
        return err_set(err, ERR_INVALID, "what is said in a call has more than %d characters of TwiML",
                       TWILIO_TWIML_MAX);
    twilio_url(&url, self, account, "/Calls.json");
    form_put(&form, "To", call->to);
    form_put(&form, "From", call->from);
    /* With both, Twilio does not look at Twiml. */
    if (call->twiml)
        form_put(&form, "Twiml", call->twiml);
    else
        form_put(&form, "Url", call->url);
    if (call->ring_s > 0) {
        snprintf(seconds, sizeof seconds, "%d", call->ring_s);
        form_put(&form, "Timeout", seconds);
    }
    if (call->status_callback) {
        form_put(&form, "StatusCallback", call->status_callback);
        for (size_t i = 0; i < COUNT_OF(events); i++)
            form_put(&form, "StatusCallbackEvent", events[i]);
    }
    return twilio_post(self, account, &url, &form, ret_sent, err);
}
