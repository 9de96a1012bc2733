/* tests/unit/test_pam_module.c - pam_claviger.so as an application meets it
 *
 * Every row is a sign-in through the real libpam: what differs from the plain case is in the row,
 * and so is what must come of it. Each row asks twice, each time with a handle of its own:
 * pam_authenticate() alone, and pam_acct_mgmt() alone.
 */
#include "tests/unit/pam_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define BOB "bob@example.net"
#define BOB_IS_FINE "\2\0\0\17" BOB

static struct host host;
static struct fake fake;

struct row {
    const char *what;
    const char *options;        /* of the module, after socket= */
    const char *socket;         /* a name in the directory; NULL: our daemon's */
    const char *user;           /* NULL: BOB */
    bool ask_user;              /* pam_start() with none */
    const char *rhost, *service;
    int flags;
    struct host_person person;  /* password NULL: "secret" */
    struct fake_plan plan;      /* nothing: accepts BOB */
    int auth, account;          /* must come back */
    bool unasked;               /* no prompt for a password may come; else one must */
    bool unsent;                /* nothing may reach the daemon from pam_authenticate() */
    int64_t least_ms;           /* how long the module must have waited */
    const char *login, *password, *remote, *sent_service;       /* that reached it; NULL: any */
    const char *user_after;     /* PAM_USER after pam_authenticate(); NULL: any */
    const char *auth_text, *account_text;                       /* told to the user; NULL: none */
    const char *logged;         /* in the one line for the log; NULL: there must be none */
};

/* One line for an event, by the facility for private matters, and nothing in it that a file of
 * secrets would hold. */
static void
check_log(const struct row *row)
{
    enum { AUTHPRIV = 10 << 3 };
    struct host_log log;

    host_log_take(&log);
    if (log.lines != (row->logged != NULL))
        fail_msg("%s: %u lines in the log: %s", row->what, log.lines, log.last);
    if (row->logged == NULL)
        return;
    if (strstr(log.last, row->logged) == NULL || strchr(log.last, '\n') != NULL)
        fail_msg("%s: logged \"%s\"", row->what, log.last);
    if (strstr(log.last, "secret") != NULL || strstr(log.last, "hunter2") != NULL)
        fail_msg("%s: a secret in the log: %s", row->what, log.last);
    assert_int_equal(log.priority & ~7, AUTHPRIV);
}

static void
check_text(const struct row *row, const char *when, const char *got, const char *wanted)
{
    if (wanted == NULL ? got[0] != '\0' : strcmp(got, wanted) != 0)
        fail_msg("%s: %s: told \"%.60s\", wanted \"%.60s\"", row->what, when, got,
                 wanted == NULL ? "" : wanted);
}

static void
check_sent(const struct row *row, enum pam_wire_action action)
{
    bool auth = action == PAM_WIRE_PASSWORD;
    struct fake_seen seen;
    const struct { const char *field, *got, *wanted; } fields[] = {
        { "login", seen.login, row->login },
        { "password", seen.password, auth ? row->password : "" },
        { "service", seen.service, row->sent_service },
        { "remote", seen.remote, row->remote },
    };

    fake_seen(&fake, &seen);
    if (auth && row->unsent && (seen.bytes > 0 || seen.connections > 0))
        fail_msg("%s: %zu bytes reached the daemon", row->what, seen.bytes);
    if (seen.requests > 0 && seen.action != (int)action)
        fail_msg("%s: action %d, wanted %d", row->what, seen.action, (int)action);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (fields[i].wanted != NULL && strcmp(fields[i].got, fields[i].wanted) != 0)
            fail_msg("%s: %s \"%.60s\" was sent, wanted \"%.60s\"", row->what, fields[i].field,
                     fields[i].got, fields[i].wanted);
}

static void
check_user(const struct row *row, pam_handle_t *pamh)
{
    const void *user = NULL;

    if (row->user_after == NULL)
        return;
    assert_int_equal(pam_get_item(pamh, PAM_USER, &user), PAM_SUCCESS);
    if (user == NULL || strcmp(user, row->user_after) != 0)
        fail_msg("%s: PAM_USER is \"%s\", wanted \"%s\"", row->what,
                 user == NULL ? "(none)" : (const char *)user, row->user_after);
}

