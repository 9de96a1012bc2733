/* tests/unit/test_auth_ring.c - the queue without a lock, and threads that sleep beside it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "auth/ring.h"
#include "auth/workers.h"
#include "common/clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

static void
what_was_put_first_is_taken_first_for_many_rounds(void **state)
{
    struct ring_slot slots[4];
    static struct ring ring;        /* AddressSanitizer's stacks do not keep an alignment of 64 */
    static char items[1000];

    (void)state;
    ring_set(&ring, slots, 4);
    for (size_t i = 0; i < sizeof(items); i++) {
        assert_true(ring_push(&ring, &items[i]));
        assert_int_equal(ring_count(&ring), i == 0 ? 1 : 2);
        if (i > 0)
            assert_ptr_equal(ring_pop(&ring), &items[i - 1]);
    }
}

static void
a_full_ring_refuses_and_an_empty_one_gives_nothing(void **state)
{
    struct ring_slot slots[2];
    static struct ring ring;        /* AddressSanitizer's stacks do not keep an alignment of 64 */
    char a, b;

    (void)state;
    ring_set(&ring, slots, 2);
    for (int round = 0; round < 3; round++) {
        assert_null(ring_pop(&ring));
        assert_true(ring_push(&ring, &a) && ring_push(&ring, &b));
        assert_false(ring_push(&ring, &a));
        assert_int_equal(ring_count(&ring), 2);
        assert_ptr_equal(ring_pop(&ring), &a);
        assert_ptr_equal(ring_pop(&ring), &b);
        assert_int_equal(ring_count(&ring), 0);
    }
}

/* --- threads ---------------------------------------------------------------------------- */

enum { THREADS = 4, ITEMS = 20000 };

static struct {
    struct ring ring;
    struct ring_slot slots[64];
    _Atomic unsigned next;
    _Atomic unsigned taken;
    _Atomic unsigned char times[ITEMS];
} shared;

static void *
put_some(void *unused)
{
    unsigned i;

    (void)unused;
    while ((i = atomic_fetch_add(&shared.next, 1)) < ITEMS)
        while (!ring_push(&shared.ring, (void *)&shared.times[i]))
            sched_yield();
    return NULL;
}

static void *
take_some(void *unused)
{
    (void)unused;
    while (atomic_load(&shared.taken) < ITEMS) {
        _Atomic unsigned char *times = ring_pop(&shared.ring);

        if (times) {
            atomic_fetch_add(times, 1);
            atomic_fetch_add(&shared.taken, 1);
        } else {
            sched_yield();
        }
    }
    return NULL;
}

static void
each_item_is_taken_once_whoever_puts_and_takes(void **state)
{
    pthread_t threads[2 * THREADS];

    (void)state;
    ring_set(&shared.ring, shared.slots, 64);
    for (size_t i = 0; i < 2 * THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i % 2 ? put_some : take_some, NULL), 0);
    for (size_t i = 0; i < 2 * THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(atomic_load(&shared.times[i]), 1);
    assert_null(ring_pop(&shared.ring));
}

static void
count_run(void *context, size_t worker, struct job *job)
{
    (void)worker;
    (void)job;
    atomic_fetch_add((_Atomic int *)context, 1);
}

/* One at a time, so that the threads go to sleep between: a wake-up that is lost is a job that
 * nobody runs. */
static void
no_job_is_left_to_threads_that_sleep(void **state)
{
    _Atomic int runs = 0;
    const struct workers_config config = { .name = "test", .threads = 3, .queue_max = 8,
                                           .run = count_run, .context = (void *)&runs };
    struct workers *workers;
    struct error err;
    struct job job;

    (void)state;
    assert_int_equal(workers_new(&config, &workers, &err), ERROR_NONE);
    for (int i = 1; i <= 5000; i++) {
        int64_t until_ms = clock_now_ms(&clock_system) + 20000;

        assert_true(workers_push(workers, &job));
        while (atomic_load(&runs) < i) {
            if (clock_now_ms(&clock_system) > until_ms)
                fail_msg("job %d was run by nobody", i);
            sched_yield();
        }
    }
    workers_free(workers);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_first_is_taken_first_for_many_rounds),
        cmocka_unit_test(a_full_ring_refuses_and_an_empty_one_gives_nothing),
        cmocka_unit_test(each_item_is_taken_once_whoever_puts_and_takes),
        cmocka_unit_test(no_job_is_left_to_threads_that_sleep),
    };

    return cmocka_run_group_tests_name("the ring", tests, NULL, NULL);
}
