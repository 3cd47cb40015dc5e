/* codec_sample.h - a message with a field of each type, for the tests of the codec. */
#pragma once

#include "libshared/codec.h"

/* clang-format off */
#define SAMPLE_PART(S, F, E, M, L)                                          \
    F(S, STR,   answer,  REQUIRED, 1, 10,        "a text")                  \
    F(S, INT,   weight,  DEFAULT(7), 0, 9,       "a number")

#define SAMPLE(S, F, E, M, L)                                               \
    F(S, BOOL,  flag,    DEFAULT(1), 0, 1,       "a boolean")               \
    F(S, INT,   number,  REQUIRED, -5, 1e15,     "an integer")              \
    F(S, FLOAT, share,   DEFAULT(0.25), -1, 1,   "a fraction")              \
    F(S, STR,   text,    REQUIRED, 1, 8,         "a text, \"quoted\"")      \
    F(S, UUID,  id,      OPTIONAL, 0, 0,         "an id")                   \
    F(S, TIME,  when,    OPTIONAL, 0, 0,         "a time")                  \
    F(S, JSON,  data,    OPTIONAL, 2, 100000,    "any value")               \
    F(S, BIN,   raw,     OPTIONAL, 0, 4,         "bytes")                   \
    F(S, STRS,  names,   OPTIONAL, 0, 3,         "texts")                   \
    E(S, "HOT|WARM|COLD", score, OPTIONAL,       "a word")                  \
    M(S, sample_part, part, OPTIONAL,            "a message")               \
    L(S, sample_part, parts, OPTIONAL, 0, 4,     "messages")

#define SAMPLE_TIMED(S, F, E, M, L) F(S, TIME, when, REQUIRED, 0, 0, "a time")

#define SAMPLE_INNER(S, F, E, M, L) F(S, BOOL, a_name_that_takes_up_the_rest_of_it, DEFAULT(0), 0, 1, "a boolean")

#define SAMPLE_LONG(S, F, E, M, L) M(S, sample_inner, a_name_that_takes_up_most_of_the_room, OPTIONAL, "a message")

#define SAMPLE_MESSAGES(MSG)                                                \
    MSG(sample_part, SAMPLE_PART, "a part of a sample")                     \
    MSG(sample, SAMPLE, "one of each")                                      \
    MSG(sample_timed, SAMPLE_TIMED, "a time that must be there")              \
    MSG(sample_inner, SAMPLE_INNER, "long names")                           \
    MSG(sample_long, SAMPLE_LONG, "longer names")
/* clang-format on */

SAMPLE_MESSAGES(MESSAGE_STRUCT)

/* Smallest that is valid. */
#define SAMPLE_MINIMAL "{\"number\":1,\"text\":\"a\"}"
