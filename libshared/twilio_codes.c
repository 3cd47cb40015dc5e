/* twilio_codes.c - see twilio_codes.h. The meanings are those of Twilio's error dictionary; what to do about each is
 * ours. */
#include "libshared/twilio_codes.h"

#include <stddef.h>
#include <stdlib.h>

#include "libshared/auto.h"

struct code {
    int code;
    enum twilio_meaning meaning;
    const char *text;   /* what happened */
    const char *remedy; /* what a person looks at; NULL: nothing */
};

#define RECIPIENT TWILIO_MEANS_RECIPIENT_IS_OVER
#define MESSAGE   TWILIO_MEANS_MESSAGE_IS_OVER
#define CONFIG    TWILIO_MEANS_CONFIGURATION
#define LATER     TWILIO_MEANS_LATER
#define NEXT_DAY  TWILIO_MEANS_NEXT_DAY

/* In ascending order. */
static const struct code codes[] = {
    {14107, MESSAGE, "too many replies between the two numbers",
     "two machines may be answering each other: look at the conversation and close it"},
    {20003, TWILIO_MEANS_CREDENTIALS, "the account's credentials are refused",
     "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (or the client's twilio_account_sid and twilio_auth_token) do not "
     "belong "
     "together or are not valid"},
    {20404, CONFIG, "there is no such account, or no such thing in it",
     "TWILIO_ACCOUNT_SID (or the client's twilio_account_sid) or TWILIO_BASE_URL is wrong, or the account has no such "
     "template"},
    {20429, LATER, "too many requests", NULL},
    {20500, LATER, "Twilio has an internal error", NULL},
    {20503, LATER, "Twilio is away", NULL},
    {21211, RECIPIENT, "the recipient is not a valid number", NULL},
    {21214, RECIPIENT, "the recipient cannot be reached", NULL},
    {21217, RECIPIENT, "the recipient's number does not appear to be valid", NULL},
    {21219, CONFIG, "a trial account does not send to this number",
     "a trial account sends to verified numbers alone: verify the number or upgrade"},
    {21408, CONFIG, "the account does not send to this region",
     "enable the recipient's region in the account's messaging geographic permissions"},
    {21601, CONFIG, "the sender cannot send texts",
     "the client's number cannot send texts: check it in Twilio's console"},
    {21602, CONFIG, "the message has no text", "the message has no text"},
    {21603, CONFIG, "there is no sender", "the client has no number to send from: set its twilio_phone_number"},
    {21604, CONFIG, "the message has no recipient", "the message has no recipient"},
    {21606, CONFIG, "the sender is not a number that can send texts",
     "the client's twilio_phone_number is not a number of this account that can send texts"},
    {21608, CONFIG, "a trial account does not send to this number",
     "a trial account sends to verified numbers alone: verify the number or upgrade"},
    {21609, CONFIG, "the address for status callbacks is not accepted",
     "PUBLIC_URL is not an address that Twilio accepts for status callbacks"},
    {21610, TWILIO_MEANS_OPTED_OUT, "the recipient has opted out", NULL},
    {21611, LATER, "the sender's queue is full", NULL},
    {21612, RECIPIENT, "the recipient cannot be reached from this sender", NULL},
    {21614, RECIPIENT, "the recipient is not a mobile number", NULL},
    {21617, MESSAGE, "the text has more than 1600 characters", NULL},
    {21654, CONFIG, "ContentSid is missing or not accepted",
     "the template cannot be used: check its ContentSid in Twilio's console"},
    {21655, CONFIG, "the ContentSid is not valid", "the account has no such template: check its ContentSid"},
    {21656, CONFIG, "the ContentVariables are not valid",
     "give each variable a text that is not empty, without line breaks, tabs and long runs of spaces"},
    {21703, CONFIG, "the messaging service has no sender",
     "the messaging service has no sender: check it in Twilio's console"},
    {30001, LATER, "the sender's queue overflowed", NULL},
    {30002, CONFIG, "the account is suspended", "the account is suspended"},
    {30003, MESSAGE, "the handset is off or cannot be reached", NULL},
    {30004, RECIPIENT, "the recipient blocks the message", NULL},
    {30005, RECIPIENT, "the handset is unknown", NULL},
    {30006, TWILIO_MEANS_LANDLINE, "the recipient is a landline or its carrier cannot be reached", NULL},
    {30007, MESSAGE, "the message was filtered", NULL},
    {30008, MESSAGE, "the carrier gives no reason", NULL},
    {30022, LATER, "the sender exceeds its rate", NULL},
    {30023, NEXT_DAY, "the sender has reached its daily limit", NULL},
    {30034, CONFIG, "the sender is not registered for A2P 10DLC", "the number is not registered for A2P 10DLC"},
    {30410, MESSAGE, "the provider did not answer in time", NULL},
    {63001, CONFIG, "the channel does not accept the sender's credentials",
     "check the WhatsApp sender in Twilio's console"},
    {63003, RECIPIENT, "the recipient is not on this channel", NULL},
    {63005, MESSAGE, "the channel does not accept the content", NULL},
    {63007, CONFIG, "the account has no such sender on this channel",
     "the client's twilio_whatsapp_number is not a WhatsApp sender of this account"},
    {63008, CONFIG, "the channel's module is set up wrongly", "check the WhatsApp sender in Twilio's console"},
    {63009, LATER, "the channel has an error", NULL},
    {63010, LATER, "the channel has an internal error", NULL},
    {63012, LATER, "the channel's provider has an internal error", NULL},
    {63013, MESSAGE, "the message violates the channel's policy", NULL},
    {63016, TWILIO_MEANS_WINDOW_CLOSED, "the recipient has not written for 24 hours: only a template may be sent",
     NULL},
    {63018, LATER, "the sender exceeds the channel's rate", NULL},
    {63021, MESSAGE, "the channel finds the content invalid", NULL},
    {63024, RECIPIENT, "the recipient is not valid on this channel", NULL},
    {63027, MESSAGE, "the template does not exist in this language or account",
     "check the template and its language in Twilio's console"},
    {63028, MESSAGE, "the variables do not match the template's placeholders",
     "give each placeholder of the template a value, and no others"},
    {63032, MESSAGE, "WhatsApp does not deliver to this person now", NULL},
    {63033, RECIPIENT, "the recipient has blocked the sender", NULL},
    {63038, NEXT_DAY, "the account has reached its daily limit", NULL},
    {63040, MESSAGE, "the template was rejected by WhatsApp", "the template was rejected: see why in Twilio's console"},
    {63041, MESSAGE, "the template is paused by WhatsApp",
     "the template is paused because of its quality: see Twilio's console"},
};

