/* routes.h - the REST API as a table: what is asked where, and who answers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct message_type;

enum who {
    WHO_ADMIN,  /* an administrator's key */
    WHO_CLIENT, /* also a client's key, for what is its own */
};

struct route {
    const char *method;
    const char *path; /* "/api/v1/clients/{client_id}": the names are fields of request */
    const char *role; /* who answers */
    const struct message_type *request, *reply;
    enum who who;
    int status;             /* of success */
    const char *body_field; /* the JSON body is the value of this field; NULL: the body's members are the fields */
    const char *doc;
    const char *upload; /* the field that may be larger than a message; NULL: none (then a body has MAX_BODY bytes) */
    const char *id;     /* in the API's description; NULL: the request's name */
    const char
        *created_field; /* of the reply: where it is false the status is 200, as nothing was created; NULL: none */
    bool multipart;     /* that field may come as a file of a multipart/form-data body */
};

extern const struct route routes[];
extern const size_t n_routes;

#define ROUTE_PARAMS_MAX  4
#define ROUTE_PARAM_SIZE  64
#define ROUTE_METHODS_MAX 64

struct route_param {
    char name[ROUTE_PARAM_SIZE];
    char value[ROUTE_PARAM_SIZE];
};

struct route_match {
    const struct route *route; /* NULL: none */
    struct route_param params[ROUTE_PARAMS_MAX];
    size_t n_params;
    char allow[ROUTE_METHODS_MAX]; /* where the path exists: its methods, "GET, POST"; else "" */
};

/* Finds the row of a method and a decoded path. True if there is one. Otherwise allow tells a wrong path (404) from a
 * wrong method (405). */
bool route_find(const char *method, const char *path, struct route_match *ret_match);

/* Whether path is that of the pattern; fills the values of its {names}. ret_params may be NULL. */
bool route_path_matches(const char *pattern, const char *path, struct route_param *ret_params, size_t *ret_n);
