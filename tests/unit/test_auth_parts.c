/* tests/unit/test_auth_parts.c - policy, pace and workers, each by itself */
#include "auth/engine.h"
#include "auth/policy.h"
#include "common/macros.h"

#include <sodium.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* --- policy ------------------------------------------------------------------------------- */

#define NOW 1800000000

static const struct {
    const char *what;
    struct { bool disabled, service_denied, password_expired; int64_t expires_at; const char *nets; } row;
    const char *network;
    enum verdict_reason reason;
} policies[] = {
    { "nothing against it",         { 0 }, "", REASON_OK },
    { "disabled",                   { .disabled = true }, "", REASON_DISABLED },
    { "disabled before all else",   { true, true, true, 1, "192.0.2.1" }, "", REASON_DISABLED },
    { "service denied",             { .service_denied = true }, "", REASON_SERVICE_DENIED },
    { "expires in a second",        { .expires_at = NOW + 1 }, "", REASON_OK },
    { "expires now",                { .expires_at = NOW }, "", REASON_EXPIRED },
    { "expired in 1970",            { .expires_at = 1 }, "", REASON_EXPIRED },
    { "expires after 2038",         { .expires_at = INT64_C(4294967296) }, "", REASON_OK },
    { "expired before 1970",        { .expires_at = -1 }, "", REASON_EXPIRED },
    { "password expired",           { .password_expired = true }, "", REASON_PASSWORD_EXPIRED },
    { "inside a network",           { .nets = "192.0.2.0/24, 2001:db8::/32" }, "192.0.2.9",
      REASON_OK },
    { "inside the other network",   { .nets = "192.0.2.0/24, 2001:db8::/32" }, "2001:db8::1",
      REASON_OK },
    { "outside of both",            { .nets = "192.0.2.0/24, 2001:db8::/32" }, "198.51.100.1",
      REASON_NETWORK_DENIED },
    { "an unknown address",         { .nets = "192.0.2.0/24" }, "", REASON_NETWORK_DENIED },
    { "a list that is none",        { .nets = "everywhere" }, "192.0.2.9",
      REASON_NETWORK_DENIED },
};

static void
the_first_rule_that_refuses_is_the_reason(void **state)
{
    struct account *account = calloc(1, sizeof(*account));

    (void)state;
    for (size_t i = 0; i < COUNT(policies); i++) {
        account_wipe(account);
        account->enabled = !policies[i].row.disabled;
        account->service_ok = !policies[i].row.service_denied;
        account->password_expired = policies[i].row.password_expired;
        account->expires_at = policies[i].row.expires_at;
        if (policies[i].row.nets)
            strcpy(account->allow_nets, policies[i].row.nets);
        print_message("# %s\n", policies[i].what);
        assert_int_equal(policy_judge(account, NULL, span_of(policies[i].network), NOW),
                         policies[i].reason);
    }
    free(account);
}

/* --- pace ------------------------------------------------------------------------------------- */

static void
a_drawn_time_is_one_of_the_recent_real_ones(void **state)
{
    struct pace pace;

    (void)state;
    pace_set(&pace);
    for (int i = 0; i < PACE_SAMPLES; i++)
        pace_note(&pace, i % 2 ? 30 : 70);
    for (int i = 0; i < 1000; i++) {
        int64_t us = pace_draw_us(&pace);

        assert_true(us == 30 || us == 70);
    }
}

/* Else an unknown account would be told from a known one until so many have signed in. */
static void
the_first_real_one_counts_for_all_that_are_to_come(void **state)
{
    struct pace pace;

    (void)state;
    pace_set(&pace);
    pace_note(&pace, 250);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(pace_draw_us(&pace), 250);
}

static void
a_stranger_never_waits_for_ever(void **state)
{
    struct pace pace;

    (void)state;
    pace_set(&pace);
    for (int i = 0; i < PACE_SAMPLES; i++)
        pace_note(&pace, i % 2 ? INT64_MAX : -5);
    for (int i = 0; i < 1000; i++) {
        int64_t us = pace_draw_us(&pace);

        assert_true(us >= 0 && us <= 2000000);
    }
}

/* --- workers ------------------------------------------------------------------------------------ */

