/* tests/unit/pam_case_read.c - the files of tests/pam_cases: see pam_case.h */
#include "tests/unit/pam_case_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what there is --------------------------------------------------------------------- */

#define WORD(name) { #name, name }

static const struct word answers[] = {
    { "MUST_CHANGE", PAM_WIRE_MUST_CHANGE }, { "WRONG", PAM_WIRE_WRONG },
    { "UNKNOWN", PAM_WIRE_UNKNOWN }, { "DISABLED", PAM_WIRE_DISABLED },
    { "EXPIRED", PAM_WIRE_EXPIRED }, { "PASSWORD_EXPIRED", PAM_WIRE_PASSWORD_EXPIRED },
    { "DENIED", PAM_WIRE_DENIED }, { "UNAVAILABLE", PAM_WIRE_UNAVAILABLE },
    { "MALFORMED", PAM_WIRE_MALFORMED }, { "CHANGE_DENIED", PAM_WIRE_CHANGE_DENIED },
    { "NEW_UNFIT", PAM_WIRE_NEW_UNFIT }, { NULL, 0 },
};

static void
take_what(struct reader *r)
{
    r->one->what = take_rest(r).bytes;
}

static void
take_as(struct reader *r)
{
    static const struct word words[] = { { "root", AS_ROOT }, { "user", AS_USER }, { NULL, 0 } };

    r->one->as = (enum case_as)take_word(r, words);
}

static void
take_needs(struct reader *r)
{
    static const struct word words[] = { { "vfork", true }, { NULL, 0 } };

    r->one->needs_vfork = take_word(r, words);
}

static void
take_stack(struct reader *r)
{
    size_t used = strlen(r->one->stack);

    (void)snprintf(r->one->stack + used, sizeof r->one->stack - used, "%s\n", take_rest(r).bytes);
}

static void
take_service(struct reader *r)
{
    r->one->service = take_text(r);
}

static void
take_user(struct reader *r)
{
    r->one->user = take_text(r);
    r->one->has_user = strcmp(r->one->user.bytes, "-") != 0;
}

static void
take_rhost(struct reader *r)
{
    r->one->rhost = take_text(r);
    r->one->has_rhost = true;
}

static void
take_file(struct reader *r)
{
    struct pam_case *one = r->one;

    if (one->files_count == sizeof one->files / sizeof one->files[0])
        reader_wrong(r, "too many files");
    one->files[one->files_count].name = take_text(r).bytes;
    one->files[one->files_count++].text = take_text(r);
}

static void
take_program(struct reader *r)
{
    take_file(r);
    r->one->files[r->one->files_count - 1].is_program = true;
}

/* A whole answer, with the name's length before it. */
static struct case_text
make_answer(struct reader *r, int answer, bool named)
{
    struct case_text name = { (char *)"", 0 };
    char bytes[PAM_WIRE_REPLY_MAX];

    if (named)
        name = is_more(r) ? take_text(r) : text_keep(r, "bob@example.net", 15, 1);
    bytes[0] = PAM_WIRE_VERSION;
    bytes[1] = (char)answer;
    bytes[2] = (char)(name.len >> 8);
    bytes[3] = (char)name.len;
    memcpy(bytes + 4, name.bytes, name.len);
    return text_keep(r, bytes, 4 + name.len, 1);
}

static void
take_daemon(struct reader *r)
{
    enum { ACCEPTS, ANSWERS, BYTES, DRIPS, UNASKED, SILENT, HANGS_UP };
    static const struct word words[] = {
        { "accepts", ACCEPTS }, { "answers", ANSWERS }, { "bytes", BYTES }, { "drips", DRIPS },
        { "unasked", UNASKED }, { "silent", SILENT }, { "hangs-up", HANGS_UP }, { NULL, 0 },
    };
    static const enum fake_manner manners[] = {
        FAKE_ANSWERS, FAKE_ANSWERS, FAKE_ANSWERS, FAKE_DRIPS, FAKE_ANSWERS_UNASKED, FAKE_SILENT,
        FAKE_HANGS_UP,
    };
    int word = take_word(r, words), answer;
    struct case_text bytes = { NULL, 0 };
    struct fake_plan plan = { .manner = manners[word] };

    if (word == ACCEPTS) {
        bytes = make_answer(r, PAM_WIRE_ACCEPTED, true);
    } else if (word == ANSWERS) {
        answer = take_word(r, answers);
        bytes = make_answer(r, answer, answer == PAM_WIRE_MUST_CHANGE);
    } else if (word == HANGS_UP) {
        plan.reads = is_more(r) ? strtoul(take_text(r).bytes, NULL, 10) : 0;
    } else if (word != SILENT) {
        bytes = take_text(r);
    }
    plan.reply = bytes.bytes;
    plan.len = bytes.len;
    if (r->one->plans_count == FAKE_KEPT)
        reader_wrong(r, "too many connections");
    r->one->plans[r->one->plans_count++] = plan;
}

