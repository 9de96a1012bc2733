/* tests/unit/test_common_log.c - one line per event, and nobody waits for it
 *
 * Standard error is a pipe here: what a test logs is read back from it.
 */
#include "common/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CAPTURED_MAX (8 << 20)
#define THREADS 8
#define LINES_PER_THREAD 2000

/* Standard error as it was, while it is ours. */
static struct { int saved, pipe[2]; char *text; size_t len; } captured;

static void
redirect_stderr(int fd)
{
    fflush(stderr);
    captured.saved = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
}

static void
restore_stderr(void)
{
    dup2(captured.saved, STDERR_FILENO);
    close(captured.saved);
}

static void
capture_start(void)
{
    assert_int_equal(pipe(captured.pipe), 0);
    redirect_stderr(captured.pipe[1]);
}

/* Reads to the end, which restoring standard error makes. */
static void *
read_all(void *unused)
{
    ssize_t got;

    (void)unused;
    captured.len = 0;
    while ((got = read(captured.pipe[0], captured.text + captured.len,
                       CAPTURED_MAX - 1 - captured.len)) > 0)
        captured.len += (size_t)got;
    captured.text[captured.len] = '\0';
    return NULL;
}

static void
capture_end(void)
{
    restore_stderr();
    close(captured.pipe[1]);
    read_all(NULL);
    close(captured.pipe[0]);
}

static size_t
count_lines(const char *part)
{
    size_t count = 0;

    for (char *line = captured.text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        count += strstr(line, part) != NULL;
        *end = '\n';
    }
    return count;
}

/* "2026-01-31T12:00:00.000Z info: " */
static bool
begins_with_time_and_level(const char *line, const char *level)
{
    static const char pattern[] = "dddd-dd-ddTdd:dd:dd.dddZ ";
    char after[32];

    for (size_t i = 0; i < sizeof(pattern) - 1; i++)
        if (pattern[i] == 'd' ? line[i] < '0' || line[i] > '9' : line[i] != pattern[i])
            return false;
    snprintf(after, sizeof(after), "%s: ", level);
    return strncmp(line + sizeof(pattern) - 1, after, strlen(after)) == 0;
}

static void
a_line_has_a_time_a_level_and_its_text(void **state)
{
    (void)state;
    capture_start();
    log_line(LOG_LEVEL_WARNING, "event user=%s", "ada");
    capture_end();
    assert_true(begins_with_time_and_level(captured.text, "warning"));
    assert_string_equal(captured.text + strlen(captured.text) - 15, "event user=ada\n");
}

static void
values_are_filled_in_as_they_are_and_make_a_line_like_any_other(void **state)
{
    static const span values[] = { SPAN("%s\n\r\033\177"), SPAN(""), SPAN("last") };
    char most[1100];

    (void)state;
    memset(most, 'a', sizeof(most));
    capture_start();
    log_values(LOG_LEVEL_INFO, "first=%s second=%s third=%s", values);
    log_values(LOG_LEVEL_INFO, "%s%s", values);
    log_values(LOG_LEVEL_INFO, "none at all", NULL);
    log_values(LOG_LEVEL_DEBUG, "above the level", NULL);
    log_values(LOG_LEVEL_INFO, "%s end", (const span[]){ span_make(most, sizeof(most)) });
    capture_end();
    assert_int_equal(count_lines(""), 4);
    assert_int_equal(count_lines("info: first=%s???? second= third=last"), 1);
    assert_int_equal(count_lines("info: %s????"), 1);
    assert_int_equal(count_lines("info: none at all"), 1);
    assert_int_equal(count_lines("above"), 0);
    assert_string_equal(captured.text + captured.len - 5, "a...\n");
}

static void
lines_above_the_level_are_not_made(void **state)
{
    (void)state;
    for (int level = LOG_LEVEL_ERROR; level < LOG_LEVELS; level++) {
        capture_start();
        log_set_level((enum log_level)level);
        for (int of = LOG_LEVEL_ERROR; of < LOG_LEVELS; of++)
            log_line((enum log_level)of, "event");
        capture_end();
        assert_int_equal(log_level(), level);
        assert_int_equal(count_lines("event"), (size_t)level + 1);
    }
    log_set_level(LOG_LEVEL_INFO);
}

