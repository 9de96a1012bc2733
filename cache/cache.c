/* cache/cache.c - making a cache and asking it; see cache.h */
#include "cache/inside.h"
#include "common/macros.h"

#include <sched.h>
#include <stdlib.h>

#define REJECTED_SHARE 16       /* room for one rejection for so many acceptances */

/* --- making --- */

void
cache_config_default(struct cache_config *config)
{
    *config = (struct cache_config){
        .entries = 100000,              /* 7 MB; five services for each of 20,000 accounts */
        .ttl_ms = INT64_C(8) * 3600 * 1000,
        .revalidate_ms = 10 * 1000,
        .negative_ttl_ms = 30 * 1000,
        .grace_ms = 0,
    };
}

void
cache_reconfigure(struct cache *cache, const struct cache_config *config)
{
    const struct { _Atomic int64_t *to; int64_t ms; } times[] = {
        { &cache->ttl_ms, config->ttl_ms },
        { &cache->revalidate_ms, config->revalidate_ms },
        { &cache->negative_ttl_ms, config->negative_ttl_ms },
        { &cache->grace_ms, config->grace_ms },
    };
    int64_t ttl_before_ms = life_get_ms(&cache->ttl_ms);

    for (size_t i = 0; i < COUNT(times); i++)
        atomic_store_explicit(times[i].to, cache->off ? 0 : life_bounded_ms(times[i].ms),
                              memory_order_relaxed);
    if (atomic_load(&cache->has_ends) && life_get_ms(&cache->ttl_ms) > ttl_before_ms)
        cache_flush_all(cache);
}

enum error_code
cache_new(const struct cache_config *config, struct cache **out, struct error *err)
{
    struct cache *cache = calloc(1, sizeof(*cache));
    enum error_code code;

    *out = NULL;
    if (!cache || !(cache->ring = key_ring_new())) {
        code = error_set(err, ERROR_UNAVAILABLE, "cache: no memory or no random numbers for its keys");
        goto done;
    }
    cache->off = config->entries == 0;
    cache_reconfigure(cache, config);
    code = table_new(config->entries, &cache->accepted, err);
    if (code != ERROR_NONE)
        goto done;
    code = table_new(config->entries / REJECTED_SHARE, &cache->rejected, err);
    if (code != ERROR_NONE)
        goto done;
    *out = cache;
    cache = NULL;

done:
    cache_free(cache);
    return code;
}

void
cache_free(struct cache *cache)
{
    if (!cache)
        return;
    table_free(cache->rejected);
    table_free(cache->accepted);
    key_ring_free(cache->ring);
    free(cache);
}

/* --- keys --- */

uint64_t
cache_flushes(const struct cache *cache)
{
    return atomic_load_explicit(&cache->flushes, memory_order_acquire);
}

uint32_t
cache_generation(uint64_t flushes)
{
    return (uint32_t)(flushes >> 32);
}

/* Three counts that only grow: their sum stays the same when all of them do. */
uint32_t
cache_epoch(const struct cache *cache, uint64_t account, uint64_t flushes)
{
    return cache_generation(flushes) + (uint32_t)flushes
         + table_flushes(cache->accepted, account);
}

void
cache_key_make(const struct cache *cache, const struct cache_question *question,
               struct cache_key *out)
{
    struct digest account = key_account(cache->ring, question->account);

    /* Memory takes as long to answer as the password's digest to be computed. */
    table_prefetch(cache->accepted, account.word[0]);
    key_question(cache->ring, &account, question, out);
    out->epoch = cache_epoch(cache, out->account, cache_flushes(cache));
}

void
cache_prefetch(const struct cache *cache, const struct cache_key *key)
{
    table_prefetch(cache->accepted, key->account);
}

void
cache_fingerprint_make(const struct cache *cache, span bytes, struct cache_fingerprint *out)
{
    struct digest digest = key_fingerprint(cache->ring, bytes);

    *out = (struct cache_fingerprint){ digest.word[0] };
}

/* --- asking --- */

/* The living entry that answers; of two, the one whose row was seen last. None, too, when the
 * set could not be read: a lookup is a better answer than to wait. */
static bool
find_answer(const struct cache *cache, const struct table *table, const struct cache_key *key,
            int64_t now_ms, struct entry *out)
{
    struct moment now = moment_at(cache, table, now_ms);
    struct entry entries[TABLE_WAYS];
    size_t count;
    bool found = false;

    table_read(table, key->account, entries, &count);
    for (size_t i = 0; i < count; i++) {
        if (!entry_answers(&entries[i], key) || !entry_lives(&entries[i], &now))
            continue;
        if (!found || entry_seen_at_ms(&entries[i]) > entry_seen_at_ms(out))
            *out = entries[i];
        found = true;
    }
    return found;
}

