/* consents.h - what a lead's words mean for whether we may write, as accept_inbound wants to know it. */
#pragma once

struct inbound;

/* Fills consent, language and answered from channel and body. opt_out_type: Twilio's parameter OptOutType, STOP, START
 * or HELP where Twilio has acted on the words itself and answered them; NULL if there is none. */
void inbound_read_consent(struct inbound *in, const char *opt_out_type);