/* Fresh plan, person and handle: one question of a row. */
static pam_handle_t *
row_open(const struct row *row, struct host_person *person)
{
    static const struct fake_plan fine = FAKE_REPLY(BOB_IS_FINE);
    const char *user = row->user != NULL ? row->user : BOB;
    const char *service = row->service != NULL ? row->service : "imap";
    pam_handle_t *pamh;

    fake_plan(&fake, row->plan.manner == FAKE_ANSWERS && row->plan.len == 0 ? &fine : &row->plan);
    *person = row->person;
    if (person->password == NULL)
        person->password = "secret";
    pamh = host_open(&host, service, row->ask_user ? NULL : user, person);
    if (row->rhost != NULL)
        assert_int_equal(pam_set_item(pamh, PAM_RHOST, row->rhost), PAM_SUCCESS);
    return pamh;
}

static void
row_auth(const struct row *row)
{
    struct host_person person;
    pam_handle_t *pamh = row_open(row, &person);
    int64_t since_ms = host_now_ms(), took_ms;
    int status = pam_authenticate(pamh, row->flags);

    took_ms = host_now_ms() - since_ms;
    if (status != row->auth)
        fail_msg("%s: pam_authenticate says %d, wanted %d", row->what, status, row->auth);
    if (person.password_prompts != !row->unasked)
        fail_msg("%s: %d prompts for a password", row->what, person.password_prompts);
    if (took_ms < row->least_ms || took_ms > row->least_ms + 3000)
        fail_msg("%s: took %lld ms", row->what, (long long)took_ms);
    check_sent(row, PAM_WIRE_PASSWORD);
    check_text(row, "pam_authenticate", person.text, row->auth_text);
    check_user(row, pamh);
    check_log(row);
    assert_int_equal(pam_end(pamh, status), PAM_SUCCESS);
}

static void
row_account(const struct row *row)
{
    struct host_person person;
    pam_handle_t *pamh = row_open(row, &person);
    int status = pam_acct_mgmt(pamh, row->flags);

    if (status != row->account)
        fail_msg("%s: pam_acct_mgmt says %d, wanted %d", row->what, status, row->account);
    if (person.password_prompts != 0)
        fail_msg("%s: pam_acct_mgmt asked for a password", row->what);
    check_sent(row, PAM_WIRE_ACCOUNT);
    check_text(row, "pam_acct_mgmt", person.text, row->account_text);
    check_log(row);
    assert_int_equal(pam_end(pamh, status), PAM_SUCCESS);
}

static void
rows_hold(const struct row *rows, size_t count)
{
    char text[4096];

    for (const struct row *row = rows; row < rows + count; row++) {
        const char *options = row->options != NULL ? row->options : "";
        const char *name = row->socket != NULL ? row->socket : "pam";

        (void)snprintf(text, sizeof text, "auth required @M socket=@D/%s %s\n"
                       "account required @M socket=@D/%s %s\n", name, options, name, options);
        host_service(&host, "other", text);     /* libpam's for a service without a file */
        row_auth(row);
        row_account(row);
    }
}

#define ROWS_HOLD(rows) rows_hold(rows, sizeof(rows) / sizeof((rows)[0]))

#define LATER "Signing in is not possible right now. Please try again later."

static const struct row answers[] = {
    { "accepted", .user_after = BOB },
    { "must change", .plan = FAKE_REPLY("\2\1\0\17" BOB), .account = PAM_NEW_AUTHTOK_REQD,
      .account_text = "Your password has to be changed.", .user_after = BOB },
    { "wrong", .plan = FAKE_REPLY("\2\2\0\0"), .auth = PAM_AUTH_ERR, .account = PAM_AUTH_ERR },
    { "unknown", .plan = FAKE_REPLY("\2\3\0\0"), .auth = PAM_USER_UNKNOWN,
      .account = PAM_USER_UNKNOWN },
    { "disabled", .plan = FAKE_REPLY("\2\4\0\0"), .auth = PAM_PERM_DENIED,
      .account = PAM_PERM_DENIED, .account_text = "Your account is disabled." },
    { "expired", .plan = FAKE_REPLY("\2\5\0\0"), .auth = PAM_ACCT_EXPIRED,
      .account = PAM_ACCT_EXPIRED, .account_text = "Your account has expired." },
    { "password expired", .plan = FAKE_REPLY("\2\6\0\0"), .auth = PAM_AUTHTOK_EXPIRED,
      .account = PAM_AUTHTOK_EXPIRED, .account_text = "Your password has expired." },
    { "denied", .plan = FAKE_REPLY("\2\7\0\0"), .auth = PAM_PERM_DENIED,
      .account = PAM_PERM_DENIED, .account_text = "Your account may not sign in here." },
    { "unavailable", .plan = FAKE_REPLY("\2\10\0\0"), .auth = PAM_AUTHINFO_UNAVAIL,
      .account = PAM_AUTHINFO_UNAVAIL, .auth_text = LATER, .account_text = LATER },
    { "malformed", .plan = FAKE_REPLY("\2\11\0\0"), .auth = PAM_SERVICE_ERR,
      .account = PAM_SERVICE_ERR },
};