/* Reliability row L02: whatever a stranger sends, one event is one line. */
static const char *const hostile[] = {
    "a\nb", "a\r\nb", "\033[2J", "a\tb", "\177", "\233m", "\x80", "\303\274", "\b\b\b", "%s%n%d",
};

static void
an_event_is_one_line_of_printable_ascii_whatever_was_sent(void **state)
{
    struct error err;

    (void)state;
    for (int ring = 0; ring < 2; ring++) {
        capture_start();
        if (ring)
            assert_int_equal(log_start(LOG_TO_STDERR, &err), ERROR_NONE);
        for (size_t i = 0; i < COUNT(hostile); i++)
            log_line(LOG_LEVEL_INFO, "login=%s end", hostile[i]);
        log_stop();
        capture_end();
        assert_int_equal(count_lines(""), COUNT(hostile));
        assert_int_equal(count_lines("login="), COUNT(hostile));
        assert_int_equal(count_lines(" end"), COUNT(hostile));
        for (const char *c = captured.text; *c; c++)
            assert_true(*c == '\n' || (*c >= ' ' && *c <= '~'));
        assert_int_equal(count_lines("login=%s%n%d end"), 1);
    }
}

static void
a_line_that_is_too_long_is_cut_and_says_so(void **state)
{
    char *text = malloc(65537);

    (void)state;
    memset(text, 'a', 65536);
    text[65536] = '\0';
    capture_start();
    log_line(LOG_LEVEL_INFO, "%s", text);
    capture_end();
    free(text);
    assert_int_equal(count_lines(""), 1);
    assert_string_equal(captured.text + captured.len - 5, "a...\n");
    assert_in_range(captured.len, 900, 1100);
}

static const struct { span text; const char *token; } tokens[] = {
    { SPAN("ada@example.org"),           "ada@example.org" },
    { SPAN("2001:db8::1"),               "2001:db8::1" },
    { SPAN("A-z_0.9+x/y"),               "A-z_0.9+x/y" },
    { SPAN(""),                          "" },
    { SPAN("a rip=1.2.3.4"),             "a\\x20rip\\x3d1.2.3.4" },
    { SPAN("a\" rip=\"1.2.3.4"),         "a\\x22\\x20rip\\x3d\\x221.2.3.4" },
    { SPAN("a,rip=1.2.3.4"),             "a\\x2crip\\x3d1.2.3.4" },
    { SPAN("a\nrip=1.2.3.4"),            "a\\x0arip\\x3d1.2.3.4" },
    { SPAN("a\\x20b"),                   "a\\x5cx20b" },
    { SPAN("a[1]<2>(3)"),                "a\\x5b1\\x5d\\x3c2\\x3e\\x283\\x29" },
    { SPAN("{4}'5'`6`"),                 "\\x7b4\\x7d\\x275\\x27\\x606\\x60" },
    { SPAN("%s%n"),                      "\\x25s\\x25n" },
    { SPAN("\0\001\177\377"),            "\\x00\\x01\\x7f\\xff" },
    { SPAN("j\303\274rgen"),             "j\\xc3\\xbcrgen" },
};

static void
a_token_is_never_taken_for_another_field(void **state)
{
    char out[LOG_TOKEN_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(tokens); i++)
        assert_string_equal(log_token(tokens[i].text, out), tokens[i].token);
    for (unsigned c = 0; c < 256; c++) {
        const unsigned char byte = (unsigned char)c;

        log_token(span_make(&byte, 1), out);
        if (strpbrk(out, " =\"',;\t\r\n[]<>(){}"))
            fail_msg("byte %u becomes %s", c, out);
    }
}

static void
a_long_token_ends_in_dots_and_fits(void **state)
{
    unsigned char text[65536];
    char out[LOG_TOKEN_MAX];

    (void)state;
    for (int escaped = 0; escaped < 2; escaped++) {
        memset(text, escaped ? '=' : 'a', sizeof(text));
        for (size_t len = 0; len <= sizeof(text); len += len < 500 ? 1 : 65036) {
            memset(out, '#', sizeof(out));
            log_token(span_make(text, len), out);
            assert_non_null(memchr(out, '\0', sizeof(out)));
            if (len * (escaped ? 4 : 1) > LOG_TOKEN_MAX)
                assert_string_equal(out + strlen(out) - 3, "...");
            else if (len * (escaped ? 4 : 1) < LOG_TOKEN_MAX - 10)
                assert_int_equal(strlen(out), len * (escaped ? 4 : 1));
        }
    }
}

