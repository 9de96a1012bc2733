/* tests/unit/test_tools_password_input.c - a password from a pipe, and from a person
 *
 * The person is a thread at the other end of a pseudo-terminal, that types when it is prompted.
 */
#include "tools/password_input.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 10000       /* a bound, not a delay */

/* --- a pipe -------------------------------------------------------------------------- */

static enum error_code
from_pipe(span bytes, struct secret *out, span *rest_out, struct error *err)
{
    static unsigned char rest[64];
    enum error_code code;
    ssize_t got;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes.ptr, bytes.len), (ssize_t)bytes.len);
    close(ends[1]);
    code = password_input(ends[0], PASSWORD_ASK_TWICE, out, err);
    got = read(ends[0], rest, sizeof(rest));
    *rest_out = span_make(rest, got > 0 ? (size_t)got : 0);
    close(ends[0]);
    return code;
}

static const struct { const char *what; span input, password, rest; } lines[] = {
    { "a line",                SPAN("secret\n"),        SPAN("secret"),      SPAN("") },
    { "a line without its end", SPAN("secret"),         SPAN("secret"),      SPAN("") },
    { "two lines",             SPAN("one\ntwo\n"),      SPAN("one"),         SPAN("two\n") },
    { "blanks at both ends",   SPAN("  a b \n"),        SPAN("  a b "),      SPAN("") },
    { "a carriage return",     SPAN("secret\r\n"),      SPAN("secret\r"),    SPAN("") },
    { "bytes past ASCII",      SPAN("caf\xe9\xff\n"),   SPAN("caf\xe9\xff"), SPAN("") },
    { "an empty line",         SPAN("\nmore"),          SPAN(""),            SPAN("more") },
    { "nothing",               SPAN(""),                SPAN(""),            SPAN("") },
};

static void
a_pipe_gives_its_first_line_and_keeps_the_rest(void **state)
{
    struct secret password;
    struct error err;
    span rest;

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        if (from_pipe(lines[i].input, &password, &rest, &err) != ERROR_NONE)
            fail_msg("%s: %s", lines[i].what, err.reason);
        if (!span_equal(secret_get(&password), lines[i].password))
            fail_msg("%s: another password", lines[i].what);
        if (!span_equal(rest, lines[i].rest))
            fail_msg("%s: too much was read", lines[i].what);
        secret_wipe(&password);
    }
}

static void
a_password_is_whole_or_refused(void **state)
{
    static unsigned char bytes[SECRET_MAX + 2];
    struct secret password;
    struct error err;
    span rest;

    (void)state;
    memset(bytes, 'p', sizeof(bytes));
    assert_int_equal(from_pipe(span_make(bytes, SECRET_MAX), &password, &rest, &err),
                     ERROR_NONE);
    assert_int_equal(password.len, SECRET_MAX);
    assert_int_equal(from_pipe(span_make(bytes, SECRET_MAX + 1), &password, &rest, &err),
                     ERROR_REJECTED);
    assert_non_null(strstr(err.reason, "4096"));
    assert_int_equal(password.len, 0);
}

static void
a_nul_is_refused_and_not_the_end(void **state)
{
    static const span with_nul = SPAN("sec\0ret\n");
    struct secret password;
    struct error err;
    span rest;

    (void)state;
    assert_int_equal(from_pipe(with_nul, &password, &rest, &err), ERROR_REJECTED);
    assert_non_null(strstr(err.reason, "NUL"));
    assert_int_equal(password.len, 0);
    assert_false(memmem(&password, sizeof(password), "sec", 3) != NULL);
}

