/* cache/flush.c - forgetting on demand; the order of things is in inside.h */
#include "cache/inside.h"

/* What is to go. */
struct doomed {
    bool by_domain;             /* else the account's, whatever else shares the set */
    uint64_t account;
    uint32_t domain;
};

/* Answers how many of those that went were alive. */
static size_t
wipe_doomed(struct table_set *set, const struct doomed *doomed, const struct moment *now)
{
    struct entry entry;
    size_t living = 0;

    for (size_t way = 0; way < TABLE_WAYS; way++) {
        enum table_way what = table_way_get(set, way, doomed->account, &entry);

        if (what == WAY_EMPTY
            || (doomed->by_domain ? entry_domain(&entry) != doomed->domain : what != WAY_OF_ACCOUNT))
            continue;
        living += entry_lives(&entry, now);
        table_way_wipe(set, way);
    }
    return living;
}

static void
tell(struct cache *cache)
{
    atomic_fetch_add_explicit(&cache->flushes_told, 1, memory_order_relaxed);
}

/* The acceptances' set keeps the count for both tables, so it comes first. */
size_t
cache_flush_account(struct cache *cache, span account, int64_t now_ms)
{
    struct doomed doomed = { .account = key_account(cache->ring, account).word[0] };
    struct moment accepted = moment_at(cache, cache->accepted, now_ms);
    struct moment rejected = moment_at(cache, cache->rejected, now_ms);
    struct table_set *set;
    size_t living;

    tell(cache);
    set = table_lock(cache->accepted, doomed.account);
    living = wipe_doomed(set, &doomed, &accepted);
    table_unlock_flushed(set);
    set = table_lock(cache->rejected, doomed.account);
    living += wipe_doomed(set, &doomed, &rejected);
    table_unlock(set);
    return living;
}

/* One set after the other, each locked for itself: nobody waits for the whole walk. */
static size_t
wipe_table(struct cache *cache, struct table *table, const struct doomed *doomed, int64_t now_ms)
{
    struct moment now = moment_at(cache, table, now_ms);
    size_t living = 0;

    for (size_t index = 0; index < table_sets(table); index++) {
        struct table_set *set = table_lock_set(table, index);

        living += wipe_doomed(set, doomed, &now);
        table_unlock(set);
    }
    return living;
}

size_t
cache_flush_domain(struct cache *cache, span domain, int64_t now_ms)
{
    struct doomed doomed = { .by_domain = true, .domain = key_domain(cache->ring, domain) };

    tell(cache);
    atomic_fetch_add_explicit(&cache->flushes, 1, memory_order_release);
    return wipe_table(cache, cache->accepted, &doomed, now_ms)
         + wipe_table(cache, cache->rejected, &doomed, now_ms);
}

/* A new generation: what is in the tables is dead, and makes room like all that is. */
void
cache_flush_all(struct cache *cache)
{
    tell(cache);
    atomic_fetch_add_explicit(&cache->flushes, UINT64_C(1) << 32, memory_order_release);
}
