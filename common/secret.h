/* common/secret.h - a password, or what is stored of one, while we hold it
 *
 * Purpose  Give secrets a type of their own: fixed size, so that no realloc leaves
 *          a copy behind; never formatted, so never logged; wiped on every path.
 * Errors   What does not fit is refused whole, never cut.
 * Threads  A secret belongs to one thread at a time.
 */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include "common/span.h"

/* Bytes. Stored passwords are bounded at 4096 characters; presented ones by
 * configuration, at most this. */
#define SECRET_MAX 4096

struct secret { size_t len; unsigned char bytes[SECRET_MAX]; };

/* Copies, and wipes what else was held; `from` may be a part of it. False, and empty, when `from`
 * does not fit: never cut. */
bool secret_set(struct secret *secret, span from);

/* Wipes what was held, its length too. A secret that was never set holds nothing. */
void secret_wipe(struct secret *secret);

/* Borrows; good until the secret is set or wiped. */
span secret_get(const struct secret *secret);

/* Takes the same time whichever byte differs. Lengths are not a secret. */
bool secret_equal(span a, span b);

#endif
