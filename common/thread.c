/* common/thread.c - see thread.h */
#include "common/thread.h"

#include <signal.h>

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