static void
every_answer_has_its_pam_code(void **state)
{
    (void)state;
    ROWS_HOLD(answers);
}

/* What a broken, hostile or absent daemon does. Some rows wait for their timeout= to pass. */
#define FAULT .auth = PAM_AUTHINFO_UNAVAIL, .account = PAM_AUTHINFO_UNAVAIL, .auth_text = LATER, \
    .account_text = LATER, .user_after = BOB, .logged = "\": "
#define SHORTLY .options = "timeout=120ms", .least_ms = 119

static const struct row faults[] = {
    { "no socket", .socket = "absent", FAULT },
    { "a file instead of a socket", .socket = "file", FAULT },
    { "a directory instead of a socket", .socket = ".", FAULT },
    { "a socket that nobody listens on", .socket = "refused", FAULT },
    { "a datagram socket", .socket = "datagram", FAULT },
    { "a symbolic link in a circle", .socket = "circle", FAULT },
    { "a queue that is full", .socket = "full", SHORTLY, FAULT },
    { "never answers", .plan = { FAKE_SILENT, NULL, 0, 0 }, SHORTLY, FAULT },
    { "drips past the deadline", .plan = { FAKE_DRIPS, "\2\0\1\77a", 5, 0 }, SHORTLY, FAULT },
    { "half an answer, then drips", .plan = { FAKE_DRIPS, "\2\0\0\17bob@example.ne", 18, 0 },
      SHORTLY, FAULT },
    { "closes at once", .plan = { FAKE_HANGS_UP, NULL, 0, 0 }, FAULT },
    { "closes after one byte", .plan = { FAKE_HANGS_UP, NULL, 0, 1 }, FAULT },
    { "closes inside the login", .plan = { FAKE_HANGS_UP, NULL, 0, 7 }, FAULT },
    { "closes inside the last field", .plan = { FAKE_HANGS_UP, NULL, 0, 25 }, FAULT },
    { "one byte of an answer", .plan = FAKE_REPLY("\2"), FAULT },
    { "version and answer, no name", .plan = FAKE_REPLY("\2\0"), FAULT },
    { "half a length", .plan = FAKE_REPLY("\2\0\0"), FAULT },
    { "accepted, name cut short", .plan = FAKE_REPLY("\2\0\0\17bob@example.ne"), FAULT },
    { "accepted, and no name", .plan = FAKE_REPLY("\2\0\0\0"), FAULT },
    { "must change, and no name", .plan = FAKE_REPLY("\2\1\0\0"), FAULT },
    { "wrong, and a name", .plan = FAKE_REPLY("\2\2\0\17" BOB), FAULT },
    { "a name that ends in a NUL", .plan = FAKE_REPLY("\2\0\0\4bob\0"), FAULT },
    { "a name with a line end", .plan = FAKE_REPLY("\2\0\0\5bob\nx"), FAULT },
    { "a name with a delete", .plan = FAKE_REPLY("\2\0\0\5bob\177x"), FAULT },
    { "a name longer than any", .plan = FAKE_REPLY("\2\0\1\101aaaaaaaa"), FAULT },
    { "a name of 65535 bytes", .plan = FAKE_REPLY("\2\0\377\377aaaaaaaa"), FAULT },
    { "more than an answer", .plan = FAKE_REPLY(BOB_IS_FINE "x"), FAULT },
    { "two answers", .plan = FAKE_REPLY(BOB_IS_FINE BOB_IS_FINE), FAULT },
    { "an older version, accepting", .plan = FAKE_REPLY("\1\0\0\17" BOB), FAULT },
    { "an older version, which says so", .plan = FAKE_REPLY("\1\11\0\0"), FAULT },
    { "a newer version, which says so", .plan = FAKE_REPLY("\3\11\0\0"), FAULT },
    { "an answer that is none", .plan = FAKE_REPLY("\2\14\0\0"), FAULT },
    { "answer 255", .plan = FAKE_REPLY("\2\377\0\0"), FAULT },
    { "saslauthd's OK", .plan = FAKE_REPLY("\0\2OK"), FAULT },
    { "an HTTP server", .plan = FAKE_REPLY("HTTP/1.0 200 OK\r\n\r\n"), FAULT },
    { "nothing but zeros", .plan = FAKE_REPLY("\0\0\0\0\0\0\0\0"), FAULT },
    { "an answer before the question", .plan = { FAKE_ANSWERS_UNASKED, "\3\11\0\0", 4, 0 }, FAULT },
};

