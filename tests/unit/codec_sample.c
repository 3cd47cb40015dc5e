/* codec_sample.c - see codec_sample.h. */
#include "codec_sample.h"

SAMPLE_MESSAGES(MESSAGE_TYPE)