static void
what_cannot_be_read_is_unavailable(void **state)
{
    struct secret password;
    struct error err;
    int fd = open("/", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_int_equal(password_input(fd, PASSWORD_ASK_ONCE, &password, &err),
                     ERROR_UNAVAILABLE);
    close(fd);
    assert_int_equal(password_input(-1, PASSWORD_ASK_ONCE, &password, &err),
                     ERROR_UNAVAILABLE);
}

/* --- a person ------------------------------------------------------------------------ */

struct person {
    int master, slave;
    const char *types[2];       /* at the first prompt, at the second; NULL: there is none */
    char screen[4096];          /* all that was shown */
    size_t shown;
    pthread_t thread;
};

static void
person_open(struct person *person)
{
    person->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(person->master >= 0);
    assert_int_equal(grantpt(person->master), 0);
    assert_int_equal(unlockpt(person->master), 0);
    person->slave = open(ptsname(person->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(person->slave >= 0);
}

static void
person_close(struct person *person)
{
    close(person->slave);
    close(person->master);
}

/* Reads more of the screen until it ends in `wanted`; false when it never does. */
static bool
see(struct person *person, const char *wanted)
{
    size_t len = strlen(wanted);

    for (;;) {
        struct pollfd poller = { .fd = person->master, .events = POLLIN };
        ssize_t got;

        if (person->shown >= sizeof(person->screen) - 1 || poll(&poller, 1, PATIENCE_MS) <= 0)
            return false;
        got = read(person->master, person->screen + person->shown, 1);
        if (got <= 0)
            return false;
        person->shown++;
        if (person->shown >= len
            && memcmp(person->screen + person->shown - len, wanted, len) == 0)
            return true;
    }
}

static void *
type_when_prompted(void *argument)
{
    struct person *person = argument;

    for (size_t i = 0; i < COUNT(person->types) && person->types[i]; i++) {
        if (!see(person, ": "))
            return NULL;
        if (write(person->master, person->types[i], strlen(person->types[i])) < 0)
            return NULL;
    }
    see(person, "\n");
    return NULL;
}

static enum error_code
from_person(struct person *person, enum password_ask ask, struct secret *out,
            struct error *err)
{
    enum error_code code;

    person_open(person);
    assert_int_equal(pthread_create(&person->thread, NULL, type_when_prompted, person), 0);
    code = password_input(person->slave, ask, out, err);
    pthread_join(person->thread, NULL);
    return code;
}

static bool
echoes(int fd)
{
    struct termios now;

    assert_int_equal(tcgetattr(fd, &now), 0);
    return (now.c_lflag & ECHO) != 0;
}

static void
a_person_is_prompted_and_not_echoed(void **state)
{
    struct person person = { .types = { "hunter2\n" } };
    struct secret password;
    struct error err;

    (void)state;
    assert_int_equal(from_person(&person, PASSWORD_ASK_ONCE, &password, &err), ERROR_NONE);
    assert_true(span_is(secret_get(&password), "hunter2"));
    assert_non_null(strstr(person.screen, "Password: "));
    assert_null(strstr(person.screen, "hunter"));
    assert_true(echoes(person.slave));
    person_close(&person);
    secret_wipe(&password);
}

static void
a_new_password_is_asked_for_twice(void **state)
{
    struct person person = { .types = { "hunter2\n", "hunter2\n" } };
    struct secret password;
    struct error err;

    (void)state;
    assert_int_equal(from_person(&person, PASSWORD_ASK_TWICE, &password, &err), ERROR_NONE);
    assert_true(span_is(secret_get(&password), "hunter2"));
    assert_non_null(strstr(person.screen, "The same again: "));
    person_close(&person);
    secret_wipe(&password);
}

static void
two_entries_that_differ_are_refused(void **state)
{
    struct person person = { .types = { "hunter2\n", "hunter3\n" } };
    struct secret password;
    struct error err;

    (void)state;
    assert_int_equal(from_person(&person, PASSWORD_ASK_TWICE, &password, &err),
                     ERROR_REJECTED);
    assert_non_null(strstr(err.reason, "differ"));
    assert_int_equal(password.len, 0);
    assert_true(echoes(person.slave));
    person_close(&person);
}

static void
a_signal_gives_the_terminal_back_first(void **state)
{
    static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

    (void)state;
    for (size_t i = 0; i < COUNT(ending); i++) {
        struct person person = { 0 };
        struct secret password;
        struct error err;
        int status;
        pid_t child;

        person_open(&person);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            signal(ending[i], SIG_DFL);
            password_input(person.slave, PASSWORD_ASK_ONCE, &password, &err);
            _exit(3);
        }
        assert_true(see(&person, "Password: "));
        assert_false(echoes(person.slave));
        kill(child, ending[i]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), ending[i]);
        assert_true(echoes(person.slave));
        person_close(&person);
    }
}

static void
after_a_stop_it_is_asked_again(void **state)
{
    struct person person = { 0 };
    struct secret password;
    struct error err;
    int status;
    pid_t child;

    (void)state;
    person_open(&person);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setpgid(0, 0);
        signal(SIGTSTP, SIG_DFL);
        password_input(person.slave, PASSWORD_ASK_ONCE, &password, &err);
        _exit(span_is(secret_get(&password), "hunter2") ? 0 : 3);
    }
    assert_true(see(&person, "Password: "));
    kill(child, SIGTSTP);
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    assert_true(echoes(person.slave));
    kill(child, SIGCONT);
    assert_true(see(&person, "\r\nPassword: "));
    assert_int_equal(write(person.master, "hunter2\n", 8), 8);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 0);
    person_close(&person);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_gives_its_first_line_and_keeps_the_rest),
        cmocka_unit_test(a_password_is_whole_or_refused),
        cmocka_unit_test(a_nul_is_refused_and_not_the_end),
        cmocka_unit_test(what_cannot_be_read_is_unavailable),
        cmocka_unit_test(a_person_is_prompted_and_not_echoed),
        cmocka_unit_test(a_new_password_is_asked_for_twice),
        cmocka_unit_test(two_entries_that_differ_are_refused),
        cmocka_unit_test(a_signal_gives_the_terminal_back_first),
        cmocka_unit_test(after_a_stop_it_is_asked_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