/* Of an acceptance that was last seen so long ago; never past its end. 0: over, or not yet begun. */
static int64_t
grace_end_ms(const struct cache *cache, int64_t dies_at_ms, int64_t unseen_ms, int64_t now_ms)
{
    int64_t believed_ms = life_get_ms(&cache->revalidate_ms);
    int64_t left_ms = believed_ms + life_get_ms(&cache->grace_ms) - unseen_ms;

    if (unseen_ms < believed_ms || left_ms <= 0)
        return 0;
    return left_ms < dies_at_ms - now_ms ? now_ms + left_ms : dies_at_ms;
}

/* Whether a living acceptance is to be believed. */
static enum cache_answer
judge(const struct cache *cache, const struct entry *accepted, int64_t now_ms,
      struct cache_hit *hit)
{
    int64_t unseen_ms = moment_age_ms(entry_seen_at_ms(accepted), now_ms);
    int64_t dies_at_ms = entry_verified_at_ms(accepted) + life_get_ms(&cache->ttl_ms);

    *hit = (struct cache_hit){
        .fingerprint = { accepted->fingerprint },
        .verified_at_ms = entry_verified_at_ms(accepted),
        .dies_at_ms = dies_at_ms,
        .seen_at_ms = entry_seen_at_ms(accepted),
        .grace_ends_ms = grace_end_ms(cache, dies_at_ms, unseen_ms, now_ms),
    };
    return unseen_ms < life_get_ms(&cache->revalidate_ms) ? CACHE_ACCEPTED : CACHE_STALE;
}

/* A stale acceptance gives way to a rejection that came after its row was last seen: such as
 * that of an account which expired while its row stayed the same. */
enum cache_answer
cache_find(struct cache *cache, const struct cache_key *key, int64_t now_ms,
           struct cache_hit *hit)
{
    enum cache_answer answer = CACHE_MISS;
    struct entry accepted, rejected;

    *hit = (struct cache_hit){ 0 };
    if (cache->off)
        return CACHE_MISS;
    if (find_answer(cache, cache->accepted, key, now_ms, &accepted))
        answer = judge(cache, &accepted, now_ms, hit);
    if (answer == CACHE_ACCEPTED
        || !find_answer(cache, cache->rejected, key, now_ms, &rejected)
        || (answer == CACHE_STALE && entry_verified_at_ms(&rejected) < hit->seen_at_ms))
        return answer;
    *hit = (struct cache_hit){ .reason = (unsigned)rejected.fingerprint };
    return CACHE_REJECTED;
}

static size_t
count_living(const struct entry entries[TABLE_WAYS], size_t count, const struct moment *now)
{
    size_t living = 0;

    for (size_t i = 0; i < count; i++)
        living += entry_lives(&entries[i], now);
    return living;
}

bool
cache_knows(struct cache *cache, const struct cache_key *key, int64_t now_ms)
{
    struct moment now = moment_at(cache, cache->accepted, now_ms);
    struct entry entries[TABLE_WAYS];
    size_t count;

    table_read(cache->accepted, key->account, entries, &count);
    return count_living(entries, count, &now) > 0;
}

/* Reads, as a lookup does: asking for the count does not fill the table's memory. */
static size_t
count_table(const struct cache *cache, const struct table *table, int64_t now_ms)
{
    struct moment now = moment_at(cache, table, now_ms);
    struct entry entries[TABLE_WAYS];
    size_t count, living = 0;

    for (size_t index = 0; index < table_sets(table); index++) {
        while (!table_read_set(table, index, entries, &count))
            sched_yield();
        living += count_living(entries, count, &now);
    }
    return living;
}

void
cache_stats_get(struct cache *cache, int64_t now_ms, struct cache_stats *out)
{
    *out = (struct cache_stats){
        .entries_max = cache->off ? 0 : table_sets(cache->accepted) * TABLE_WAYS,
        .negative_max = cache->off ? 0 : table_sets(cache->rejected) * TABLE_WAYS,
        .accepted = count_table(cache, cache->accepted, now_ms),
        .rejected = count_table(cache, cache->rejected, now_ms),
        .bytes = table_bytes(cache->accepted) + table_bytes(cache->rejected),
        .evictions = atomic_load_explicit(&cache->evictions, memory_order_relaxed),
        .flushes = atomic_load_explicit(&cache->flushes_told, memory_order_relaxed),
    };
}
