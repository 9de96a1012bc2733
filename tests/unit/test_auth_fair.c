/* tests/unit/test_auth_fair.c - who is verified before whom */
#include "auth/fair.h"
#include "auth/workers.h"
#include "common/macros.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { ROOM = 1000, THREADS = 4 };

static struct job
job_of(uint64_t account, uint64_t network, bool known, int64_t deadline_ms)
{
    return (struct job){ .account = account, .network = network, .known = known,
                         .deadline_ms = deadline_ms };
}

static struct fair *
new_fair(size_t room)
{
    struct fair *fair = fair_new(room, THREADS);

    assert_non_null(fair);
    return fair;
}

/* Takes all there is, one at a time. */
static void
expect_order(struct fair *fair, struct job *const *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct job *job = fair_take(fair, 0);

        if (job != order[i])
            fail_msg("place %zu is that of account %u", i, job ? (unsigned)job->account : 0);
        fair_done(fair, 0);
    }
    assert_null(fair_take(fair, 0));
}

static void
the_known_go_first_and_then_who_has_the_least_time(void **state)
{
    struct fair *fair = new_fair(ROOM);
    struct job late = job_of(1, 0, false, 900), soon = job_of(2, 0, false, 100);
    struct job known = job_of(3, 0, true, 950), known_soon = job_of(4, 0, true, 940);
    struct job *const order[] = { &known_soon, &known, &soon, &late };

    (void)state;
    assert_true(fair_push(fair, &late) && fair_push(fair, &soon));
    assert_true(fair_push(fair, &known) && fair_push(fair, &known_soon));
    expect_order(fair, order, COUNT(order));
    fair_free(fair);
}

static void
what_comes_with_the_same_time_left_goes_in_the_order_of_coming(void **state)
{
    struct fair *fair = new_fair(ROOM);
    struct job jobs[100], *order[COUNT(jobs)];

    (void)state;
    for (size_t i = 0; i < COUNT(jobs); i++) {
        jobs[i] = job_of(i + 1, 0, false, 5000);
        order[i] = &jobs[i];
        assert_true(fair_push(fair, &jobs[i]));
    }
    expect_order(fair, order, COUNT(order));
    fair_free(fair);
}

static void
at_most_two_of_an_account_run_together_and_others_pass(void **state)
{
    struct fair *fair = new_fair(ROOM);
    struct job flood[4], other = job_of(2, 0, false, 9000);

    (void)state;
    for (size_t i = 0; i < COUNT(flood); i++) {
        flood[i] = job_of(1, 0, true, (int64_t)i);
        assert_true(fair_push(fair, &flood[i]));
    }
    assert_true(fair_push(fair, &other));
    assert_ptr_equal(fair_take(fair, 0), &flood[0]);
    assert_ptr_equal(fair_take(fair, 1), &flood[1]);
    assert_ptr_equal(fair_take(fair, 2), &other);
    assert_null(fair_take(fair, 3));
    fair_done(fair, 1);
    assert_ptr_equal(fair_take(fair, 1), &flood[2]);
    assert_null(fair_take(fair, 3));
    fair_done(fair, 2);
    assert_null(fair_take(fair, 2));
    fair_done(fair, 0);
    assert_ptr_equal(fair_take(fair, 0), &flood[3]);
    fair_free(fair);
}

static void
few_of_an_account_may_wait_and_nobody_elses_room_is_theirs(void **state)
{
    struct fair *fair = new_fair(ROOM);
    struct job flood[FAIR_ACCOUNT_WAITING + 1], other = job_of(2, 0, false, 0);

    (void)state;
    for (size_t i = 0; i < COUNT(flood); i++) {
        flood[i] = job_of(1, 0, false, 0);
        assert_int_equal(fair_push(fair, &flood[i]), i < FAIR_ACCOUNT_WAITING);
    }
    assert_true(fair_push(fair, &other));
    assert_non_null(fair_take(fair, 0));
    assert_true(fair_push(fair, &flood[FAIR_ACCOUNT_WAITING]));
    fair_free(fair);
}

static void
strangers_who_fill_an_accounts_room_leave_the_known_theirs(void **state)
{
    struct fair *fair = new_fair(ROOM);
    struct job flood[FAIR_ACCOUNT_WAITING], one_more = job_of(1, 0, false, 0);
    struct job owner = job_of(1, 0, true, 0);

    (void)state;
    for (size_t i = 0; i < COUNT(flood); i++) {
        flood[i] = job_of(1, 0, false, 0);
        assert_true(fair_push(fair, &flood[i]));
    }
    assert_false(fair_push(fair, &one_more));
    assert_true(fair_push(fair, &owner));
    assert_ptr_equal(fair_take(fair, 0), &owner);
    fair_free(fair);
}

