/* cache/cache.h - verdicts remembered for a while
 *
 * Purpose  Spare the account source a lookup, and the CPU a slow hash, when the same
 *          credential comes back. An acceptance lives until `ttl` after its password was
 *          really verified and is believed without a lookup for `revalidate` after the row
 *          was last seen; a rejection of exactly one password lives `negative_ttl`, in a
 *          space of its own that cannot push out an acceptance.
 * Inputs   A question (every input that could change the verdict), the caller's clock.
 * Outputs  A remembered verdict or CACHE_MISS. Never a password or a name: an entry is keyed
 *          digests and times, and the keys die with the process.
 * Errors   Only cache_new() can fail. A full set forgets its entry that was seen least lately.
 * Memory   Reserved at start, touched as it fills, never more: 48 bytes an entry and 64 for
 *          every set of 14; a sixteenth more for rejections: 56 together. Left out of core dumps.
 * Threads  Any function from any thread, except cache_free(). cache_find() and cache_knows()
 *          write nothing, take no lock and wait for nobody: a set whose writer the scheduler
 *          has put to sleep is a miss. Writers lock one set for a few hundred nanoseconds.
 * Pauses   None: whatever is done, a lock is held for at most 3 looks at each of one set's 14
 *          entries. Nothing expires by a walk, and cache_flush_all() writes one number;
 *          cache_flush_domain() and cache_stats_get() walk, a set at a time, and stop nobody.
 * Time     Milliseconds of a monotonic clock. Should it be turned back all the same, what was
 *          written in its future is forgotten, not kept until that comes again.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "common/error.h"
#include "common/span.h"

#include <stdint.h>

struct cache;                   /* opaque: only cache/ sees inside */

struct cache_config {
    size_t entries;             /* acceptances; rounded up; 0: no cache */
    int64_t ttl_ms;             /* the longest life of an acceptance; at most 30 days */
    int64_t revalidate_ms;      /* how long an acceptance is believed without a lookup */
    int64_t negative_ttl_ms;    /* how long a rejection is; 0: not at all */
    int64_t grace_ms;           /* past `revalidate`, while the source is unavailable; 0: none */
};

void cache_config_default(struct cache_config *config);

/* Copies `config`. The caller gives the result to cache_free(). ERROR_UNAVAILABLE, with *err
 * set and *out NULL, when there is no memory. */
enum error_code cache_new(const struct cache_config *config, struct cache **out,
                          struct error *err);
void cache_free(struct cache *cache);   /* wipes keys and entries; NULL is fine */

/* Takes effect at once for times; `entries` stays as it was at cache_new(). A longer ttl forgets all if
 * any entry had an end of its own. */
void cache_reconfigure(struct cache *cache, const struct cache_config *config);

/* Every input that could change a verdict. Borrowed. */
struct cache_question {
    span account;               /* the canonical name */
    span service;               /* the mapped one */
    span scope;                 /* what settings and sources judge it: a digest of them */
    span network;               /* the remote's address; empty when unknown */
    span password;              /* as presented */
};

/* The question in digests. A value: holds no secret and needs no wiping. `epoch` changes with
 * every flush that concerns the account: an answer found before one is never kept after it. */
struct cache_key {
    uint64_t account;           /* the name alone: entries of one account share a set */
    uint64_t anywhere;          /* the whole question but for network and password */
    uint64_t here;              /* that and the network */
    uint64_t password[2];
    uint32_t domain;
    uint32_t epoch;
};

void cache_key_make(const struct cache *cache, const struct cache_question *question,
                    struct cache_key *out);

/* Asks the processor for the set that cache_find() will read. */
void cache_prefetch(const struct cache *cache, const struct cache_key *key);

/* What a row looked like: a keyed digest of its stored password and policy columns. 64 bits: who cannot
 * see the key cannot look for two rows with the same. */
struct cache_fingerprint { uint64_t word; };

