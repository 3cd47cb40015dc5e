/* gateway - the one part that faces HTTP clients: webhooks and the REST API. */
#include "libshared/service.h"
#include "services/gateway/start.h"

static const char *const required[] = {"TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "PUBLIC_URL", NULL};

static const struct service gateway = {
    .role = "gateway",
    .doc = "takes webhooks and API calls over HTTP",
    .workers = 16, /* they wait for other services most of the time */
    .required = required,
    .start = gateway_start,
    .stop = gateway_stop,
};

int main(int argc, char **argv)
{
    return service_main(&gateway, argc, argv);
}