static void
a_network_that_has_its_share_comes_after_everybody_else(void **state)
{
    struct fair *fair = new_fair(ROOM);
    struct job crowd[FAIR_NETWORK_SHARE + 2], other = job_of(900, 8, false, 9000);
    struct job unknown = job_of(901, 0, false, 9001), *order[COUNT(crowd) + 2];
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(crowd); i++) {
        crowd[i] = job_of(i + 1, 7, true, 10);
        assert_true(fair_push(fair, &crowd[i]));
    }
    assert_true(fair_push(fair, &other) && fair_push(fair, &unknown));
    for (size_t i = 0; i < FAIR_NETWORK_SHARE; i++)
        order[count++] = &crowd[i];
    order[count++] = &other;
    order[count++] = &unknown;
    order[count++] = &crowd[FAIR_NETWORK_SHARE];
    order[count++] = &crowd[FAIR_NETWORK_SHARE + 1];
    expect_order(fair, order, count);
    fair_free(fair);
}

static void
what_goes_before_a_job_is_counted_by_its_rank(void **state)
{
    struct fair *fair = new_fair(ROOM);
    struct job known = job_of(1, 0, true, 0), stranger = job_of(2, 0, false, 0);
    struct job crowd[FAIR_NETWORK_SHARE], next;

    (void)state;
    assert_true(fair_push(fair, &known) && fair_push(fair, &stranger));
    for (size_t i = 0; i < COUNT(crowd); i++) {
        crowd[i] = job_of(100 + i, 7, false, 0);
        assert_true(fair_push(fair, &crowd[i]));
    }
    next = job_of(3, 0, true, 0);
    assert_int_equal(fair_ahead(fair, &next), 1);
    next = job_of(3, 0, false, 0);
    assert_int_equal(fair_ahead(fair, &next), 2 + COUNT(crowd));
    next = job_of(3, 7, true, 0);
    assert_int_equal(fair_ahead(fair, &next), 2 + COUNT(crowd));
    fair_free(fair);
}

static void
a_full_queue_gives_the_job_back_and_is_good_afterwards(void **state)
{
    struct fair *fair = new_fair(2);
    struct job a = job_of(1, 5, false, 0), b = job_of(2, 5, false, 0), c = job_of(3, 5, true, 0);
    struct job *const order[] = { &c, &b };

    (void)state;
    assert_true(fair_push(fair, &a) && fair_push(fair, &b));
    assert_false(fair_push(fair, &c));
    assert_ptr_equal(fair_take(fair, 0), &a);
    fair_done(fair, 0);
    assert_true(fair_push(fair, &c));
    expect_order(fair, order, COUNT(order));
    fair_free(fair);
}

/* --- threads ---------------------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    unsigned running, most, runs;
} watched = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Of account 1, how many there are at a time. */
static void
watch_run(void *context, size_t worker, struct job *job)
{
    (void)context;
    (void)worker;
    pthread_mutex_lock(&watched.lock);
    watched.runs++;
    if (job->account == 1 && ++watched.running > watched.most)
        watched.most = watched.running;
    pthread_mutex_unlock(&watched.lock);
    for (volatile int i = 0; i < 20000; i++)
        ;
    pthread_mutex_lock(&watched.lock);
    watched.running -= job->account == 1;
    pthread_mutex_unlock(&watched.lock);
}

static void
every_job_is_run_and_never_three_of_one_account(void **state)
{
    const struct workers_config config = { .name = "test", .threads = THREADS, .fair = true,
                                           .queue_max = ROOM, .run = watch_run };
    static struct job jobs[400];
    struct workers *workers;
    unsigned pushed = 0;
    struct error err;

    (void)state;
    assert_int_equal(workers_new(&config, &workers, &err), ERROR_NONE);
    for (size_t i = 0; i < COUNT(jobs); i++) {
        jobs[i] = job_of(i % 8 == 0 ? 1 : i + 2, i % 3, i % 2, (int64_t)(i % 50));
        pushed += workers_push(workers, &jobs[i]);
    }
    workers_free(workers);
    assert_int_equal(watched.runs, pushed);
    assert_true(pushed >= COUNT(jobs) - COUNT(jobs) / 8);
    assert_true(watched.most >= 1 && watched.most <= FAIR_ACCOUNT_RUNNING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_known_go_first_and_then_who_has_the_least_time),
        cmocka_unit_test(what_comes_with_the_same_time_left_goes_in_the_order_of_coming),
        cmocka_unit_test(at_most_two_of_an_account_run_together_and_others_pass),
        cmocka_unit_test(few_of_an_account_may_wait_and_nobody_elses_room_is_theirs),
        cmocka_unit_test(strangers_who_fill_an_accounts_room_leave_the_known_theirs),
        cmocka_unit_test(a_network_that_has_its_share_comes_after_everybody_else),
        cmocka_unit_test(what_goes_before_a_job_is_counted_by_its_rank),
        cmocka_unit_test(a_full_queue_gives_the_job_back_and_is_good_afterwards),
        cmocka_unit_test(every_job_is_run_and_never_three_of_one_account),
    };

    return cmocka_run_group_tests_name("fair verification", tests, NULL, NULL);
}
