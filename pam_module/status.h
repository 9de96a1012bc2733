/* pam_module/status.h - how a call ended, as PAM says it
 *
 * Purpose  The one place where a cause becomes a PAM code. Nothing in the module returns a code
 *          that is not in this table, and pam_claviger(8) has the same one for people. Besides
 *          it pam_sm_setcred() and pam_sm_close_session() return PAM_SUCCESS and nothing else.
 * Threads  Constants.
 */
#ifndef PAM_MODULE_STATUS_H
#define PAM_MODULE_STATUS_H

#include "common/pam_wire.h"

enum entry {
    ENTRY_AUTH,                 /* pam_sm_authenticate() */
    ENTRY_ACCOUNT,              /* pam_sm_acct_mgmt() */
    ENTRY_PASSWORD,             /* pam_sm_chauthtok() */
    ENTRY_SESSION,              /* pam_sm_open_session() */
    ENTRIES
};

/* What the daemon answered, under the answer's own number; then what never reached it. */
enum cause {
    CAUSE_ACCEPTED          = PAM_WIRE_ACCEPTED,
    CAUSE_MUST_CHANGE       = PAM_WIRE_MUST_CHANGE,
    CAUSE_WRONG             = PAM_WIRE_WRONG,
    CAUSE_UNKNOWN           = PAM_WIRE_UNKNOWN,
    CAUSE_DISABLED          = PAM_WIRE_DISABLED,
    CAUSE_EXPIRED           = PAM_WIRE_EXPIRED,
    CAUSE_PASSWORD_EXPIRED  = PAM_WIRE_PASSWORD_EXPIRED,
    CAUSE_DENIED            = PAM_WIRE_DENIED,
    CAUSE_UNAVAILABLE       = PAM_WIRE_UNAVAILABLE,
    CAUSE_MALFORMED         = PAM_WIRE_MALFORMED,
    CAUSE_CHANGE_DENIED     = PAM_WIRE_CHANGE_DENIED,
    CAUSE_NEW_UNFIT         = PAM_WIRE_NEW_UNFIT,
    CAUSE_NO_ANSWER         = PAM_WIRE_ANSWERS,
    CAUSE_NOT_DUE,
    CAUSE_NO_USER,
    CAUSE_NO_PASSWORD,
    CAUSE_NO_NEW_PASSWORD,
    CAUSE_TOO_LONG,
    CAUSE_OPTION,
    CAUSE_CONVERSATION,
    CAUSE_POSTPONED,
    CAUSE_NO_MEMORY,
    CAUSES
};

struct status {
    const char *cause;          /* for the log and the manual */
    int codes[ENTRIES];
    const char *text;           /* for the user; NULL: nothing to say */
    unsigned told_at;           /* a set of 1 << enum entry */
};

/* The row of CAUSE_UNAVAILABLE for what is no cause. */
const struct status *status_of(enum cause cause);

#endif