static void
a_fault_of_the_daemon_is_unavailable_and_never_a_sign_in(void **state)
{
    (void)state;
    ROWS_HOLD(faults);
}

#define BAD_OPTION .auth = PAM_SERVICE_ERR, .account = PAM_SERVICE_ERR, .unasked = true, \
    .unsent = true, .logged = "option \""
#define TEXT_1 "0123456789012345678901234567890123456789012345678901"

static const struct row options[] = {
    { "an unknown word", .options = "nullok", BAD_OPTION },
    { "an unknown setting", .options = "passwd=hunter2", BAD_OPTION },
    { "a known word in capitals", .options = "DEBUG", BAD_OPTION },
    { "the beginning of a known word", .options = "deb", BAD_OPTION },
    { "a known word and more", .options = "debugging", BAD_OPTION },
    { "a relative socket", .options = "socket=run/pam", BAD_OPTION },
    { "an abstract socket", .options = "socket=@pam", BAD_OPTION },
    { "no socket at all", .options = "socket=", BAD_OPTION },
    { "a setting without its value", .options = "socket", BAD_OPTION },
    { "a path of 108 bytes", .options = "socket=/12" TEXT_1 TEXT_1 "a", BAD_OPTION },
    { "no time", .options = "timeout=0", BAD_OPTION },
    { "less than no time", .options = "timeout=-1", BAD_OPTION },
    { "more time than any host waits", .options = "timeout=61", BAD_OPTION },
    { "a time that overflows", .options = "timeout=18446744073709551617", BAD_OPTION },
    { "a time in hours", .options = "timeout=1h", BAD_OPTION },
    { "a time with a fraction", .options = "timeout=1.5", BAD_OPTION },
    { "a domain with its @", .options = "domain=@example.net", BAD_OPTION },
    { "an empty domain", .options = "domain=", BAD_OPTION },
    { "an empty service", .options = "service=", BAD_OPTION },
    { "a user number with a tail", .options = "daemon_user=0x", BAD_OPTION },
    { "the user number that is nobody's", .options = "daemon_user=4294967295", BAD_OPTION },
    { "a switch with a value", .options = "debug=1", BAD_OPTION },
    { "first pass with a value", .options = "use_first_pass=yes", BAD_OPTION },
    { "a good word and a bad one", .options = "debug nosuch", BAD_OPTION },
    { "the longest time", .options = "timeout=60" },
    { "a time in milliseconds", .options = "timeout=2500ms" },
    { "a time in seconds, with its unit", .options = "timeout=5s" },
    { "debug", .options = "debug", .logged = "says: accepted" },
    { "try_first_pass without a first", .options = "try_first_pass" },
    { "a user number for the daemon", .options = "daemon_user=12345" },
    { "a user for the daemon that does not exist", .options = "daemon_user=no-such-user" },
    { "use_first_pass without a first", .options = "use_first_pass", .auth = PAM_AUTH_ERR,
      .unasked = true, .unsent = true },
    { "all at once", .options = "debug no_warn silent try_first_pass keep_user timeout=9s "
      "service=smtp domain=example.org daemon_user=root",
      .logged = "says: accepted" },
};

static void
an_option_that_makes_no_sense_signs_nobody_in(void **state)
{
    (void)state;
    ROWS_HOLD(options);
}

#define UNAVAILABLE .plan = FAKE_REPLY("\2\10\0\0"), .auth = PAM_AUTHINFO_UNAVAIL, \
    .account = PAM_AUTHINFO_UNAVAIL
#define TOLD .auth_text = LATER, .account_text = LATER