static void
stopping_writes_what_is_left_and_later_lines_still_appear(void **state)
{
    struct error err;

    (void)state;
    capture_start();
    assert_int_equal(log_start(LOG_TO_STDERR, &err), ERROR_NONE);
    for (int i = 0; i < 300; i++)
        log_line(LOG_LEVEL_INFO, "event %d", i);
    log_stop();
    log_line(LOG_LEVEL_INFO, "after");
    log_stop();                         /* again: nothing */
    capture_end();
    assert_int_equal(count_lines("event"), 300);
    assert_non_null(strstr(captured.text, "after\n"));
    assert_true(strstr(captured.text, "event 0\n") < strstr(captured.text, "event 299\n"));
}

static void
it_can_be_started_again(void **state)
{
    struct error err;

    (void)state;
    capture_start();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(log_start(LOG_TO_STDERR, &err), ERROR_NONE);
        log_line(LOG_LEVEL_INFO, "event");
        log_stop();
    }
    capture_end();
    assert_int_equal(count_lines("event"), 20);
}

/* The pipe is full and nobody reads it: log_line() returns all the same. Afterwards each line
 * was either written or counted, and the log itself says how many are missing. */
static void
a_blocked_reader_blocks_nobody_and_drops_are_counted_exactly(void **state)
{
    const size_t sent = 20000;
    const uint64_t before = log_dropped();
    uint64_t told = 0;
    pthread_t reader;
    struct error err;

    (void)state;
    capture_start();
    assert_true(fcntl(captured.pipe[1], F_SETPIPE_SZ, 4096) >= 0);
    assert_int_equal(log_start(LOG_TO_STDERR, &err), ERROR_NONE);
    for (size_t i = 0; i < sent; i++)
        log_line(LOG_LEVEL_INFO, "event %zu", i);
    assert_true(log_dropped() - before > 0);
    assert_int_equal(pthread_create(&reader, NULL, read_all, NULL), 0);
    log_stop();
    restore_stderr();
    close(captured.pipe[1]);
    pthread_join(reader, NULL);
    close(captured.pipe[0]);

    assert_int_equal(count_lines("event") + (log_dropped() - before), sent);
    for (const char *at = captured.text; (at = strstr(at, "log: ")); at++)
        told += strtoull(at + 5, NULL, 10);
    assert_int_equal(told, log_dropped() - before);
}

static void
what_a_full_disk_does_not_take_is_counted(void **state)
{
    const uint64_t before = log_dropped();
    int full = open("/dev/full", O_WRONLY);
    struct error err;

    (void)state;
    assert_true(full >= 0);
    redirect_stderr(full);
    log_line(LOG_LEVEL_INFO, "direct");
    assert_int_equal(log_start(LOG_TO_STDERR, &err), ERROR_NONE);
    for (int i = 0; i < 9; i++)
        log_line(LOG_LEVEL_INFO, "event");
    log_stop();
    restore_stderr();
    close(full);
    assert_int_equal(log_dropped() - before, 10);

    capture_start();                    /* and told once there is room */
    assert_int_equal(log_start(LOG_TO_STDERR, &err), ERROR_NONE);
    log_line(LOG_LEVEL_INFO, "event");
    log_stop();
    capture_end();
    assert_int_equal(count_lines("log: 10 lines dropped"), 1);
}

static void
a_reader_that_went_kills_nobody(void **state)
{
    const uint64_t before = log_dropped();
    struct error err;

    (void)state;
    capture_start();
    close(captured.pipe[0]);
    assert_int_equal(log_start(LOG_TO_STDERR, &err), ERROR_NONE);
    log_line(LOG_LEVEL_INFO, "event");
    log_stop();
    restore_stderr();
    close(captured.pipe[1]);
    assert_int_equal(log_dropped() - before, 1);
    capture_start();
    assert_int_equal(log_start(LOG_TO_STDERR, &err), ERROR_NONE);
    log_stop();
    capture_end();
    assert_int_equal(count_lines("log: 1 lines dropped"), 1);
}

