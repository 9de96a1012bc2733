/* pam_module/pam_claviger.c - the PAM module: asks clavigerd, and says what it said
 *
 *   pam_authenticate    user, password           ─▶ PASSWORD ─▶ status.c
 *   pam_setcred         nothing to do
 *   pam_acct_mgmt       user                     ─▶ ACCOUNT ─▶ status.c
 *   pam_chauthtok       user, password, new one  ─▶ change.c ─▶ status.c
 *   pam_open_session    user                     ─▶ SESSION ─▶ status.c
 *   pam_close_session   nothing to do
 *
 * It is a guest in somebody else's process. It starts no thread, never sleeps, asks for no delay
 * unless told to, reads no environment and no locale, touches no signal and no umask, and leaves
 * errno as it was. Every answer that it could not get is PAM_AUTHINFO_UNAVAIL.
 */
#include "pam_module/call.h"
#include "pam_module/change.h"

#include <errno.h>

/* What an entry point does between its options and its end. */
typedef enum cause act_fn(const struct call *call);

static enum cause
check_password(const struct call *call)
{
    struct wire_request request = { .action = PAM_WIRE_PASSWORD };
    enum cause cause = call_user(call, &request.login);

    if (cause == CAUSE_ACCEPTED)
        cause = call_password(call, CALL_PASSWORD, &request.password);
    return cause == CAUSE_ACCEPTED ? call_ask(call, &request) : cause;
}

static enum cause
check_account(const struct call *call)
{
    return call_ask_about_user(call, PAM_WIRE_ACCOUNT);
}

static enum cause
note_session(const struct call *call)
{
    return call_ask_about_user(call, PAM_WIRE_SESSION);
}

static int
enter(pam_handle_t *pamh, enum entry entry, act_fn *act, int flags, int argc, const char **argv)
{
    struct call call = { .pamh = pamh, .entry = entry, .flags = (unsigned)flags };
    int saved = errno, code;
    enum cause cause = call_start(&call, argc, argv);

    if (cause == CAUSE_ACCEPTED)
        cause = act(&call);
    code = call_end(&call, cause);
    errno = saved;
    return code;
}

int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return enter(pamh, ENTRY_AUTH, check_password, flags, argc, argv);
}

int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return enter(pamh, ENTRY_ACCOUNT, check_account, flags, argc, argv);
}

/* libpam calls twice, with one flag each. */
int
pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    bool is_first = ((unsigned)flags & PAM_PRELIM_CHECK) != 0;

    return enter(pamh, ENTRY_PASSWORD, is_first ? change_prepare : change_write, flags, argc, argv);
}

int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return enter(pamh, ENTRY_SESSION, note_session, flags, argc, argv);
}

/* There is no credential to set, and no account manager keeps when a session ended. Success,
 * because libpam lets the module that decided pam_authenticate() decide pam_setcred() too:
 * anything else would take a good sign-in back. */
int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_SUCCESS;
}

int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return pam_sm_setcred(pamh, flags, argc, argv);
}
