/* twiml.c - see twiml.h. */
#include "libshared/twiml.h"

#include <string.h>

#include "libshared/buf.h"
#include "libshared/form.h"

#define RESPONSE "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>"
#define PRESS    " Press 1 to be connected to the lead now."
#define WAIT_S   "10"

/* What stands for a character; NULL: itself. Control characters are left out. */
static const char *escape(unsigned char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    case '\t':
    case '\n':
    case '\r':
        return " ";
    default:
        return c < 0x20 || c == 0x7f ? "" : NULL;
    }
}

void xml_text(struct buf *out, const char *text)
{
    const char *plain = text;

    for (; *text; text++) {
        const char *instead = escape((unsigned char)*text);

        /* U+FFFE and U+FFFF are no characters of XML either. */
        if (strncmp(text, "\xEF\xBF\xBE", 3) == 0 || strncmp(text, "\xEF\xBF\xBF", 3) == 0) {
            buf_append(out, plain, (size_t)(text - plain));
            text += 2;
            plain = text + 1;
        } else if (instead) {
            buf_append(out, plain, (size_t)(text - plain));
            buf_puts(out, instead);
            plain = text + 1;
        }
    }
    buf_append(out, plain, (size_t)(text - plain));
}

void twiml_voice_url(struct buf *out, const char *public_url, const char *client_id, const char *message_id)
{
    buf_puts(out, public_url);
    buf_puts(out, "/api/v1/webhooks/twilio/voice?client_id=");
    url_encode(out, client_id);
    buf_puts(out, "&message_id=");
    url_encode(out, message_id);
}

static void say(struct buf *out, const char *text)
{
    buf_puts(out, "<Say>");
    xml_text(out, text);
    buf_puts(out, "</Say>");
}

/* Without a stop the voice runs on into what is said next. */
static bool ends_a_sentence(const char *body)
{
    size_t len = strlen(body);

    return len > 0 && strchr(".!?", body[len - 1]);
}

static void gather(struct buf *out, const char *voice_url, const char *body)
{
    buf_puts(out, "<Gather numDigits=\"1\" timeout=\"" WAIT_S "\" action=\"");
    xml_text(out, voice_url);
    buf_puts(out, "\" method=\"POST\"><Say>");
    xml_text(out, body);
    buf_puts(out, ends_a_sentence(body) ? "" : ".");
    buf_puts(out, PRESS "</Say></Gather>");
}

void twiml_alert(struct buf *out, const char *voice_url, const char *body)
{
    buf_puts(out, RESPONSE);
    gather(out, voice_url, body);
    gather(out, voice_url, body);
    say(out, "Goodbye.");
    buf_puts(out, "</Response>");
}

void twiml_dial(struct buf *out, const char *caller, const char *number)
{
    buf_puts(out, RESPONSE "<Dial callerId=\"");
    xml_text(out, caller);
    buf_puts(out, "\"><Number>");
    xml_text(out, number);
    buf_puts(out, "</Number></Dial></Response>");
}

void twiml_goodbye(struct buf *out)
{
    buf_puts(out, RESPONSE);
    say(out, "Goodbye.");
    buf_puts(out, "<Hangup/></Response>");
}