/* --- what happens ------------------------------------------------------------------------ */

static const struct { const char *name; int (*function)(pam_handle_t *, int); } functions[] = {
    { "authenticate", pam_authenticate }, { "setcred", pam_setcred },
    { "acct_mgmt", pam_acct_mgmt }, { "chauthtok", pam_chauthtok },
    { "open_session", pam_open_session }, { "close_session", pam_close_session },
};

static const struct word flags[] = {
    WORD(PAM_SILENT), WORD(PAM_DISALLOW_NULL_AUTHTOK), WORD(PAM_ESTABLISH_CRED),
    WORD(PAM_DELETE_CRED), WORD(PAM_REINITIALIZE_CRED), WORD(PAM_REFRESH_CRED),
    WORD(PAM_CHANGE_EXPIRED_AUTHTOK), { "=", 0 }, { NULL, 0 },
};

static const struct word codes[] = {
    WORD(PAM_SUCCESS), WORD(PAM_SERVICE_ERR), WORD(PAM_BUF_ERR), WORD(PAM_PERM_DENIED),
    WORD(PAM_AUTH_ERR), WORD(PAM_AUTHINFO_UNAVAIL), WORD(PAM_USER_UNKNOWN),
    WORD(PAM_NEW_AUTHTOK_REQD), WORD(PAM_ACCT_EXPIRED), WORD(PAM_SESSION_ERR), WORD(PAM_CONV_ERR),
    WORD(PAM_AUTHTOK_ERR), WORD(PAM_AUTHTOK_EXPIRED), WORD(PAM_INCOMPLETE), { NULL, 0 },
};

static void
take_call(struct reader *r)
{
    struct case_call *call = &r->one->calls[r->one->calls_count];
    struct case_text name = take_text(r);
    int flag;

    if (r->one->calls_count++ == CASE_CALLS)
        reader_wrong(r, "too many calls");
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (strcmp(functions[i].name, name.bytes) == 0)
            call->function = functions[i].function;
    if (call->function == NULL)
        reader_wrong(r, "no such call");
    while ((flag = take_word(r, flags)) != 0)
        call->flags |= flag;
    call->code = take_word(r, codes);
}

static struct case_call *
last_call(struct reader *r)
{
    if (r->one->calls_count == 0)
        reader_wrong(r, "before the first call");
    return &r->one->calls[r->one->calls_count - 1];
}

static struct case_message *
take_message(struct reader *r, int style)
{
    struct case_call *call = last_call(r);
    struct case_message *message = &call->messages[call->messages_count];

    if (call->messages_count++ == CASE_EXPECTED)
        reader_wrong(r, "too many messages");
    message->style = style;
    message->text = take_text(r);
    return message;
}

static void
take_asks(struct reader *r)
{
    struct case_message *message = take_message(r, PAM_PROMPT_ECHO_OFF);

    message->reply = take_text(r);
}

static void
take_named(struct reader *r)
{
    struct case_message *message = take_message(r, PAM_PROMPT_ECHO_ON);

    message->reply = take_text(r);
}

static void
take_told(struct reader *r)
{
    struct case_message *message = take_message(r, PAM_ERROR_MSG);

    if (is_more(r))
        message->reply = take_text(r);
}

static void
take_informed(struct reader *r)
{
    (void)take_message(r, PAM_TEXT_INFO);
}

static void
take_log(struct reader *r)
{
    last_call(r)->log = take_text(r);
    last_call(r)->has_log = true;
}

