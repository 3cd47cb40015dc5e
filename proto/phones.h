/* phones.h - what is known of a phone number. Served by delivery, from Twilio's Lookup v2. */
#pragma once

#include "libshared/codec.h"

/* clang-format off */
#define LOOKUP_PHONE(S, F, E, M, L)                                                                         \
    F(S, UUID, client_id,       REQUIRED, 0, 0,      "the client that asks, and pays where it has an account of its own") \
    F(S, STR,  phone,           REQUIRED, 1, 32,     "E.164, e.g. +15551234567")

#define PHONE_LOOKUP(S, F, E, M, L)                                                                         \
    F(S, STR,  phone,           REQUIRED, 1, 32,     "as Twilio writes it")                                 \
    F(S, BOOL, valid,           REQUIRED, 0, 0,      "whether such a number can exist")                     \
    F(S, STR,  country,         OPTIONAL, 0, 2,      "ISO 3166-1, two letters")                             \
    F(S, STR,  line_type,       OPTIONAL, 0, 32,     "mobile, landline, fixedVoip, ...; a landline is not texted") \
    F(S, STR,  carrier,         OPTIONAL, 0, 200,    "its carrier's name")                                  \
    F(S, JSON, validation_errors, OPTIONAL, 2, 2048, "not valid: why, in Twilio's words")                   \
    F(S, UUID, lead_id,         OPTIONAL, 0, 0,      "the client's lead with this number, with whom the result is kept")

#define PHONE_MESSAGES(MSG)                                                                                 \
    MSG(lookup_phone, LOOKUP_PHONE, "look up a phone number")                                               \
    MSG(phone_lookup, PHONE_LOOKUP, "what is known of a phone number")
/* clang-format on */

PHONE_MESSAGES(MESSAGE_STRUCT)
