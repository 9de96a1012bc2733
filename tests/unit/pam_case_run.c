/* tests/unit/pam_case_run.c - does a case of tests/pam_cases, and looks what happens */
#include "tests/unit/pam_case.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct run {
    const struct pam_case *one;
    const struct case_call *call;
    size_t message;             /* which comes next */
    char *why;                  /* empty: all was well */
    size_t size;
};

/* The first that goes wrong is told. False, so that "return differs(...)" reads well. */
static bool __attribute__((format(printf, 2, 3)))
differs(struct run *run, const char *format, ...)
{
    va_list args;

    if (run->why[0] != '\0')
        return false;
    va_start(args, format);
    (void)vsnprintf(run->why, run->size, format, args);
    va_end(args);
    return false;
}

/* --- the conversation ------------------------------------------------------------------ */

/* How a conversation goes wrong, by the word that stands in a reply's place. */
static const struct fault { const char *word; int code; bool responds; bool has_text; } faults[] = {
    { "!fails", PAM_CONV_ERR, false, false },
    { "!aborts", PAM_ABORT, false, false },
    { "!postpones", PAM_CONV_AGAIN, false, false },
    { "!no-memory", PAM_BUF_ERR, false, false },
    { "!no-array", PAM_SUCCESS, false, false },
    { "!no-text", PAM_SUCCESS, true, false },
    { "!fails-and-responds", PAM_CONV_ERR, true, false },
};

static const struct fault *
fault_of(const struct case_text *reply)
{
    for (size_t i = 0; reply->bytes != NULL && i < sizeof faults / sizeof faults[0]; i++)
        if (strcmp(faults[i].word, reply->bytes) == 0)
            return &faults[i];
    return NULL;
}

/* The message that has to come now; NULL when another came, or none should. */
static const struct case_message *
expected(struct run *run, const struct pam_message *came)
{
    const struct case_message *message = &run->call->messages[run->message];

    if (run->message == run->call->messages_count) {
        differs(run, "nothing more should be said, and \"%s\" was", came->msg);
        return NULL;
    }
    if (message->style != came->msg_style || strstr(came->msg, message->text.bytes) == NULL) {
        differs(run, "\"%s\" was said (%d), and not \"%s\" (%d)", came->msg, came->msg_style,
                message->text.bytes, message->style);
        return NULL;
    }
    run->message++;
    return message;
}

static char *
copy_text(const struct case_text *text)
{
    char *copy = calloc(text->len + 1, 1);

    if (copy != NULL && text->len > 0)
        memcpy(copy, text->bytes, text->len);
    return copy;
}

static int
converse(int count, const struct pam_message **messages, struct pam_response **responses,
         void *context)
{
    struct run *run = context;
    struct pam_response *out = calloc((size_t)count, sizeof *out);
    int code = PAM_SUCCESS;
    bool responds = true;

    *responses = NULL;
    for (int i = 0; out != NULL && i < count; i++) {
        const struct case_message *message = expected(run, messages[i]);
        const struct fault *fault = message != NULL ? fault_of(&message->reply) : NULL;

        if (message == NULL)
            continue;
        code = fault != NULL ? fault->code : code;
        responds = responds && (fault == NULL || fault->responds);
        if (message->reply.bytes != NULL && (fault == NULL || fault->has_text))
            out[i].resp = copy_text(&message->reply);
    }
    if (!responds) {
        free(out);
        return code;
    }
    *responses = out;
    return code;
}

/* --- calls --------------------------------------------------------------------------------- */

static void
check_log(struct run *run)
{
    struct host_log log;

    host_log_take(&log);
    if (log.lines != run->call->has_log)
        differs(run, "%u lines in the log: %s", log.lines, log.last);
    else if (run->call->has_log && strstr(log.last, run->call->log.bytes) == NULL)
        differs(run, "logged \"%s\"", log.last);
    if (strstr(log.last, "secret") != NULL || strstr(log.last, "hunter2") != NULL)
        differs(run, "a secret in the log: %s", log.last);
}

