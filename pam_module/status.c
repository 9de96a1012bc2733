/* pam_module/status.c - what the daemon answered, as PAM says it
 *
 * A text about an account is shown at account management only: before that, who asks need
 * not be who owns it. PAM has no code for "disabled by the operator"; PAM_PERM_DENIED is the
 * nearest that callers do not take for a wrong password, and the daemon's log tells the two apart.
 * An expired password is refused at both, and with the code that pam_unix(8) has for one that
 * can no longer be changed: PAM_NEW_AUTHTOK_REQD would let a host go on that never changes one.
 */
#include "pam_module/status.h"

#include <assert.h>
#include <security/_pam_types.h>
#include <stddef.h>

static const char later[] = "Signing in is not possible right now. Please try again later.";

static const struct status statuses[] = {
    [PAM_WIRE_ACCEPTED] = { "accepted", PAM_SUCCESS, PAM_SUCCESS, NULL, NULL },
    [PAM_WIRE_MUST_CHANGE] = { "accepted, must change the password", PAM_SUCCESS,
        PAM_NEW_AUTHTOK_REQD, NULL, "Your password has to be changed." },
    [PAM_WIRE_WRONG] = { "wrong password", PAM_AUTH_ERR, PAM_AUTH_ERR, NULL, NULL },
    [PAM_WIRE_UNKNOWN] = { "unknown account", PAM_USER_UNKNOWN, PAM_USER_UNKNOWN, NULL, NULL },
    [PAM_WIRE_DISABLED] = { "disabled", PAM_PERM_DENIED, PAM_PERM_DENIED, NULL,
        "Your account is disabled." },
    [PAM_WIRE_EXPIRED] = { "account expired", PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED, NULL,
        "Your account has expired." },
    [PAM_WIRE_PASSWORD_EXPIRED] = { "password expired", PAM_AUTHTOK_EXPIRED,
        PAM_AUTHTOK_EXPIRED, NULL, "Your password has expired." },
    [PAM_WIRE_DENIED] = { "service or network denied", PAM_PERM_DENIED, PAM_PERM_DENIED, NULL,
        "Your account may not sign in here." },
    [PAM_WIRE_UNAVAILABLE] = { "unavailable", PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL,
        later, later },
    [PAM_WIRE_MALFORMED] = { "malformed", PAM_SERVICE_ERR, PAM_SERVICE_ERR, NULL, NULL },
};
static_assert(sizeof statuses / sizeof statuses[0] == PAM_WIRE_ANSWERS,
              "an answer lacks a PAM status");

const struct status *
status_of(enum pam_wire_answer answer)
{
    return &statuses[(unsigned)answer < PAM_WIRE_ANSWERS ? answer : PAM_WIRE_UNAVAILABLE];
}
