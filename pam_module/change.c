/* pam_module/change.c - a new password, in the two passes that PAM makes of it
 *
 *   prepare   root: ACCOUNT, is there such an account?   others: PASSWORD, is the old one right?
 *   write     CHANGE, old and new; the daemon verifies the old one again, unless root asks
 *
 * Nothing is kept between the passes but what libpam keeps: PAM_OLDAUTHTOK and PAM_AUTHTOK.
 */
#include "pam_module/change.h"

#include <security/pam_appl.h>
#include <unistd.h>

/* As pam_unix(8) has it: root need not know a password, unless it changes on behalf of a user
 * whose own has run out while signing in. A set-user-ID program is its caller's. */
static bool
is_by_root(const struct call *call)
{
    return getuid() == 0 && (call->flags & PAM_CHANGE_EXPIRED_AUTHTOK) == 0;
}

/* With PAM_CHANGE_EXPIRED_AUTHTOK only a password that has to be changed is. */
static enum cause
check_due(const struct call *call)
{
    enum cause cause;

    if ((call->flags & PAM_CHANGE_EXPIRED_AUTHTOK) == 0)
        return CAUSE_ACCEPTED;
    cause = call_ask_about_user(call, PAM_WIRE_ACCOUNT);
    if (cause == CAUSE_ACCEPTED)
        return CAUSE_NOT_DUE;
    return cause == CAUSE_MUST_CHANGE || cause == CAUSE_PASSWORD_EXPIRED ? CAUSE_ACCEPTED : cause;
}

/* Root may give a new password to an account that may not sign in. */
static enum cause
check_is_there(const struct call *call)
{
    enum cause cause = call_ask_about_user(call, PAM_WIRE_ACCOUNT);

    switch (cause) {
    case CAUSE_MUST_CHANGE:
    case CAUSE_WRONG:
    case CAUSE_DISABLED:
    case CAUSE_EXPIRED:
    case CAUSE_PASSWORD_EXPIRED:
    case CAUSE_DENIED:
        return CAUSE_ACCEPTED;
    default:
        return cause;
    }
}

/* It may be what keeps the account out: one that has expired is changed for that, and a service
 * that is for changing passwords need not be one to sign in to. Whatever else there is, the
 * second pass tells. */
static enum cause
check_old(const struct call *call)
{
    struct wire_request request = { .action = PAM_WIRE_PASSWORD };
    enum cause cause = call_user(call, &request.login);

    if (cause == CAUSE_ACCEPTED)
        cause = call_password(call, CALL_OLD_PASSWORD, &request.password);
    if (cause == CAUSE_ACCEPTED)
        cause = call_ask(call, &request);
    if (cause == CAUSE_MUST_CHANGE || cause == CAUSE_PASSWORD_EXPIRED || cause == CAUSE_DENIED)
        cause = CAUSE_ACCEPTED;
    return cause;
}

enum cause
change_prepare(const struct call *call)
{
    enum cause cause = check_due(call);

    if (cause != CAUSE_ACCEPTED)
        return cause;
    return is_by_root(call) ? check_is_there(call) : check_old(call);
}

enum cause
change_write(const struct call *call)
{
    struct wire_request request = { .action = PAM_WIRE_CHANGE, .by_root = is_by_root(call) };
    enum cause cause = check_due(call);

    if (cause == CAUSE_ACCEPTED)
        cause = call_user(call, &request.login);
    if (cause == CAUSE_ACCEPTED && !request.by_root)
        cause = call_password(call, CALL_OLD_PASSWORD, &request.password);
    if (cause == CAUSE_ACCEPTED)
        cause = call_password(call, CALL_NEW_PASSWORD, &request.new_password);
    if (cause == CAUSE_ACCEPTED)
        cause = call_ask(call, &request);
    return cause;
}
