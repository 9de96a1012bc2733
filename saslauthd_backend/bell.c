/* saslauthd_backend/bell.c - see bell.h */
#include "saslauthd_backend/bell.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* The clock of clock_system (common/clock.c). */
bool
bell_open(struct bell *bell)
{
    *bell = (struct bell){ timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC), INT64_MAX };
    return bell->fd >= 0;
}

void
bell_close(struct bell *bell)
{
    if (bell->fd >= 0)
        close(bell->fd);
    bell->fd = -1;
}

/* A moment that is over rings at once; 0 would be never. */
void
bell_set(struct bell *bell, int64_t at_ms)
{
    const int64_t at = at_ms > 0 ? at_ms : 1;
    const struct itimerspec when = {
        .it_value = { .tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000 },
    };

    if (at_ms >= bell->at_ms)
        return;
    timerfd_settime(bell->fd, TFD_TIMER_ABSTIME, &when, NULL);
    bell->at_ms = at_ms;
}

void
bell_hush(struct bell *bell)
{
    uint64_t rings;

    while (read(bell->fd, &rings, sizeof(rings)) < 0 && errno == EINTR)
        ;
    bell->at_ms = INT64_MAX;
}
