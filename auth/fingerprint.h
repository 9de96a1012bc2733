/* auth/fingerprint.h - by which a row is known again
 *
 * Purpose  Whether anything in a row, or in its further passwords, that could change a verdict is other than
 *          when the password was verified. The cache keeps this, and not what it is made of.
 * Threads  Any function from any thread.
 */
#ifndef AUTH_FINGERPRINT_H
#define AUTH_FINGERPRINT_H

#include "account/account.h"
#include "cache/cache.h"

/* Digests with the cache's own key. */
void fingerprint_make(struct cache *cache, const struct account *account,
                      const struct account_secret *secrets, struct cache_fingerprint *out);

#endif
