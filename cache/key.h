/* cache/key.h - questions as keyed digests
 *
 * Purpose  Turn names and passwords into numbers that mean nothing outside this process, so
 *          that none of them has to be kept.
 * Threads  Any function from any thread, except key_ring_free(): a ring never changes.
 */
#ifndef CACHE_KEY_H
#define CACHE_KEY_H

#include "cache/cache.h"

/* The random keys of one cache: locked in memory, read-only, left out of core dumps. */
struct key_ring;

/* NULL: no memory, or no random numbers. The caller gives it to key_ring_free(). */
struct key_ring *key_ring_new(void);
void key_ring_free(struct key_ring *ring);      /* wipes; NULL is fine */

struct digest { uint64_t word[2]; };

struct digest key_account(const struct key_ring *ring, span account);
uint32_t key_domain(const struct key_ring *ring, span domain);
struct digest key_fingerprint(const struct key_ring *ring, span bytes);

/* The digests of `question`, whose account's digest is `account`; leaves out->epoch alone. */
void key_question(const struct key_ring *ring, const struct digest *account,
                  const struct cache_question *question, struct cache_key *out);

#endif
