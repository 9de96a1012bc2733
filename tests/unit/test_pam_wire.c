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
        PAM_WIRE_PASSWORD, "bob", "example.net", "pw", "imap", "192.0.2.7"
    };
    static const char wanted[] = "\1\1" "\0\17" "bob@example.net" "\0\2" "pw" "\0\4" "imap"
        "\0\11" "192.0.2.7";
    unsigned char bytes[PAM_WIRE_REQUEST_MAX];

    (void)state;
    assert_int_equal(wire_write_request(&request, bytes), sizeof wanted - 1);
    assert_memory_equal(bytes, wanted, sizeof wanted - 1);
}

static void
the_longest_request_fills_its_room(void **state)
{
    static char longest[PAM_WIRE_FIELD_MAX + 1];
    static unsigned char bytes[PAM_WIRE_REQUEST_MAX];
    struct wire_request request = {
        PAM_WIRE_ACCOUNT, longest, NULL, longest, longest, longest
    };

    (void)state;
    memset(longest, '@', PAM_WIRE_FIELD_MAX);
    assert_int_equal(wire_write_request(&request, bytes), PAM_WIRE_REQUEST_MAX);
    assert_int_equal(bytes[PAM_WIRE_REQUEST_MAX - 1], '@');
}

static void
a_domain_too_long_to_be_one_is_not_sent(void **state)
{
    char domain[PAM_WIRE_USER_MAX + 2];
    unsigned char bytes[PAM_WIRE_REQUEST_MAX];
    struct wire_request request = { PAM_WIRE_PASSWORD, "bob", domain, "pw", "imap", "" };

    (void)state;
    memset(domain, 'd', sizeof domain);
    domain[PAM_WIRE_USER_MAX] = '\0';
    assert_int_equal(wire_write_request(&request, bytes), 2 + 2 + 4 + 320 + 2 + 2 + 2 + 4 + 2);
    domain[PAM_WIRE_USER_MAX] = 'd';
    domain[PAM_WIRE_USER_MAX + 1] = '\0';
    assert_int_equal(wire_write_request(&request, bytes), 0);
}

static void
a_reply_is_read_however_it_is_cut(void **state)
{
    static const unsigned char whole[] = "\1\1\0\17" "bob@example.net";
    struct wire_reply reply;
    const char *why;

    (void)state;
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        assert_int_equal(wire_read_reply(whole, len, &reply, &why), WIRE_MORE);
        assert_string_equal(reply.user, "");
        assert_int_equal(reply.answer, PAM_WIRE_UNAVAILABLE);
    }
    assert_int_equal(wire_read_reply(whole, sizeof whole - 1, &reply, &why), WIRE_WHOLE);
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
    assert_int_equal(wire_read_reply(bytes, sizeof bytes, &reply, &why), WIRE_WHOLE);
    assert_int_equal(strlen(reply.user), PAM_WIRE_USER_MAX);
    bytes[3]++;
    assert_int_equal(wire_read_reply(bytes, sizeof bytes, &reply, &why), WIRE_BROKEN);
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
        if (wire_read_reply(bytes, sizeof bytes, &reply, &why) == WIRE_WHOLE) {
            assert_int_equal(status_of(reply.answer)->auth, PAM_SUCCESS);
            accepted++;
        } else {
            assert_int_equal(status_of(reply.answer)->auth, PAM_AUTHINFO_UNAVAIL);
        }
    }
    assert_int_equal(accepted, 2);
}

static void
a_status_past_the_table_is_unavailable(void **state)
{
    (void)state;
    assert_int_equal(status_of(PAM_WIRE_ANSWERS)->auth, PAM_AUTHINFO_UNAVAIL);
    assert_int_equal(status_of((enum pam_wire_answer)255)->account, PAM_AUTHINFO_UNAVAIL);
}

static void
options_mean_what_the_manual_says(void **state)
{
    const char *words[] = {
        "socket=/x/y", "timeout=1500ms", "domain=example.net", "service=smtp", "daemon_user=107",
        "keep_user", "no_warn",
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

    assert_true(options_parse(7, words, &options, &fault));
    assert_string_equal(options.socket, "/x/y");
    assert_int_equal(options.timeout_ms, 1500);
    assert_string_equal(options.domain, "example.net");
    assert_string_equal(options.service, "smtp");
    assert_true(options.daemon_uid_known);
    assert_int_equal(options.daemon_uid, 107);
    assert_true(options.keep_user && options.silent);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_as_the_wire_says),
        cmocka_unit_test(the_longest_request_fills_its_room),
        cmocka_unit_test(a_domain_too_long_to_be_one_is_not_sent),
        cmocka_unit_test(a_reply_is_read_however_it_is_cut),
        cmocka_unit_test(the_longest_name_fits),
        cmocka_unit_test(nothing_but_an_acceptance_of_somebody_signs_in),
        cmocka_unit_test(a_status_past_the_table_is_unavailable),
        cmocka_unit_test(options_mean_what_the_manual_says),
        cmocka_unit_test(a_wrong_option_is_named_without_its_value),
        cmocka_unit_test(a_password_stays_out_of_dumps_and_children),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
