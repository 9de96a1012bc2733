/* tests/unit/test_server_timers.c - timers against a plain list that is searched; the bell for them */
#include "common/clock.h"
#include "common/macros.h"
#include "saslauthd_backend/bell.h"
#include "saslauthd_backend/timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <poll.h>

#define MANY 500

static void
the_earliest_comes_first_whatever_was_set_moved_and_cancelled(void **state)
{
    struct timers timers = { 0 };
    struct timer many[MANY];

    (void)state;
    srand(1);
    for (size_t i = 0; i < MANY; i++)
        many[i] = (struct timer)TIMER_NONE;
    for (int step = 0; step < 20000; step++) {
        struct timer *timer = &many[rand() % MANY];
        const struct timer *first;
        int64_t least = INT64_MAX;

        if (rand() % 3 == 0)
            timers_cancel(&timers, timer);
        else
            assert_true(timers_set(&timers, timer, rand() % 1000));
        for (size_t i = 0; i < MANY; i++)
            if (many[i].place != TIMER_UNSET && many[i].at_ms < least)
                least = many[i].at_ms;
        first = timers_first(&timers);
        if (least == INT64_MAX)
            assert_null(first);
        else
            assert_int_equal(first->at_ms, least);
    }
    timers_wipe(&timers);
}

static void
taking_the_first_again_and_again_sorts(void **state)
{
    struct timers timers = { 0 };
    struct timer many[MANY];
    int64_t last = -1;
    struct timer *first;
    size_t taken = 0;

    (void)state;
    srand(2);
    for (size_t i = 0; i < MANY; i++) {
        many[i] = (struct timer)TIMER_NONE;
        assert_true(timers_set(&timers, &many[i], rand() % 100));
    }
    while ((first = timers_first(&timers))) {
        assert_true(first->at_ms >= last);
        last = first->at_ms;
        timers_cancel(&timers, first);
        assert_int_equal(first->place, TIMER_UNSET);
        taken++;
    }
    assert_int_equal(taken, MANY);
    timers_wipe(&timers);
}

static void
cancelling_what_is_not_set_is_fine(void **state)
{
    struct timers timers = { 0 };
    struct timer timer = TIMER_NONE;

    (void)state;
    timers_cancel(&timers, &timer);
    assert_null(timers_first(&timers));
    timers_wipe(&timers);
}

/* Within `patience_ms`. */
static bool
rings(const struct bell *bell, int patience_ms)
{
    struct pollfd poll_fd = { .fd = bell->fd, .events = POLLIN };

    return poll(&poll_fd, 1, patience_ms) == 1;
}

static void
a_bell_rings_at_its_millisecond_until_it_is_hushed(void **state)
{
    struct bell bell;
    int64_t at_ms;

    (void)state;
    assert_true(bell_open(&bell));
    assert_false(rings(&bell, 0));
    at_ms = clock_now_ms(&clock_system) + 20;
    bell_set(&bell, at_ms);
    assert_true(rings(&bell, 5000));
    assert_true(clock_now_ms(&clock_system) >= at_ms);
    assert_true(rings(&bell, 0));
    bell_hush(&bell);
    assert_false(rings(&bell, 0));
    bell_close(&bell);
    bell_close(&bell);
}

static void
a_bell_is_moved_by_what_is_earlier_and_not_by_what_is_later(void **state)
{
    const int64_t now_ms = clock_now_ms(&clock_system);
    struct bell bell;

    (void)state;
    assert_true(bell_open(&bell));
    bell_set(&bell, now_ms + 3600000);
    bell_set(&bell, now_ms + 7200000);
    assert_int_equal(bell.at_ms, now_ms + 3600000);
    for (int64_t past_ms = now_ms; past_ms >= -1; past_ms -= now_ms / 2 + 1) {
        bell_set(&bell, past_ms);
        assert_true(rings(&bell, 1000));
    }
    bell_hush(&bell);
    bell_set(&bell, -1);
    assert_true(rings(&bell, 1000));
    bell_close(&bell);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_earliest_comes_first_whatever_was_set_moved_and_cancelled),
        cmocka_unit_test(taking_the_first_again_and_again_sorts),
        cmocka_unit_test(cancelling_what_is_not_set_is_fine),
        cmocka_unit_test(a_bell_rings_at_its_millisecond_until_it_is_hushed),
        cmocka_unit_test(a_bell_is_moved_by_what_is_earlier_and_not_by_what_is_later),
    };

    return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
