/* cache/life.c - how long an entry is believed; see inside.h */
#include "cache/inside.h"

#include <assert.h>

/* The longest ttl; `seen_after_ms` of an entry has to hold it. */
#define LIFE_MAX_MS (INT64_C(30) * 24 * 3600 * 1000)

/* Two threads read the clock; the second writes, then the first looks. It cannot be later by
 * more than a request lives, which is 8 s. */
#define AHEAD_MAX_MS 10000

static_assert(LIFE_MAX_MS <= UINT32_MAX, "seen_after_ms holds the longest life");

int64_t
life_bounded_ms(int64_t ms)
{
    if (ms < 0)
        return 0;
    return ms < LIFE_MAX_MS ? ms : LIFE_MAX_MS;
}

int64_t
life_get_ms(const _Atomic int64_t *time)
{
    return atomic_load_explicit(time, memory_order_relaxed);
}

struct moment
moment_at(const struct cache *cache, const struct table *table, int64_t now_ms)
{
    return (struct moment){
        .now_ms = now_ms,
        .life_ms = life_get_ms(table == cache->accepted ? &cache->ttl_ms
                                                        : &cache->negative_ttl_ms),
        .generation = cache_generation(cache_flushes(cache)),
    };
}

int64_t
moment_age_ms(int64_t then_ms, int64_t now_ms)
{
    int64_t age_ms;

    if (__builtin_sub_overflow(now_ms, then_ms, &age_ms) || age_ms < -AHEAD_MAX_MS)
        return INT64_MAX;
    return age_ms > 0 ? age_ms : 0;
}

bool
entry_lives(const struct entry *entry, const struct moment *now)
{
    return entry->generation == now->generation
        && moment_age_ms(entry_verified_at_ms(entry), now->now_ms) < now->life_ms;
}

int64_t
entry_seen_at_ms(const struct entry *entry)
{
    return (int64_t)((uint64_t)entry_verified_at_ms(entry) + entry->seen_after_ms);
}