/* Keyed digest of `bytes`; the caller frames its fields so that they cannot run together. */
void cache_fingerprint_make(const struct cache *cache, span bytes,
                            struct cache_fingerprint *out);

enum cache_answer {
    CACHE_MISS,
    CACHE_ACCEPTED,             /* believe it */
    CACHE_STALE,                /* was accepted; believe it if the row's fingerprint is the same,
                                 * or in grace while the source is unavailable */
    CACHE_REJECTED              /* this very password was; `reason` says why */
};

struct cache_hit {
    struct cache_fingerprint fingerprint;       /* ACCEPTED, STALE */
    int64_t verified_at_ms;                     /* when the password was really verified; before
                                                 * that, if the entry has an end of its own */
    int64_t dies_at_ms;                         /* ACCEPTED, STALE: from then on it is a miss */
    int64_t seen_at_ms;                         /* when the row was last seen */
    int64_t grace_ends_ms;                      /* STALE: until then it answers for a source that is
                                                 * unavailable; 0: no more */
    unsigned reason;                            /* REJECTED: as given to cache_reject() */
};

/* Borrows `key`. *hit is filled unless it is a miss. */
enum cache_answer cache_find(struct cache *cache, const struct cache_key *key, int64_t now_ms,
                             struct cache_hit *hit);

/* Whether any acceptance of the account lives, whatever the password or service. */
bool cache_knows(struct cache *cache, const struct cache_key *key, int64_t now_ms);

enum cache_reach { CACHE_ANYWHERE, CACHE_THIS_NETWORK };

/* Remembers that the password was verified against the row with that fingerprint, which was
 * read at `seen_at_ms` or after. Replaces the account's entry for that service (and network),
 * and those that rest on another row; forgets a rejection of that password. Nothing, when a
 * flush came since the key was made, or another row was seen later. */
void cache_accept(struct cache *cache, const struct cache_key *key,
                  const struct cache_fingerprint *fingerprint, enum cache_reach reach,
                  int64_t seen_at_ms);

/* The same for an account that expires: from `until_ms` on the entry is dead, whatever ttl and grace
 * are. What has ended at `seen_at_ms` is not remembered. */
void cache_accept_until(struct cache *cache, const struct cache_key *key,
                        const struct cache_fingerprint *fingerprint, enum cache_reach reach,
                        int64_t seen_at_ms, int64_t until_ms);

/* The row was read again at `seen_at_ms` and is the same: the entry is fresh. Never extends ttl. */
void cache_refresh(struct cache *cache, const struct cache_key *key,
                   const struct cache_fingerprint *fingerprint, int64_t seen_at_ms);

/* The row was read and looks like that: an acceptance for this question's account and service
 * that rests on another row is forgotten, whatever its password. NULL: there is no such row. */
void cache_observe(struct cache *cache, const struct cache_key *key,
                   const struct cache_fingerprint *fingerprint);

/* Remembers that exactly this password was rejected. `reason` is below 256. */
void cache_reject(struct cache *cache, const struct cache_key *key, unsigned reason,
                  enum cache_reach reach, int64_t now_ms);

/* Forget; answers how many live acceptances and rejections that were. When it returns,
 * cache_find() no longer finds them, and no answer to an older key is kept. Domains may share a
 * tag: flushing one can cost another its entries, never its safety. */
size_t cache_flush_account(struct cache *cache, span account, int64_t now_ms);
size_t cache_flush_domain(struct cache *cache, span domain, int64_t now_ms);
void cache_flush_all(struct cache *cache);

struct cache_stats {
    size_t entries_max, negative_max;   /* room */
    size_t accepted, rejected;          /* what lives now; counted by walking the table */
    size_t bytes;                       /* memory of the table */
    uint64_t evictions;                 /* live acceptances pushed out by others */
    uint32_t flushes;
};
void cache_stats_get(struct cache *cache, int64_t now_ms, struct cache_stats *out);

#endif
