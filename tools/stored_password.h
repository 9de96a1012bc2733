/* tools/stored_password.h - a new stored password from one that is read
 *
 * Threads  One: see password_input.h.
 */
#ifndef TOOLS_STORED_PASSWORD_H
#define TOOLS_STORED_PASSWORD_H

#include "common/error.h"
#include "common/secret.h"

/* What is made. */
struct stored_password_form {
    const char *scheme;         /* "NAME", or "{NAME}" for a value with that prefix */
    unsigned long cost;         /* 0: the scheme's own */
    bool latin1;                /* of the password's ISO-8859-1 form, where it has one */
};

/* Reads from standard input (twice from a person) and makes it; the caller wipes *out.
 * ERROR_REJECTED for what can be no password, the empty one first of all; ERROR_CONFIG as
 * password_make() has it. */
enum error_code stored_password_ask(const struct stored_password_form *form, struct secret *out,
                                    struct error *err);

#endif
