/* tools/bench/schedule.h - when the next request of an open loop is due
 *
 * The times are fixed before the server has answered anything. A latency counts from its due
 * time: a server that stalls for a second is charged with every request of that second, and not
 * only with the one that was on its way.
 *
 * Threads  One for each thread.
 */
#ifndef TOOLS_BENCH_SCHEDULE_H
#define TOOLS_BENCH_SCHEDULE_H

#include <stdint.h>

enum arrivals {
    ARRIVALS_EVEN,              /* one like the other */
    ARRIVALS_POISSON            /* as many people who know nothing of each other */
};

struct schedule {
    enum arrivals arrivals;
    double gap_ns;              /* on average */
    double due_ns;
    uint64_t random;
};

/* Thread `index` of `threads`, which together ask `rate` times a second from `start_ns` on. */
struct schedule schedule_make(enum arrivals arrivals, double rate, unsigned index,
                              unsigned threads, int64_t start_ns, uint64_t seed);

int64_t schedule_due_ns(const struct schedule *schedule);
void schedule_advance(struct schedule *schedule);

/* How many are due before `end_ns`, this one included; moves past them. */
uint64_t schedule_skip(struct schedule *schedule, int64_t end_ns);

#endif
