/* tests/unit/pam_case_read.c - the files of tests/pam_cases: see pam_case.h */
#include "tests/unit/pam_case.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader { struct pam_case *one; const char *at; int line; };

static void __attribute__((noreturn, format(printf, 2, 3)))
wrong(const struct reader *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "# %s:%d: ", r->one->path, r->line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(99);
}

/* --- words --------------------------------------------------------------------------- */

static struct case_text
text_keep(struct reader *r, const char *bytes, size_t len, size_t times)
{
    struct pam_case *one = r->one;
    struct case_text text = { calloc(len * times + 1, 1), len * times };

    if (text.bytes == NULL || one->texts_count == sizeof one->texts / sizeof one->texts[0])
        wrong(r, "too much text");
    for (size_t i = 0; i < times; i++)
        memcpy(text.bytes + i * len, bytes, len);
    return one->texts[one->texts_count++] = text;
}

static char
take_escape(struct reader *r)
{
    static const char letters[] = "ntr\\\"", bytes[] = "\n\t\r\\\"";
    const char *letter = *r->at != '\0' ? strchr(letters, *r->at) : NULL;
    int value = 0;

    if (letter != NULL) {
        r->at++;
        return bytes[letter - letters];
    }
    if (*r->at < '0' || *r->at > '7')
        wrong(r, "unknown escape");
    for (int i = 0; i < 3 && *r->at >= '0' && *r->at <= '7'; i++)
        value = value * 8 + (*r->at++ - '0');
    return (char)value;
}

static struct case_text
take_quoted(struct reader *r)
{
    char bytes[CASE_TEXT];
    size_t len = 0, times = 1;

    for (r->at++; *r->at != '"'; ) {
        if (*r->at == '\0' || len == sizeof bytes)
            wrong(r, "a text without an end");
        if (*r->at == '\\') {
            r->at++;
            bytes[len++] = take_escape(r);
        } else {
            bytes[len++] = *r->at++;
        }
    }
    r->at++;
    if (*r->at == '*')
        times = strtoul(r->at + 1, (char **)&r->at, 10);
    return text_keep(r, bytes, len, times);
}

static void
skip_blanks(struct reader *r)
{
    r->at += strspn(r->at, " \t");
}

static bool
is_more(struct reader *r)
{
    skip_blanks(r);
    return *r->at != '\0';
}

/* What is left of a line is one word, up to a blank or one of `ends`. */
static struct case_text
take_until(struct reader *r, const char *ends)
{
    size_t len;

    if (!is_more(r))
        wrong(r, "something is missing");
    if (*r->at == '"')
        return take_quoted(r);
    len = strcspn(r->at, ends);
    r->at += len;
    return text_keep(r, r->at - len, len, 1);
}

static struct case_text
take_text(struct reader *r)
{
    return take_until(r, " \t");
}

struct word { const char *name; int value; };

static int
take_word(struct reader *r, const struct word *words)
{
    struct case_text text = take_text(r);

    for (; words->name != NULL; words++)
        if (strcmp(words->name, text.bytes) == 0)
            return words->value;
    wrong(r, "\"%s\" is no word here", text.bytes);
}

/* --- what there is --------------------------------------------------------------------- */

#define WORD(name) { #name, name }

static const struct word answers[] = {
    { "MUST_CHANGE", PAM_WIRE_MUST_CHANGE }, { "WRONG", PAM_WIRE_WRONG },
    { "UNKNOWN", PAM_WIRE_UNKNOWN }, { "DISABLED", PAM_WIRE_DISABLED },
    { "EXPIRED", PAM_WIRE_EXPIRED }, { "PASSWORD_EXPIRED", PAM_WIRE_PASSWORD_EXPIRED },
    { "DENIED", PAM_WIRE_DENIED }, { "UNAVAILABLE", PAM_WIRE_UNAVAILABLE },
    { "MALFORMED", PAM_WIRE_MALFORMED }, { "CHANGE_DENIED", PAM_WIRE_CHANGE_DENIED }, { NULL, 0 },
};

static void
take_what(struct reader *r)
{
    skip_blanks(r);
    r->one->what = text_keep(r, r->at, strlen(r->at), 1).bytes;
}

static void
take_as(struct reader *r)
{
    static const struct word words[] = { { "root", AS_ROOT }, { "user", AS_USER }, { NULL, 0 } };

    r->one->as = (enum case_as)take_word(r, words);
}

static void
take_stack(struct reader *r)
{
    size_t used = strlen(r->one->stack);

    skip_blanks(r);
    (void)snprintf(r->one->stack + used, sizeof r->one->stack - used, "%s\n", r->at);
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
        wrong(r, "too many files");
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
        wrong(r, "too many connections");
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
        wrong(r, "too many calls");
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (strcmp(functions[i].name, name.bytes) == 0)
            call->function = functions[i].function;
    if (call->function == NULL)
        wrong(r, "no such call");
    while ((flag = take_word(r, flags)) != 0)
        call->flags |= flag;
    call->code = take_word(r, codes);
}

static struct case_call *
last_call(struct reader *r)
{
    if (r->one->calls_count == 0)
        wrong(r, "before the first call");
    return &r->one->calls[r->one->calls_count - 1];
}

static struct case_message *
take_message(struct reader *r, int style)
{
    struct case_call *call = last_call(r);
    struct case_message *message = &call->messages[call->messages_count];

    if (call->messages_count++ == CASE_EXPECTED)
        wrong(r, "too many messages");
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
        wrong(r, "too many requests");
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
            wrong(r, "\"%s\" is no field", name.bytes);
        r->at++;
        *fields[i].text = take_text(r);
    }
}

/* --- the file ----------------------------------------------------------------------------- */

static const struct { const char *word; void (*take)(struct reader *r); bool is_rest; } lines[] = {
    { "what", take_what, true }, { "as", take_as, false }, { "stack", take_stack, true },
    { "service", take_service, false }, { "user", take_user, false },
    { "rhost", take_rhost, false }, { "file", take_file, false },
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
        wrong(r, "\"%s\" starts no line", word.bytes);
    lines[i].take(r);
    if (!lines[i].is_rest && is_more(r))
        wrong(r, "more than the line may have: %s", r->at);
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
        wrong(&r, "no sentence, no stack or no call");
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
