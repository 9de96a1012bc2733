/* tests/unit/test_tools_control_client.c - clavigerctl against daemons that behave badly
 *
 * A thread listens on a socket of its own, takes one connection, reads a line, says what the
 * row has, and closes when the client has.
 */
#include "tools/control_client.h"

#include "saslauthd_backend/control_wire.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 10000       /* a bound, not a delay */
#define IMPATIENCE_MS 100       /* of a client whose daemon says nothing */

static char folder[] = "/tmp/claviger-test-XXXXXX";
static char path[sizeof(folder) + 16];

struct daemon {
    int listener;
    span says;
    bool waits;                 /* until the client closes */
    char heard[4096];
    pthread_t thread;
};

static void *
daemon_main(void *argument)
{
    struct daemon *daemon = argument;
    int fd = accept4(daemon->listener, NULL, NULL, SOCK_CLOEXEC);
    size_t used = 0;
    ssize_t got = 1;
    char byte;

    while (got > 0 && used < sizeof(daemon->heard) - 1 && !memchr(daemon->heard, '\n', used)) {
        got = read(fd, daemon->heard + used, sizeof(daemon->heard) - 1 - used);
        used += got > 0 ? (size_t)got : 0;
    }
    if (daemon->says.len > 0)
        send(fd, daemon->says.ptr, daemon->says.len, MSG_NOSIGNAL);
    if (daemon->waits)
        while (read(fd, &byte, 1) > 0)
            ;
    close(fd);
    return NULL;
}

static void
listen_there(struct daemon *daemon)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    unlink(path);
    daemon->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(daemon->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(daemon->listener, 4), 0);
}

static enum error_code
ask(struct daemon *daemon, int64_t timeout_ms, json_t **reply, struct error *err)
{
    enum error_code code;
    bool absent;

    listen_there(daemon);
    assert_int_equal(pthread_create(&daemon->thread, NULL, daemon_main, daemon), 0);
    code = control_ask(path, json_pack("{s:s}", "command", "status"), timeout_ms, reply,
                       &absent, err);
    pthread_join(daemon->thread, NULL);
    close(daemon->listener);
    assert_false(absent);
    return code;
}

static void
a_good_answer_is_given_back(void **state)
{
    static const span says = SPAN("{\"ok\":true,\"pid\":7}\n");
    struct daemon daemon = { .says = says };
    struct error err;
    json_t *reply;

    (void)state;
    assert_int_equal(ask(&daemon, PATIENCE_MS, &reply, &err), ERROR_NONE);
    assert_string_equal(daemon.heard, "{\"command\":\"status\"}\n");
    assert_int_equal(json_integer_value(json_object_get(reply, "pid")), 7);
    assert_null(json_object_get(reply, "ok"));
    json_decref(reply);
}

static const struct { span says; enum error_code code; const char *words; } reports[] = {
    { SPAN("{\"ok\":false,\"error\":\"no such thing\",\"code\":\"malformed\"}\n"),
      ERROR_MALFORMED, "the daemon: no such thing" },
    { SPAN("{\"ok\":false,\"error\":\"line 3\",\"code\":\"config\"}\n"), ERROR_CONFIG, "line 3" },
    { SPAN("{\"ok\":false,\"error\":\"no\",\"code\":\"rejected\"}\n"), ERROR_REJECTED, "no" },
    { SPAN("{\"ok\":false,\"error\":\"down\",\"code\":\"unavailable\"}\n"), ERROR_UNAVAILABLE,
      "down" },
    { SPAN("{\"ok\":false,\"error\":\"down\",\"code\":\"of another age\"}\n"),
      ERROR_UNAVAILABLE, "down" },
    { SPAN("{\"ok\":false,\"error\":\"down\"}\n"), ERROR_UNAVAILABLE, "down" },
    { SPAN("{\"ok\":false,\"error\":\"a\\u001b[2Jb\"}\n"), ERROR_UNAVAILABLE, "a?[2Jb" },
};

static void
an_error_keeps_its_code_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(reports); i++) {
        struct daemon daemon = { .says = reports[i].says };
        struct error err;
        json_t *reply;

        if (ask(&daemon, PATIENCE_MS, &reply, &err) != reports[i].code)
            fail_msg("row %zu: code %d", i, err.code);
        if (!strstr(err.reason, reports[i].words))
            fail_msg("row %zu: %s", i, err.reason);
        assert_null(reply);
    }
}

static char endless[CONTROL_LINE_MAX + 10];

