/* tests/unit/cpu_time.h - what this thread has had of a processor
 *
 * Other than the clock's, this time does not run while others do; a test takes the least of several all
 * the same, because caches are shared.
 */
#ifndef TESTS_UNIT_CPU_TIME_H
#define TESTS_UNIT_CPU_TIME_H

#include <stdint.h>
#include <time.h>

static inline uint64_t
cpu_time_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

#endif