static const struct row quiet[] = {
    { "told", UNAVAILABLE, TOLD },
    { "silent", .options = "silent", UNAVAILABLE },
    { "no_warn", .options = "no_warn", UNAVAILABLE },
    { "PAM_SILENT", .flags = PAM_SILENT, UNAVAILABLE },
    { "PAM_DISALLOW_NULL_AUTHTOK", .flags = PAM_DISALLOW_NULL_AUTHTOK, UNAVAILABLE, TOLD },
};

static void
a_silent_module_tells_the_user_nothing(void **state)
{
    (void)state;
    ROWS_HOLD(quiet);
}

static const struct row items[] = {
    { "the plain case", .login = BOB, .password = "secret", .sent_service = "imap",
      .remote = "" },
    { "another service", .service = "smtp", .sent_service = "smtp" },
    { "a service in capitals, as libpam lowers it", .service = "HTTP", .sent_service = "http" },
    { "service=", .options = "service=submission", .sent_service = "submission" },
    { "a remote address", .rhost = "192.0.2.7", .remote = "192.0.2.7" },
    { "a remote IPv6 address", .rhost = "2001:db8::1", .remote = "2001:db8::1" },
    { "a hostile remote host", .rhost = "x\nuser=root\033[2J%s%n",
      .remote = "x\nuser=root\033[2J%s%n" },
    { "an empty remote host", .rhost = "", .remote = "" },
    { "a name without domain", .user = "bob", .login = "bob", .user_after = BOB },
    { "a name that domain= completes", .options = "domain=example.net", .user = "bob", .login = BOB,
      .user_after = BOB },
    { "a name that domain= leaves alone", .options = "domain=example.org", .login = BOB },
    { "an empty domain in the name", .options = "domain=example.org", .user = "bob@",
      .login = "bob@" },
    { "a name with two signs", .options = "domain=example.org", .user = "a@b@c", .login = "a@b@c" },
    { "a name as typed in capitals", .user = "BOB@Example.NET", .login = "BOB@Example.NET",
      .user_after = BOB },
    { "keep_user", .options = "keep_user", .user = "bob", .login = "bob", .user_after = "bob" },
    { "a name with blanks, for the daemon to judge", .user = " bob ", .login = " bob " },
    { "a name in Unicode", .user = "j\303\274rgen@example.net",
      .login = "j\303\274rgen@example.net" },
    { "a format in the name", .user = "%s%n%p", .login = "%s%n%p" },
    { "a wrong password leaves the name", .user = "bob", .plan = FAKE_REPLY("\2\2\0\0"),
      .auth = PAM_AUTH_ERR, .account = PAM_AUTH_ERR, .user_after = "bob" },
    { "no name, typed at the prompt", .ask_user = true, .person.user = "bob@example.net",
      .login = BOB },
    { "no name, and none typed", .ask_user = true, .person.user = "", .auth = PAM_USER_UNKNOWN,
      .account = PAM_USER_UNKNOWN, .unasked = true, .unsent = true },
    { "an empty name", .user = "", .auth = PAM_USER_UNKNOWN, .account = PAM_USER_UNKNOWN,
      .unasked = true, .unsent = true },
};

static void
what_the_application_says_reaches_the_daemon(void **state)
{
    (void)state;
    ROWS_HOLD(items);
}

#define CONVERSATION_FAULT .account = PAM_SUCCESS, .unsent = true

static const struct row conversations[] = {
    { "fails at the password", .person.manner = HOST_FAILS, .auth = PAM_CONV_ERR,
      CONVERSATION_FAULT },
    { "aborts at the password", .person.manner = HOST_ABORTS, .auth = PAM_CONV_ERR,
      CONVERSATION_FAULT },
    { "postpones the password", .person.manner = HOST_POSTPONES, .auth = PAM_CONV_ERR,
      CONVERSATION_FAULT },
    { "success and no responses", .person.manner = HOST_NO_ARRAY, .auth = PAM_CONV_ERR,
      CONVERSATION_FAULT },
    { "a response without text", .person.manner = HOST_NO_TEXT, .auth = PAM_CONV_ERR,
      CONVERSATION_FAULT },
    { "fails, and responds all the same", .person.manner = HOST_FAILS_AND_RESPONDS,
      .auth = PAM_CONV_ERR, CONVERSATION_FAULT },
    { "more responses than asked for", .person.manner = HOST_TOO_MANY, .password = "secret" },
    { "fails at the name", .ask_user = true, .person.manner = HOST_FAILS, .auth = PAM_CONV_ERR,
      .account = PAM_CONV_ERR, .unasked = true, .unsent = true },
    { "no name in the response", .ask_user = true, .person.manner = HOST_NO_TEXT,
      .auth = PAM_CONV_ERR, .account = PAM_CONV_ERR, .unasked = true, .unsent = true },
    { "no response to the name", .ask_user = true, .person.manner = HOST_NO_ARRAY,
      .auth = PAM_CONV_ERR, .account = PAM_CONV_ERR, .unasked = true, .unsent = true },
    { "postpones the name", .ask_user = true, .person.manner = HOST_POSTPONES,
      .auth = PAM_INCOMPLETE, .account = PAM_INCOMPLETE, .unasked = true, .unsent = true },
    { "fails at the text for the user", .person.manner = HOST_FAILS_TEXTS, UNAVAILABLE, TOLD },
};

