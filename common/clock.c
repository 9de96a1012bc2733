/* common/clock.c - see clock.h */
#include "common/clock.h"

#include <time.h>

/* CLOCK_BOOTTIME: a laptop or a virtual machine that slept for a day has not
 * kept a cached acceptance young. */
static int64_t
system_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t
system_now_ms(void *context)
{
    (void)context;
    return system_now_us() / 1000;
}

static int64_t
system_unix_s(void *context)
{
    struct timespec t;

    (void)context;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec;
}

const struct clock clock_system = { system_now_ms, system_unix_s, 0 };

int64_t
clock_now_us(const struct clock *clock)
{
    return clock == &clock_system ? system_now_us() : clock_now_ms(clock) * 1000;
}
