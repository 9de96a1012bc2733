/* tests/unit/test_pam_wire.c - the module's bytes: requests, replies, statuses, pages
 *
 * The replies that are wrong are in test_pam_module.c, where they come from a daemon.
 */
#include "pam_module/locked.h"
#include "pam_module/options.h"
#include "pam_module/status.h"
#include "pam_module/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <security/_pam_types.h>

static void
a_request_is_as_the_wire_says(void **state)
{
    static const struct wire_request request = {
        .action = PAM_WIRE_CHANGE, .by_root = true, .login = "bob", .domain = "example.net",
        .password = "pw", .new_password = "better", .service = "imap", .remote = "192.0.2.7",
        .accounts = "mail",
    };
    static const char wanted[] = "\2\3\1" "\0\17" "bob@example.net" "\0\2" "pw" "\0\6" "better"
        "\0\4" "imap" "\0\11" "192.0.2.7" "\0\4" "mail";
    unsigned char bytes[sizeof wanted];

    (void)state;
    assert_int_equal(wire_request_len(&request), sizeof wanted - 1);
    wire_write_request(&request, bytes);
    assert_memory_equal(bytes, wanted, sizeof wanted - 1);
}

static void
what_is_not_said_is_empty(void **state)
{
    static const struct wire_request request = { .action = PAM_WIRE_SESSION, .login = "bob" };
    static const char wanted[] = "\2\4\0" "\0\3" "bob" "\0\0" "\0\0" "\0\0" "\0\0" "\0\0";
    unsigned char bytes[sizeof wanted];

    (void)state;
    assert_int_equal(wire_request_len(&request), sizeof wanted - 1);
    wire_write_request(&request, bytes);
    assert_memory_equal(bytes, wanted, sizeof wanted - 1);
}

static void
the_longest_request_fills_its_room(void **state)
{
    static char longest[PAM_WIRE_FIELD_MAX + 1], name[PAM_WIRE_NAME_MAX + 1];
    static unsigned char bytes[PAM_WIRE_REQUEST_MAX];
    struct wire_request request = {
        .action = PAM_WIRE_CHANGE, .login = longest, .password = longest, .new_password = longest,
        .service = name, .remote = name, .accounts = name,
    };

    (void)state;
    memset(longest, '@', PAM_WIRE_FIELD_MAX);
    memset(name, 'n', PAM_WIRE_NAME_MAX);
    assert_int_equal(wire_request_len(&request), PAM_WIRE_REQUEST_MAX);
    wire_write_request(&request, bytes);
    assert_int_equal(bytes[PAM_WIRE_REQUEST_MAX - 1], 'n');
}

/* Each field one byte over what the wire carries, the login by its domain. */
static void
a_field_too_long_makes_no_request(void **state)
{
    static char longest[PAM_WIRE_FIELD_MAX + 2], name[PAM_WIRE_NAME_MAX + 2];
    const struct wire_request requests[] = {
        { .login = longest }, { .login = "bob", .password = longest },
        { .login = "bob", .new_password = longest }, { .login = "bob", .service = name },
        { .login = "bob", .remote = name }, { .login = "bob", .accounts = name },
        { .login = "bob", .domain = longest + 4 },
    };

    (void)state;
    memset(longest, 'l', sizeof longest - 1);
    memset(name, 'n', sizeof name - 1);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        if (wire_request_len(&requests[i]) != 0)
            fail_msg("request %zu has a length", i + 1);
    assert_int_equal(wire_request_len(&(struct wire_request){ .login = longest + 1 }),
                     PAM_WIRE_HEAD + 12 + PAM_WIRE_FIELD_MAX);
}

static void
a_reply_is_read_however_it_is_cut(void **state)
{
    static const unsigned char whole[] = "\2\1\0\17" "bob@example.net";
    struct wire_reply reply;
    const char *why;

    (void)state;
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        assert_int_equal(wire_read_reply(whole, len, &reply, &why), READING_MORE);
        assert_string_equal(reply.user, "");
        assert_int_equal(reply.answer, PAM_WIRE_UNAVAILABLE);
    }
    assert_int_equal(wire_read_reply(whole, sizeof whole - 1, &reply, &why), READING_WHOLE);
    assert_int_equal(reply.answer, PAM_WIRE_MUST_CHANGE);
    assert_string_equal(reply.user, "bob@example.net");
}

