/* tools/password_input.h - a password from a person or a pipe, never from the command line
 *
 * Purpose  From a terminal: prompts there with echo off, and gives the terminal back as it was
 *          before any signal does its work. From anything else: the first line,
 *          without its '\n', and not a byte more of the input is taken.
 * Errors   ERROR_REJECTED: longer than SECRET_MAX, holds a NUL, or the two entries differ.
 *          ERROR_UNAVAILABLE: cannot be read.
 * Threads  One: it changes signal handlers while it waits for a person.
 */
#ifndef TOOLS_PASSWORD_INPUT_H
#define TOOLS_PASSWORD_INPUT_H

#include "common/error.h"
#include "common/secret.h"

enum password_ask { PASSWORD_ASK_ONCE, PASSWORD_ASK_TWICE };    /* a pipe gives it once */

/* The caller wipes *out. An empty line, and the end of the input, is the empty password. */
enum error_code password_input(int fd, enum password_ask ask, struct secret *out,
                               struct error *err);

/* The same of a terminal, with a prompt of the caller's. */
enum error_code password_input_prompt(int fd, const char *prompt, struct secret *out,
                                      struct error *err);

#endif
