/* tests/unit/test_auth_service.c - one name for a service */
#include "auth/service.h"
#include "common/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct { const char *called, *mapped; } names[] = {
    { "imap", "imap" }, { "IMAP", "imap" }, { "imaps", "imap" },
    { "pop", "pop3" }, { "pop3", "pop3" }, { "pop3s", "pop3" }, { "POP", "pop3" },
    { "smtp", "smtp" }, { "smtps", "smtp" }, { "submission", "smtp" }, { "submissions", "smtp" },
    { "smtpauth", "smtp" },
    { "sieve", "sieve" }, { "managesieve", "sieve" }, { "timsieved", "sieve" },
    { "http", "http" }, { "HTTP", "http" }, { "https", "http" },
    { "lmtp", "lmtp" }, { "csync", "csync" }, { "mupdate", "mupdate" }, { "nntp", "nntp" },
    { "my-own_app.2", "my-own_app.2" }, { "", "" },
};

static void
all_words_for_a_service_become_one(void **state)
{
    char out[SERVICE_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        if (!service_map(span_of(names[i].called), out))
            fail_msg("refused: %s", names[i].called);
        assert_string_equal(out, names[i].mapped);
    }
}

static void
a_mapped_name_is_mapped_to_itself(void **state)
{
    char once[SERVICE_NAME_MAX + 1], twice[SERVICE_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_true(service_map(span_of(names[i].called), once));
        assert_true(service_map(span_of(once), twice));
        assert_string_equal(once, twice);
    }
}

static const struct { const char *what; span name; } refused[] = {
    { "a blank", SPAN("im ap") },
    { "a blank alone", SPAN(" ") },
    { "a NUL", SPAN("imap\0") },
    { "a NUL alone", SPAN("\0") },
    { "a newline", SPAN("imap\n") },
    { "a slash", SPAN("../imap") },
    { "a percent sign", SPAN("%s") },
    { "a quote", SPAN("imap'") },
    { "an @", SPAN("imap@x") },
    { "a letter that is not ASCII", SPAN("\xc3\xa9") },
    { "Kelvin's k", SPAN("\xe2\x84\xaa") },
};

static void
what_is_no_token_is_refused(void **state)
{
    char out[SERVICE_NAME_MAX + 1] = "left over";

    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        if (service_map(refused[i].name, out))
            fail_msg("accepted: %s", refused[i].what);
        assert_string_equal(out, "");
    }
}

static void
a_name_has_64_bytes_at_most(void **state)
{
    char name[SERVICE_NAME_MAX + 1], out[SERVICE_NAME_MAX + 1];

    (void)state;
    memset(name, 'A', sizeof(name));
    assert_true(service_map(span_make(name, SERVICE_NAME_MAX), out));
    assert_int_equal(strlen(out), SERVICE_NAME_MAX);
    assert_int_equal(strspn(out, "a"), SERVICE_NAME_MAX);
    assert_false(service_map(span_make(name, SERVICE_NAME_MAX + 1), out));
    assert_string_equal(out, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_words_for_a_service_become_one),
        cmocka_unit_test(a_mapped_name_is_mapped_to_itself),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(a_name_has_64_bytes_at_most),
    };

    return cmocka_run_group_tests_name("auth_service", tests, NULL, NULL);
}
