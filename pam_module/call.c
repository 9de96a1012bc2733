/* pam_module/call.c - one call of the host, from its options to its PAM code */
#include "pam_module/call.h"

#include "guest/descriptor.h"
#include "pam_module/client.h"
#include "pam_module/locked.h"

#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modutil.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* libc keeps the descriptor that it logs with as long as the process lives. */
static void __attribute__((format(printf, 3, 4)))
call_log(const struct call *call, int priority, const char *format, ...)
{
    struct descriptor_hold hold;
    va_list args;

    descriptor_hold(&hold);
    va_start(args, format);
    pam_vsyslog(call->pamh, priority, format, args);
    va_end(args);
    descriptor_release(&hold);
}

/* The handle keeps a mark under the option's name: a stack that has it on four lines, or a host
 * that asks again, is told once. */
static void
log_option(const struct call *call, const struct options_fault *fault)
{
    char mark[96];
    const void *found;

    (void)snprintf(mark, sizeof mark, "pam_claviger option %.*s", fault->name_len, fault->name);
    if (pam_get_data(call->pamh, mark, &found) == PAM_SUCCESS)
        return;
    (void)pam_set_data(call->pamh, mark, call->pamh, NULL);
    call_log(call, LOG_ERR, "option \"%.*s\" %s", fault->name_len, fault->name, fault->why);
}

enum cause
call_start(struct call *call, int argc, const char **argv)
{
    struct options_fault fault;

    if (!options_parse(argc, argv, &call->options, &fault)) {
        log_option(call, &fault);
        call->options.silent = true;
        call->options.fail_delay_ms = 0;
        return CAUSE_OPTION;
    }
    if ((call->flags & PAM_SILENT) != 0)
        call->options.silent = true;
    return CAUSE_ACCEPTED;
}

