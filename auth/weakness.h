/* auth/weakness.h - which weak schemes an operator has been told of today
 *
 * Purpose  A table full of MD5s is worth a line in the log, not one for each sign-in: one a day for
 *          each source and scheme.
 * Threads  weakness_is_due() from any thread: of those that come together, one is told "yes".
 */
#ifndef AUTH_WEAKNESS_H
#define AUTH_WEAKNESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weakness {
    size_t schemes;             /* of the password room's registry */
    const char **names;         /* theirs, in its order; the strings are constant */
    _Atomic size_t last;        /* which was asked for last: most tables have few schemes */
    _Atomic int64_t *told_s;    /* sources * schemes: when, in seconds since 1970; 0: never */
};

/* False when there is no memory. */
bool weakness_set(struct weakness *weakness, size_t sources);
void weakness_close(struct weakness *weakness);

/* `scheme` is a registry's name: that very string, or its spelling. */
bool weakness_is_due(struct weakness *weakness, size_t source, const char *scheme, int64_t now_s);

#endif
