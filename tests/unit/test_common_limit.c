/* tests/unit/test_common_limit.c - so many a second, not one more, and each is counted */
#include "common/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>

#define THREADS 4
#define TRIES 20000
#define MOST 1000

static void
a_second_has_its_number_and_the_next_begins_anew(void **state)
{
    struct limit limit = { 0 };

    (void)state;
    for (unsigned second = 7; second < 10; second++) {
        for (int i = 0; i < 3; i++)
            assert_true(limit_admits(&limit, 3, second));
        for (int i = 0; i < 5; i++)
            assert_false(limit_admits(&limit, 3, second));
    }
    assert_int_equal(limit_refused(&limit), 3 * 5);
}

static void
the_first_second_may_be_zero_and_seconds_may_wrap(void **state)
{
    static const uint32_t seconds[] = { 0, UINT32_MAX, 0 };
    struct limit limit = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        assert_true(limit_admits(&limit, 1, seconds[i]));
        assert_false(limit_admits(&limit, 1, seconds[i]));
    }
}

static void
nobody_is_admitted_by_a_limit_of_none(void **state)
{
    struct limit limit = { 0 };

    (void)state;
    assert_false(limit_admits(&limit, 0, 1));
    assert_int_equal(limit_refused(&limit), 1);
}

static struct limit shared;

static void *
try_many(void *admitted)
{
    for (int i = 0; i < TRIES; i++)
        *(size_t *)admitted += limit_admits(&shared, MOST, 1);
    return NULL;
}

static void
threads_share_it_exactly(void **state)
{
    pthread_t threads[THREADS];
    size_t admitted[THREADS] = { 0 }, sum = 0;

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, try_many, &admitted[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += admitted[i];
    }
    assert_int_equal(sum, MOST);
    assert_int_equal(limit_refused(&shared), THREADS * TRIES - MOST);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_has_its_number_and_the_next_begins_anew),
        cmocka_unit_test(the_first_second_may_be_zero_and_seconds_may_wrap),
        cmocka_unit_test(nobody_is_admitted_by_a_limit_of_none),
        cmocka_unit_test(threads_share_it_exactly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
