/* common/thread.h - start a thread that no signal interrupts
 *
 * All signals are blocked in it: they are the main thread's, which waits for them.
 */
#ifndef COMMON_THREAD_H
#define COMMON_THREAD_H

#include <pthread.h>

/* `name` has at most 15 characters. 0, or an error number. */
int thread_start(pthread_t *out, const char *name, void *(*run)(void *), void *argument);

/* The calling thread computes, and threads that run for moments go before it: it is nicer by so much
 * (0 to 19), and asks for long turns, so that whoever wakes takes the processor from it at once. Before
 * Linux 6.12 it is nicer only. Where neither may be done, nothing changes. */
void thread_step_back(int niceness);

#endif