static void
a_conversation_that_fails_is_no_wrong_password(void **state)
{
    (void)state;
    ROWS_HOLD(conversations);
}

/* `length` letters, then a terminator; freed by the caller. */
static char *
letters(size_t length)
{
    char *text = malloc(length + 1);

    assert_non_null(text);
    memset(text, 'a', length);
    text[length] = '\0';
    return text;
}

static void
a_password_is_sent_whole_or_not_at_all(void **state)
{
    static const struct { size_t length; bool sent; } lengths[] = {
        { 0, false }, { 1, true }, { 72, true }, { 255, true }, { 511, true }, { 512, true },
        { 2000, true }, { 4095, true }, { 4096, true }, { 4097, false }, { 65536, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char *password = letters(lengths[i].length), what[64];
        struct row row = { .what = what, .person.password = password };

        (void)snprintf(what, sizeof what, "%zu bytes", lengths[i].length);
        row.password = lengths[i].sent ? password : NULL;
        row.unsent = !lengths[i].sent;
        row.auth = lengths[i].sent ? PAM_SUCCESS : PAM_AUTH_ERR;
        rows_hold(&row, 1);
        free(password);
    }
}

static void
a_password_ends_at_its_nul_as_pam_has_it(void **state)
{
    static const struct row rows[] = {
        { "a NUL inside", .person.password = "sec\0ret", .password = "sec" },
        { "a NUL first", .person.password = "\0secret", .auth = PAM_AUTH_ERR, .unsent = true },
        { "every other byte", .person.password = "\001\t\n \177\200\377'\"\\%s",
          .password = "\001\t\n \177\200\377'\"\\%s" },
    };

    (void)state;
    ROWS_HOLD(rows);
}

#define TOO_LONG .logged = "too long to ask about"

static void
what_is_too_long_to_ask_about_is_refused(void **state)
{
    char *fits = letters(PAM_WIRE_FIELD_MAX), *over = letters(PAM_WIRE_FIELD_MAX + 1);
    char *huge = letters(1 << 20), *remote = letters(PAM_WIRE_NAME_MAX);
    char *over_remote = letters(PAM_WIRE_NAME_MAX + 1);
    const struct row rows[] = {
        { "the longest name", .user = fits, .login = fits },
        { "a longer name", .user = over, .auth = PAM_SERVICE_ERR, .account = PAM_SERVICE_ERR,
          .unsent = true, TOO_LONG },
        { "a name of a mebibyte", .user = huge, .auth = PAM_SERVICE_ERR,
          .account = PAM_SERVICE_ERR, .unsent = true, TOO_LONG },
        { "the longest name and a domain", .options = "domain=example.net", .user = fits,
          .auth = PAM_SERVICE_ERR, .account = PAM_SERVICE_ERR, .unsent = true, TOO_LONG },
        { "the longest remote host", .rhost = remote, .remote = remote },
        { "a longer remote host", .rhost = over_remote, .auth = PAM_SERVICE_ERR,
          .account = PAM_SERVICE_ERR, .unsent = true, TOO_LONG },
    };

    (void)state;
    ROWS_HOLD(rows);
    free(fits);
    free(over);
    free(huge);
    free(remote);
    free(over_remote);
}

/* A line before ours gets the password, so that ours finds a first one. */
static void
the_first_password_is_used_as_the_options_say(void **state)
{
    static const struct {
        const char *what, *options, *password;
        int auth, prompts;
        const char *sent;
    } rows[] = {
        { "use_first_pass", "use_first_pass", "secret", PAM_SUCCESS, 1, "secret" },
        { "try_first_pass", "try_first_pass", "secret", PAM_SUCCESS, 1, "secret" },
        { "neither", "", "secret", PAM_SUCCESS, 1, "secret" },
        { "use_first_pass and an empty one", "use_first_pass", "", PAM_AUTH_ERR, 1, "" },
        { "try_first_pass and an empty one", "try_first_pass", "", PAM_AUTH_ERR, 1, "" },
    };
    static const struct fake_plan fine = FAKE_REPLY(BOB_IS_FINE);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct host_person person = { .password = rows[i].password };
        struct fake_seen seen;
        char text[512];
        pam_handle_t *pamh;
        int status;

        (void)snprintf(text, sizeof text, "auth optional @M socket=@D/absent silent\n"
                       "auth required @M @S %s\n", rows[i].options);
        host_service(&host, "other", text);
        fake_plan(&fake, &fine);
        pamh = host_open(&host, "imap", BOB, &person);
        status = pam_authenticate(pamh, 0);
        fake_seen(&fake, &seen);
        if (status != rows[i].auth || person.password_prompts != rows[i].prompts ||
            strcmp(seen.password, rows[i].sent) != 0)
            fail_msg("%s: status %d, %d prompts, sent \"%s\"", rows[i].what, status,
                     person.password_prompts, seen.password);
        (void)pam_end(pamh, status);
        host_log_take(&(struct host_log){ 0 });
    }
}

