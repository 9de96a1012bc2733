/* saslauthd_backend/control_request.h - what a line on the control socket asks for
 *
 * Purpose  From a line's bytes to a struct that holds only what its command takes: an unknown
 *          name, a wrong type or a value too long is refused, with the nearest known word.
 * Errors   ERROR_MALFORMED; the request is then empty. No reason holds a password.
 * Threads  A request belongs to one thread at a time; it holds a secret: control_request_wipe().
 */
#ifndef SASLAUTHD_BACKEND_CONTROL_REQUEST_H
#define SASLAUTHD_BACKEND_CONTROL_REQUEST_H

#include "common/error.h"
#include "common/secret.h"

enum control_command {
    CONTROL_STATUS, CONTROL_TEST, CONTROL_EXPLAIN, CONTROL_FLUSH, CONTROL_RELOAD,
    CONTROL_COMMANDS
};

/* Bytes of login, realm and the like; what a name may have at most is auth's to say. */
#define CONTROL_TEXT_MAX 4096

/* A field that was not there is the empty string. */
struct control_request {
    enum control_command command;
    bool has_password;
    bool all;
    char login[CONTROL_TEXT_MAX + 1];
    char realm[CONTROL_TEXT_MAX + 1];
    char service[CONTROL_TEXT_MAX + 1];
    char remote[CONTROL_TEXT_MAX + 1];
    char domain[CONTROL_TEXT_MAX + 1];
    char mechanism[CONTROL_TEXT_MAX + 1];       /* PLAIN and LOGIN are the same as none */
    struct secret password;
};

/* An empty request; also the right start. */
void control_request_wipe(struct control_request *request);

enum error_code control_request_parse(span line, struct control_request *out,
                                      struct error *err);

#endif
