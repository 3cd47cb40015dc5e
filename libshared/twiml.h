/* twiml.h - what Twilio is told to do with a call, as XML.
 *
 * An alert call says what a hot lead wants and puts the person who takes it
 * through to the lead when 1 is pressed. Each function appends a whole document;
 * texts are escaped. Check out->failed once, at the end.
 * language: the tag of the one that the text is in, "es-MX"; what is neither Spanish nor Arabic, or NULL, is read and
 * spoken to as English. */
#pragma once

struct buf;

/* Where Twilio reports the key that was pressed, and asks what to say: /api/v1/webhooks/twilio/voice of the gateway
 * with the ids of the alert's message. */
void twiml_voice_url(struct buf *out, const char *public_url, const char *client_id, const char *message_id);

/* Says body and waits for a key, twice; voice_url is told of it. */
void twiml_alert(struct buf *out, const char *voice_url, const char *language, const char *body);

/* Says body, and that is all. */
void twiml_say(struct buf *out, const char *language, const char *body);

/* Puts the call through to number; whoever is called sees caller. Both E.164. */
void twiml_dial(struct buf *out, const char *caller, const char *number);

void twiml_goodbye(struct buf *out, const char *language);

/* Text within XML: escaped, and without the characters that XML 1.0 has no way to write. */
void xml_text(struct buf *out, const char *text);
