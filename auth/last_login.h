/* auth/last_login.h - which sign-ins are worth a note
 *
 * Purpose  A client that signs in every second is noted once in `last_login_every`, and finding out
 *          that it was costs one read of memory: of a table of when which question (account, service,
 *          address: a cache key's `here`) was noted last. Two that share a place may be noted more
 *          often; none is ever noted less often, but for two that come in the same instant.
 * Memory   Nothing when no source notes last logins.
 * Threads  Any function from any thread, but last_logins_set() and last_logins_close().
 */
#ifndef AUTH_LAST_LOGIN_H
#define AUTH_LAST_LOGIN_H

#include "cache/cache.h"

#include <stdatomic.h>

struct last_logins {
    _Atomic uint64_t *noted;            /* tag in the upper half, seconds of the clock in the lower */
    int64_t every_s;
};

/* `every_ms` 0: none is ever due. False when there is no memory. */
bool last_logins_set(struct last_logins *logins, int64_t every_ms);
void last_logins_close(struct last_logins *logins);

/* True once, until `every_ms` later. */
bool last_logins_due(struct last_logins *logins, const struct cache_key *key, int64_t now_ms);

#endif
