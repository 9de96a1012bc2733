/* common/thread.c - see thread.h */
#include "common/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The shortest that Linux has: a thread that wants less at a time, and has had no more than its share,
 * takes the processor from one that wants more (sched_setattr(2), sched_runtime of SCHED_OTHER). */
#define PROMPT_NS 100000

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
thread_be_prompt(void)
{
    struct {                        /* struct sched_attr as it first was; glibc 2.36 has none */
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } wanted = { .size = sizeof(wanted), .policy = SCHED_OTHER, .runtime = PROMPT_NS,
                 .nice = getpriority(PRIO_PROCESS, 0) };       /* the thread's: it stays */

    (void)syscall(SYS_sched_setattr, 0, &wanted, 0);
}