static const struct { const char *what; span says; bool waits; const char *words; } garbage[] = {
    { "nothing, and a close", SPAN(""), false, "closed without one" },
    { "silence", SPAN(""), true, "in time" },
    { "half a line, and a close", SPAN("{\"ok\":"), false, "cut short" },
    { "half a line, and silence", SPAN("{\"ok\":"), true, "in time" },
    { "no JSON", SPAN("OK\n"), false, "no JSON" },
    { "an array", SPAN("[true]\n"), false, "no JSON object" },
    { "no \"ok\"", SPAN("{}\n"), false, "no reply" },
    { "an \"ok\" that is a word", SPAN("{\"ok\":\"true\"}\n"), false, "no reply" },
    { "no reason", SPAN("{\"ok\":false}\n"), false, "no reply" },
    { "bytes that are not UTF-8", SPAN("{\"ok\":true,\"a\":\"\xff\"}\n"), false, "UTF-8" },
    { "a saslauthd reply", SPAN("\0\2OK\n"), false, "JSON" },
    { "a line without end", { (unsigned char *)endless, sizeof(endless) }, false,
      "more than 65536" },
};

static void
what_is_no_answer_is_unavailable(void **state)
{
    (void)state;
    memset(endless, 'x', sizeof(endless));
    for (size_t i = 0; i < COUNT(garbage); i++) {
        struct daemon daemon = { .says = garbage[i].says, .waits = garbage[i].waits };
        struct error err;
        json_t *reply;

        if (ask(&daemon, garbage[i].waits ? IMPATIENCE_MS : PATIENCE_MS, &reply, &err)
            != ERROR_UNAVAILABLE)
            fail_msg("%s: code %d", garbage[i].what, err.code);
        if (!strstr(err.reason, garbage[i].words) || !strstr(err.reason, "daemon"))
            fail_msg("%s: %s", garbage[i].what, err.reason);
        assert_null(reply);
    }
}

static void
a_daemon_that_is_not_there_is_told_apart(void **state)
{
    struct daemon daemon;
    struct error err;
    json_t *reply;
    bool absent;

    (void)state;
    unlink(path);
    assert_int_equal(control_ask(path, json_object(), PATIENCE_MS, &reply, &absent, &err),
                     ERROR_UNAVAILABLE);
    assert_true(absent);
    assert_non_null(strstr(err.reason, path));
    assert_non_null(strstr(err.reason, "is clavigerd running?"));

    listen_there(&daemon);      /* and its socket file stays */
    close(daemon.listener);
    assert_int_equal(control_ask(path, json_object(), PATIENCE_MS, &reply, &absent, &err),
                     ERROR_UNAVAILABLE);
    assert_true(absent);

    assert_int_equal(control_ask("/dev/null/control", json_object(), PATIENCE_MS, &reply,
                                 &absent, &err), ERROR_UNAVAILABLE);
    assert_false(absent);
}

static void
a_daemon_that_accepts_nobody_is_not_waited_for(void **state)
{
    struct daemon daemon;
    struct error err;
    json_t *reply;

    (void)state;
    listen_there(&daemon);
    assert_int_equal(control_ask(path, json_object(), IMPATIENCE_MS, &reply, NULL, &err),
                     ERROR_UNAVAILABLE);
    close(daemon.listener);
}

static void
a_path_too_long_for_a_socket_is_a_fault_of_the_configuration(void **state)
{
    char long_path[200];
    struct error err;
    json_t *reply;

    (void)state;
    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[0] = '/';
    long_path[sizeof(long_path) - 1] = '\0';
    assert_int_equal(control_ask(long_path, json_object(), PATIENCE_MS, &reply, NULL, &err),
                     ERROR_CONFIG);
    assert_null(reply);
}

static void
a_request_that_could_not_be_made_is_never_sent(void **state)
{
    struct daemon daemon = { 0 };
    struct error err;
    json_t *reply;
    bool absent;

    (void)state;
    listen_there(&daemon);
    assert_int_equal(pthread_create(&daemon.thread, NULL, daemon_main, &daemon), 0);
    assert_int_not_equal(control_ask(path, NULL, PATIENCE_MS, &reply, &absent, &err),
                         ERROR_NONE);
    pthread_join(daemon.thread, NULL);
    close(daemon.listener);
    assert_string_equal(daemon.heard, "");
}

static int
make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/control", folder);
    return 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_answer_is_given_back),
        cmocka_unit_test(an_error_keeps_its_code_and_reason),
        cmocka_unit_test(what_is_no_answer_is_unavailable),
        cmocka_unit_test(a_daemon_that_is_not_there_is_told_apart),
        cmocka_unit_test(a_daemon_that_accepts_nobody_is_not_waited_for),
        cmocka_unit_test(a_path_too_long_for_a_socket_is_a_fault_of_the_configuration),
        cmocka_unit_test(a_request_that_could_not_be_made_is_never_sent),
    };

    control_wipe_freed_json();
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
