/* common/limit.c - see limit.h */
#include "common/limit.h"

bool
limit_admits(struct limit *limit, uint32_t most, uint32_t now_s)
{
    uint64_t before = atomic_load_explicit(&limit->window, memory_order_relaxed), after;

    do {
        after = before >> 32 == now_s ? before + 1 : (uint64_t)now_s << 32 | 1;
        if ((uint32_t)after > most) {
            atomic_fetch_add_explicit(&limit->refused, 1, memory_order_relaxed);
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&limit->window, &before, after,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

uint64_t
limit_refused(const struct limit *limit)
{
    return atomic_load_explicit(&limit->refused, memory_order_relaxed);
}
