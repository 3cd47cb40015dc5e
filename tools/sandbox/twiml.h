/* twiml.h - reading TwiML, for calls. */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* The verbs of a document in order: [{"verb": "Say", "text": "...", attributes..., "nested": [the same]}]. NULL: it is
 * not XML, or not a <Response>: Twilio's error 12100. text is of len bytes. */
json_t *twiml_read(const char *text, size_t len);
