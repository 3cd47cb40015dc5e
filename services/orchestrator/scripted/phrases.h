/* phrases.h - phrases that mean something, in three languages, and finding them.
 *
 * A phrase is written as it is after plain_letters and words_fold: lower case, without accents and marks, one space
 * between words. An Arabic one is also found behind the particles that are written together with it. */
#pragma once

#include <stdbool.h>

struct phrase {
    const char *text;
    const char *value; /* what it means, where the table has several meanings */
};

/* Tables end with a phrase without text. Those with a value: what slots are set to. */
extern const struct phrase phrases_urgency[];  /* low, high, medium: the first that is found counts */
extern const struct phrase phrases_timeline[]; /* the canonical timeline, see timeline.h */
extern const struct phrase phrases_booking[];
extern const struct phrase phrases_looking[];     /* only looking */
extern const struct phrase phrases_no_interest[]; /* or no more */
extern const struct phrase phrases_no_need[];     /* a text with one of them names nothing that is wanted */
extern const struct phrase phrases_refusal[];     /* of an answer about money */
extern const struct phrase phrases_deed[];        /* a question with one of them asks for something to be done */
extern const struct phrase phrases_yes[], phrases_no[];
extern const struct phrase phrases_nothing[]; /* said by themselves, they answer no question */
extern const struct phrase phrases_polite[];  /* single words that say no more, beside yes, no, hello and thanks */
extern const struct phrase phrases_trouble[]; /* something is broken */
extern const struct phrase phrases_human[], phrases_greeting[], phrases_thanks[];
extern const struct phrase phrases_price[];          /* asks for money */
extern const struct phrase phrases_question[];       /* how a question begins */
extern const struct phrase phrases_opener[];         /* what may stand before that, beside a greeting */
extern const struct phrase phrases_price_asked[];    /* a question wherever it stands */
extern const struct phrase phrases_asked_within[];   /* a question within a sentence that goes before it ... */
extern const struct phrase phrases_will[];           /* "ok will tell you tomorrow": not asked either */
extern const struct phrase phrases_told_not_asked[]; /* ... unless one of these does: "let me know if you can" */
extern const struct phrase phrases_cancel[];         /* an appointment, or to another time */
extern const struct phrase
    phrases_own_matter[]; /* asks how something of the lead's own stands, which no knowledge tells */
extern const struct phrase phrases_own_state[];  /* the same behind "is my" and its kin */
extern const struct phrase phrases_danger[];     /* for life and limb */
extern const struct phrase phrases_vendor[];     /* wants to sell us something */
extern const struct phrase phrases_job[];        /* wants to work for us */
extern const struct phrase phrases_phone[];      /* asks for our number */
extern const struct phrase phrases_proposal[];   /* of another time for an appointment */
extern const struct phrase phrases_who_writes[]; /* asks for our name */
extern const struct phrase phrases_also[];       /* what follows is wanted beside what was said */

/* "Monday morning, ok?": whether it ends by asking for our assent ... */
bool phrases_ask_for_assent(const char *folded);

/* ... to a time that it names: "next mon 10am work?", "fri at 2 available". */
bool phrases_ask_for_time(const char *folded);

/* "tomorrow afternoon by video?": with a question mark, and no question that knowledge may answer. */
bool phrases_ask_shortly(const char *folded);

/* Whether folded has the phrase, as whole words. */
bool phrase_is_in(const char *folded, const char *phrase);

/* The first phrase of the table that folded has; NULL if none. */
const struct phrase *phrase_find(const char *folded, const struct phrase *table);

/* The phrase that folded is, from end to end; NULL if none. */
const struct phrase *phrase_is(const char *folded, const struct phrase *table);

/* Whether each of the words says nothing by itself: "yes please thanks". */
bool phrases_say_nothing(const char *folded);
