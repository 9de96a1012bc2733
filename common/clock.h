/* common/clock.h - time as an argument
 *
 * Purpose  Everything that waits or expires is given the time, so that a test can turn
 *          the clock. `now_ms` is monotonic and counts suspension (CLOCK_BOOTTIME);
 *          `unix_s` is the wall clock, for dates in account rows and nothing else.
 * Threads  Any function from any thread.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*now_ms)(void *context);
    int64_t (*unix_s)(void *context);
    void *context;
};

/* The machine's own. */
extern const struct clock clock_system;

static inline int64_t
clock_now_ms(const struct clock *clock)
{
    return clock->now_ms(clock->context);
}

/* The same as clock_now_ms(), finer where it is the machine's own. */
int64_t clock_now_us(const struct clock *clock);

static inline int64_t
clock_unix_s(const struct clock *clock)
{
    return clock->unix_s(clock->context);
}

#endif
