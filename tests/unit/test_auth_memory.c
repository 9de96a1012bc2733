/* tests/unit/test_auth_memory.c - one budget for all that needs memory, and what is told once a day
 *
 * Threads meet at counters, not after a time: the only waits are those that the budget itself makes.
 */
#include "auth/memory.h"
#include "auth/weakness.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LONG_MS 60000

static struct memory memory;

static int
open_budget(void **state)
{
    (void)state;
    memory_set(&memory, 100);
    return 0;
}

static int
close_budget(void **state)
{
    (void)state;
    memory_close(&memory);
    return 0;
}

static void
what_fits_is_let_in_together_and_what_does_not_waits_its_time_out(void **state)
{
    (void)state;
    assert_true(memory_take(&memory, 60, 0));
    assert_true(memory_take(&memory, 40, 0));
    assert_false(memory_take(&memory, 1, 1));
    memory_give(&memory, 40);
    assert_true(memory_take(&memory, 1, 0));
    memory_give(&memory, 1);
    memory_give(&memory, 60);
}

static void
what_needs_no_memory_never_waits(void **state)
{
    (void)state;
    assert_true(memory_take(&memory, 100, 0));
    assert_true(memory_take(&memory, 0, 0));
    memory_give(&memory, 0);
    memory_give(&memory, 100);
}

static void
what_needs_more_than_the_budget_runs_alone(void **state)
{
    (void)state;
    assert_true(memory_take(&memory, 1000, 0));
    assert_false(memory_take(&memory, 1, 0));
    memory_give(&memory, 1000);
    assert_true(memory_take(&memory, 1, 0));
    assert_false(memory_take(&memory, 1000, 0));
    memory_give(&memory, 1);
}

static _Atomic unsigned inside, inside_most, done;

static void *
take_and_give(void *context)
{
    const uint64_t bytes = *(const uint64_t *)context;

    for (unsigned i = 0; i < 200; i++) {
        unsigned now;

        if (!memory_take(&memory, bytes, LONG_MS))
            return NULL;
        now = atomic_fetch_add(&inside, 1) + 1;
        for (unsigned most = atomic_load(&inside_most);
             now > most && !atomic_compare_exchange_weak(&inside_most, &most, now); )
            ;
        sched_yield();
        atomic_fetch_sub(&inside, 1);
        memory_give(&memory, bytes);
    }
    atomic_fetch_add(&done, 1);
    return NULL;
}

static void
many_at_once_all_get_their_turn_and_never_more_than_fit(void **state)
{
    static const uint64_t bytes = 40;
    pthread_t threads[16];

    (void)state;
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, (void *)(uintptr_t)&bytes),
                         0);
    for (size_t i = 0; i < 16; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&done), 16);
    assert_in_range(atomic_load(&inside_most), 1, 2);
    assert_int_equal(memory.used, 0);
}

static void *
take_all(void *context)
{
    bool *got = context;

    *got = memory_take(&memory, 100, LONG_MS);
    return NULL;
}

static void
a_small_one_does_not_pass_a_large_one_that_came_before(void **state)
{
    pthread_t large;
    bool got = false, is_waiting = false;

    (void)state;
    assert_true(memory_take(&memory, 50, 0));
    assert_int_equal(pthread_create(&large, NULL, take_all, &got), 0);
    while (!is_waiting) {
        pthread_mutex_lock(&memory.lock);
        is_waiting = memory.first != NULL;
        pthread_mutex_unlock(&memory.lock);
        sched_yield();
    }
    assert_false(memory_take(&memory, 1, 1));
    memory_give(&memory, 50);
    pthread_join(large, NULL);
    assert_true(got);
    memory_give(&memory, 100);
}

static void
a_weak_scheme_is_told_once_a_day_for_each_source(void **state)
{
    struct weakness weakness;
    const int64_t now_s = 1800000000;

    (void)state;
    assert_true(weakness_set(&weakness, 2));
    assert_true(weakness_is_due(&weakness, 0, "PLAIN", now_s));
    assert_false(weakness_is_due(&weakness, 0, "PLAIN", now_s + 86399));
    assert_true(weakness_is_due(&weakness, 0, "SHA", now_s));
    assert_true(weakness_is_due(&weakness, 1, "PLAIN", now_s));
    assert_true(weakness_is_due(&weakness, 0, "PLAIN", now_s + 86400));
    assert_false(weakness_is_due(&weakness, 0, "no scheme", now_s));
    weakness_close(&weakness);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_let_in_together_and_what_does_not_waits_its_time_out),
        cmocka_unit_test(what_needs_no_memory_never_waits),
        cmocka_unit_test(what_needs_more_than_the_budget_runs_alone),
        cmocka_unit_test(many_at_once_all_get_their_turn_and_never_more_than_fit),
        cmocka_unit_test(a_small_one_does_not_pass_a_large_one_that_came_before),
        cmocka_unit_test(a_weak_scheme_is_told_once_a_day_for_each_source),
    };

    return cmocka_run_group_tests(tests, open_budget, close_budget);
}
