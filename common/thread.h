/* common/thread.h - start a thread that no signal interrupts
 *
 * All signals are blocked in it: they are the main thread's, which waits for them.
 */
#ifndef COMMON_THREAD_H
#define COMMON_THREAD_H

#include <pthread.h>

/* `name` has at most 15 characters. 0, or an error number. */
int thread_start(pthread_t *out, const char *name, void *(*run)(void *), void *argument);

/* The calling thread runs for moments only and would begin at once when it is woken: it goes before threads
 * that compute, whose share of the processor stays the same. Where the kernel cannot (before Linux 6.12),
 * nothing changes. */
void thread_be_prompt(void);

#endif