static void
its_place_in_a_stack_decides_as_pam_conf_says(void **state)
{
    static const struct { const char *stack; int accepted, wrong, unavailable; } rows[] = {
        { "auth required @M @S\n", PAM_SUCCESS, PAM_AUTH_ERR, PAM_AUTHINFO_UNAVAIL },
        { "auth requisite @M @S\n", PAM_SUCCESS, PAM_AUTH_ERR, PAM_AUTHINFO_UNAVAIL },
        { "auth sufficient @M @S\nauth required pam_deny.so\n", PAM_SUCCESS, PAM_AUTH_ERR,
          PAM_AUTH_ERR },
        { "auth required @M @S\nauth required pam_permit.so\n", PAM_SUCCESS, PAM_AUTH_ERR,
          PAM_AUTHINFO_UNAVAIL },
        { "auth required @M @S\nauth required pam_deny.so\n", PAM_AUTH_ERR, PAM_AUTH_ERR,
          PAM_AUTHINFO_UNAVAIL },
        { "auth optional @M @S\nauth required pam_permit.so\n", PAM_SUCCESS, PAM_SUCCESS,
          PAM_SUCCESS },
        { "auth [success=done authinfo_unavail=ignore default=die] @M @S\n"
          "auth required pam_permit.so\n", PAM_SUCCESS, PAM_AUTH_ERR, PAM_SUCCESS },
        { "auth [success=1 default=ignore] @M @S\nauth requisite pam_deny.so\n"
          "auth required pam_permit.so\n", PAM_SUCCESS, PAM_AUTH_ERR, PAM_AUTH_ERR },
    };
    static const struct fake_plan plans[] = {
        FAKE_REPLY(BOB_IS_FINE), FAKE_REPLY("\2\2\0\0"), FAKE_REPLY("\2\10\0\0"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int wanted[] = { rows[i].accepted, rows[i].wrong, rows[i].unavailable };

        host_service(&host, "other", rows[i].stack);
        for (size_t p = 0; p < sizeof plans / sizeof plans[0]; p++) {
            int status;

            fake_plan(&fake, &plans[p]);
            status = host_authenticate(&host, "imap", BOB, "secret");
            if (status != wanted[p])
                fail_msg("stack %zu, answer %zu: %d, wanted %d", i + 1, p + 1, status, wanted[p]);
        }
    }
}

/* Kind by control by answer: what libpam makes of each. A line of pam_permit follows. */
static void
every_kind_of_line_decides_as_pam_conf_says(void **state)
{
    static const struct { const char *kind; int (*call)(pam_handle_t *, int); int unknown, unavailable; }
    kinds[] = {
        { "auth", pam_authenticate, PAM_USER_UNKNOWN, PAM_AUTHINFO_UNAVAIL },
        { "account", pam_acct_mgmt, PAM_USER_UNKNOWN, PAM_AUTHINFO_UNAVAIL },
        { "password", pam_chauthtok, PAM_USER_UNKNOWN, PAM_AUTHINFO_UNAVAIL },
        { "session", pam_open_session, PAM_SESSION_ERR, PAM_SESSION_ERR },
    };
    static const struct { const char *control; bool lets_pass; } controls[] = {
        { "required", false }, { "requisite", false }, { "sufficient", true }, { "optional", true },
        { "[success=done default=die]", false },
    };
    static const struct fake_plan plans[] = {
        FAKE_REPLY(BOB_IS_FINE), FAKE_REPLY("\2\3\0\0"), FAKE_REPLY("\2\10\0\0"),
    };

    (void)state;
    for (size_t i = 0; i < 4 * 5 * 3; i++) {
        size_t kind = i / 15, control = i / 3 % 5, plan = i % 3;
        const int wanted[] = { PAM_SUCCESS, kinds[kind].unknown, kinds[kind].unavailable };
        struct host_person person = { .password = "secret" };
        char text[512];
        pam_handle_t *pamh;
        int status;

        (void)snprintf(text, sizeof text, "%s %s @M @S silent\n%s required pam_permit.so\n",
                       kinds[kind].kind, controls[control].control, kinds[kind].kind);
        host_service(&host, "other", text);
        fake_plan(&fake, &plans[plan]);
        pamh = host_open(&host, "imap", BOB, &person);
        status = kinds[kind].call(pamh, 0);
        (void)pam_end(pamh, status);
        if (status != (controls[control].lets_pass ? PAM_SUCCESS : wanted[plan]))
            fail_msg("%s %s, answer %zu: %d", kinds[kind].kind, controls[control].control, plan,
                     status);
    }
}

static void
a_sign_in_goes_through_from_the_password_to_the_credentials(void **state)
{
    static const struct fake_plan fine = FAKE_REPLY(BOB_IS_FINE);
    static const struct fake_plan disabled = FAKE_REPLY("\2\4\0\0");
    struct host_person person = { .password = "secret" };
    struct fake_seen seen;
    pam_handle_t *pamh;

    (void)state;
    host_service(&host, "other", "auth required @M @S domain=example.net\n"
                 "account required @M @S domain=example.net\n");
    fake_plan(&fake, &fine);
    pamh = host_open(&host, "imap", "bob", &person);
    assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
    assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
    fake_seen(&fake, &seen);
    assert_int_equal(seen.requests, 2);
    assert_int_equal(seen.action, PAM_WIRE_ACCOUNT);

    fake_plan(&fake, &disabled);        /* the answer is fresh each time */
    assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
    assert_int_equal(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

static int
start(void **state)
{
    char path[128];

    (void)state;
    host_start(&host);
    fake_start(&fake, host.socket, geteuid());
    (void)host_bind(&host, "refused", SOCK_STREAM);
    (void)host_bind(&host, "datagram", SOCK_DGRAM);
    host_full_queue(&host, "full");
    host_service(&host, "file", "not a socket\n");
    (void)snprintf(path, sizeof path, "%s/circle", host.dir);
    return symlink("circle", path);
}

static int
stop(void **state)
{
    (void)state;
    fake_stop(&fake);
    host_stop(&host);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_has_its_pam_code),
        cmocka_unit_test(a_fault_of_the_daemon_is_unavailable_and_never_a_sign_in),
        cmocka_unit_test(an_option_that_makes_no_sense_signs_nobody_in),
        cmocka_unit_test(a_silent_module_tells_the_user_nothing),
        cmocka_unit_test(what_the_application_says_reaches_the_daemon),
        cmocka_unit_test(a_conversation_that_fails_is_no_wrong_password),
        cmocka_unit_test(a_password_is_sent_whole_or_not_at_all),
        cmocka_unit_test(a_password_ends_at_its_nul_as_pam_has_it),
        cmocka_unit_test(what_is_too_long_to_ask_about_is_refused),
        cmocka_unit_test(the_first_password_is_used_as_the_options_say),
        cmocka_unit_test(its_place_in_a_stack_decides_as_pam_conf_says),
        cmocka_unit_test(every_kind_of_line_decides_as_pam_conf_says),
        cmocka_unit_test(a_sign_in_goes_through_from_the_password_to_the_credentials),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