struct counted_job { struct job job; _Atomic int runs; };

static void
run_job(void *context, size_t worker, struct job *job)
{
    assert_true(worker < 3);
    atomic_fetch_add(&((struct counted_job *)job)->runs, 1);
    atomic_fetch_add((_Atomic int *)context, 1);
}

static void
run_each_once(const struct workers_config *config, struct counted_job *jobs, size_t count)
{
    struct workers *workers;
    struct error err;

    assert_int_equal(workers_new(config, &workers, &err), ERROR_NONE);
    for (size_t i = 0; i < count; i++)
        assert_true(workers_push(workers, &jobs[i].job));
    workers_free(workers);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(atomic_load(&jobs[i].runs), 1);
}

static void
every_job_is_run_once_also_when_the_end_comes(void **state)
{
    static struct counted_job jobs[1000];
    _Atomic int runs = 0;
    const struct workers_config config = {
        .name = "test", .threads = 3, .queue_max = COUNT(jobs), .niceness = 1, .run = run_job,
        .context = &runs,
    };

    (void)state;
    run_each_once(&config, jobs, COUNT(jobs));
    assert_int_equal(atomic_load(&runs), COUNT(jobs));
}

struct together { _Atomic int runs, begun; _Atomic bool on[3]; _Atomic size_t most, here[3]; };

static void
run_in_company(void *context, size_t worker, struct job *job)
{
    struct together *together = context;
    size_t here = atomic_fetch_add(&together->here[worker], 1) + 1;

    atomic_fetch_add(&((struct counted_job *)job)->runs, 1);
    atomic_fetch_add(&together->runs, 1);
    if (atomic_load(&together->on[worker]) && here > atomic_load(&together->most))
        atomic_store(&together->most, here);
}

static void
note_together(void *context, size_t worker, bool on)
{
    struct together *together = context;

    assert_true(atomic_exchange(&together->on[worker], on) != on);
    if (on)
        atomic_fetch_add(&together->begun, 1);
    else
        assert_true(atomic_load(&together->here[worker]) > 1);
    atomic_store(&together->here[worker], 0);
}

static void
where_many_wait_a_thread_takes_a_few_and_says_so(void **state)
{
    static struct counted_job jobs[1000];
    struct together together = { 0 };
    const struct workers_config config = {
        .name = "test", .threads = 3, .queue_max = COUNT(jobs), .run = run_in_company,
        .together = note_together, .context = &together,
    };

    (void)state;
    run_each_once(&config, jobs, COUNT(jobs));
    assert_int_equal(atomic_load(&together.runs), COUNT(jobs));
    for (size_t i = 0; i < 3; i++)
        assert_false(atomic_load(&together.on[i]));
    assert_true(atomic_load(&together.most) <= 4);
}

static void
hold_job(void *context, size_t worker, struct job *job)
{
    pthread_mutex_t *gate = context;

    (void)worker;
    (void)job;
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
}

static void
a_full_queue_gives_the_job_back(void **state)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    const struct workers_config config = {
        .name = "test", .threads = 1, .queue_max = 2, .run = hold_job, .context = &gate,
    };
    struct job jobs[5];
    struct workers *workers;
    struct error err;
    size_t taken = 0;

    (void)state;
    pthread_mutex_lock(&gate);
    assert_int_equal(workers_new(&config, &workers, &err), ERROR_NONE);
    while (taken < COUNT(jobs) && workers_push(workers, &jobs[taken]))
        taken++;
    /* Two in the queue, and one that the thread may have taken already. */
    assert_true(taken == 2 || taken == 3);
    pthread_mutex_unlock(&gate);
    workers_free(workers);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_that_refuses_is_the_reason),
        cmocka_unit_test(a_drawn_time_is_one_of_the_recent_real_ones),
        cmocka_unit_test(the_first_real_one_counts_for_all_that_are_to_come),
        cmocka_unit_test(a_stranger_never_waits_for_ever),
        cmocka_unit_test(every_job_is_run_once_also_when_the_end_comes),
        cmocka_unit_test(where_many_wait_a_thread_takes_a_few_and_says_so),
        cmocka_unit_test(a_full_queue_gives_the_job_back),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("parts of auth", tests, NULL, NULL);
}
