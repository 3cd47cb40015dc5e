/* clients.h - clients and their configuration. Served by the orchestrator. */
#pragma once

#include "libshared/codec.h"

/* clang-format off */
#define CLIENT(S, F, E, M, L)                                                                               \
    F(S, UUID, client_id,      REQUIRED, 0, 0,      "its id")                                               \
    F(S, STR,  name,           REQUIRED, 1, 800,    "of the business")                                      \
    F(S, STR,  timezone,       REQUIRED, 1, 64,     "IANA name")                                            \
    F(S, JSON, config,         REQUIRED, 2, 65536,  "what overrides the environment; secrets are shown as \"********\"") \
    F(S, INT,  config_version, REQUIRED, 1, 1e9,    "raised with each change of config")                    \
    F(S, TIME, created_at,     REQUIRED, 0, 0,      "when it was created")                                  \
    F(S, TIME, updated_at,     REQUIRED, 0, 0,      "when it was changed last")

#define CREATE_CLIENT(S, F, E, M, L)                                                                        \
    F(S, STR,  name,           REQUIRED, 1, 200,    "of the business")                                      \
    F(S, STR,  timezone,       OPTIONAL, 1, 64,     "IANA name, UTC by default")                            \
    F(S, JSON, config,         OPTIONAL, 2, 65536,  "object of known keys; see PATCH .../config")

#define GET_CLIENT(S, F, E, M, L) F(S, UUID, client_id, REQUIRED, 0, 0, "the client")

#define LIST_CLIENTS(S, F, E, M, L)                                                                         \
    F(S, INT,  limit,          DEFAULT(50), 1, 200, "items a page")                                         \
    F(S, STR,  after,          OPTIONAL, 1, 200,    "next_after of the page before")

#define CLIENT_PAGE(S, F, E, M, L)                                                                          \
    L(S, client, items,        REQUIRED, 0, 200,    "in the order of creation")                             \
    F(S, STR, next_after,      OPTIONAL, 1, 200,    "for the next page; absent: this is the last")

#define UPDATE_CLIENT(S, F, E, M, L)                                                                        \
    F(S, UUID, client_id,      REQUIRED, 0, 0,      "the client")                                           \
    F(S, STR,  name,           OPTIONAL, 1, 200,    "of the business")                                      \
    F(S, STR,  timezone,       OPTIONAL, 1, 64,     "IANA name")

/* The body of the HTTP request is the patch itself: an object of known keys; null removes a key. */
#define UPDATE_CLIENT_CONFIG(S, F, E, M, L)                                                                 \
    F(S, UUID, client_id,      REQUIRED, 0, 0,      "the client")                                           \
    F(S, JSON, config,         REQUIRED, 2, 65536,  "what to change: an object of known keys; null removes a key")

#define CLIENT_MESSAGES(MSG)                                                                                \
    MSG(client, CLIENT, "a business that uses Leadwire")                                                    \
    MSG(create_client, CREATE_CLIENT, "make a client")                                                      \
    MSG(get_client, GET_CLIENT, "one client")                                                               \
    MSG(list_clients, LIST_CLIENTS, "all clients")                                                          \
    MSG(client_page, CLIENT_PAGE, "a page of clients")                                                      \
    MSG(update_client, UPDATE_CLIENT, "change a client's name or time zone")                                \
    MSG(update_client_config, UPDATE_CLIENT_CONFIG, "merge into a client's configuration")
/* clang-format on */

CLIENT_MESSAGES(MESSAGE_STRUCT)
