/* topic_words.h - the tables of topic.c. */
#pragma once

#include "services/orchestrator/guards/topic.h"
#include "services/orchestrator/scripted/terms.h"

/* Words that may stand in a sentence about anything. */
extern const struct term topic_common_latin[], topic_common_arabic[];

/* Words that stand for each other in what businesses write: those with the same number mean the same. */
extern const struct term topic_meanings[];