static void
the_longest_name_fits(void **state)
{
    unsigned char bytes[PAM_WIRE_REPLY_MAX] = {
        PAM_WIRE_VERSION, PAM_WIRE_ACCEPTED, PAM_WIRE_USER_MAX >> 8, PAM_WIRE_USER_MAX & 0xff
    };
    struct wire_reply reply;
    const char *why;

    (void)state;
    memset(bytes + 4, 'u', PAM_WIRE_USER_MAX);
    assert_int_equal(wire_read_reply(bytes, sizeof bytes, &reply, &why), READING_WHOLE);
    assert_int_equal(strlen(reply.user), PAM_WIRE_USER_MAX);
    bytes[3]++;
    assert_int_equal(wire_read_reply(bytes, sizeof bytes, &reply, &why), READING_BROKEN);
}

/* socket= that leads to another listener, and a helper that says why it cannot run, are no matter of
 * releases. */
static void
a_reply_of_another_version_says_whose_it_may_be(void **state)
{
    static const struct { const char *bytes, *said; } rows[] = {
        { "\1\11", "an older version" }, { "\3\11", "a newer version" },
        { "OK", "another protocol" }, { "VERSION\t1\t2\n", "another protocol" },
        { "{\"error\"", "another protocol" }, { "/sbin/check: error", "another protocol" },
        { "\377\373", "another protocol" },
    };
    struct wire_reply reply;
    const char *why;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const unsigned char *bytes = (const unsigned char *)rows[i].bytes;

        assert_int_equal(wire_read_reply(bytes, strlen(rows[i].bytes), &reply, &why), READING_BROKEN);
        if (strstr(why, rows[i].said) == NULL || strstr(why, "protocol = \"pam\"") == NULL)
            fail_msg("\"%s\": %s", rows[i].bytes, why);
    }
}

/* Any two bytes at the head: believed is this version, one of the two acceptances, and a name. */
static void
nothing_but_an_acceptance_of_somebody_signs_in(void **state)
{
    unsigned char bytes[] = { 0, 0, 0, 1, 'u' };
    struct wire_reply reply;
    const char *why;
    int accepted = 0;

    (void)state;
    for (unsigned head = 0; head < 65536; head++) {
        bytes[0] = (unsigned char)(head >> 8);
        bytes[1] = (unsigned char)head;
        if (wire_read_reply(bytes, sizeof bytes, &reply, &why) == READING_WHOLE) {
            assert_int_equal(status_of((enum cause)reply.answer)->codes[ENTRY_AUTH], PAM_SUCCESS);
            accepted++;
        } else {
            assert_int_equal(status_of((enum cause)reply.answer)->codes[ENTRY_AUTH], PAM_AUTHINFO_UNAVAIL);
        }
    }
    assert_int_equal(accepted, 2);
}

static void
a_status_past_the_table_is_unavailable(void **state)
{
    (void)state;
    assert_int_equal(status_of(CAUSES)->codes[ENTRY_AUTH], PAM_AUTHINFO_UNAVAIL);
    assert_int_equal(status_of((enum cause)255)->codes[ENTRY_ACCOUNT], PAM_AUTHINFO_UNAVAIL);
}

static void
options_mean_what_the_manual_says(void **state)
{
    const char *words[] = {
        "socket=/x/y", "timeout=1500ms", "domain=example.net", "service=smtp", "daemon_user=107",
        "keep_user", "no_warn", "accounts=mail", "fail_delay=2s", "direct", "helper=/x/check",
        "config=/x/conf", "use_authtok", "authtok_type=mail",
    };
    struct options options;
    struct options_fault fault;

    (void)state;
    assert_true(options_parse(0, NULL, &options, &fault));
    assert_string_equal(options.socket, "/run/claviger/pam");
    assert_int_equal(options.timeout_ms, 8000);
    assert_false(options.silent || options.debug || options.keep_user);
    assert_null(options.domain);
    assert_null(options.daemon_user);

    assert_int_equal(options.fail_delay_ms, 0);
    assert_false(options.direct);
    assert_null(options.accounts);
    assert_null(options.config);

    assert_true(options_parse(14, words, &options, &fault));
    assert_string_equal(options.socket, "/x/y");
    assert_int_equal(options.timeout_ms, 1500);
    assert_string_equal(options.domain, "example.net");
    assert_string_equal(options.service, "smtp");
    assert_true(options.daemon_uid_known);
    assert_int_equal(options.daemon_uid, 107);
    assert_true(options.keep_user && options.silent && options.direct && options.use_authtok);
    assert_string_equal(options.accounts, "mail");
    assert_int_equal(options.fail_delay_ms, 2000);
    assert_string_equal(options.helper, "/x/check");
    assert_string_equal(options.config, "/x/conf");
    assert_string_equal(options.authtok_type, "mail");
}

