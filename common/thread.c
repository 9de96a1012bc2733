/* common/thread.c - see thread.h */
#include "common/thread.h"

#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The longest that Linux takes: a thread that wants less at a time, and has had no more than its share,
 * takes the processor from one that wants more (sched_setattr(2), sched_runtime of SCHED_OTHER). */
#define LONG_SLICE_NS 100000000

#define NICEST 19

/* SCHED_FLAG_KEEP_POLICY of linux/sched.h: what the operator chose stays. */
#define KEEP_POLICY 8

int
thread_start(pthread_t *out, const char *name, void *(*run)(void *), void *argument)
{
    sigset_t all, old;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    failed = pthread_create(out, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!failed)
        pthread_setname_np(*out, name);
    return failed;
}

void
thread_step_back(int niceness)
{
    struct {                        /* struct sched_attr as it first was; glibc 2.36 has none */
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } wanted = { .size = sizeof(wanted), .flags = KEEP_POLICY, .runtime = LONG_SLICE_NS };
    const pid_t thread = (pid_t)syscall(SYS_gettid);

    wanted.nice = getpriority(PRIO_PROCESS, (id_t)thread) + niceness;
    if (wanted.nice > NICEST)
        wanted.nice = NICEST;
    if (syscall(SYS_sched_setattr, 0, &wanted, 0) != 0)
        (void)setpriority(PRIO_PROCESS, (id_t)thread, wanted.nice);
}
