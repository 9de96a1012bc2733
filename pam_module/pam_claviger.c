/* pam_module/pam_claviger.c - the PAM module: asks clavigerd, and says what it said
 *
 *   pam_authenticate   user and password  ─▶ clavigerd (PASSWORD) ─▶ status.c
 *   pam_acct_mgmt      user               ─▶ clavigerd (ACCOUNT)  ─▶ status.c
 *   pam_setcred        nothing to do
 *
 * It is a guest in somebody else's process. It keeps nothing between calls, starts no thread,
 * never sleeps, asks for no delay, reads no environment and no locale, touches no signal and no
 * umask, and leaves errno as it was. Every answer that it could not get is PAM_AUTHINFO_UNAVAIL.
 */
#include "pam_module/client.h"
#include "pam_module/locked.h"
#include "pam_module/options.h"
#include "pam_module/status.h"

#include <errno.h>
#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

struct call {
    pam_handle_t *pamh;
    enum pam_wire_action action;
    struct options options;
};

static int
call_start(struct call *call, int flags, int argc, const char **argv)
{
    struct options_fault fault;

    if (!options_parse(argc, argv, &call->options, &fault)) {
        pam_syslog(call->pamh, LOG_ERR, "option \"%.*s\" %s", fault.name_len, fault.name,
                   fault.why);
        return PAM_SERVICE_ERR;
    }
    if (((unsigned)flags & PAM_SILENT) != 0)
        call->options.silent = true;
    return PAM_SUCCESS;
}

/* The host's prompt may be answered later (PAM_CONV_AGAIN): then it asks the whole stack again. */
static int
conversation_status(int status)
{
    switch (status) {
    case PAM_SUCCESS:
    case PAM_BUF_ERR:
        return status;
    case PAM_CONV_AGAIN:
        return PAM_INCOMPLETE;
    default:
        return PAM_CONV_ERR;
    }
}

static int
user_get(const struct call *call, const char **user_out)
{
    int status = conversation_status(pam_get_user(call->pamh, user_out, NULL));

    if (status == PAM_SUCCESS && (*user_out == NULL || **user_out == '\0'))
        status = PAM_USER_UNKNOWN;
    return status;
}

/* An empty password proves nothing, and one that the wire cannot carry is nobody's: neither
 * leaves the process. */
static int
password_get(const struct call *call, const char **password_out)
{
    int status = pam_get_authtok(call->pamh, PAM_AUTHTOK, password_out, NULL);

    if (status == PAM_AUTH_ERR)         /* use_first_pass, and there is none */
        return status;
    status = conversation_status(status);
    if (status == PAM_SUCCESS && (*password_out == NULL || **password_out == '\0' ||
                                  strlen(*password_out) > PAM_WIRE_FIELD_MAX))
        status = PAM_AUTH_ERR;
    return status;
}

/* Empty when the application did not set it. */
static const char *
item_get(const struct call *call, int item)
{
    const void *value = NULL;

    if (pam_get_item(call->pamh, item, &value) != PAM_SUCCESS || value == NULL)
        return "";
    return value;
}

/* Root could read our memory anyway, and so could a process of our own user. */
static bool
trusts(void *context, uid_t owner)
{
    const struct call *call = context;
    const struct options *options = &call->options;
    const struct passwd *named;

    if (owner == 0 || owner == geteuid())
        return true;
    if (options->daemon_user == NULL)
        return false;
    if (options->daemon_uid_known)
        return options->daemon_uid == owner;
    named = pam_modutil_getpwnam(call->pamh, options->daemon_user);
    return named != NULL && named->pw_uid == owner;
}

/* Sends the request and gives *reply, which stays "unavailable" when none came. The one copy of
 * the password that the module makes is here. */
static int
exchange(struct call *call, const struct wire_request *request, struct wire_reply *reply)
{
    const struct client_daemon daemon = {
        call->options.socket, call->options.timeout_ms, trusts, call
    };
    struct client_fault fault;
    unsigned char *bytes = locked_new(PAM_WIRE_REQUEST_MAX);
    int status = PAM_SUCCESS;
    size_t len;

    if (bytes == NULL)
        return PAM_BUF_ERR;
    len = wire_write_request(request, bytes);
    if (len == 0) {
        pam_syslog(call->pamh, LOG_NOTICE, "user, service or remote host too long to ask about");
        status = PAM_SERVICE_ERR;
    } else if (!client_ask(&daemon, bytes, len, reply, &fault)) {
        pam_syslog(call->pamh, LOG_ERR, "\"%s\": %s", daemon.path, fault.reason);
    }
    locked_free(bytes, PAM_WIRE_REQUEST_MAX);
    return status;
}

/* From here on the account is who the daemon says it is. */
static int
user_set(const struct call *call, const char *user)
{
    if (call->options.keep_user || strcmp(item_get(call, PAM_USER), user) == 0)
        return PAM_SUCCESS;
    return pam_set_item(call->pamh, PAM_USER, user);
}

/* What the daemon said, to the log, the user and the application. */
static int
conclude(const struct call *call, const struct wire_reply *reply)
{
    const struct status *status = status_of(reply->answer);
    bool account = call->action == PAM_WIRE_ACCOUNT;
    const char *text = account ? status->account_text : status->auth_text;

    if (call->options.debug)
        pam_syslog(call->pamh, LOG_DEBUG, "\"%s\" says: %s", call->options.socket, status->word);
    if (text != NULL && !call->options.silent)
        (void)pam_prompt(call->pamh, PAM_ERROR_MSG, NULL, "%s", text);
    if (reply->user[0] != '\0' && user_set(call, reply->user) != PAM_SUCCESS)
        return PAM_BUF_ERR;
    return account ? status->account : status->auth;
}

/* `request` has login and password; the rest comes from the application and the options. */
static int
ask(struct call *call, struct wire_request *request)
{
    const struct options *options = &call->options;
    struct wire_reply reply = { .answer = PAM_WIRE_UNAVAILABLE };
    int status;

    request->action = call->action;
    request->domain = options->domain;
    request->service = options->service != NULL ? options->service
                                                : item_get(call, PAM_SERVICE);
    request->remote = item_get(call, PAM_RHOST);
    status = exchange(call, request, &reply);
    return status == PAM_SUCCESS ? conclude(call, &reply) : status;
}

/* Both questions are the same but for the password. */
static int
decide(pam_handle_t *pamh, enum pam_wire_action action, int flags, int argc, const char **argv)
{
    struct call call = { .pamh = pamh, .action = action };
    struct wire_request request = { .password = "" };
    int saved = errno;
    int status = call_start(&call, flags, argc, argv);

    if (status == PAM_SUCCESS)
        status = user_get(&call, &request.login);
    if (status == PAM_SUCCESS && action == PAM_WIRE_PASSWORD)
        status = password_get(&call, &request.password);
    if (status == PAM_SUCCESS)
        status = ask(&call, &request);
    errno = saved;
    return status;
}

int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return decide(pamh, PAM_WIRE_PASSWORD, flags, argc, argv);
}

int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return decide(pamh, PAM_WIRE_ACCOUNT, flags, argc, argv);
}

/* There is no credential to set. Success, because libpam lets the module that decided
 * pam_authenticate() decide this too: anything else would take a good sign-in back. */
int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_SUCCESS;
}
