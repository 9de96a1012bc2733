/* pam_module/status.c - how a call ended, as PAM says it
 *
 * A text about an account is shown once its password was right, or at account management: before
 * that, who asks need not be who owns it. PAM has no code for "disabled by the operator";
 * PAM_PERM_DENIED is the nearest that callers do not take for a wrong password, and the daemon's
 * log tells the two apart. An expired password has the code that pam_unix(8) has for one that can
 * no longer be changed: PAM_NEW_AUTHTOK_REQD would let a host go on that never changes one.
 * For sessions PAM has PAM_SESSION_ERR and no other.
 */
#include "pam_module/status.h"

#include <assert.h>
#include <security/_pam_types.h>
#include <stddef.h>

/* A cause that an entry point does not have; and if it had, it would let nobody in. */
#define NEVER PAM_SERVICE_ERR

#define AT_AUTH (1u << ENTRY_AUTH)
#define AT_ACCOUNT (1u << ENTRY_ACCOUNT)
#define AT_PASSWORD (1u << ENTRY_PASSWORD)

#define LATER "Signing in is not possible right now. Please try again later."

/* cause, { auth, account, password, session }, text, where it is told */
static const struct status statuses[] = {
    [CAUSE_ACCEPTED] = { "accepted",
        { PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS }, NULL, 0 },
    [CAUSE_MUST_CHANGE] = { "accepted, and the password has to be changed",
        { PAM_SUCCESS, PAM_NEW_AUTHTOK_REQD, PAM_SUCCESS, PAM_SUCCESS },
        "Your password has to be changed.", AT_ACCOUNT },
    [CAUSE_WRONG] = { "the password is wrong, or none can be right",
        { PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_SESSION_ERR }, NULL, 0 },
    [CAUSE_UNKNOWN] = { "there is no such account",
        { PAM_USER_UNKNOWN, PAM_USER_UNKNOWN, PAM_USER_UNKNOWN, PAM_SESSION_ERR }, NULL, 0 },
    [CAUSE_DISABLED] = { "the account is disabled",
        { PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_SESSION_ERR },
        "Your account is disabled.", AT_ACCOUNT | AT_PASSWORD },
    [CAUSE_EXPIRED] = { "the account has expired",
        { PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED, PAM_SESSION_ERR },
        "Your account has expired.", AT_ACCOUNT | AT_PASSWORD },
    [CAUSE_PASSWORD_EXPIRED] = { "the password has expired",
        { PAM_AUTHTOK_EXPIRED, PAM_AUTHTOK_EXPIRED, PAM_AUTHTOK_EXPIRED, PAM_SESSION_ERR },
        "Your password has expired.", AT_ACCOUNT | AT_PASSWORD },
    [CAUSE_DENIED] = { "the service or the network is not for this account",
        { PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_SESSION_ERR },
        "Your account may not sign in here.", AT_ACCOUNT | AT_PASSWORD },
    [CAUSE_UNAVAILABLE] = { "nobody could tell",
        { PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL, PAM_SESSION_ERR },
        LATER, AT_AUTH | AT_ACCOUNT | AT_PASSWORD },
    [CAUSE_MALFORMED] = { "the daemon could not make sense of the request",
        { PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SESSION_ERR }, NULL, 0 },
    [CAUSE_CHANGE_DENIED] = { "the source takes no new password from here",
        { NEVER, NEVER, PAM_PERM_DENIED, NEVER },
        "Your password cannot be changed here.", AT_PASSWORD },
    [CAUSE_NEW_UNFIT] = { "the new password is too long to be stored",
        { NEVER, NEVER, PAM_AUTHTOK_ERR, NEVER },
        "The new password is too long.", AT_PASSWORD },
    [CAUSE_NO_ANSWER] = { "no answer, or one that cannot be believed",
        { PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL, PAM_SESSION_ERR },
        LATER, AT_AUTH | AT_ACCOUNT | AT_PASSWORD },
    [CAUSE_NOT_DUE] = { "the password need not be changed",
        { NEVER, NEVER, PAM_SUCCESS, NEVER }, NULL, 0 },
    [CAUSE_NO_USER] = { "no user name",
        { PAM_USER_UNKNOWN, PAM_USER_UNKNOWN, PAM_USER_UNKNOWN, PAM_SESSION_ERR }, NULL, 0 },
    [CAUSE_NO_PASSWORD] = { "no password, an empty one, or one over 4096 bytes",
        { PAM_AUTH_ERR, NEVER, PAM_AUTH_ERR, NEVER }, NULL, 0 },
    [CAUSE_NO_NEW_PASSWORD] = { "no new password, an empty one, or two that differ",
        { NEVER, NEVER, PAM_AUTHTOK_ERR, NEVER }, NULL, 0 },
    [CAUSE_TOO_LONG] = { "a name, a service or a remote host too long to ask about",
        { PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SESSION_ERR }, NULL, 0 },
    [CAUSE_OPTION] = { "an option that is unknown or makes no sense",
        { PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SESSION_ERR }, NULL, 0 },
    [CAUSE_CONVERSATION] = { "the application could not, or would not, ask the user",
        { PAM_CONV_ERR, PAM_CONV_ERR, PAM_CONV_ERR, PAM_SESSION_ERR }, NULL, 0 },
    [CAUSE_POSTPONED] = { "the application will answer a prompt later, and then calls again",
        { PAM_INCOMPLETE, PAM_INCOMPLETE, PAM_INCOMPLETE, PAM_SESSION_ERR }, NULL, 0 },
    [CAUSE_NO_MEMORY] = { "there is no memory",
        { PAM_BUF_ERR, PAM_BUF_ERR, PAM_BUF_ERR, PAM_SESSION_ERR }, NULL, 0 },
};
static_assert(sizeof statuses / sizeof statuses[0] == CAUSES, "a cause lacks its codes");

const struct status *
status_of(enum cause cause)
{
    return &statuses[(unsigned)cause < CAUSES ? cause : CAUSE_UNAVAILABLE];
}