static void
check_name(struct run *run, pam_handle_t *pamh)
{
    const void *name = NULL;

    if (!run->call->has_name)
        return;
    (void)pam_get_item(pamh, PAM_USER, &name);
    if (name == NULL || strcmp(name, run->call->name.bytes) != 0)
        differs(run, "PAM_USER is \"%s\"", name != NULL ? (const char *)name : "(none)");
}

static void
do_call(struct run *run, pam_handle_t *pamh, size_t number)
{
    int64_t since_ms = host_now_ms(), took_ms;
    int code;

    run->call = &run->one->calls[number];
    run->message = 0;
    code = run->call->function(pamh, run->call->flags);
    took_ms = host_now_ms() - since_ms;
    if (code != run->call->code)
        differs(run, "call %zu says %d (%s), and not %d", number + 1, code, pam_strerror(pamh, code),
                run->call->code);
    if (run->message != run->call->messages_count)
        differs(run, "call %zu: \"%s\" was not said", number + 1,
                run->call->messages[run->message].text.bytes);
    if (run->call->most_ms > 0 && (took_ms < run->call->least_ms || took_ms > run->call->most_ms))
        differs(run, "call %zu took %lld ms", number + 1, (long long)took_ms);
    check_log(run);
    check_name(run, pamh);
}

void
case_prepare(const struct pam_case *one, const struct host *host)
{
    char path[256];

    for (size_t i = 0; i < one->files_count; i++) {
        host_service(host, one->files[i].name, one->files[i].text.bytes);
        (void)snprintf(path, sizeof path, "%s/%s", host->dir, one->files[i].name);
        (void)chmod(path, one->files[i].is_program ? 0755 : 0600);
    }
    host_service(host, "other", one->stack);    /* libpam's for a service without a file */
}

bool
case_run(const struct pam_case *one, const struct host *host, char *why, size_t size)
{
    struct run run = { .one = one, .why = why, .size = size };
    const struct pam_conv conversation = { converse, &run };
    pam_handle_t *pamh;

    why[0] = '\0';
    host_log_take(&(struct host_log){ 0 });
    pamh = host_start_pam(host, one->service.bytes, one->has_user ? one->user.bytes : NULL,
                          &conversation);
    if (one->has_rhost)
        (void)pam_set_item(pamh, PAM_RHOST, one->rhost.bytes);
    for (size_t i = 0; i < one->calls_count && why[0] == '\0'; i++)
        do_call(&run, pamh, i);
    (void)pam_end(pamh, PAM_SUCCESS);
    return why[0] == '\0';
}

/* --- requests ------------------------------------------------------------------------------- */

static void
check_request(struct run *run, const struct case_request *wanted, const struct fake_seen *came,
              size_t number)
{
    const struct { const char *name; struct case_text wanted; const char *came; } fields[] = {
        { "login", wanted->login, came->login },
        { "password", wanted->password, came->password },
        { "new", wanted->new_password, came->new_password },
        { "service", wanted->service, came->service },
        { "remote", wanted->remote, came->remote },
        { "accounts", wanted->accounts, came->accounts },
    };

    if (came->action != wanted->action || came->flags != wanted->flags)
        differs(run, "request %zu has action %d and flags %d", number, came->action, came->flags);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].wanted.bytes != NULL ? fields[i].wanted.bytes : "",
                   fields[i].came) != 0)
            differs(run, "request %zu has %s=\"%.80s\"", number, fields[i].name, fields[i].came);
}

bool
case_sent(const struct pam_case *one, struct fake *fake, char *why, size_t size)
{
    struct run run = { .one = one, .why = why, .size = size };
    struct fake_seen seen;

    why[0] = '\0';
    fake_seen(fake, &seen);
    if (seen.requests != one->requests_count)
        return differs(&run, "%u requests were sent, and not %zu", seen.requests,
                       one->requests_count);
    for (size_t i = 0; i < one->requests_count; i++) {
        fake_request(fake, (unsigned)i, &seen);
        check_request(&run, &one->requests[i], &seen, i + 1);
    }
    return why[0] == '\0';
}
