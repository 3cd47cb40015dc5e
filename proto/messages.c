/* messages.c - the descriptors of every message, from its declaration. */
#include "proto/messages.h"

#include <string.h>

/* clang-format off */
BUS_MESSAGES(MESSAGE_TYPE)
CLIENT_MESSAGES(MESSAGE_TYPE)
CONVERSATION_MESSAGES(MESSAGE_TYPE)
EVENT_MESSAGES(MESSAGE_TYPE)
FORM_MESSAGES(MESSAGE_TYPE)
KNOWLEDGE_MESSAGES(MESSAGE_TYPE)
LEAD_MESSAGES(MESSAGE_TYPE)
NOTICE_MESSAGES(MESSAGE_TYPE)
PHONE_MESSAGES(MESSAGE_TYPE)
TASK_MESSAGES(MESSAGE_TYPE)
TURN_MESSAGES(MESSAGE_TYPE)
USAGE_MESSAGES(MESSAGE_TYPE)

#define TYPE_POINTER(name, FIELDS, doc) &name##_type,
const struct message_type *const message_types[] = {
    BUS_MESSAGES(TYPE_POINTER)
    CLIENT_MESSAGES(TYPE_POINTER)
    CONVERSATION_MESSAGES(TYPE_POINTER)
    EVENT_MESSAGES(TYPE_POINTER)
    FORM_MESSAGES(TYPE_POINTER)
    KNOWLEDGE_MESSAGES(TYPE_POINTER)
    LEAD_MESSAGES(TYPE_POINTER)
    NOTICE_MESSAGES(TYPE_POINTER)
    PHONE_MESSAGES(TYPE_POINTER)
    TASK_MESSAGES(TYPE_POINTER)
    TURN_MESSAGES(TYPE_POINTER)
    USAGE_MESSAGES(TYPE_POINTER)
};
/* clang-format on */
const size_t n_message_types = sizeof message_types / sizeof message_types[0];

const struct message_type *message_type_find(const char *name)
{
    for (size_t i = 0; i < n_message_types; i++)
        if (strcmp(message_types[i]->name, name) == 0)
            return message_types[i];
    return NULL;
}