static void
a_wrong_option_is_named_without_its_value(void **state)
{
    const char *words[] = { "debug", "passwd=hunter2" };
    struct options options;
    struct options_fault fault;
    char name[80];

    (void)state;
    assert_false(options_parse(2, words, &options, &fault));
    (void)snprintf(name, sizeof name, "%.*s", fault.name_len, fault.name);
    assert_string_equal(name, "passwd");
    assert_non_null(strstr(fault.why, "pam_claviger(8)"));
}

/* Whether the kernel has all of `flags` ("lo dd wf") for the pages at `address`. */
static bool
pages_have(const void *address, const char *const *flags, size_t count)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    char line[512];
    bool inside = false, all = false;

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long from, to;

        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = (unsigned long)address >= from && (unsigned long)address < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            all = true;
            for (size_t i = 0; i < count; i++)
                all = all && strstr(line, flags[i]) != NULL;
        }
    }
    (void)fclose(file);
    return all;
}

static void
a_password_stays_out_of_dumps_and_children(void **state)
{
    static const char *const flags[] = { " dd", " wf" };
    char *buffer = locked_new(PAM_WIRE_REQUEST_MAX);
    int status;
    pid_t child;

    (void)state;
    assert_non_null(buffer);
    assert_true(pages_have(buffer, flags, 2));
    memcpy(buffer, "secret", 6);
    child = fork();
    if (child == 0)
        _exit(buffer[0] == '\0' ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_memory_equal(buffer, "secret", 6);
    locked_free(buffer, PAM_WIRE_REQUEST_MAX);
    locked_free(NULL, PAM_WIRE_REQUEST_MAX);
}

/* More at a time than there are rooms, some longer than a room: all apart, all empty. */
static void
many_passwords_at_a_time_are_apart(void **state)
{
    enum { MANY = 40 };
    unsigned char *buffers[MANY];

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            size_t size = i % 8 == 7 ? PAM_WIRE_REQUEST_MAX : 4096;

            buffers[i] = locked_new(size);
            assert_non_null(buffers[i]);
            for (size_t b = 0; b < size; b++)
                assert_int_equal(buffers[i][b], 0);
            memset(buffers[i], i + 1, size);
        }
        for (int i = 0; i < MANY; i++) {
            assert_int_equal(buffers[i][0], i + 1);
            assert_int_equal(buffers[i][4095], i + 1);
            locked_free(buffers[i], i % 8 == 7 ? PAM_WIRE_REQUEST_MAX : 4096);
        }
    }
}

/* Whoever was in a room when another thread forked is not in the child. */
static void
a_child_finds_all_rooms_free(void **state)
{
    enum { ROOMS_AND_MORE = 40 };
    void *buffers[ROOMS_AND_MORE];
    int status;
    pid_t child;

    (void)state;
    for (int i = 0; i < ROOMS_AND_MORE; i++)
        buffers[i] = locked_new(100);
    child = fork();
    if (child == 0)
        _exit(locked_new(100) == buffers[0] ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (int i = 0; i < ROOMS_AND_MORE; i++)
        locked_free(buffers[i], 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_as_the_wire_says),
        cmocka_unit_test(the_longest_request_fills_its_room),
        cmocka_unit_test(what_is_not_said_is_empty),
        cmocka_unit_test(a_field_too_long_makes_no_request),
        cmocka_unit_test(a_reply_is_read_however_it_is_cut),
        cmocka_unit_test(the_longest_name_fits),
        cmocka_unit_test(a_reply_of_another_version_says_whose_it_may_be),
        cmocka_unit_test(nothing_but_an_acceptance_of_somebody_signs_in),
        cmocka_unit_test(a_status_past_the_table_is_unavailable),
        cmocka_unit_test(options_mean_what_the_manual_says),
        cmocka_unit_test(a_wrong_option_is_named_without_its_value),
        cmocka_unit_test(a_password_stays_out_of_dumps_and_children),
        cmocka_unit_test(many_passwords_at_a_time_are_apart),
        cmocka_unit_test(a_child_finds_all_rooms_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
