/* tools/bench/schedule.c - see schedule.h */
#include "tools/bench/schedule.h"

#include "common/random.h"

#include <math.h>

struct schedule
schedule_make(enum arrivals arrivals, double rate, unsigned index, unsigned threads,
              int64_t start_ns, uint64_t seed)
{
    struct schedule schedule = {
        .arrivals = arrivals, .gap_ns = 1e9 * threads / rate, .due_ns = (double)start_ns,
        .random = seed,
    };

    if (arrivals == ARRIVALS_EVEN)
        schedule.due_ns += schedule.gap_ns * index / threads;   /* between the others' */
    else
        schedule_advance(&schedule);
    return schedule;
}

int64_t
schedule_due_ns(const struct schedule *schedule)
{
    return (int64_t)schedule->due_ns;
}

void
schedule_advance(struct schedule *schedule)
{
    schedule->due_ns += schedule->arrivals == ARRIVALS_EVEN
        ? schedule->gap_ns
        : -log1p(-next_share(&schedule->random)) * schedule->gap_ns;
}

uint64_t
schedule_skip(struct schedule *schedule, int64_t end_ns)
{
    uint64_t skipped = 0;

    for (; schedule_due_ns(schedule) < end_ns; schedule_advance(schedule))
        skipped++;
    return skipped;
}