static int compare(const void *key, const void *item)
{
    return *(const int *)key - ((const struct code *)item)->code;
}

static const struct code *find(int code)
{
    return bsearch(&code, codes, COUNT_OF(codes), sizeof codes[0], compare);
}

enum twilio_meaning twilio_meaning(int code)
{
    const struct code *found = find(code);

    return found ? found->meaning : TWILIO_MEANS_NOTHING_KNOWN;
}

const char *twilio_remedy(int code)
{
    const struct code *found = find(code);

    return found ? found->remedy : NULL;
}

const char *twilio_code_text(int code)
{
    const struct code *found = find(code);

    return found ? found->text : NULL;
}

enum err_kind twilio_meaning_kind(enum twilio_meaning meaning)
{
    switch (meaning) {
    case TWILIO_MEANS_RECIPIENT_IS_OVER:
    case TWILIO_MEANS_OPTED_OUT:
    case TWILIO_MEANS_LANDLINE:
    case TWILIO_MEANS_MESSAGE_IS_OVER:
    case TWILIO_MEANS_WINDOW_CLOSED:
        return ERR_INVALID;
    case TWILIO_MEANS_CREDENTIALS:
    case TWILIO_MEANS_CONFIGURATION:
        return ERR_DENIED;
    case TWILIO_MEANS_LATER:
    case TWILIO_MEANS_NEXT_DAY:
        return ERR_UNAVAILABLE;
    case TWILIO_MEANS_NOTHING_KNOWN:
        break;
    }
    return ERR_NONE;
}
