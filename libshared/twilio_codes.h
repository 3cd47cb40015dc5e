/* twilio_codes.h - what Twilio's error codes mean for us, whether it refuses a request with one or tells it later in a
 * status callback. Delivery decides by it, and leadctl tells it with a message that failed. */
#pragma once

#include "libshared/err.h"

#define TWILIO_NOT_AUTHENTICATED 20003
#define TWILIO_NOT_FOUND         20404
#define TWILIO_TOO_MANY          20429
#define TWILIO_BAD_TO            21211
#define TWILIO_BODY_MISSING      21602
#define TWILIO_NO_SENDER         21603
#define TWILIO_BAD_FROM          21606
#define TWILIO_OPTED_OUT         21610
#define TWILIO_NOT_MOBILE        21614
#define TWILIO_BODY_TOO_LONG     21617
#define TWILIO_BAD_CONTENT       21655 /* ContentSid */
#define TWILIO_BAD_VARIABLES     21656 /* ContentVariables cannot be read */
#define TWILIO_LANDLINE          30006
#define TWILIO_WINDOW_CLOSED     63016
#define TWILIO_WRONG_VARIABLES   63028
#define TWILIO_TEMPLATE_REJECTED 63040
#define TWILIO_TEMPLATE_PAUSED   63041

enum twilio_meaning {
    TWILIO_MEANS_NOTHING_KNOWN,     /* not in the table: the status of the answer decides */
    TWILIO_MEANS_RECIPIENT_IS_OVER, /* this recipient cannot be written to: final for each message */
    TWILIO_MEANS_OPTED_OUT,         /* it has opted out at Twilio: the same, and to be recorded */
    TWILIO_MEANS_LANDLINE,          /* it takes no texts: the same, and worth remembering */
    TWILIO_MEANS_MESSAGE_IS_OVER,   /* this message is final; another may go through */
    TWILIO_MEANS_WINDOW_CLOSED,     /* WhatsApp: only a template may be sent now; final for this message */
    TWILIO_MEANS_CREDENTIALS,       /* the account does not let us in: final, and the account is paused */
    TWILIO_MEANS_CONFIGURATION,     /* ours or the account's is wrong: final, a person must act */
    TWILIO_MEANS_LATER,             /* not now: retry with backoff */
    TWILIO_MEANS_NEXT_DAY,          /* a daily limit is reached: retry after hours */
};

/* The meaning of a code, TWILIO_MEANS_NOTHING_KNOWN if it is not listed. */
enum twilio_meaning twilio_meaning(int code);

/* What a person should look at when Twilio answers with that code; NULL where there is nothing to look at. A code with
 * a remedy is worth a notice. */
const char *twilio_remedy(int code);

/* What a code says, for a callback that brings the number alone; NULL if it is not listed. */
const char *twilio_code_text(int code);

/* How a caller decides by a meaning; ERR_NONE for TWILIO_MEANS_NOTHING_KNOWN. */
enum err_kind twilio_meaning_kind(enum twilio_meaning meaning);