/* The host's prompt may be answered later (PAM_CONV_AGAIN): then it asks the whole stack again. */
static enum cause
conversation_cause(int status)
{
    switch (status) {
    case PAM_SUCCESS:
        return CAUSE_ACCEPTED;
    case PAM_BUF_ERR:
        return CAUSE_NO_MEMORY;
    case PAM_CONV_AGAIN:
    case PAM_INCOMPLETE:
        return CAUSE_POSTPONED;
    default:
        return CAUSE_CONVERSATION;
    }
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

enum cause
call_user(const struct call *call, const char **user_out)
{
    enum cause cause = conversation_cause(pam_get_user(call->pamh, user_out, NULL));

    if (cause == CAUSE_ACCEPTED && (*user_out == NULL || **user_out == '\0'))
        cause = CAUSE_NO_USER;
    return cause;
}

/* Its item, and the cause when there is none, and when there is more than the wire carries. */
static const struct { int item; enum cause missing, too_long; } passwords[] = {
    [CALL_PASSWORD]     = { PAM_AUTHTOK,    CAUSE_NO_PASSWORD,     CAUSE_NO_PASSWORD },
    [CALL_OLD_PASSWORD] = { PAM_OLDAUTHTOK, CAUSE_NO_PASSWORD,     CAUSE_NO_PASSWORD },
    [CALL_NEW_PASSWORD] = { PAM_AUTHTOK,    CAUSE_NO_NEW_PASSWORD, CAUSE_NEW_UNFIT },
};

/* An empty password proves nothing, and one that the wire cannot carry is nobody's: neither
 * leaves the process. */
enum cause
call_password(const struct call *call, enum call_password which, const char **password_out)
{
    int item = passwords[which].item;
    int status = pam_get_authtok(call->pamh, item, password_out, NULL);
    enum cause cause;

    /* Not there, and not to be asked for; or typed twice, and not the same. */
    if (status == PAM_AUTH_ERR || status == PAM_TRY_AGAIN)
        return passwords[which].missing;
    /* Else it is libpam's word for a conversation that fails. */
    if (status == PAM_AUTHTOK_ERR && item == PAM_AUTHTOK && call->options.use_authtok)
        return passwords[which].missing;
    cause = conversation_cause(status);
    if (cause != CAUSE_ACCEPTED)
        return cause;
    if (*password_out == NULL || **password_out == '\0')
        return passwords[which].missing;
    return strlen(*password_out) > PAM_WIRE_FIELD_MAX ? passwords[which].too_long : CAUSE_ACCEPTED;
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

/* The one copy of the password that the module makes is here. */
static enum cause
exchange(const struct call *call, const struct wire_request *request, struct wire_reply *reply)
{
    const struct options *options = &call->options;
    const struct client_upstream upstream = {
        .socket = options->socket, .helper = options->direct ? options->helper : NULL,
        .config = options->config, .timeout_ms = options->timeout_ms,
        .trusts = trusts, .context = (void *)(uintptr_t)call,
    };
    struct client_fault fault;
    size_t len = wire_request_len(request);
    unsigned char *bytes;
    enum cause cause = CAUSE_ACCEPTED;

    if (len == 0) {
        call_log(call, LOG_NOTICE, "user, service or remote host too long to ask about");
        return CAUSE_TOO_LONG;
    }
    bytes = locked_new(len);
    if (bytes == NULL)
        return CAUSE_NO_MEMORY;
    wire_write_request(request, bytes);
    if (!client_ask(&upstream, bytes, len, reply, &fault)) {
        call_log(call, LOG_ERR, "\"%s\": %s", client_name(&upstream), fault.reason);
        cause = CAUSE_NO_ANSWER;
    }
    locked_free(bytes, len);
    return cause;
}

/* From here on the account is who the daemon says it is. */
static enum cause
user_set(const struct call *call, const char *user)
{
    if (user[0] == '\0' || call->options.keep_user
        || strcmp(item_get(call, PAM_USER), user) == 0)
        return CAUSE_ACCEPTED;
    return pam_set_item(call->pamh, PAM_USER, user) == PAM_SUCCESS ? CAUSE_ACCEPTED
                                                                   : CAUSE_NO_MEMORY;
}

enum cause
call_ask(const struct call *call, struct wire_request *request)
{
    const struct options *options = &call->options;
    struct wire_reply reply = { .answer = PAM_WIRE_UNAVAILABLE };
    enum cause cause;

    request->domain = options->domain;
    request->service = options->service != NULL ? options->service
                                                : item_get(call, PAM_SERVICE);
    request->remote = item_get(call, PAM_RHOST);
    request->accounts = options->accounts;
    cause = exchange(call, request, &reply);
    if (cause != CAUSE_ACCEPTED)
        return cause;
    cause = (enum cause)reply.answer;
    if (options->debug)
        call_log(call, LOG_DEBUG, "\"%s\" says: %s",
                   options->direct ? options->helper : options->socket, status_of(cause)->cause);
    return user_set(call, reply.user) == CAUSE_ACCEPTED ? cause : CAUSE_NO_MEMORY;
}

enum cause
call_ask_about_user(const struct call *call, enum pam_wire_action action)
{
    struct wire_request request = { .action = action };
    enum cause cause = call_user(call, &request.login);

    return cause == CAUSE_ACCEPTED ? call_ask(call, &request) : cause;
}

int
call_end(const struct call *call, enum cause cause)
{
    const struct status *status = status_of(cause);
    int code = status->codes[call->entry];
    int64_t delay_ms = call->options.fail_delay_ms;

    if (status->text != NULL && (status->told_at & 1u << call->entry) != 0
        && !call->options.silent)
        (void)pam_prompt(call->pamh, PAM_ERROR_MSG, NULL, "%s", status->text);
    if (code != PAM_SUCCESS && delay_ms > 0 && call->entry == ENTRY_AUTH)
        (void)pam_fail_delay(call->pamh, (unsigned)delay_ms * 1000);
    return code;
}