static void
take_name(struct reader *r)
{
    last_call(r)->name = take_text(r);
    last_call(r)->has_name = true;
}

static void
take_takes(struct reader *r)
{
    last_call(r)->least_ms = strtol(take_text(r).bytes, NULL, 10);
    last_call(r)->most_ms = strtol(take_text(r).bytes, NULL, 10);
}

static void
take_sent(struct reader *r)
{
    static const struct word actions[] = {
        { "PASSWORD", PAM_WIRE_PASSWORD }, { "ACCOUNT", PAM_WIRE_ACCOUNT },
        { "CHANGE", PAM_WIRE_CHANGE }, { "SESSION", PAM_WIRE_SESSION }, { NULL, 0 },
    };
    struct case_request *q = &r->one->requests[r->one->requests_count];
    const struct { const char *name; struct case_text *text; } fields[] = {
        { "login", &q->login }, { "password", &q->password }, { "new", &q->new_password },
        { "service", &q->service }, { "remote", &q->remote }, { "accounts", &q->accounts },
    };
    const size_t count = sizeof fields / sizeof fields[0];

    if (r->one->requests_count++ == FAKE_KEPT)
        reader_wrong(r, "too many requests");
    q->action = take_word(r, actions);
    q->login = text_keep(r, "bob@example.net", 15, 1);
    q->service = r->one->service;
    while (is_more(r)) {
        struct case_text name = take_until(r, " \t=");
        size_t i = 0;

        if (strcmp(name.bytes, "root") == 0) {
            q->flags |= PAM_WIRE_BY_ROOT;
            continue;
        }
        while (i < count && strcmp(fields[i].name, name.bytes) != 0)
            i++;
        if (i == count || *r->at != '=')
            reader_wrong(r, "\"%s\" is no field", name.bytes);
        r->at++;
        *fields[i].text = take_text(r);
    }
}

/* --- the file ----------------------------------------------------------------------------- */

static const struct { const char *word; void (*take)(struct reader *r); bool is_rest; } lines[] = {
    { "what", take_what, true }, { "as", take_as, false }, { "needs", take_needs, false },
    { "stack", take_stack, true }, { "service", take_service, false },
    { "user", take_user, false }, { "rhost", take_rhost, false }, { "file", take_file, false },
    { "program", take_program, false }, { "daemon", take_daemon, false },
    { "call", take_call, false }, { "asks", take_asks, false }, { "named", take_named, false },
    { "told", take_told, false }, { "informed", take_informed, false }, { "log", take_log, false },
    { "name", take_name, false }, { "takes", take_takes, false }, { "sent", take_sent, false },
};

static void
take_line(struct reader *r)
{
    const size_t count = sizeof lines / sizeof lines[0];
    struct case_text word;
    size_t i = 0;

    if (!is_more(r) || *r->at == '#')
        return;
    word = take_text(r);
    while (i < count && strcmp(lines[i].word, word.bytes) != 0)
        i++;
    if (i == count)
        reader_wrong(r, "\"%s\" starts no line", word.bytes);
    lines[i].take(r);
    if (!lines[i].is_rest && is_more(r))
        reader_wrong(r, "more than the line may have: %s", r->at);
}

struct pam_case *
case_read(const char *path)
{
    struct pam_case *one = calloc(1, sizeof *one);
    struct reader r = { .one = one };
    char line[CASE_TEXT];
    FILE *file = fopen(path, "re");

    if (one == NULL || file == NULL || (one->path = strdup(path)) == NULL) {
        perror(path);
        exit(99);
    }
    one->service = text_keep(&r, "imap", 4, 1);
    one->user = text_keep(&r, "bob@example.net", 15, 1);
    one->has_user = true;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        r.at = line;
        r.line++;
        take_line(&r);
    }
    (void)fclose(file);
    if (one->what == NULL || one->stack[0] == '\0' || one->calls_count == 0)
        reader_wrong(&r, "no sentence, no stack or no call");
    return one;
}

void
case_free(struct pam_case *one)
{
    for (size_t i = 0; i < one->texts_count; i++)
        free(one->texts[i].bytes);
    free(one->path);
    free(one);
}
