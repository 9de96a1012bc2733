/* common/limit.h - so many a second, and how many were too many
 *
 * Threads  limit_admits() and limit_refused() from any; a limit of zeros is one that refused nobody.
 * Time     Seconds of a monotonic clock; what matters is only whether it is another second.
 */
#ifndef COMMON_LIMIT_H
#define COMMON_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct limit {
    _Atomic uint64_t window;            /* the second in the upper half, how many in it */
    _Atomic uint64_t refused;
};

/* False, and counted, for one more than `most` in the second `now_s`. */
bool limit_admits(struct limit *limit, uint32_t most, uint32_t now_s);

uint64_t limit_refused(const struct limit *limit);

#endif
