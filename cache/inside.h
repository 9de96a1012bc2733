/* cache/inside.h - what the files of this room share, and nobody else sees
 *
 * Two tables: acceptances, and a sixteenth as many rejections. Two orders of events make the
 * promises of cache.h true:
 *
 * Flush against insert. A flush first counts itself, then removes. An insert looks at the
 * count under the lock of the set that it writes, and gives up when its key is older. Either
 * the insert had the set before the flush came there, and its entry is removed; or it has the
 * set after, and sees the count. A flush of everything removes nothing: its count is the
 * generation, and an entry of another generation is dead.
 *
 * Old sight against new. An acceptance rests on a row as it was at its `seen_at_ms`. One that
 * comes late (a slow hash) never replaces one that rests on a later sight of another row.
 */
#ifndef CACHE_INSIDE_H
#define CACHE_INSIDE_H

#include "cache/cache.h"
#include "cache/key.h"
#include "cache/table.h"

#include <stdatomic.h>

struct cache {
    struct key_ring *ring;
    struct table *accepted, *rejected;
    bool off;                           /* entries = 0: nothing lives, and nobody locks the one
                                         * set that there is */
    _Atomic bool has_ends;              /* cache_accept_until() was called: a longer ttl would move them */
    _Atomic int64_t ttl_ms, revalidate_ms, negative_ttl_ms, grace_ms;
    _Atomic uint64_t flushes;           /* of everything in the upper half, of domains in the lower */
    _Atomic uint32_t flushes_told;      /* those and of accounts, for stats */
    _Atomic uint64_t evictions;
};

/* --- life.c: the living and the dead --- */

/* What it takes to tell them apart in one table. */
struct moment {
    int64_t now_ms, life_ms;
    uint32_t generation;
};

struct moment moment_at(const struct cache *cache, const struct table *table, int64_t now_ms);

/* How long ago that was. What lies ahead is of age 0 while another thread's reading of the
 * clock explains it; else the clock was turned back, and it is older than anything lives. */
int64_t moment_age_ms(int64_t then_ms, int64_t now_ms);

bool entry_lives(const struct entry *entry, const struct moment *now);
int64_t entry_seen_at_ms(const struct entry *entry);

/* A time from a configuration, within what an entry can hold. */
int64_t life_bounded_ms(int64_t ms);

/* Times may be set while others read them. */
int64_t life_get_ms(const _Atomic int64_t *time);

/* --- cache.c: keys and entries --- */

/* What an entry keeps of the question: both forms have the account's, service's and scope's tag as
 * their lower half. The half that is left says too little of a network, so the whole digest of it
 * is also in the password's: see entry_answers(). */
static inline uint64_t
question_here(const struct cache_key *key)
{
    return (key->here & ~(uint64_t)UINT32_MAX) | (uint32_t)key->anywhere;
}

/* Of an entry's question. */
static inline uint32_t
question_service(uint64_t question)
{
    return (uint32_t)question;
}

/* Changes with every flush that concerns the account. `flushes` is of the cache. */
uint32_t cache_epoch(const struct cache *cache, uint64_t account, uint64_t flushes);
uint64_t cache_flushes(const struct cache *cache);
uint32_t cache_generation(uint64_t flushes);

/* Both words in any case: how long it takes does not say where they differ. */
static inline bool
digest_same(const uint64_t a[2], const uint64_t b[2])
{
    return ((a[0] ^ b[0]) | (a[1] ^ b[1])) == 0;
}

/* Whether the entry is about this question, from this network or any, and this password. */
static inline bool
entry_answers(const struct entry *entry, const struct cache_key *key)
{
    bool anywhere = entry->question == key->anywhere;
    uint64_t password[2] = { key->password[0], key->password[1] ^ (anywhere ? 0 : key->here) };

    return (anywhere || entry->question == question_here(key))
        && digest_same(entry->password, password);
}

#endif
