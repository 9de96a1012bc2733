/* tests/unit/test_common_secret.c - a password while we hold it */
#include "common/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Whether any byte of it is left. */
static bool
is_clean(const struct secret *secret, size_t from)
{
    for (size_t i = from; i < sizeof(secret->bytes); i++)
        if (secret->bytes[i])
            return false;
    return true;
}

static void
a_secret_holds_what_it_was_given(void **state)
{
    struct secret secret = { .len = 0 };

    (void)state;
    assert_true(secret_set(&secret, span_of("hunter2")));
    assert_true(span_is(secret_get(&secret), "hunter2"));
    assert_true(secret_set(&secret, span_make("a\0b", 3)));
    assert_true(span_equal(secret_get(&secret), span_make("a\0b", 3)));
    assert_true(secret_set(&secret, span_of("")));
    assert_int_equal(secret_get(&secret).len, 0);
}

static void
wiping_leaves_no_byte_and_no_length(void **state)
{
    struct secret secret = { .len = 0 };

    (void)state;
    secret_set(&secret, span_of("hunter2"));
    secret_wipe(&secret);
    assert_int_equal(secret.len, 0);
    assert_true(is_clean(&secret, 0));
    secret_wipe(&secret);
    assert_int_equal(secret.len, 0);
}

static void
a_shorter_one_leaves_nothing_of_a_longer_one(void **state)
{
    struct secret secret = { .len = 0 };

    (void)state;
    secret_set(&secret, span_of("a long password"));
    secret_set(&secret, span_of("short"));
    assert_true(is_clean(&secret, 5));
}

static void
what_does_not_fit_is_refused_whole_and_wipes_what_was_there(void **state)
{
    static unsigned char bytes[SECRET_MAX + 1];
    struct secret secret = { .len = 0 };

    (void)state;
    memset(bytes, 'a', sizeof(bytes));
    assert_true(secret_set(&secret, span_make(bytes, SECRET_MAX)));
    assert_int_equal(secret_get(&secret).len, SECRET_MAX);
    assert_false(secret_set(&secret, span_make(bytes, SECRET_MAX + 1)));
    assert_int_equal(secret.len, 0);
    assert_true(is_clean(&secret, 0));
}

static void
a_part_of_a_secret_can_become_the_secret(void **state)
{
    struct secret secret = { .len = 0 };

    (void)state;
    secret_set(&secret, span_of("{PLAIN}hunter2"));
    assert_true(secret_set(&secret, span_from(secret_get(&secret), 7)));
    assert_true(span_is(secret_get(&secret), "hunter2"));
    assert_true(is_clean(&secret, 7));
}

static void
secrets_are_equal_in_every_byte_or_not(void **state)
{
    unsigned char a[64] = "", b[64] = "";

    (void)state;
    assert_true(secret_equal(span_of(""), span_of(NULL)));
    assert_true(secret_equal(span_of("hunter2"), span_of("hunter2")));
    assert_false(secret_equal(span_of("hunter2"), span_of("hunter")));
    assert_false(secret_equal(span_of("hunter2"), span_of("")));
    for (size_t i = 0; i < sizeof(a); i++) {
        b[i] = 1;
        assert_false(secret_equal(span_make(a, sizeof(a)), span_make(b, sizeof(b))));
        b[i] = 0;
    }
    assert_true(secret_equal(span_make(a, sizeof(a)), span_make(b, sizeof(b))));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_holds_what_it_was_given),
        cmocka_unit_test(wiping_leaves_no_byte_and_no_length),
        cmocka_unit_test(a_shorter_one_leaves_nothing_of_a_longer_one),
        cmocka_unit_test(what_does_not_fit_is_refused_whole_and_wipes_what_was_there),
        cmocka_unit_test(a_part_of_a_secret_can_become_the_secret),
        cmocka_unit_test(secrets_are_equal_in_every_byte_or_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
