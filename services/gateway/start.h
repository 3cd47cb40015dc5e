/* start.h - the gateway's own start and stop within service_main. */
#pragma once

struct err;
struct worker;

int gateway_start(struct worker *worker, void **ret_gateway, struct err *err);

/* Lets what was begun end (at most LEADWIRE_DRAIN_SECONDS), then closes. */
void gateway_stop(void *gateway);
