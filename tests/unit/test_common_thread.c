/* tests/unit/test_common_thread.c - threads that compute, and step back for the others */
#include "common/thread.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

/* struct sched_attr as it first was; glibc 2.36 has none */
struct scheduled {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static struct scheduled
scheduled(void)
{
    struct scheduled now = { 0 };

    assert_int_equal(syscall(SYS_sched_getattr, 0, &now, sizeof(now), 0), 0);
    return now;
}

/* Since 6.12, Linux lets a thread of the usual policy say how long a turn it wants. */
static bool
kernel_has_slices(void)
{
    struct utsname name;
    int major = 0, minor = 0;

    assert_int_equal(uname(&name), 0);
    assert_int_equal(sscanf(name.release, "%d.%d", &major, &minor), 2);
    return major > 6 || (major == 6 && minor >= 12);
}

static void *
step_back(void *niceness)
{
    static struct scheduled after;

    thread_step_back((int)(intptr_t)niceness);
    after = scheduled();
    return &after;
}

static struct scheduled
stepped_back(int niceness)
{
    pthread_t thread;
    void *after;

    assert_int_equal(thread_start(&thread, "compute", step_back, (void *)(intptr_t)niceness), 0);
    assert_int_equal(pthread_join(thread, &after), 0);
    return *(struct scheduled *)after;
}

static void
who_steps_back_is_nicer_and_takes_long_turns(void **state)
{
    const struct scheduled before = scheduled(), after = stepped_back(7);

    (void)state;
    assert_int_equal(after.nice, before.nice + 7 > 19 ? 19 : before.nice + 7);
    assert_int_equal(after.policy, before.policy);
    assert_int_equal(after.flags, before.flags);
    if (kernel_has_slices())
        assert_int_equal(after.runtime, 100000000);
}

static void
it_is_that_thread_alone(void **state)
{
    const struct scheduled before = scheduled();

    (void)state;
    (void)stepped_back(7);
    assert_int_equal(scheduled().nice, before.nice);
    assert_int_equal(scheduled().runtime, before.runtime);
}

static void *
step_back_in_batch(void *niceness)
{
    const struct sched_param none = { 0 };

    assert_int_equal(pthread_setschedparam(pthread_self(), SCHED_BATCH, &none), 0);
    return step_back(niceness);
}

static void
the_policy_that_was_chosen_stays(void **state)
{
    pthread_t thread;
    void *after;

    (void)state;
    assert_int_equal(thread_start(&thread, "compute", step_back_in_batch, (void *)3), 0);
    assert_int_equal(pthread_join(thread, &after), 0);
    assert_int_equal(((struct scheduled *)after)->policy, SCHED_BATCH);
}

static void
nobody_is_nicer_than_nineteen(void **state)
{
    (void)state;
    assert_int_equal(stepped_back(19).nice, 19);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_steps_back_is_nicer_and_takes_long_turns),
        cmocka_unit_test(it_is_that_thread_alone),
        cmocka_unit_test(the_policy_that_was_chosen_stays),
        cmocka_unit_test(nobody_is_nicer_than_nineteen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
