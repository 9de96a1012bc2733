/* common/clock.c - see clock.h */
#include "common/clock.h"

#include <time.h>

/* CLOCK_BOOTTIME: a laptop or a virtual machine that slept for a day has not
 * kept a cached acceptance young. */
static int64_t
system_now_ms(void *context)
{
    struct timespec t;

    (void)context;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
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
