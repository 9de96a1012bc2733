/* auth/counts.h - how often what happened, without a cache line that threads fight for
 *
 * Threads  counts_add() from any thread; each adds to a shard of its own. counts_sum() any time: it
 *          may miss what is added meanwhile, never what was added before.
 */
#ifndef AUTH_COUNTS_H
#define AUTH_COUNTS_H

#include "auth/auth.h"
#include "common/macros.h"

#include <stdatomic.h>

#define COUNTS_SHARDS 16

struct counts {
    struct counts_shard {
        _Alignas(CACHE_LINE) _Atomic uint64_t reasons[REASONS];
        _Atomic uint64_t vias[VIAS];
        _Atomic uint64_t lookups, verifications, joined;
        _Atomic uint64_t writes[AUTH_WRITES];
    } shards[COUNTS_SHARDS];
};

/* The calling thread's. */
struct counts_shard *counts_here(struct counts *counts);

void counts_verdict(struct counts *counts, const struct verdict *verdict);

void counts_add(struct counts *counts, const struct auth_counts *before);

void counts_write(struct counts *counts, enum auth_write write);

/* Fills all of *out but `waiting`. */
void counts_sum(const struct counts *counts, struct auth_counts *out);

#endif