static void
the_words_of_strangers_have_a_limit_and_the_rest_is_counted(void **state)
{
    const size_t sent = 1000, most = 30;
    size_t admitted = 0;
    uint64_t told = 0;
    struct error err;

    (void)state;
    capture_start();
    assert_int_equal(log_start(LOG_TO_STDERR, &err), ERROR_NONE);
    log_set_limit(most);
    for (size_t i = 0; i < sent; i++)
        if (log_admits()) {
            log_line(LOG_LEVEL_INFO, "event");
            admitted++;
        }
    log_line(LOG_LEVEL_INFO, "of our own");
    log_stop();
    log_set_limit(0);
    capture_end();

    assert_true(admitted >= most && admitted <= 2 * most);     /* it may have been two seconds */
    assert_int_equal(count_lines("event"), admitted);
    assert_int_equal(count_lines("of our own"), 1);
    for (const char *at = captured.text; (at = strstr(at, "log: ")); at++)
        told += strtoull(at + 5, NULL, 10);
    assert_int_equal(told, sent - admitted);
    assert_int_equal(log_left_out(), sent - admitted);
}

static void *
log_many(void *name)
{
    for (int i = 0; i < LINES_PER_THREAD; i++)
        log_line(LOG_LEVEL_INFO, "thread=%s line=%d end", (const char *)name, i);
    return NULL;
}

static void
many_threads_lose_nothing_uncounted_and_mix_no_lines(void **state)
{
    static const char *const thread_names[THREADS] = { "a", "b", "c", "d", "e", "f", "g", "h" };
    const uint64_t before = log_dropped();
    pthread_t threads[THREADS], reader;
    struct error err;

    (void)state;
    capture_start();
    assert_int_equal(pthread_create(&reader, NULL, read_all, NULL), 0);
    assert_int_equal(log_start(LOG_TO_STDERR, &err), ERROR_NONE);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_many,
                                        (void *)(uintptr_t)thread_names[i]), 0);
    pthread_join(threads[0], NULL);
    log_stop();                         /* while the others may still log: those go direct */
    for (size_t i = 1; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    restore_stderr();
    close(captured.pipe[1]);
    pthread_join(reader, NULL);
    close(captured.pipe[0]);

    assert_int_equal(count_lines("thread=") + (log_dropped() - before), THREADS * LINES_PER_THREAD);
    for (char *line = captured.text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        if (strstr(line, "log: "))
            assert_true(begins_with_time_and_level(line, "warning"));
        else if (!begins_with_time_and_level(line, "info") || strcmp(end - 4, " end") != 0)
            fail_msg("mixed: %s", line);
    }
}

static int
make_room(void **state)
{
    (void)state;
    captured.text = malloc(CAPTURED_MAX);
    return captured.text ? 0 : -1;
}

static int
free_room(void **state)
{
    (void)state;
    free(captured.text);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_a_time_a_level_and_its_text),
        cmocka_unit_test(values_are_filled_in_as_they_are_and_make_a_line_like_any_other),
        cmocka_unit_test(lines_above_the_level_are_not_made),
        cmocka_unit_test(an_event_is_one_line_of_printable_ascii_whatever_was_sent),
        cmocka_unit_test(a_line_that_is_too_long_is_cut_and_says_so),
        cmocka_unit_test(a_token_is_never_taken_for_another_field),
        cmocka_unit_test(a_long_token_ends_in_dots_and_fits),
        cmocka_unit_test(stopping_writes_what_is_left_and_later_lines_still_appear),
        cmocka_unit_test(it_can_be_started_again),
        cmocka_unit_test(a_blocked_reader_blocks_nobody_and_drops_are_counted_exactly),
        cmocka_unit_test(what_a_full_disk_does_not_take_is_counted),
        cmocka_unit_test(a_reader_that_went_kills_nobody),
        cmocka_unit_test(the_words_of_strangers_have_a_limit_and_the_rest_is_counted),
        cmocka_unit_test(many_threads_lose_nothing_uncounted_and_mix_no_lines),
    };

    return cmocka_run_group_tests(tests, make_room, free_room);
}
