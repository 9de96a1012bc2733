/* pam_module/call.h - one call of the host, from its options to its PAM code
 *
 * Purpose  What all entry points share: options, user, the question, and how it ends.
 * Owner    The host's handle is borrowed for the call; nothing outlives it but what libpam keeps.
 * Errors   A cause (pam_module/status.h); CAUSE_ACCEPTED is the only one to go on with.
 * Threads  A call belongs to one thread.
 */
#ifndef PAM_MODULE_CALL_H
#define PAM_MODULE_CALL_H

#include "pam_module/options.h"
#include "pam_module/status.h"
#include "pam_module/wire.h"

#include <security/pam_modules.h>

struct call {
    pam_handle_t *pamh;
    enum entry entry;
    unsigned flags;
    struct options options;
};

/* Reads the options. A wrong one is logged once for each handle. */
enum cause call_start(struct call *call, int argc, const char **argv);

/* Who: PAM_USER, asked for when there is none. Borrowed from libpam, until call_ask() may have given
 * it another name: each question asks anew. */
enum cause call_user(const struct call *call, const char **user_out);

/* Which password of those that libpam keeps, or asks for. */
enum call_password { CALL_PASSWORD, CALL_OLD_PASSWORD, CALL_NEW_PASSWORD };

/* One that is there, is not empty, and is not too long to be sent. Borrowed from libpam, which
 * wipes it. */
enum cause call_password(const struct call *call, enum call_password which,
                         const char **password_out);

/* Asks, with service, remote host and source added to `request`, and takes over the account's
 * name from the answer. */
enum cause call_ask(const struct call *call, struct wire_request *request);

/* The same for an action that needs no more than the user. */
enum cause call_ask_about_user(const struct call *call, enum pam_wire_action action);

/* Tells the user, and gives the code for the host. */
int call_end(const struct call *call, enum cause cause);

#endif
