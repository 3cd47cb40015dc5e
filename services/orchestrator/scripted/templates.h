/* templates.h - what the scripted agent says by itself, in the three languages. All of it is true whenever it is said.
 */
#pragma once

#include "services/orchestrator/scripted/language.h"

enum template {
    SAY_BOT,    /* %s: the business */
    SAY_HELLO,  /* %s: the business */
    GREET,      /* {business}; see greeting_text.h */
    GREET_NAME, /* {name}, {business} */
    GREET_REQUEST,
    GREET_SERVICE, /* {service} */
    SAY_ESCALATED, /* a person will answer */
    SAY_WAITING,   /* it has been called already */
    SAY_SORRY,
    SAY_UNKNOWN, /* offers a colleague */
    SAY_UNKNOWN_AGAIN,
    SAY_UNKNOWN_WAITING, /* a colleague has been told already */
    SAY_APPOINTMENT,
    SAY_APPOINTMENT_AT, /* %s: template_timeline */
    SAY_CHANGE,         /* an appointment is to be cancelled or moved; nothing is yet */
    SAY_CANT_SEE,       /* how something of the lead's own stands */
    SAY_DANGER,
    SAY_CONFIRMS, /* a colleague will confirm the time */
    SAY_GOODBYE,  /* to who wants nothing */
    SAY_ALL_RIGHT,
    SAY_WRITE_AGAIN, /* %s: template_moment */
    SAY_URGENT,      /* %s: the service, as the business calls it */
    SAY_MARKED,
    SAY_NOTED,
    SAY_WELCOME,
    SAY_ANYTIME,
    SAY_RECEIVED,
    SAY_PHOTO,
    SAY_AUDIO,
    SAY_FILE,
    SAY_WHAT_FOR, /* of what came without words */
    ASK_SERVICE,
    ASK_URGENCY,
    ASK_BUDGET,
    ASK_TIMELINE,
    TEMPLATES,
};

/* Static; a format where the list above says so. */
const char *template_text(enum template which, enum language language);

/* The template with text for its %s. In arena, NULL when out of memory. */
const char *template_filled(struct arena *arena, enum template which, enum language language, const char *text);

/* A local time (later.h) in words, seen from another: "tomorrow", "on Tuesday at 5 pm", "el 9 de diciembre". The hour
 * is told where it is not the usual one. In arena, NULL when out of memory. */
const char *template_moment(struct arena *arena, const char *at, const char *local_time, enum language language);

/* A timeline (timeline.h) in words of the language; NULL where there are none. Static, or the timeline itself. */
const char *template_timeline(const char *timeline, enum language language);
