/* tests/unit/test_common_error.c - what went wrong, in one printable line */
#include "common/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
an_error_has_the_code_and_the_reason_it_was_given(void **state)
{
    struct error err;

    (void)state;
    assert_int_equal(error_set(&err, ERROR_CONFIG, "%s: line %d", "claviger.conf", 7), ERROR_CONFIG);
    assert_int_equal(err.code, ERROR_CONFIG);
    assert_string_equal(err.reason, "claviger.conf: line 7");
    error_clear(&err);
    assert_int_equal(err.code, ERROR_NONE);
    assert_string_equal(err.reason, "");
}

static void
a_prefix_goes_before_and_keeps_the_code(void **state)
{
    struct error err;

    (void)state;
    error_set(&err, ERROR_UNAVAILABLE, "no such file");
    assert_int_equal(error_prefix(&err, "accounts \"%s\"", "mail"), ERROR_UNAVAILABLE);
    assert_int_equal(error_prefix(&err, "claviger.conf"), ERROR_UNAVAILABLE);
    assert_string_equal(err.reason, "claviger.conf: accounts \"mail\": no such file");
    assert_int_equal(err.code, ERROR_UNAVAILABLE);
}

static void
a_reason_can_be_made_of_the_reason_before(void **state)
{
    struct error err;

    (void)state;
    error_set(&err, ERROR_UNAVAILABLE, "no such file");
    error_set(&err, ERROR_CONFIG, "%s (twice: %s)", err.reason, err.reason);
    assert_string_equal(err.reason, "no such file (twice: no such file)");
    error_prefix(&err, "[%s]", err.reason);
    assert_string_equal(err.reason,
                        "[no such file (twice: no such file)]: no such file (twice: no such file)");
}

static void
control_characters_do_not_reach_the_operators_terminal(void **state)
{
    struct error err;

    (void)state;
    error_set(&err, ERROR_MALFORMED, "a\nb\r\tc\033[2J\177 \303\274");
    assert_string_equal(err.reason, "a?b??c?[2J? \303\274");
    error_prefix(&err, "x\ny");
    assert_string_equal(err.reason, "x?y: a?b??c?[2J? \303\274");
}

static void
a_reason_that_is_too_long_is_cut_and_still_a_string(void **state)
{
    char text[2000];
    struct error err;

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    error_set(&err, ERROR_CONFIG, "%s", text);
    assert_int_equal(strlen(err.reason), sizeof(err.reason) - 1);
    error_prefix(&err, "where");
    assert_int_equal(strlen(err.reason), sizeof(err.reason) - 1);
    assert_int_equal(strncmp(err.reason, "where: aaa", 10), 0);
    error_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.reason), sizeof(err.reason) - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_has_the_code_and_the_reason_it_was_given),
        cmocka_unit_test(a_prefix_goes_before_and_keeps_the_code),
        cmocka_unit_test(a_reason_can_be_made_of_the_reason_before),
        cmocka_unit_test(control_characters_do_not_reach_the_operators_terminal),
        cmocka_unit_test(a_reason_that_is_too_long_is_cut_and_still_a_string),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
