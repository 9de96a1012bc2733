/* tools/stopwatch.c - see stopwatch.h */
#include "tools/stopwatch.h"

#include "password/password.h"

#include <time.h>

static double
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

double
stopwatch_make_ms(const char *scheme, unsigned long cost, struct error *err)
{
    struct secret made = { .len = 0 };
    const double start_ms = now_ms();
    enum error_code code = password_make(scheme, cost, span_of("a usual password"), &made, err);

    secret_wipe(&made);
    return code == ERROR_NONE ? now_ms() - start_ms : -1;
}
