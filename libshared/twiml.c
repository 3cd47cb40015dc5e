/* twiml.c - see twiml.h. */
#include "libshared/twiml.h"

#include <string.h>

#include "libshared/buf.h"
#include "libshared/form.h"

#define RESPONSE "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>"
#define WAIT_S   "10"

/* What is said beside a text, and by which voice: Twilio's default one reads English alone. The names are those of
 * Twilio's documentation of <Say> (Amazon Polly, standard voices). */
struct speech {
    const char *tag; /* a language tag begins with it */
    const char *attributes, *press, *goodbye;
};

static const struct speech speeches[] = {
    {"es", " language=\"es-MX\" voice=\"Polly.Mia\"", " Pulse 1 para hablar ahora con el cliente.", "Adiós."},
    {"ar", " language=\"arb\" voice=\"Polly.Zeina\"", " اضغط 1 للتحدث مع العميل الآن.", "مع السلامة."},
    {"", "", " Press 1 to be connected to the lead now.", "Goodbye."},
};

static const struct speech *speech_of(const char *language)
{
    const struct speech *speech = speeches;

    while (*speech->tag && (!language || strncmp(language, speech->tag, strlen(speech->tag)) != 0))
        speech++;
    return speech;
}

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

static void say(struct buf *out, const struct speech *speech, const char *text)
{
    buf_printf(out, "<Say%s>", speech->attributes);
    xml_text(out, text);
    buf_puts(out, "</Say>");
}

/* Without a stop the voice runs on into what is said next. */
static bool ends_a_sentence(const char *body)
{
    size_t len = strlen(body);

    return len > 0 && strchr(".!?", body[len - 1]);
}

static void gather(struct buf *out, const struct speech *speech, const char *voice_url, const char *body)
{
    buf_puts(out, "<Gather numDigits=\"1\" timeout=\"" WAIT_S "\" action=\"");
    xml_text(out, voice_url);
    buf_printf(out, "\" method=\"POST\"><Say%s>", speech->attributes);
    xml_text(out, body);
    buf_puts(out, ends_a_sentence(body) ? "" : ".");
    buf_printf(out, "%s</Say></Gather>", speech->press);
}

void twiml_alert(struct buf *out, const char *voice_url, const char *language, const char *body)
{
    const struct speech *speech = speech_of(language);

    buf_puts(out, RESPONSE);
    gather(out, speech, voice_url, body);
    gather(out, speech, voice_url, body);
    say(out, speech, speech->goodbye);
    buf_puts(out, "</Response>");
}

void twiml_say(struct buf *out, const char *language, const char *body)
{
    buf_puts(out, RESPONSE);
    say(out, speech_of(language), body);
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

void twiml_goodbye(struct buf *out, const char *language)
{
    const struct speech *speech = speech_of(language);

    buf_puts(out, RESPONSE);
    say(out, speech, speech->goodbye);
    buf_puts(out, "<Hangup/></Response>");
}
