/* saslauthd_backend/bell.h - wakes a loop at a millisecond
 *
 * Purpose  A descriptor in the loop's epoll that becomes readable when the loop's first timer is due.
 *          A sleep that ends at the latest then would have the kernel set a timer up and take it down
 *          for every request, which costs a virtual machine more than reading the request; this one is
 *          touched only when something is due earlier than what it is set to.
 * Times    Milliseconds of clock_system. It rings at that millisecond and not up to one later, which would
 *          be by when it was set: answers that waited leave alike, whatever they waited for.
 * Threads  One loop's.
 */
#ifndef SASLAUTHD_BACKEND_BELL_H
#define SASLAUTHD_BACKEND_BELL_H

#include <stdbool.h>
#include <stdint.h>

struct bell {
    int fd;                     /* -1: none */
    int64_t at_ms;              /* what it is set to; INT64_MAX: it is not */
};

/* False, and errno. */
bool bell_open(struct bell *bell);
void bell_close(struct bell *bell);

/* It rings at `at_ms` at the latest: earlier when it was set to earlier, and then has to be set anew. */
void bell_set(struct bell *bell, int64_t at_ms);

/* It rang: silent again, and not set. */
void bell_hush(struct bell *bell);

#endif
