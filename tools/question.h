/* tools/question.h - what `test` and `explain` have in common
 *
 * Purpose  A login, where it is to sign in, perhaps a password: from the command line to the
 *          daemon, and its verdict to words and an exit status.
 * Threads  One.
 */
#ifndef TOOLS_QUESTION_H
#define TOOLS_QUESTION_H

#include "tools/command.h"

#include <jansson.h>

#define QUESTION_OPTIONS \
    { "service", 's', "SERVICE", "as this service would ask: imap, smtp, ..." }, \
    { "realm",   'r', "REALM",   "with this realm" }, \
    { "remote",  'i', "ADDRESS", "for a client at this address" }

/* Reads a password when it is wanted, and asks the daemon. The caller gives *reply_out to
 * json_decref(). */
enum error_code question_ask(const struct command_call *call, bool with_password,
                             json_t **reply_out, struct error *err);

/* One line: outcome, reason and how it was found. */
void question_print_verdict(const json_t *reply);

enum exit_status question_status(const json_t *reply);

#endif
