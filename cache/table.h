/* cache/table.h - a fixed table of entries that readers never lock
 *
 * Purpose  Keep entries in sets, one set for an account, so that everything known about an
 *          account is found, changed and forgotten in one place. Knows nothing of time or
 *          verdicts.
 * Memory   Mapped once, filled as it is used: a set is 736 bytes for 14 entries. Left
 *          out of core dumps; in huge pages where the system offers them.
 * Threads  Any function from any thread, except table_free(). A reader takes no lock, writes
 *          nothing and waits for nobody; a writer has one set to itself.
 */
#ifndef CACHE_TABLE_H
#define CACHE_TABLE_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 69 years either way of the clock's zero; a domain's tag is what that leaves of a word. */
#define TABLE_TIME_BITS 42
#define TABLE_DOMAIN_BITS (64 - TABLE_TIME_BITS)
#define TABLE_TIME_MAX_MS ((INT64_C(1) << (TABLE_TIME_BITS - 1)) - 1)

/* A remembered verdict, as a value: 48 bytes. */
struct entry {
    uint64_t question;          /* inside.h; its lower half is the tag of account, service and
                                 * scope, whatever the network */
    uint64_t password[2];
    uint64_t fingerprint;       /* of the row; of a rejection, its reason */
    uint64_t stamp;             /* when it was verified or rejected, and the domain's tag */
    uint32_t seen_after_ms;     /* how long after that the row was last seen: 49 days fit */
    uint32_t generation;        /* of flushes of everything */
};

/* `at_ms` is within TABLE_TIME_MAX_MS of 0, `domain` has no more than its bits. */
static inline uint64_t
entry_stamp(int64_t at_ms, uint32_t domain)
{
    return (uint64_t)at_ms << TABLE_DOMAIN_BITS | domain;
}

/* The sign comes along: that is how gcc and clang shift. */
static inline int64_t
entry_verified_at_ms(const struct entry *entry)
{
    return (int64_t)entry->stamp >> TABLE_DOMAIN_BITS;
}

static inline uint32_t
entry_domain(const struct entry *entry)
{
    return (uint32_t)entry->stamp & ((UINT32_C(1) << TABLE_DOMAIN_BITS) - 1);
}

/* Per set: as many as have their tags in one cache line. More would make forgetting an account
 * dearer, fewer would push out entries while other sets have room. */
#define TABLE_WAYS 14

struct table;
struct table_set;

/* At least `entries` and at least one set. ERROR_UNAVAILABLE, *out NULL: no memory. The
 * caller gives it to table_free(). */
enum error_code table_new(size_t entries, struct table **out, struct error *err);
void table_free(struct table *table);           /* NULL is fine */

size_t table_sets(const struct table *table);
size_t table_bytes(const struct table *table);

/* How many account flushes came in the set of `account`; grows, and may grow without one. */
uint32_t table_flushes(const struct table *table, uint64_t account);

void table_prefetch(const struct table *table, uint64_t account);

/* Copies the account's entries as they were at one moment; *count_out is how many. False, and
 * none, when the set's writer does not end: the scheduler may have put it to sleep. */
bool table_read(const struct table *table, uint64_t account, struct entry out[TABLE_WAYS],
                size_t *count_out);

/* The same of all entries of the set at `index`. */
bool table_read_set(const struct table *table, size_t index, struct entry out[TABLE_WAYS],
                    size_t *count_out);

/* --- for a writer --- */

/* The set of `account`, or at `index`, for this thread alone until it is unlocked. */
struct table_set *table_lock(struct table *table, uint64_t account);
struct table_set *table_lock_set(struct table *table, size_t index);
void table_unlock(struct table_set *set);
void table_unlock_flushed(struct table_set *set);       /* and table_flushes() has grown */

enum table_way { WAY_EMPTY, WAY_OF_OTHERS, WAY_OF_ACCOUNT };

/* What is in one of the set's ways; *out is filled unless it is empty. */
enum table_way table_way_get(const struct table_set *set, size_t way, uint64_t account,
                             struct entry *out);
void table_way_put(struct table_set *set, size_t way, uint64_t account,
                   const struct entry *entry);
void table_way_update(struct table_set *set, size_t way, const struct entry *entry);
void table_way_wipe(struct table_set *set, size_t way);

#endif
