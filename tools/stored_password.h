/* tools/stored_password.h - a new stored password from one that is read
 *
 * Threads  One: see password_input.h.
 */
#ifndef TOOLS_STORED_PASSWORD_H
#define TOOLS_STORED_PASSWORD_H

#include "password/password.h"

/* Reads from standard input (twice from a person) and makes it; the caller wipes *out.
 * ERROR_REJECTED for what can be no password, the empty one first of all; ERROR_CONFIG as
 * password_make() has it. */
enum error_code stored_password_ask(const struct password_form *form, struct secret *out,
                                    struct error *err);

#endif
