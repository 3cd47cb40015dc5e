/* messages.h - every message that crosses a process border. */
#pragma once

#include "proto/clients.h"
#include "proto/conversations.h"
#include "proto/envelope.h"
#include "proto/events.h"
#include "proto/forms.h"
#include "proto/knowledge.h"
#include "proto/leads.h"
#include "proto/notices.h"
#include "proto/phones.h"
#include "proto/tasks.h"
#include "proto/turns.h"
#include "proto/usage.h"

/* All of them, for the schema export, the reference page and leadctl tap. */
extern const struct message_type *const message_types[];
extern const size_t n_message_types;

/* NULL if there is none of that name. */
const struct message_type *message_type_find(const char *name);
