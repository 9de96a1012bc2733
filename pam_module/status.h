/* pam_module/status.h - what the daemon answered, as PAM says it
 *
 * Purpose  The one place where an answer of the wire becomes a PAM status. pam_claviger(8)
 *          has the same table for people.
 * Threads  Constants.
 */
#ifndef PAM_MODULE_STATUS_H
#define PAM_MODULE_STATUS_H

#include "common/pam_wire.h"

struct status {
    const char *word;           /* for the log */
    int auth;                   /* pam_authenticate() */
    int account;                /* pam_acct_mgmt() */
    const char *auth_text;      /* for the user; NULL: nothing to say */
    const char *account_text;
};

/* The row of UNAVAILABLE for what is no answer. */
const struct status *status_of(enum pam_wire_answer answer);

#endif
